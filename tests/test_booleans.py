"""Booleans: their values and seams against geometry and formulas that are written here, without their bodies.

Two half planes whose borders are the axes have x and y for distances, so that a field over the plane shows what a boolean
does with any two distances.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

import render
from render import gl_backend, numpy_backend
from render.tapes import tape_of
from shaderdsl import dual, parse
from shaderdsl.registry import FAT, Operation, of_category

Array = npt.NDArray[np.float64]

A, B = "halfplane(-90)", "halfplane(0)"
"""Distances x and y: solid for x < 0, for y < 0."""

NOT_A, NOT_B = "halfplane(90)", "halfplane(180)"

BOOLEANS = list(of_category("boolean"))
POINTS = np.random.default_rng(0).uniform(-0.6, 0.6, (4000, 2))
X, Y = POINTS.T


def field(text: str, points: Array = POINTS) -> Array:
    return np.asarray(render.field(parse(text), points))


def call(operation: Operation, *shapes: str, number: float = 0.2, count: int = 3) -> str:
    """A call of a boolean with all its lengths and numbers alike."""
    values = [f"{p.name} = {count if p.kind == 'count' else number}" for p in operation.parameters]
    return f"{operation.function}({', '.join([*shapes, *values])})"


def named(operation: Operation) -> str:
    return operation.name


# -- what all of them keep ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", BOOLEANS, ids=named)
def test_no_slope_exceeds_the_constant(operation: Operation) -> None:
    """Between two borders at any angle, among them none and half a turn, where both distances rise together."""
    assert not operation.exact
    random = np.random.default_rng(1)
    steepest = 0.0
    for angle in (0.0, 180.0, *random.uniform(-180.0, 180.0, 20)):
        text = call(operation, "halfplane(0).move(0, 0.02)", f"halfplane({angle})", number=random.uniform(0.2, 0.5))
        assert tape_of(parse(text)).lipschitz[0] == np.float32(operation.lipschitz)
        start = random.uniform(-0.6, 0.6, (1000, 2))
        end = start + random.normal(0.0, 0.01, start.shape)
        slope = np.abs(field(text, end) - field(text, start)) / np.hypot(*(end - start).T)
        steepest = max(steepest, float(slope.max()))
    assert 0.99 * operation.lipschitz < steepest < operation.lipschitz + 1e-6


@pytest.mark.parametrize("operation", [o for o in BOOLEANS if o.name not in ("pipe", "morph")], ids=named)
def test_lengths_of_nothing_leave_the_sharp_boolean(operation: Operation) -> None:
    expected = {"union": np.minimum(X, Y), "intersection": np.maximum(X, Y), "difference": np.maximum(X, -Y), "xor": X * Y}
    found = field(call(operation, A, B, number=0.0))
    clear = np.minimum(np.abs(X), np.abs(Y)) > 1e-4
    assert np.array_equal(found[clear] < 0.0, expected.get(operation.function, X)[clear] < 0.0)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("operation", BOOLEANS, ids=named)
def test_derivatives_are_finite_everywhere(operation: Operation, precision: type) -> None:
    """At ties, on borders, at the centres of circles, with lengths of nothing: the dual and its reverse."""
    rule = dual.combination_rule(operation)
    forward, reverse = numpy_backend.compiled(rule)
    for number, count in product((0.0, 1e-6, 0.2, 1.0), (1, 2, 5)):
        seams = (0.0, 0.1, 0.2, number, 0.5 * number, number / (2.0 + 2.0**0.5 * (count - 1)))
        values = sorted({0.0, 5.0, -5.0, *seams, *(-v for v in seams)})
        rows = [
            (a, *one, 0.3, b, *other, FAT, *(count if p.kind == "count" else number for p in operation.parameters))
            for a, b in product(values, values) for one, other in product([(1.0, 0.0), (0.6, -0.8)], repeat=2)
        ]  # fmt: skip
        inputs = list(np.array(rows, precision).T)
        adjoints = list(np.random.default_rng(2).normal(size=(4, len(rows))).astype(precision))
        for result in (*forward(*inputs), *reverse(*inputs, *adjoints)):
            assert np.isfinite(result).all(), (number, count)


@pytest.mark.parametrize("operation", [o for o in BOOLEANS if o.function in ("union", "intersection") and o.blend], ids=named)
def test_a_blend_does_not_prefer_an_operand(operation: Operation) -> None:
    assert np.allclose(field(call(operation, A, B)), field(call(operation, B, A)), atol=1e-12)


@pytest.mark.parametrize("name", ["smooth = 0.2", "cubic = 0.2", "exponential = 0.2", "round = 0.2", "chamfer = 0.2", "stairs = 0.2, steps = 4"])
def test_intersection_and_difference_follow_by_complement(name: str) -> None:
    union = field(f"union({A}, {B}, {name})")
    assert np.allclose(field(f"intersection({NOT_A}, {NOT_B}, {name})"), -union, atol=1e-12)
    assert np.allclose(field(f"difference({NOT_A}, {B}, {name})"), -union, atol=1e-12)


# -- smooth in three kinds ---------------------------------------------------------------------------------------


def second_derivative(text: str, place: float) -> tuple[float, float]:
    """Along x + y = 0.2 the second derivative by x - y, just before and just behind a place."""
    step = 1e-4

    def at(t: float) -> float:
        d = place + t
        points = np.array([(0.1 + 0.5 * (d + h), 0.1 - 0.5 * (d + h)) for h in (-step, 0.0, step)])
        below, here, above = field(text, points)
        return float(below - 2.0 * here + above) / step**2

    return at(-1.01 * step), at(1.01 * step)


def test_cubic_is_sharp_beyond_its_radius_and_its_curvature_does_not_jump() -> None:
    radius = 0.3
    text = f"union({A}, {B}, cubic = {radius})"
    found = field(text)
    apart = np.abs(X - Y) >= radius
    assert np.allclose(found[apart], np.minimum(X, Y)[apart], atol=1e-15)
    assert (found[~apart] < np.minimum(X, Y)[~apart]).all()
    assert field(text, np.array([(0.1, 0.1)]))[0] == pytest.approx(0.1 - radius / 6.0)
    # The quadratic one has the same seam, and a curvature that begins at once: the comparison has teeth.
    for place in (-radius, 0.0, radius):
        before, behind = second_derivative(text, place)
        assert behind == pytest.approx(before, abs=0.01)
    before, behind = second_derivative(f"union({A}, {B}, smooth = {radius})", radius)
    assert (before, behind) == (pytest.approx(-0.5 / radius, rel=1e-3), pytest.approx(0.0, abs=1e-3))


def test_exponential_is_a_sum_of_exponentials_in_any_order() -> None:
    radius = 0.25
    scale = radius / (4.0 * np.log(2.0))
    c = "circle(0.3).move(0.1, 0.1)"
    third = np.hypot(X - 0.1, Y - 0.1) - 0.3
    expected = -scale * np.log(np.exp(-X / scale) + np.exp(-Y / scale) + np.exp(-third / scale))
    for shapes in ((A, B, c), (c, A, B), (B, c, A)):
        assert np.allclose(field(f"union({', '.join(shapes)}, exponential = {radius})"), expected, atol=1e-12)
    orders = [field(f"union({', '.join(shapes)}, smooth = {radius})") for shapes in ((A, B, c), (c, A, B))]
    assert np.abs(orders[0] - orders[1]).max() > 1e-3
    # As deep at the seam as the quadratic one, and finite where exponentials of the distances would not be.
    tie = np.array([(0.1, 0.1)])
    assert field(f"union({A}, {B}, exponential = 0.2)", tie) == pytest.approx(field(f"union({A}, {B}, smooth = 0.2)", tie))
    assert field(f"union({A}, {B}, exponential = 0)", np.array([(-900.0, 900.0)])) == pytest.approx(-900.0)


# -- stairs and columns --------------------------------------------------------------------------------------------

Predicate = Callable[[Array, Array], npt.NDArray[np.bool_]]


def blocks(reach: float, count: int) -> Predicate:
    """The staircase in the corner of the positive quadrant: `count` blocks, each one step wider and one lower."""

    def inside(x: Array, y: Array) -> npt.NDArray[np.bool_]:
        step = reach / count
        return np.any([(x < k * step) & (y < reach - (k - 1) * step) for k in range(1, count + 1)], axis=0)

    return inside


def disks(reach: float, count: int) -> Predicate:
    """Disks along x + y = reach, the first and last on the axes and each beside the next."""
    # Their radius by bisection: from the first centre (r, reach - r) to the last there are count - 1 diameters.
    low, high = 0.0, 0.5 * reach
    for _ in range(60):
        radius = 0.5 * (low + high)
        fits = 2.0**0.5 * (reach - 2.0 * radius) > 2.0 * radius * (count - 1)
        low, high = (radius, high) if fits else (low, radius)
    ways = np.linspace(0.0, 1.0, count) if count > 1 else np.array([0.5])
    centres = [(radius + (reach - 2.0 * radius) * t, reach - radius - (reach - 2.0 * radius) * t) for t in ways]

    def inside(x: Array, y: Array) -> npt.NDArray[np.bool_]:
        return np.any([np.hypot(x - cx, y - cy) < radius for cx, cy in centres], axis=0)

    return inside


def assert_inside(text: str, inside: npt.NDArray[np.bool_]) -> None:
    found = field(text)
    clear = np.abs(found) > 1e-9
    assert np.array_equal(found[clear] < 0.0, inside[clear])
    assert 100 < inside.sum() < len(inside) - 100


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_stairs_are_blocks(count: int) -> None:
    inside = (X < 0.0) | (Y < 0.0) | blocks(0.5, count)(X, Y)
    assert_inside(f"union({A}, {B}, stairs = 0.5, steps = {count})", inside)
    assert_inside(f"intersection({NOT_A}, {NOT_B}, stairs = 0.5, steps = {count})", ~inside)


@pytest.mark.parametrize("count", [1, 4, 16])
def test_stairs_have_as_many_steps_as_they_are_asked_for(count: int) -> None:
    """The border's height over the corner, from one end of the stairs to the other."""
    text = f"union({A}, {B}, stairs = 0.48, steps = {count})"
    x = np.linspace(0.0, 0.48, 16 * count + 1)[:-1] + 1e-3
    low, high = np.zeros_like(x), np.ones_like(x)
    for _ in range(40):
        middle = 0.5 * (low + high)
        inside = field(text, np.stack([x, middle], 1)) < 0.0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    heights = np.unique(np.round(low, 6))
    assert heights == pytest.approx(0.48 * np.arange(1, count + 1) / count, abs=1e-5)
    assert field(text, np.array([(0.49, 1e-6)])) == pytest.approx(1e-6), "the floor begins where the stairs end"


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_columns_stand_side_by_side_on_a_chamfer(count: int) -> None:
    filled = (X < 0.0) | (Y < 0.0)
    columns = disks(0.5, count)(X, Y)
    below = X + Y < 0.5
    assert_inside(f"union({A}, {B}, columns = 0.5, count = {count})", filled | below | columns)
    # An outer edge is cut by the chamfer, and the columns stay.
    left = ~filled & (~below | columns)
    assert_inside(f"intersection({NOT_A}, {NOT_B}, columns = 0.5, count = {count})", left)
    assert_inside(f"difference({NOT_A}, {B}, columns = 0.5, count = {count})", left)
    assert_inside(f"xor({A}, {B}, columns = 0.5, count = {count})", np.where(X * Y < 0.0, left_of_both(count), False))


