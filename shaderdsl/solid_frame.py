"""What every shader in space has, whatever its program: marching, outlines, creases and layers, as text.

It is `render.solid_numpy` ray by ray: the same constants and the same states. The scene's `map` and `surface` have one call
site each (a driver compiles what it inlines), which is why the four steps that sharpen a place stand in the march, and
why all that is looked at in a layer is looked at in turns of one loop.
"""

from __future__ import annotations

from shaderdsl.emit import GLSL
from shaderdsl.view import (
    FAR,
    LAYERS,
    LEAST_CELL,
    NARROWING,
    NEAR,
    OCCLUSION_REACH,
    OCCLUSION_TAPS,
    REACH,
    RELAXATION,
    ROOT_STEPS,
    SHADOW_STEP,
    SHADOW_STEPS,
    SHORTEST,
    STEEPEST,
    STEPS,
)

assert ROOT_STEPS == NARROWING, "the march sharpens a place and a least value in the same steps"


def _constant(kind: str, name: str, value: float, note: str) -> str:
    text = str(value) if kind == "int" else GLSL.number(value)
    return f"const {kind} {name} = {text};  // {note}"


def constants(lipschitz: float, antialias: bool) -> str:
    lines = [
        _constant("int", "STEPS", STEPS, "that a ray may take"),
        _constant("float", "FAR", FAR, "where rays end"),
        _constant("float", "SHORTEST", SHORTEST, "step, in pixels"),
        _constant("float", "LEAST_CELL", LEAST_CELL, "step, in scene units"),
        _constant("float", "NEAR", NEAR, "pixels from a surface that a ray passes near it, and sees behind it"),
        _constant("float", "SLOPE", lipschitz, "which the scene's distance never exceeds"),
        _constant("float", "RELAXATION", RELAXATION, "of a plane's step, that a ray tries"),
        _constant("float", "STEEPEST", STEEPEST, "that such a plane is, at most"),
        _constant("int", "REFINEMENTS", ROOT_STEPS, "steps that sharpen a place"),
    ]
    if antialias:
        lines += [
            _constant("int", "LAYERS", LAYERS, "surfaces that a ray may see one behind another"),
            _constant("float", "REACH", REACH, "pixels from an edge that its pixel's centre may be"),
            "const int OUTSIDE = 0, INSIDE = 1, LEAVING = 2, DONE = 3;  // of a ray",
            "const int FRONT = 0, BESIDE = 1, FALLING = 2, RISING = 3, LEAST = 4, SEEN = 5;  // what is looked at",
        ]
    return "\n".join(lines)


MEMBERS = {
    "colour": "linear", "finish": "metallic, roughness, emission", "bump": "how steeply a height upon it rises, where light sees one",
}  # fmt: skip
"""What may say what a surface is made of: vectors of it."""

Materials = tuple[str, ...]
"""Those of MEMBERS that differ in a scene: none, the first two, or all."""


def structure(antialias: bool, materials: Materials) -> str:
    """The surface that flows through booleans."""
    lines = ["float d;  // distance", "vec3 gradient;"]
    if antialias:
        lines.append("float thickness;")
    lines += [f"vec3 {name};  // {MEMBERS[name]}" for name in materials]
    if antialias:
        lines += ["float edge;  // how many pixels away the nearest crease is", "int crease;  // and its number"]
    return "struct Surface {\n" + "\n".join("    " + line for line in lines) + "\n};"


def initial(antialias: bool, materials: Materials) -> str:
    """A leaf's surface, from distance and gradient."""
    heads = ["vec4 d", *(["float thickness"] if antialias else []), *(f"vec3 {name}" for name in materials)]
    values = ["d.x", "d.yzw", *(["thickness"] if antialias else []), *materials, *(["1e9", "-1"] if antialias else [])]
    return f"Surface solid({', '.join(heads)}) {{\n    return Surface({', '.join(values)});\n}}"


def section(antialias: bool, materials: Materials) -> tuple[str, str]:
    """The surface of a shape of the plane that is made solid; and the same where its space is scaled."""
    heads = "".join(f", vec3 {name}" for name in materials)
    wide = ["scale * d.w"] if antialias else []
    values = ["vec4(scale * d.x, scale * (transpose(frame) * vec3(d.yz, 0.0)))", *wide, *materials]
    return (
        "// A shape of the plane, made solid.\n"
        f"Surface section(vec4 d, mat3 frame, float scale{heads}) {{\n    return solid({', '.join(values)});\n}}",
        "solid",
    )


CREASED = """Surface creased(Surface s, vec4 beside, int number) {
    float offset = creaseOffset(s, beside.x, beside.yzw);
    if (offset < s.edge) {
        s.edge = offset;
        s.crease = number;
    }
    return s;
}"""

