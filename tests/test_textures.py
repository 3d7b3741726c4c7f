"""Textures: hashes that are equal to the last bit everywhere, loops and their derivatives, and what patterns look like."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import render
from benchmarks.agreement import Agreement, batched, drawn, gl_against_taichi, reference, taichi_against_numpy
from render import gl_backend, numpy_backend, taichi_device
from render.numpy_backend import compiled
from render.tapes import tape_of
from shaderdsl import DslError, dual, emit, noise, parse, solid_dual, to_glsl
from shaderdsl.expression import EVALUATORS, Expr, Graph, absolute, least, sine, total
from shaderdsl.registry import PIECES, Operation, Point3, bind, functions, operations, scalar_names

Places = npt.NDArray[np.float64]
TEXTURES = [o for o in operations().values() if o.category == "paint" and o.dimension == 0 and o.parameters]
needs_gl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")


def named(operation: Operation) -> str:
    return operation.name


# -- the hash --------------------------------------------------------------------------------------------------


def whole_numbers(count: int = 4096) -> npt.NDArray[np.float32]:
    """(4, count): small and large, negative ones too, and a walk along each axis."""
    rng = np.random.default_rng(1)
    numbers = rng.integers(-(1 << 20), 1 << 20, (4, count))
    numbers[:, : count // 2] = rng.integers(-40, 40, (4, count // 2))
    for axis in range(4):
        numbers[axis, axis * 100 : axis * 100 + 100] = np.arange(-50, 50)
    return numbers.astype(np.float32)


def hashes() -> npt.NDArray[np.float64]:
    return np.array([EVALUATORS["hash"](*column) for column in whole_numbers().T.tolist()])


def test_hashes_are_equal_in_numpy() -> None:
    space: dict[str, object] = {"np": np}
    exec(emit.NUMPY_HASH, space)
    np.testing.assert_array_equal(space["hashed"](*whole_numbers()), hashes())  # type: ignore[operator]


def test_hashes_are_equal_in_taichi(tmp_path: Path) -> None:
    taichi_device.device()
    arrays = ", ".join(f"{n}: ti.types.ndarray(dtype=ti.f32, ndim=1)" for n in ("x", "y", "z", "seed", "found"))
    text = f"import taichi as ti\n{emit.TAICHI_HASH}\n@ti.kernel\ndef run({arrays}):\n"
    text += "    for i in range(x.shape[0]):\n        found[i] = hashed(x[i], y[i], z[i], seed[i])\n"
    (tmp_path / "hash_kernel.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("hash_kernel", tmp_path / "hash_kernel.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = np.empty(whole_numbers().shape[1], np.float32)
    module.run(*np.ascontiguousarray(whole_numbers()), found)
    np.testing.assert_array_equal(found, hashes())


@needs_gl
def test_hashes_are_equal_in_gl() -> None:
    text = f"#version 330\nuniform vec4 params[128];\nout vec4 color;\n{emit.GLSL_HASH}\n"
    text += "void main() { vec4 n = params[int(gl_FragCoord.x)]; color = vec4(hash(n.x, n.y, n.z, n.w)); }\n"
    for start in range(0, 4096, 128):
        some = whole_numbers()[:, start : start + 128]
        np.testing.assert_array_equal(gl_backend.draw(text, (128, 1), some.T)[0, :, 0], hashes()[start : start + 128])


def test_hashes_are_evenly_spread_and_neighbours_do_not_know_of_each_other() -> None:
    lattice = np.array([[EVALUATORS["hash"](x, y, 0.0, 7.0) for x in range(-64, 64)] for y in range(-64, 64)])
    counts, _ = np.histogram(lattice, 64, (0.0, 1.0))
    assert ((counts - 256.0) ** 2 / 256.0).sum() < 110.0  # chi squared with 63 degrees of freedom: 1 in 5,000
    for moved in (np.roll(lattice, 1, 0), np.roll(lattice, 1, 1), np.roll(lattice, (1, 1), (0, 1))):
        assert abs(np.corrcoef(lattice.ravel(), moved.ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("argument", range(4))
def test_any_bit_of_an_argument_turns_half_of_the_bits(argument: int) -> None:
    rng = np.random.default_rng(2)
    turned = np.zeros(24)
    for _ in range(300):
        numbers = [int(n) for n in rng.integers(-1000, 1000, 4)]
        before = int(EVALUATORS["hash"](*numbers) * 2**24)
        numbers[argument] ^= 1 << int(rng.integers(12))
        after = int(EVALUATORS["hash"](*numbers) * 2**24)
        turned += [(before ^ after) >> bit & 1 for bit in range(24)]
    assert np.abs(turned / 300.0 - 0.5).max() < 0.13


# -- loops -----------------------------------------------------------------------------------------------------


def run(graph: Graph, outputs: list[Expr], **inputs: float) -> list[float]:
    """The value of expressions, which the printed NumPy text has too."""
    expected = graph.evaluate(outputs, dict(inputs))
    lines, results = emit.print_graph(graph, outputs, {name: name for name in inputs}, emit.NUMPY)
    space: dict[str, object] = {"np": np, **inputs}
    exec("\n".join([emit.NUMPY_HASH, *lines, f"found = [{', '.join(results)}]"]), space)
    np.testing.assert_allclose(np.array(space["found"], float), expected, rtol=1e-12, atol=1e-300)
    return expected


def test_a_sum_is_a_loop_whose_derivative_is_another() -> None:
    graph = Graph()
    x, y, count = (graph.input(name) for name in ("x", "y", "count"))
    value, plain = total(count, lambda k, x, y: (sine((k + 1.0) * x) * y, k), x, y)
    slopes = graph.adjoints({value.index: 1.0}, [x, y])
    (second,) = graph.tangents([slopes[0]], {x.index: 1.0, y.index: 0.0, count.index: 0.0})
    found = run(graph, [value, plain, *slopes, second], x=0.3, y=2.0, count=4.0)
    k = np.arange(1.0, 5.0)
    parts = [2 * np.sin(0.3 * k), k - 1, 2 * k * np.cos(0.3 * k), np.sin(0.3 * k), -2 * k * k * np.sin(0.3 * k)]
    np.testing.assert_allclose(found, [part.sum() for part in parts], rtol=1e-12)
    assert run(graph, [value, plain], x=0.3, y=2.0, count=0.0) == [0.0, 0.0]


def test_a_sum_and_its_derivatives_are_one_loop() -> None:
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    (value,) = total(5.0, lambda k, x, y: (sine(k * x) * y,), x, y)
    outputs = [value, *graph.adjoints({value.index: 1.0}, [x, y])]
    for dialect, head in ((emit.NUMPY, "for "), (emit.TAICHI, "for "), (emit.GLSL, "for (")):
        lines, _ = emit.print_graph(graph, outputs, {"x": "x", "y": "y"}, dialect)
        assert sum(line.startswith(head) for line in lines) == 1


def test_the_least_is_the_first_of_several_and_has_no_derivative() -> None:
    graph = Graph()
    x, count = graph.input("x"), graph.input("count")
    index = least(count, lambda k, x: absolute(k - x), x)
    assert run(graph, [index], x=3.2, count=9.0) == [3.0]
    assert run(graph, [index], x=1.5, count=9.0) == [1.0]
    assert run(graph, [index], x=3.2, count=0.0) == [0.0]
    assert [e.constant for e in graph.adjoints({index.index: 1.0}, [x])] == [0.0]


def test_a_loop_does_not_see_what_it_is_not_given() -> None:
    graph = Graph()
    x = graph.input("x")
    with pytest.raises(ValueError, match="another graph"):
        total(3.0, lambda k, y: (k * x + y,), graph.input("y"))


def test_loops_that_take_no_turn_or_are_constant_vanish() -> None:
    graph = Graph()
    x = graph.input("x")
    assert total(0.0, lambda k, x: (x,), x)[0].constant == 0.0
    assert total(3.0, lambda k, two: (k * two,), graph.constant(2.0))[0].constant == 6.0


# -- noise -----------------------------------------------------------------------------------------------------


def noise_values(piece: object, x: object, y: object, z: object, seed: float = 3.0) -> npt.NDArray[np.float64]:
    """A noise at points of space, in float64."""
    graph = Graph()
    names = ("x", "y", "z", "seed")
    value = piece(*(graph.input(name) for name in names))  # type: ignore[operator]
    lines, results = emit.print_graph(graph, [value], {name: name for name in names}, emit.NUMPY)
    space: dict[str, object] = {"np": np, "x": x, "y": y, "z": z, "seed": seed}
    exec("\n".join([emit.NUMPY_HASH, *lines, f"found = {results[0]}"]), space)
    return np.asarray(space["found"], float)


NOISES = [noise.value_noise, noise.gradient_noise, noise.simplex_noise]


@pytest.mark.parametrize("piece", NOISES, ids=lambda p: p.__name__)
def test_noise_fills_its_range_and_is_continuous(piece: object) -> None:
    points = np.random.default_rng(4).uniform(-30.0, 30.0, (3, 40_000))
    values = noise_values(piece, *points)
    low = 0.0 if piece is noise.value_noise else -1.0
    assert low - 0.5 < values.min() < low + 0.25 and 0.75 < values.max() < 1.5
    assert abs(values.mean() - 0.5 * (low + 1.0)) < 0.02
    # Across the sides of cells, and anywhere.
    points[0, :20_000] = np.round(points[0, :20_000])
    step = noise_values(piece, points[0] + 1e-7, *points[1:]) - noise_values(piece, points[0] - 1e-7, *points[1:])
    assert np.abs(step).max() < 5e-6


@pytest.mark.parametrize("piece", NOISES, ids=lambda p: p.__name__)
def test_the_noise_of_the_plane_is_a_slice_of_that_of_space(piece: object) -> None:
    graph = Graph()
    flat = piece(graph.input("x"), graph.input("y"), graph.constant(0.0), graph.constant(3.0))  # type: ignore[operator]
    for x, y in ((0.3, -7.4), (12.5, 0.1), (-3.2, -0.7)):
        assert graph.evaluate([flat], {"x": x, "y": y}) == pytest.approx([float(noise_values(piece, x, y, 0.0))], abs=1e-12)


# -- textures --------------------------------------------------------------------------------------------------


def position(operation: Operation, dimension: int, values: dict[object, float]) -> float:
    """A texture's mean place on its ramp, of the plane or of space; `values` has x, y, z and what is not at its default."""
    graph = Graph()
    z = graph.constant(0.0) if dimension == 2 else graph.input("z")
    scalars = {name: graph.input(name) for name in scalar_names(operation)}
    known: dict[object, float] = {"wide": 0.01}
    for parameter in operation.parameters:
        default = parameter.default
        known[parameter.name] = 0.0 if isinstance(default, str) else default  # type: ignore[assignment]
    wide = graph.input("wide")
    footprint = Point3(wide, wide, graph.constant(0.0))
    found = operation.body(Point3(graph.input("x"), graph.input("y"), z), footprint=footprint, **bind(operation, scalars))
    return graph.evaluate([found.mean], {**known, **values})[0]