def left_of_both(count: int) -> npt.NDArray[np.bool_]:
    """What the columns leave of the two quadrants that one half plane covers alone, each seen from its own corner."""
    x, y = np.abs(X), np.abs(Y)
    return (x + y > 0.5) | disks(0.5, count)(x, y)


def test_counts_are_structure_and_each_call_keeps_its_own() -> None:
    text = (
        "let r = 0.4\n"
        f"union(union({A}, {B}, stairs = r, steps = 2), circle(0.2).move(0.5, 0.5), stairs = r, steps = 5)"
    )
    program = parse(text)
    assert len(program.params) == 2 + 4 and parse(program.text) == program
    assert program.structure.key != parse(text.replace("steps = 2", "steps = 3")).structure.key
    reference = render.image(program, 64, backend="numpy")
    flat = render.image(parse(text.replace("steps = 2", "steps = 5")), 64, backend="numpy")
    assert np.abs(reference - flat).max() > 0.5
    for backend in ("taichi", "gl") if gl_backend.available() else ("taichi",):
        assert np.abs(render.image(program, 64, backend=backend) - reference).max() < 2 / 255


# -- where two surfaces cross --------------------------------------------------------------------------------------


def alpha(text: str, size: int) -> Array:
    """(h, w): how far a black shape covers the pixels."""
    return np.asarray(1.0 - render.image(parse(text), size, backend="numpy")[..., 0], np.float64)