BESIDED = """// A surface with the face beside it, which takes its place where `flip` is its number.
Surface besided(Surface s, vec4 beside, int number, int flip) {
    s = creased(s, beside, number);
    if (flip == number) {
        s.d = beside.x;
        s.gradient = beside.yzw;
    }
    return s;
}"""

TURNED = """// A solid's distance seen from outside: its gradient is turned back by the transposed Jacobian of its coordinates.
vec4 turned(vec4 d, mat3 frame, float scale) {
    return scale * vec4(d.x, transpose(frame) * d.yzw);
}"""
"""A vector times a matrix would be the same, and NVIDIA's compiler (580.159) fails on it where a mirrored solid is extruded (C9999)."""

STEPPED = """// The distance one step further than where it was looked at.
vec4 stepped(vec4 d, vec2 step_taken) {
    return vec4(d.x + dot(d.yz, step_taken), d.yzw);
}"""

GLOBALS = """// The camera and the picture's axes; this pixel's ray; the side of a pixel along it, size + growth * t.
vec3 cameraEye, cameraRight, cameraUp, cameraForward;
float cameraSpread;
vec3 rayOrigin, rayDirection;
float pixelSize, pixelGrowth;"""

PIXEL = """float pixelHere;  // at the surface that is looked at

struct Outline {
    float alpha;  // how much of the pixel is covered
    float t;
    float depth;  // 0 where the ray only touches, 1 where it dives so deep that nothing behind is seen
};"""

ACROSS = """// A vector across the surface, of any length, in coordinates with this Jacobian, from the distance's gradient.
vec3 across(mat3 frame, vec3 gradient) {
    mat3 rows = transpose(frame);
    return vec3(dot(cross(rows[1], rows[2]), gradient), dot(cross(rows[2], rows[0]), gradient), dot(cross(rows[0], rows[1]), gradient));
}"""

ONWARD = """// The step near surfaces: the greatest power of two up to x.
float powerOfTwo(float x) {
    return intBitsToFloat(floatBitsToInt(max(x, LEAST_CELL)) & 0x7F800000);
}

// Where a ray is sampled next that is `free` to go so far: near a surface at all multiples of `cell`, one after another.
float onward(float t, float free, float cell) {
    return max(floor((t + free) / cell), floor(t / cell) + 1.0) * cell;
}

// How many times as far as it is free a ray may try to go, from its last two distances `gone` apart, where it was outside.
float relaxed(float d, float d_before, float gone) {
    float slope = d_before > 0.0 && gone > 0.0 ? (d - d_before) / (SLOPE * gone) : -1.0;
    return max(2.0 * RELAXATION / (1.0 - min(slope, STEEPEST)), 1.0);
}"""

MARCH = """// Where the ray is: distances along it of this sample and the last two, and what the scene's distance was there.
float t = 0.0, before = 0.0, earlier = 0.0, d_before = -1e30, d_earlier = -1e30;
float safe = 0.0;  // how far along it nothing is, by the sample before
int state = OUTSIDE, steps = 0;

// Marches to the end of the next layer: where it is met, and both sides of its least value; -1 where there is none. What is met
// in the last one is opaque, and nothing is passed before it: it stands for all that is there.
void march(bool last, out float hit, out float low, out float high) {
    hit = low = high = -1.0;
    while (state != DONE && steps < STEPS) {
        float d = map(rayOrigin + t * rayDirection);
        float side = pixelSize + pixelGrowth * t;
        float near = NEAR * SLOPE * side, cell = powerOfTwo(SHORTEST * side);
        float free = abs(d) / SLOPE - NEAR * side - cell;
        if (steps++ == 0 && d <= 0.0) state = LEAVING;
        if (t > safe && t - free > safe) {
            // A long step went past what may be a surface.
            t = safe;
            continue;
        }
        bool met = state == OUTSIDE && d <= 0.0;
        bool rising = d > d_before && d_before <= d_earlier && d_before > -1e29;
        bool shallow = state == INSIDE && (rising || d > 0.0);
        bool least = shallow || (rising && state == OUTSIDE && !met && !last && d_before < near);
        bool deep = state == INSIDE && !least && d < -near;
        // Where solids touch, the distance rises to nothing between them; a ray that then dives deeper never came out.
        bool deeper = state == LEAVING && low >= 0.0 && d < -near;
        if (met || least) {
            // Between a and c lies the surface, or the least value; b is the lowest of three samples.
            float a = met ? before : max(earlier, before - cell), b = before, c = t;
            float d_a = d_before, d_b = d_before, d_c = d;
            bool root = met;
            for (int k = 0; k < 2 * REFINEMENTS; k++) {
                if (k == REFINEMENTS) {
                    if (least) low = a;
                    if (least) high = c;
                    if (met || state != OUTSIDE || d_b > 0.0) break;
                    // What was thought to be passed near is met between two samples.
                    root = true;
                    a = earlier;
                    d_a = d_earlier;
                    c = b;
                    d_c = d_b;
                }
                bool after = c - b > b - a;
                float place = b + 0.381966 * (after ? c - b : a - b);
                if (root) place = a + (c - a) * (d_a / (d_a - d_c));
                float e = map(rayOrigin + place * rayDirection);
                if (root) {
                    // Regula falsi (Illinois).
                    bool out_of = e > 0.0;
                    d_a = out_of ? e : 0.5 * d_a;
                    d_c = out_of ? 0.5 * d_c : e;
                    if (out_of) a = place; else c = place;
                } else {
                    // Golden section: the better of the two becomes the middle, the other one an end.
                    bool lower = e < d_b;
                    float end = lower ? b : place;
                    if (after == lower) a = end; else c = end;
                    if (lower) b = place;
                    if (lower) d_b = e;
                }
            }
            if (root) hit = a + (c - a) * (d_a / (d_a - d_c));
        }
        int next = state;
        if (met) next = INSIDE;
        if (shallow) next = LEAVING;
        if ((state == LEAVING || shallow) && d > 0.0) next = OUTSIDE;
        if (deep || deeper || (met && last) || t > FAR) next = DONE;
        if (deeper) low = high = -1.0;
        safe = onward(t, free, cell);
        float aim = next == OUTSIDE && free > 0.0 ? onward(t, free * relaxed(d, d_before, t - before), cell) : safe;
        // A ray that comes out again looks anew.
        d_earlier = state != OUTSIDE && next == OUTSIDE ? -1e30 : d_before;
        d_before = d;
        earlier = before;
        before = t;
        state = next;
        t = aim;
        if (low >= 0.0 && state != LEAVING) return;
    }
}"""

