"""GLSL of a program, written for people: `to_glsl`.

A shader is the program's text as a comment, the helper functions that it uses, and one block for each layer. Many
layers in a row that differ in numbers alone become a loop over a table, so that a large program stays short and
compiles quickly. Numbers are constants, or uniforms with readable names (`live`).
"""

from __future__ import annotations

from shaderdsl.glsl_layers import Layers
from shaderdsl.glsl_writer import Block, DrawnProgram, Target
from shaderdsl.scene import SolidScene


def to_glsl(
    program: DrawnProgram, target: Target = "330", live: bool = False, *, antialias: bool = True
) -> str:
    """The program as a fragment shader.

    target: "330" (desktop) and "es300" (WebGL2) write premultiplied RGBA to `out vec4 color` and read
        `uniform vec2 resolution` (pixels); "shadertoy" has `mainImage`, and is opaque (over white where the
        program's background is none).
    live: numbers are uniforms, `uniform vec4 params[N]`, or `uniform sampler2D params_texture` (RGBA32F, N by 1)
        above 200 vectors, filled with `program.params` in order; a `#define` names each. Shadertoy has no uniforms of
        ours: there the names are constants.
    A program's time is a uniform besides, `uniform float time` (seconds) where numbers are constants, in Shadertoy `iTime`.
    antialias: in space, False takes one sample a pixel instead, for a shader that is much shorter and quicker.

    Raises ValueError for another target, and where a program of the plane is asked to leave antialiasing out.
    """
    if target not in ("330", "es300", "shadertoy"):
        raise ValueError(f'There is no target {target!r}: choose "330", "es300" or "shadertoy".')
    if isinstance(program.scene, SolidScene):
        from shaderdsl import solid_glsl

        return solid_glsl.to_glsl(program, target, live, antialias)
    if not antialias:
        raise ValueError("Antialiasing can be left out in space alone: in the plane it costs next to nothing.")
    return _Shader(program, target, live).text()


class _Shader(Layers):
    """The whole text around the layers."""

    def text(self) -> str:
        layers = self.layers()
        block = Block(self)
        colour = self.scene.background
        note: list[str] = []
        if colour is not None:
            start = f"vec4({', '.join(block.numbers(colour))}, 1.0)"
        elif self.target == "shadertoy":
            start, note = "vec4(1.0)", ["// The program has no background: Shadertoy shows it over white."]
        else:
            start = "vec4(0.0)"
        self.points.derived_statements(block)
        if self.target == "shadertoy":
            head = "void mainImage(out vec4 fragColor, in vec2 fragCoord)"
            place, size, kind = "fragCoord", "iResolution", "vec4 "
        else:
            head = "void main()"
            place, size, kind = "gl_FragCoord.xy", "resolution", ""
        body = [
            f"vec2 p = (2.0 * {place} - {size}.xy) / min({size}.x, {size}.y);",
            f"float pixel = 2.0 / min({size}.x, {size}.y);",
            *block.lines,
            *note,
            f"{kind}color = {start};",
            *layers,
        ]
        if self.target == "shadertoy":
            body.append("fragColor = vec4(color.rgb, 1.0);")
        main = "\n".join([head + " {", *("    " + line for line in body), "}"])
        code = "\n\n".join([*self.points.tables(), *self.tables, *self.used.values(), *self.function_texts, main])
        return self.head(code, self.reads_parameters or self.points.reads_parameters) + self.filled(code) + "\n"