@pytest.mark.parametrize("radius", [0.4, 0.02])
def test_pipe_of_two_half_planes_is_a_disk_around_the_corner(radius: float) -> None:
    pipe, disk = f"pipe({A}, {B}, {radius}).move(0.1, 0.23)", f"circle({radius}).move(0.1, 0.23)"
    assert np.allclose(field(pipe), field(disk), atol=1e-12)
    # A pipe thinner than a pixel is as faint as the disk is: its thickness is the disk's.
    assert np.allclose(alpha(pipe, 16), alpha(disk, 16), atol=1e-6) and alpha(pipe, 16).any()


def test_engrave_cuts_a_v_as_deep_as_it_is_asked_for() -> None:
    depth = 0.3
    assert_inside(f"engrave({A}, {B}, {depth})", (X < 0.0) & (np.abs(Y) > X + depth))
    apex = np.array([(-depth, 0.0)])
    assert field(f"engrave({A}, {B}, {depth})", apex) == pytest.approx(0.0, abs=1e-12)
    flank = field(f"engrave({A}, {B}, {depth})")[(X < -0.05) & (np.abs(Y) < X + depth)]
    straight = np.abs(POINTS @ np.array([(1.0, 1.0), (1.0, -1.0)]).T + depth)[(X < -0.05) & (np.abs(Y) < X + depth)]
    assert np.allclose(flank, straight.min(1) * 0.5**0.5), "a flank's distance is true"