@pytest.mark.parametrize("operation", TEXTURES, ids=named)
def test_a_texture_of_the_plane_is_a_slice_of_that_of_space(operation: Operation) -> None:
    if operation.name == "cellular":
        pytest.skip("its points lie off the slice")
    for x, y in ((0.31, -0.74), (-0.52, 0.17), (0.9, 0.83)):
        flat, deep = (position(operation, dimension, {"x": x, "y": y, "z": 0.0}) for dimension in (2, 3))
        assert flat == pytest.approx(deep, abs=1e-9)


@pytest.mark.parametrize("operation", TEXTURES, ids=named)
def test_a_texture_of_space_varies_along_z(operation: Operation) -> None:
    places = [{"x": 0.31, "y": -0.74, "z": 0.11 * k, "warp": 0.3} for k in range(20)]
    found = [position(operation, 3, values) for values in places]
    assert np.ptp(found) > 0.05 and -0.5 < min(found) and max(found) < 1.7


PATTERNS = {"checker", "stripes", "brick", "tiles"}


def shown(operation: Operation, measure: int, points: Places, widths: Places) -> Places:
    """What pixels at points (2 or 3, n) show of t², a curve as that of light is: widths (2 or 3, n)."""
    known = {p.name: p.default for p in operation.parameters if p.kind != "choice"}
    own = [measure if name == "measure" else known[name] for name in scalar_names(operation)]
    rule = dual.paint_rule(operation) if len(points) == 2 else solid_dual.paint_rule(operation)
    normal = [0.0 * points] if len(points) == 3 else []
    first, second, share = compiled(rule)[0](*points, *(axis for part in normal for axis in part), *widths, *own)
    return np.asarray((1.0 - share) * first * first + share * second * second)