HARD_MARCH = """// Where the ray first meets a surface; -1 where it meets none.
float march() {
    float t = 0.0, before = 0.0, safe = 0.0, d_before = 0.0, hit = -1.0;
    bool outside = false;
    for (int k = 0; k < STEPS && min(t, safe) <= FAR; k++) {
        float d = map(rayOrigin + t * rayDirection);
        float side = pixelSize + pixelGrowth * t, cell = powerOfTwo(SHORTEST * side);
        float free = abs(d) / SLOPE - NEAR * side - cell;
        if (t > safe && t - free > safe) {
            // A long step went past what may be a surface.
            t = safe;
            continue;
        }
        if (outside && d <= 0.0) {
            // Regula falsi (Illinois).
            float a = before, c = t, d_a = d_before, d_c = d;
            for (int j = 0; j < REFINEMENTS; j++) {
                float place = a + (c - a) * (d_a / (d_a - d_c));
                float e = map(rayOrigin + place * rayDirection);
                bool out_of = e > 0.0;
                d_a = out_of ? e : 0.5 * d_a;
                d_c = out_of ? 0.5 * d_c : e;
                if (out_of) a = place; else c = place;
            }
            hit = a + (c - a) * (d_a / (d_a - d_c));
            break;
        }
        safe = onward(t, free, cell);
        float aim = d > 0.0 && free > 0.0 ? onward(t, free * relaxed(d, outside ? d_before : -1.0, t - before), cell) : safe;
        outside = d > 0.0;
        d_before = d;
        before = t;
        t = aim;
    }
    return hit;
}"""


def _seen(materials: Materials, colour: str, finish: str) -> str:
    """The arguments of `shade`: a surface's gradient, as light sees it, and what it is made of."""
    gradient = "bent(s.gradient, s.bump)" if "bump" in materials else "s.gradient"
    return ", ".join([gradient, *(("s.colour", "s.finish") if materials else (colour, finish))])