def test_groove_is_a_box_and_the_tongue_fits_into_it() -> None:
    text = f"({A}, {B}, 0.3, 0.2)"
    assert_inside("groove" + text, (X < 0.0) & ~((X > -0.3) & (np.abs(Y) < 0.1)))
    assert_inside("tongue" + text, (X < 0.0) | ((X < 0.3) & (np.abs(Y) < 0.1)))
    # The complement of a groove is a tongue on the complement.
    assert np.allclose(field("groove" + text), -field(f"tongue({NOT_A}, {B}, 0.3, 0.2)"), atol=1e-12)


def covered_height(text: str) -> float:
    """What a black shape about the x axis covers of the line x = 0, by pixels of 2 / 15."""
    return float(alpha(text, 15)[:, 7].sum() * 2 / 15)


def test_what_a_groove_leaves_of_a_thin_plate_is_as_thin() -> None:
    """The plate is 0.04 thick, and cut from both sides."""
    plate = "box(0.9, 0.02)"
    assert covered_height(plate) == pytest.approx(0.04, abs=1e-5)
    assert covered_height(f"groove({plate}, halfplane(90), 0.005, 0.6)") == pytest.approx(0.03, abs=1e-5)
    assert covered_height(f"groove({plate}, halfplane(90), 0.05, 0.6)") == pytest.approx(0.0, abs=1e-5)
    assert covered_height(f"engrave({plate}, halfplane(90), 0.5)") == pytest.approx(0.0, abs=1e-5)
    assert covered_height(f"tongue({plate}, halfplane(90), 0.01, 0.6)") == pytest.approx(0.06, abs=1e-5)


@pytest.mark.parametrize("width", [0.05, 0.01])
def test_a_thin_tongue_covers_what_is_there(width: float) -> None:
    text = f"tongue({B}.move(0, -0.5), {A}, 0.8, {width})"
    assert alpha(text, 15)[7, 7] == pytest.approx(width / (2 / 15), abs=1e-5)


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0])
def test_morph_mixes_distances_and_thicknesses(amount: float) -> None:
    found = field(f"morph(circle(0.2), circle(0.6), {amount})")
    assert np.allclose(found, np.hypot(X, Y) - (0.2 + 0.4 * amount))
    thin = f"morph(box(0.9, 0.01), box(0.9, 0.03), {amount})"
    assert covered_height(thin) == pytest.approx(0.02 + 0.04 * amount, abs=1e-5)