@pytest.mark.parametrize("operation", TEXTURES, ids=named)
@pytest.mark.parametrize("dimension", [2, 3])
def test_a_pixel_shows_the_mean_of_what_is_in_it(operation: Operation, dimension: int) -> None:
    """At a few widths of a pixel, in units of the scale: nearer to the mean of 144 samples than one sample is, and on the whole as
    bright."""
    rng = np.random.default_rng(5)
    scale = next(p.default for p in operation.parameters if p.name == "scale")
    assert isinstance(scale, float)
    count, samples = 600, (np.arange(12) + 0.5) / 12 - 0.5
    for measure in range(3 if operation.name == "cellular" else 1):
        for width in (0.2, 0.4, 0.8):
            centres = rng.uniform(-30.0, 30.0, (dimension, count)) * scale
            axes = np.linalg.qr(rng.normal(size=(count, dimension, dimension)))[0] if dimension == 3 else np.eye(2)[None].repeat(count, 0)
            across = axes[:, :, :2].transpose(1, 0, 2) * width * scale
            steps = [step.ravel() for step in np.meshgrid(samples, samples)]
            points = centres[:, :, None] + sum(across[:, :, k, None] * steps[k] for k in (0, 1))
            fine = np.full((dimension, points[0].size), 1e-6)
            truth = shown(operation, measure, points.reshape(dimension, -1), fine).reshape(count, -1).mean(1)
            ours = shown(operation, measure, centres, np.sqrt((across * across).sum(2))) - truth
            hard = shown(operation, measure, centres, fine[:, :count]) - truth
            ratio = np.sqrt(np.mean(ours * ours) / np.mean(hard * hard))
            assert ratio < (0.4 if operation.name in PATTERNS else 0.6 if measure == 2 else 0.88), f"{measure} {width}: {ratio}"
            assert abs(ours.mean()) < 0.04, f"{measure} {width}: {ours.mean()}"