def render(materials: Materials, colour: str, finish: str, shadows: bool, aslant: bool) -> str:
    """Linear light, premultiplied, of the layers that this pixel's ray meets, and how much of it they cover."""
    shadows_at = ", hit < 0.0 ? low : hit" if shadows else ""
    looked = _looked("rayOrigin + place * rayDirection, flip", aslant, " " * 12)
    seen = _seen(materials, colour, finish)
    return f"""// The layers that the ray meets, front to back: linear light, and how much of the pixel they cover.
vec4 render() {{
    vec4 total = vec4(0.0);
    for (int layer = 0; layer < LAYERS && state != DONE && total.a < 1.0; layer++) {{
        float hit, low, high;
        march(layer == LAYERS - 1, hit, low, high);
        if (hit < 0.0 && low < 0.0) break;
        vec3 light = vec3(0.0), seen;
        bool passed = false;
        float alpha = 1.0, depth = 0.0, place = hit;
        int flip = -1, looking = hit < 0.0 ? FALLING : FRONT;
        Surface front, falling, rising;
        for (int turn = 0; turn < 7 && looking != SEEN; turn++) {{
            if (looking == FALLING) place = low;
            if (looking == RISING) place = high;
            pixelHere = pixelSize + pixelGrowth * place;
{looked}
            int next = low < 0.0 ? SEEN : FALLING;
            if (looking == FRONT || looking == BESIDE) {{
                vec3 shown = shade(place, {seen}{shadows_at});
                seen = looking == FRONT ? shown : mix(shown, seen, creaseShare(front, s));
                flip = -1;
                if (passed) next = SEEN;
                if (looking == FRONT && s.edge < REACH) {{
                    // A crease crosses the pixel: what is on its other side?
                    next = BESIDE;
                    flip = s.crease;
                    front = s;
                }} else {{
                    light = passed ? mix(seen, light, depth) : seen;
                }}
            }} else if (looking == FALLING) {{
                falling = s;
                next = RISING;
            }} else if (looking == RISING) {{
                rising = s;
                float down = dot(falling.gradient, rayDirection), rise = dot(s.gradient, rayDirection);
                place = low + (high - low) * clamp(down / min(down - rise, -1e-9), 0.0, 1.0);
                next = LEAST;
            }} else {{
                float down = abs(dot(falling.gradient, rayDirection)), rise = abs(dot(rising.gradient, rayDirection));
                vec3 bend = (rising.gradient - falling.gradient) / (high - low);
                Outline outline = smoothOutline(s, place, bend);
                if (abs(dot(s.gradient, rayDirection)) > 0.25 * min(down, rise)) {{
                    outline = kinkedOutline(falling, low, rising, high);
                }}
                alpha = outline.alpha;
                // What is passed near and not met is seen where the middle of what it covers is met.
                place = outline.t;
                depth = hit < 0.0 ? 0.0 : outline.depth;
                passed = depth < 1.0;
                next = passed ? FRONT : SEEN;
            }}
            looking = next;
        }}
        total += (1.0 - total.a) * alpha * vec4(light, 1.0);
    }}
    return total;
}}"""


def _looked(arguments: str, aslant: bool, indent: str) -> str:
    """What the scene is at a point: with textures that need to know how aslant it is seen, in two turns."""
    if not aslant:
        return f"{indent}Surface s = surface({arguments});"
    return (
        f"{indent}Surface s;\n{indent}for (int again = 0; again < 2; again++) {{\n{indent}    s = surface({arguments});\n"
        f"{indent}    slopeHere = s.gradient;\n{indent}}}"
    )


def hard_render(materials: Materials, colour: str, finish: str, shadows: bool, aslant: bool) -> str:
    shadows_at = ", hit" if shadows else ""
    looked = _looked("rayOrigin + hit * rayDirection", aslant, " " * 4)
    if aslant:
        looked = "    pixelHere = pixelSize + pixelGrowth * hit;\n" + looked
    seen = _seen(materials, colour, finish)
    return f"""// Linear light of what the ray meets first, and whether it meets anything.
vec4 render() {{
    float hit = march();
    if (hit < 0.0) return vec4(0.0);
{looked}
    return vec4(shade(hit, {seen}{shadows_at}), 1.0);
}}"""

SHADOW = f"""// How much of a light arrives, whose shadows are as soft as it is wide; they have no derivative.
float shadow(vec3 p, vec4 towards, float width, float side) {{
    float clear = 1.0, t = 2.0 * side;
    for (int k = 0; k < {SHADOW_STEPS}; k++) {{
        float d = map(p + t * towards.xyz);
        if (t < towards.w) clear = min(clear, (d + 0.5 * side) / (width * t + side));
        t += clamp(d, {GLSL.number(SHADOW_STEP[0])}, {GLSL.number(SHADOW_STEP[1])});
    }}
    clear = clamp(clear, 0.0, 1.0);
    return clear * clear * (3.0 - 2.0 * clear);
}}"""

OCCLUSION = f"""// How much of the light from all around arrives: less in corners.
float occlusion(vec3 p, float amount, float side) {{
    vec3 normal = vec3(0.0);
    float hidden = 0.0, part = 1.0;
    for (int k = 0; k < {4 + OCCLUSION_TAPS}; k++) {{
        vec3 corner = k == 0 ? vec3(1, -1, -1) : k == 1 ? vec3(-1, -1, 1) : k == 2 ? vec3(-1, 1, -1) : vec3(1);
        float away = float(k - 3) * {GLSL.number(OCCLUSION_REACH)};
        float d = map(k < 4 ? p + 0.5 * side * corner : p + away * normal);
        if (k < 4) {{
            normal += d * corner;
            if (k == 3) normal /= max(length(normal), 1e-9);
        }} else {{
            part *= 0.5;
            hidden += clamp(1.0 - d / away, 0.0, 1.0) * part;
        }}
    }}
    return clamp(1.0 - amount * hidden, 0.0, 1.0);
}}"""