def test_light_is_averaged_where_a_pattern_is_finer_than_a_pixel() -> None:
    """As bright as a plain wall of half the light, #bcbcbc, and not as one of the colour between, #808080."""
    start = "scene 3d(tone = none)\ncamera((0, 0, 3))\nlight((0, 0, 1), intensity = 0.2)\nbox(2, 2, 0.1).paint("
    fine, plain = (render.image(parse(f"{start}{paint})"), 8, "numpy") for paint in ("checker(#000, #fff, scale = 0.001)", "#bcbcbc"))
    np.testing.assert_allclose(fine, plain, atol=1.5 / 255)


def test_a_pixel_is_as_wide_on_a_surface_as_that_is_aslant() -> None:
    """A floor seen from a height of `sine`: a pixel is longer away from the eye, but no wider."""
    sine = 0.3
    direction = [np.sqrt(1.0 - sine * sine), -sine, 0.0]
    found = compiled(solid_dual.footprint_rule())[0](*np.eye(3).ravel(), 0.0, 1.0, 0.0, *direction, 0.01)
    assert found == pytest.approx([0.01 / sine, 0.0, 0.01], abs=1e-6)


def test_another_seed_is_another_texture() -> None:
    for operation in TEXTURES:
        if "seed" in scalar_names(operation):
            leading = f"box(1, 1).fill({operation.function}(#000000, #ffffff, "
            first, again, other = (render.image(parse(f"{leading}seed = {s}))"), 24, "numpy") for s in (1, 1, 2))
            np.testing.assert_array_equal(first, again)
            assert np.abs(first - other).max() > 0.1


WARPED = [o for o in TEXTURES if any(p.name == "warp" for p in o.parameters)]


def variants() -> list[str]:
    """Each texture with all of its parameters given, and with each word of its choices, moved and scaled."""
    texts = []
    for operation in TEXTURES:
        given = []
        for parameter in operation.parameters:
            middle = 0.6 * parameter.low + 0.4 * parameter.high
            if parameter.kind == "count":
                given.append(f"{parameter.name} = {min(int(middle), 77)}")
            elif parameter.kind != "choice":
                given.append(f"{parameter.name} = {middle:.3g}")
        words = [f", {p.name} = {w}" for p in operation.parameters for w in p.choices] or [""]
        texts += [
            f"circle(0.9).fill({operation.function}(#1d3557, #e63946, #f1faee, {', '.join(given)}{word}))"
            ".rotate(17).scale(1.1, 0.8).move(0.06, -0.11)" for word in words
        ]  # fmt: skip
    return texts


def test_textures_with_all_their_parameters_agree() -> None:
    programs = [parse(text) for text in variants()]
    taichi_against_numpy(programs, (64, 64)).check()
    if gl_backend.available():
        gl_against_taichi(programs, (64, 64)).check()


@pytest.mark.parametrize("text", variants(), ids=lambda t: t.split("(")[2].split(".")[-1] + t.rsplit("= ", 1)[1].split(")")[0])
def test_derivatives_by_every_parameter_are_exact(text: str) -> None:
    from test_gradients import check_against_differences, check_batched

    program = parse(text)
    check_against_differences(program)
    check_batched(program)


@needs_gl
def test_live_textures_draw_the_same_picture() -> None:
    from render import gl_render

    for text in variants()[::3]:
        program = parse(text)
        result = Agreement("live parameters against constants")
        result.add(program, gl_render.picture(program, (48, 48), program.params), drawn(program, (48, 48)))
        result.check()


@pytest.mark.parametrize("name", ["checker", "stripes", "brick", "tiles"])
def test_patterns_smaller_than_a_pixel_become_their_mean(name: str) -> None:
    """No moire: what can not be resolved is grey."""
    small = parse(f"box(2, 2).fill({name}(#000000, #ffffff, scale = 0.004{', variation = 0' if name in ('brick', 'tiles') else ''}))")
    picture = reference(small, (32, 32))[..., 0]
    assert picture.std() < 0.02


def test_edges_of_patterns_cover_pixels_as_shapes_do() -> None:
    striped = reference(parse("scene 2d\nbox(2, 2).fill(stripes(#ffffff, #000000, scale = 4, share = 0.25))"), (41, 41))
    boxed = reference(parse("scene 2d\nbox(0.5, 2)"), (41, 41))
    np.testing.assert_allclose(striped, boxed, atol=1e-6)


def test_what_is_left_out_is_not_in_the_shader() -> None:
    plain = to_glsl(parse("circle(0.5).fill(perlin(#000, #fff, scale = 0.3))"))
    warped = to_glsl(parse("circle(0.5).fill(perlin(#000, #fff, scale = 0.3, warp = 0.2))"))
    assert "for (" in plain and "warp" not in plain.split("void main")[0].split("color;")[1]
    assert "float warp" in warped
    assert "float hash(" not in to_glsl(parse("circle(0.5).fill(checker(#000, #fff))"))


@pytest.mark.parametrize("target", ["330", "es300", "shadertoy"])
def test_noise_is_a_named_function_and_octaves_are_a_loop(target: str) -> None:
    short, long = (
        to_glsl(parse(f"circle(0.5).fill(fbm(#000, #fff, octaves = {n}))"), target=target) for n in (1, 8)  # type: ignore[arg-type]
    )
    assert short.replace("1.0, 2.0, 0.5", "8.0, 2.0, 0.5").count("\n") == long.count("\n")
    assert long.count("float gradientNoise(vec2 p, float seed) {") == 1


def test_every_piece_has_a_name_of_its_own() -> None:
    names = [p.__name__ for p in PIECES]
    assert len(names) == len(set(names))


def test_mix_gives_a_texture_its_colours() -> None:
    mixed = parse("circle(0.9).fill(mix(#112233, #ddeeff, fbm(seed = 3, octaves = 4)))")
    called = parse("circle(0.9).fill(fbm(#112233, #ddeeff, seed = 3, octaves = 4))")
    np.testing.assert_array_equal(reference(mixed, (24, 24)), reference(called, (24, 24)))
    assert [p.name for p in mixed.scene.layers[0].paint.operation.parameters] and parse(mixed.text) == mixed
    named = parse("let grain = perlin(scale = 0.2)\ndef stuff(t, dark = #000) = mix(dark, #fff, t)\ncircle(1).fill(stuff(grain))")
    plain = parse("circle(1).fill(perlin(#000, #fff, scale = 0.2))")
    np.testing.assert_array_equal(reference(named, (24, 24)), reference(plain, (24, 24)))


def test_paints_and_textures_are_placed_as_layers_are() -> None:
    one = parse("circle(0.9).fill(brick(#000, #fff).rotate(20).move(0.1, 0.2)).scale(0.9)")
    other = parse("circle(0.9).fill(mix(#000, #fff, brick().rotate(20)).move(0.1, 0.2)).scale(0.9)")
    layer = parse("circle(0.9).move(-0.1, -0.2).rotate(-20).fill(brick(#000, #fff)).rotate(20).move(0.1, 0.2).scale(0.9)")
    for program in (other, layer):
        np.testing.assert_allclose(reference(program, (40, 40)), reference(one, (40, 40)), atol=1e-9)
    moved = reference(parse("circle(0.9).fill(brick(#000, #fff)).scale(0.9)"), (40, 40))
    assert np.abs(moved - reference(one, (40, 40))).max() > 0.3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("circle(1).fill(fbm())", "give it colours"),
        ("circle(1).fill(mix(#fff, #000, perlin(#fff, #000)))", "does not take a paint"),
        ("circle(1).fill(mix(#fff, fbm(), 0.5))", "mix does not take a texture"),
        ("fbm().mirror()", "mirror does not take a texture"),
        ("let a = fbm() + 1", "cannot add a texture"),
        ("circle(1).fill(fbm(#fff, #000, octaves = 9))", "cannot be 9"),
        ("circle(1).fill(fbm(#fff, #000, seed = 1.5))", "cannot be 1.5"),
        ("circle(1).fill(fbm(#fff))", "at least 2 colours"),
        ("circle(1).fill(cellular(#fff, #000, measure = hexagons))", "no choice"),
        ("circle(1).fill(chequer(#fff, #000))", "unknown"),
        ("circle(1).fill(gradient(#fff, #000))", "gradient"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    with pytest.raises(DslError, match=message):
        parse(text)


def test_textures_are_at_home_in_space() -> None:
    for operation in TEXTURES:
        parse(f"scene 3d\nsphere(0.5).paint({operation.function}(#fff, #000))")
    assert functions(3)["gradient"][0].dimension == 3


# -- copies ----------------------------------------------------------------------------------------------------

REPEATED = (
    "box(0.1, 0.1, 0.1).paint(mix(#f4d35e, #7b2d26, cell(seed = 3))).repeat_grid(4, 4, 1, 0.4, 0.4, 1)",
    "sphere(0.2).paint(mix(#c0392b, #f1c40f, cell())).repeat(0.7)",
    "sphere(0.16).move(0.6, 0, 0).paint(in_turn(#e63946, #f1faee, #1d3557, period = 3)).repeat_polar(9)",
    "box(0.2, 0.15, 0.15).rotate(20, 30, 0).paint(cell(#ff0000, #00ff00, #0000ff)).repeat_mirrored(0.6, 0.6)",
    """(sphere(0.2).twist(40) | box(0.05, 0.3, 0.05).paint(cell(#ff0000, #00ffff)).mirror().move(0.1, 0, 0))
        .paint(in_turn(#111111, #eeeeee)).repeat_grid(3, 2, 2, 0.7, 0.7, 0.9)""",
    """sphere(0.2).paint(cell(#ff0000, #0000ff))
        box(0.1, 0.1, 0.1).paint(in_turn(#ff0000, #00ff00)).repeat_grid(2, 2, 1, 0.8, 0.8, 1)
        torus(0.2, 0.05).move(0.8, 0, 0).paint(cell(#ffff00, #0000ff, seed = 2)).mirror()""",
)


def test_colours_of_copies_agree_everywhere() -> None:
    programs = [parse("scene 3d\n" + text) for text in REPEATED]
    taichi_against_numpy(programs, (64, 48)).check()
    if gl_backend.available():
        gl_against_taichi(programs, (64, 48)).check()


def copies(paint: str, repetition: str, at: list[tuple[float, float]], size: int = 64) -> npt.NDArray[np.float64]:
    """(copies, 3): the colours that copies around points of the picture have, each of one colour all over."""
    head = "scene 3d(background = none)\northographic((0, 0, 3), height = 2)\nambient(1)\n"
    picture = reference(parse(f"{head}box(0.1, 0.1, 0.1).paint({paint}).{repetition}"), (size, size))
    found = []
    for x, y in at:
        row, column = round((1 - y) * size / 2), round((1 + x) * size / 2)
        around = picture[row - 2 : row + 2, column - 2 : column + 2].reshape(-1, 4)
        assert np.ptp(around, 0).max() < 1e-9 and around[0, 3] == 1.0
        found.append(around[0, :3])
    return np.array(found)


def test_neighbouring_copies_differ() -> None:
    at = [(0.4 * column - 0.6, 0.4 * row - 0.6) for row in range(4) for column in range(4)]
    shades = copies("mix(#000000, #ffffff, cell(seed = 1))", "repeat_grid(4, 4, 1, 0.4, 0.4, 1)", at)[:, 0].reshape(4, 4)
    assert min(np.abs(np.diff(shades, axis=axis)).min() for axis in (0, 1)) > 0.01 and shades.std() > 0.15
    other = copies("mix(#000000, #ffffff, cell(seed = 2))", "repeat_grid(4, 4, 1, 0.4, 0.4, 1)", at)[:, 0].reshape(4, 4)
    assert np.abs(shades - other).mean() > 0.1


def test_copies_take_turns() -> None:
    at = [(0.4 * column - 0.6, 0.0) for column in range(4)]
    colours = copies("in_turn(#ff0000, #00ff00, #0000ff, period = 3)", "repeat_grid(4, 1, 1, 0.4, 1, 1)", at)
    assert colours.argmax(1).tolist() == [0, 1, 2, 0]


def test_a_bump_is_no_matter_of_copies() -> None:
    for paint in ("cell(#ffffff, #000000), bump = fbm()", "#ffffff, bump = cell()"):
        with pytest.raises(DslError, match="a bump differs from place to place"):
            parse(f"scene 3d\nsphere(0.5).paint({paint}).repeat(1)")
    with pytest.raises(DslError, match="displaced"):
        parse("scene 3d\nsphere(0.5).displace(cell(), 0.1)")
    with pytest.raises(DslError, match="no picture in the plane"):
        parse("scene 3d\nsphere(0.5).paint(triplanar(cell(#fff, #000)))")


def test_inside_of_two_repetitions_the_inner_one_counts() -> None:
    at = [(x, y) for y in (-0.3, 0.3) for x in (-0.3, 0.3)]
    colours = copies("in_turn(#ff0000, #0000ff)", "repeat_grid(2, 1, 1, 0.6, 1, 1).repeat_grid(1, 2, 1, 1, 0.6, 1)", at)
    assert colours.argmax(1).tolist() == [0, 2, 0, 2]


def test_textures_far_away_draw_without_a_fault() -> None:
    for operation in TEXTURES:
        program = parse(f"box(1, 1).fill({operation.function}(#000, #fff, scale = 0.000001)).move(900000, 0)\ncircle(0.1)")
        for backend in ("numpy", "taichi"):
            assert np.isfinite(render.image(program, 8, backend)).all()


def test_derivative_of_a_layer_that_is_scaled_has_the_pixels_width_in_it() -> None:
    """The width of a pixel in a texture's coordinates depends on the layer's scale; so does the blur of an edge."""
    program = parse("box(1, 1).fill(stripes(#000000, #ffffff, scale = 0.9)).rotate(20).scale(0.83, 1.2)")
    _, exact = numpy_backend.picture(tape_of(program), program.params, (24, 24), jacobian=True)
    assert exact is not None
    step = 1e-6
    for index in range(len(program.params) - 3, len(program.params)):
        moved = program.params.copy()
        moved[index] += step
        ahead = numpy_backend.picture(tape_of(program), moved, (24, 24))[0]
        moved[index] -= 2 * step
        behind = numpy_backend.picture(tape_of(program), moved, (24, 24))[0]
        difference = (ahead - behind) / (2 * step)
        errors = np.abs(difference - exact[..., index])
        assert np.mean(errors > 1e-4 * np.abs(difference).max()) < 0.01


def test_batches_draw_textures_as_alone() -> None:
    programs = [parse(text) for text in variants()]
    together = batched(programs, (16, 16))
    for program, image in zip(programs, together):
        np.testing.assert_array_equal(batched([program], (16, 16))[0], image)
