"""Placing, folding and making solids: maps of space against matrices, closed forms and brute force."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from solid_geometry import points_in

from shaderdsl import DslError, emit, parse
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import (
    CELL_OF,
    Operation,
    Point3,
    bind,
    continuous_names,
    of_category,
    operations,
    scalar_names,
)

Array = np.ndarray
Values = Mapping[str, Any]

TRANSFORMS = [o.name for o in of_category("transform", dimension=3)]
FOLDS = [o.name for o in of_category("repetition", dimension=3)]
EXTRUSIONS = [o.name for o in of_category("extrusion", dimension=3)]


POINT = ("@x", "@y", "@z")
"""The point among the inputs, whose other names are those of parameters."""


class Map:
    """The body of an operation that maps space, in a graph of its own."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.graph = graph = Graph()
        self.names = [*POINT, *scalar_names(operation), "copy"]
        self.inputs = {name: graph.input(name) for name in self.names}
        arguments: dict[str, Any] = bind(operation, self.inputs)
        scale = operation.distance_scale(**arguments) if operation.distance_scale else 1.0
        if operation.category == "repetition":
            arguments["copy"] = self.inputs["copy"]
        self.place: list[Expr] = [*operation.body(Point3(*(self.inputs[n] for n in POINT)), **arguments)]
        self.scale = graph.lift(scale)
        self._functions: dict[tuple[int, ...], Any] = {}

    def jacobian(self) -> list[Expr]:
        """Nine derivatives of the place by the point, row by row."""
        columns = [self.graph.tangents(self.place, self.seeds(name)) for name in POINT]
        return [columns[column][row] for row in range(3) for column in range(3)]

    def by_parameter(self, outputs: list[Expr]) -> list[Expr]:
        return [e for name in continuous_names(self.operation) for e in self.graph.tangents(outputs, self.seeds(name))]

    def seeds(self, name: str) -> dict[int, float]:
        return {e.index: float(n == name) for n, e in self.inputs.items()}

    def run(self, outputs: list[Expr], points: Array, values: Values, copy: int = 0) -> Array:
        """(outputs, points) in float64, by the printed NumPy text."""
        key = tuple(e.index for e in outputs)
        if key not in self._functions:
            text = {name: f"v_{name}".replace("@", "point_") for name in self.names}
            lines, results = emit.print_graph(self.graph, outputs, text, emit.NUMPY)
            body = "\n    ".join([*lines, f"return [{', '.join(results)}]"])
            space: dict[str, Any] = {"np": np}
            exec(f"def run({', '.join(text.values())}):\n    {body}", space)
            self._functions[key] = space["run"]
        at = self.at(points, values, copy)
        with np.errstate(all="ignore"):
            found = self._functions[key](*(at[name] for name in self.names))
        return np.stack([np.broadcast_to(np.asarray(f, float), len(points)) for f in found])

    def single(self, outputs: list[Expr], points: Array, values: Values, copy: int = 0) -> Array:
        """Node by node, each rounded to float32, as a graphics card evaluates it."""
        known: dict[int, Any] = {}
        at = self.at(points, values, copy)
        with np.errstate(all="ignore"):
            for index in self.graph.needed(e.index for e in outputs):
                operator, *arguments = self.graph.nodes[index]
                if operator == "const":
                    known[index] = np.float32(arguments[0])
                elif operator == "input":
                    known[index] = np.asarray(at[arguments[0]], np.float32)
                else:
                    space = {f"a{i}": known[a] for i, a in enumerate(arguments)}
                    template = emit.NUMPY.templates[operator].format(*space)
                    known[index] = np.asarray(eval(template, {"np": np}, space), np.float32)
        return np.stack([np.broadcast_to(known[e.index], len(points)) for e in outputs])

    def at(self, points: Array, values: Values, copy: int) -> dict[str, Any]:
        return {**dict(zip(POINT, np.transpose(points))), **values, "copy": copy}

    def __call__(self, points: Array, values: Values, copy: int = 0) -> Array:
        """(points, 3): where the points lie in the solid's own space."""
        return self.run(self.place, points, values, copy).T

    def distance_scale(self, values: Values) -> float:
        return float(self.run([self.scale], np.zeros((1, 3)), values)[0, 0])


@cache
def traced(name: str) -> Map:
    return Map(operations(3)[name])


def scalars(name: str, **arguments: Any) -> dict[str, float]:
    """The scalars of a body from arguments, vectors as tuples; what is left out has its default."""
    result: dict[str, float] = {}
    for parameter in operations(3)[name].parameters:
        value = arguments.get(parameter.name, parameter.default)
        result.update(zip(parameter.scalars, value if isinstance(value, tuple) else (value,)))
    return result


def random_scalars(name: str, random: np.random.Generator, counts: tuple[int, ...] = (1, 2, 5)) -> dict[str, float]:
    result: dict[str, float] = {}
    for p in operations(3)[name].parameters:
        for scalar in p.scalars:
            value = random.uniform(p.low, p.high)
            result[scalar] = random.choice([max(c, p.low) for c in counts]) if p.kind == "count" else (
                math.radians(value) if p.kind == "angle" else value
            )  # fmt: skip
    return result


# -- transforms ----------------------------------------------------------------------------------------------


def face_matrix(v: Values) -> Array:
    """The turn about the axis that is upright on z and the direction, by the angle between them."""
    direction = np.array([v["direction_x"], v["direction_y"], v["direction_z"]])
    direction /= np.linalg.norm(direction)
    axis = np.cross([0.0, 0.0, 1.0], direction)
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * math.acos(direction[2])).as_matrix()


def turn_matrix(v: Values) -> Array:
    axis = np.array([v["axis_x"], v["axis_y"], v["axis_z"]])
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * v["angle"]).as_matrix()


MATRICES: dict[str, Callable[[Values], Array]] = {
    "move in space": lambda v: np.eye(3),
    "turn": turn_matrix,
    "turn by angles": lambda v: Rotation.from_euler("xyz", [v["x"], v["y"], v["z"]]).as_matrix(),
    "quaternion": lambda v: Rotation.from_quat([v["x"], v["y"], v["z"], v["w"]]).as_matrix(),
    "face": face_matrix,
    "scale in space": lambda v: v["factor"] * np.eye(3),
    "scale apart in space": lambda v: np.diag([v["x"], v["y"], v["z"]]),
    "shear in space": lambda v: np.array([[1.0, v["x"], 0.0], [0.0, 1.0, 0.0], [0.0, v["z"], 1.0]]),
}
"""What takes a solid's points to where they are shown, without the shift."""


def test_every_transform_has_a_matrix() -> None:
    assert set(TRANSFORMS) == set(MATRICES)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform_against_its_matrix(name: str) -> None:
    random, own = np.random.default_rng(3), points_in(50)
    for _ in range(20):
        values = random_scalars(name, random)
        shift = [values["x"], values["y"], values["z"]] if name == "move in space" else [0.0, 0.0, 0.0]
        matrix = MATRICES[name](values)
        assert np.allclose(traced(name)(own @ matrix.T + shift, values), own, atol=1e-12)
        smallest = np.linalg.svd(matrix, compute_uv=False)[-1]
        assert traced(name).distance_scale(values) == pytest.approx(smallest, abs=1e-12)


def test_turns_are_counter_clockwise_for_who_looks_against_the_axis() -> None:
    quarter = scalars("turn", angle=math.pi / 2, axis=(0.0, 0.0, 2.0))
    assert np.allclose(traced("turn")(np.array([[0.0, 1.0, 0.0]]), quarter), [[1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "direction", [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1e-9, 0.0, -1.0), (0.0, 1.0, 0.0), (0.0, -3.0, 0.0)]
)
def test_face_is_a_turn_for_every_direction(direction: tuple[float, float, float]) -> None:
    """Straight back, where no way is the shortest, it turns about y."""
    values = scalars("face", direction=direction)
    matrix = traced("face")(np.eye(3), values)
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6) and np.linalg.det(matrix) == pytest.approx(1.0)
    shown = traced("face")(np.array([direction]), values)
    assert np.allclose(shown, [[0.0, 0.0, np.linalg.norm(direction)]], atol=1e-5)
    if direction[2] < 0.0:
        assert np.allclose(traced("face")(np.array([[0.0, 1.0, 0.0]]), values), [[0.0, 1.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize(
    "call",
    ["rotate(30, (0, 0, 0))", "quaternion(0, 0, 0, 0)", "face((0, 0, 0))", "mirror((0, 0, 0))", "mirror((0, 0, 0), 1)"],
)
def test_a_direction_of_no_length_is_refused(call: str) -> None:
    with pytest.raises(DslError, match="is zero, which is no direction"):
        parse(f"scene 3d\nsphere(0.5).{call}")
    parse(f"scene 3d\nsphere(0.5).{call}".replace("0, 0, 0", "0, 0, 0.01"))


# -- folds ---------------------------------------------------------------------------------------------------


def stretches(name: str, values: Values, points: Array, copy: int = 0) -> Array:
    """The largest singular value of the Jacobian, by central differences of 1e-6."""
    run, steps = traced(name), 1e-6 * np.eye(3)
    columns = [run(points + step, values, copy) - run(points - step, values, copy) for step in steps]
    return np.linalg.svd(np.stack(columns, 2) / 2e-6, compute_uv=False)[:, 0]


@pytest.mark.parametrize("name", [*FOLDS, "extrude", "twisted extrusion", "revolve"])
def test_no_map_stretches_more_than_it_says(name: str) -> None:
    random = np.random.default_rng(4)
    for reach in (0.5, 1.5, 6.0):
        for _ in range(8):
            values = random_scalars(name, random)
            most = 1.0 / traced(name).distance_scale(values)
            for copy in range(operations(3)[name].copies):
                # Between cells the copies jump, and so may a difference over a border, rarely.
                found = stretches(name, values, points_in(3000, reach), copy)
                allowed = 0.0 if operations(3)[name].copies == 1 else 0.0005
                assert np.mean(found > most + 1e-5) <= allowed


@pytest.mark.parametrize(
    ("name", "arguments", "share"),
    [
        ("twist", {"angle": 1.5}, 0.98),
        ("bend", {"angle": 1.2}, 0.98),
        ("taper", {"bottom": 1.3, "top": 0.4}, 0.7),
        ("twisted extrusion", {"half_depth": 0.5, "twist": 1.0}, 0.98),
        ("twisted extrusion", {"half_depth": 0.5, "twist": 1.0, "taper": 0.5}, 0.7),
        ("smooth mirror", {"smooth": 0.2}, 0.999),
    ],
)
def test_stretch_is_not_said_much_larger_than_it_is(name: str, arguments: dict[str, Any], share: float) -> None:
    values = scalars(name, **arguments)
    assert np.max(stretches(name, values, points_in(100_000, 1.2))) * traced(name).distance_scale(values) > share


@pytest.mark.parametrize("name", [n for n in FOLDS if operations(3)[n].cell])
def test_a_cells_index_stands_for_one_copy(name: str) -> None:
    """Points have the same index where a fold moves them by the same map, and else another one."""
    random, index = np.random.default_rng(14), Map(operations(3)[CELL_OF + name])
    for _ in range(10):
        values = random_scalars(name, random)
        if name == "repeat_mirrored":  # an even cell is the first one, moved; an odd one is a mirror's too
            values = {**values, "dx": 0.4, "dy": 0.5, "dz": 0.6}
        for copy in range(operations(3)[name].copies):
            points = points_in(2000)
            cells = index(points, values, copy)
            np.testing.assert_array_equal(cells, np.round(cells))
            jacobian = traced(name).run(traced(name).jacobian(), points, values, copy).T.reshape(-1, 3, 3)
            shift = traced(name)(points, values, copy) - np.einsum("nij,nj->ni", jacobian, points)
            maps = np.round(np.concatenate([jacobian.reshape(-1, 9), shift], 1), 6) + 0.0
            kinds = [len(np.unique(what, axis=0)) for what in (cells, maps, np.concatenate([cells, maps], 1))]
            assert kinds[0] == kinds[1] == kinds[2]
            assert name == "repeat_grid in space" or kinds[0] > 1


@pytest.mark.parametrize("name", [n for n in FOLDS if operations(3)[n].copies == 1])
def test_folds_of_one_copy_have_no_jumps(name: str) -> None:
    random = np.random.default_rng(5)
    for _ in range(10):
        values = random_scalars(name, random)
        most = 1.0 / traced(name).distance_scale(values)
        for a, b in ((points_in(3000), points_in(3000, seed=6)), (points_in(3000), points_in(3000) + 1e-3)):
            apart = np.linalg.norm(traced(name)(a, values) - traced(name)(b, values), axis=1)
            assert np.all(apart <= most * np.linalg.norm(a - b, axis=1) + 1e-9)


def seen(name: str, values: Values, centre: Array, radius: float, points: Array) -> Array:
    """The distance to the union of a fold's copies of a sphere."""
    copies = [
        np.linalg.norm(traced(name)(points, values, copy) - centre, axis=1) - radius
        for copy in range(operations(3)[name].copies)
    ]
    return traced(name).distance_scale(values) * np.min(copies, 0)


def to_nearest(centres: Array, radius: float, points: Array) -> Array:
    return cKDTree(centres).query(points)[0] - radius


def grid(*axes: Array) -> Array:
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def centred(number: int, spacing: float) -> Array:
    return spacing * (np.arange(number) - 0.5 * (number - 1))


@pytest.mark.parametrize("counts", [(1, 1, 1), (4, 1, 3), (2, 5, 2)])
def test_grid_against_all_copies(counts: tuple[int, int, int]) -> None:
    names, spacing = ("columns", "rows", "layers", "dx", "dy", "dz"), (0.4, 0.6, 0.5)
    values = scalars("repeat_grid in space", **dict(zip(names, counts + spacing)))
    centres = grid(*(centred(n, s) for n, s in zip(counts, spacing)))
    points = points_in(5000, 2.0)
    found = seen("repeat_grid in space", values, np.zeros(3), 0.1, points)
    assert np.allclose(found, to_nearest(centres, 0.1, points), atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_copy_may_reach_into_the_cell_beside_its_own(axis: int) -> None:
    values = scalars("repeat_grid in space", columns=3, rows=2, layers=3, dx=0.5, dy=0.5, dz=0.5)
    centre = 0.15 * np.eye(3)[axis]
    centres = grid(centred(3, 0.5), centred(2, 0.5), centred(3, 0.5)) + centre
    points = points_in(20_000, 1.0)
    found, right = seen("repeat_grid in space", values, centre, 0.15, points), to_nearest(centres, 0.15, points)
    clear = np.abs(right) > 1e-9
    assert np.array_equal(found[clear] < 0.0, right[clear] < 0.0)
    alone = traced("repeat_grid in space")(points, values) - centre
    assert np.any((np.linalg.norm(alone, axis=1) > 0.15) & (right < 0.0)), "the first copy alone would not do"


@pytest.mark.parametrize("name", ["repeat", "repeat_mirrored"])
def test_endless_repeats_against_many_copies(name: str) -> None:
    """Along y, where the spacing is 0, there are none."""
    centre = np.array([0.0, 0.3, 0.0]) if name == "repeat" else np.array([0.12, 0.3, -0.2])
    values = scalars(name, dx=0.4, dz=0.7)
    steps = np.arange(-9, 10)

    def along(spacing: float, place: float) -> Array:
        return spacing * steps + (place if name == "repeat" else np.where(steps % 2 == 0, place, -place))

    centres = grid(along(0.4, centre[0]), centre[1:2], along(0.7, centre[2]))
    points = points_in(5000, 2.0)
    assert np.allclose(seen(name, values, centre, 0.1, points), to_nearest(centres, 0.1, points), atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_polar_repeat_against_all_copies(count: int) -> None:
    values, centre = scalars("repeat_polar in space", count=count), np.array([0.55, 0.2, 0.1])
    turns = [Rotation.from_rotvec([0.0, 2.0 * math.pi * k / count, 0.0]).as_matrix() for k in range(count)]
    points = points_in(5000)
    found = seen("repeat_polar in space", values, centre, 0.3, points)
    assert np.allclose(found, to_nearest(np.array(turns) @ centre, 0.3, points), atol=1e-12)


def test_mirror_against_both_copies() -> None:
    normal, points = np.array([1.0, 2.0, -0.5]), points_in(5000)
    unit = normal / np.linalg.norm(normal)
    centre = 0.4 * unit + 0.3 * np.cross(unit, [0.0, 0.0, 1.0])
    values = scalars("mirror in space", normal=tuple(normal))
    image = centre - 2.0 * unit * (unit @ centre)
    found = seen("mirror in space", values, centre, 0.5, points)
    assert np.allclose(found, to_nearest(np.array([centre, image]), 0.5, points), atol=1e-12)


@pytest.mark.parametrize("smooth", [0.3, 1e-9])
def test_smooth_mirror_is_a_mirror_but_near_its_plane(smooth: float) -> None:
    normal, points = np.array([1.0, 2.0, -0.5]), points_in(5000)
    unit = normal / np.linalg.norm(normal)
    rounded = traced("smooth mirror")(points, scalars("smooth mirror", normal=tuple(normal), smooth=smooth))
    plain = traced("mirror in space")(points, scalars("mirror in space", normal=tuple(normal)))
    across = np.abs(points @ unit)
    moved = (rounded - plain) @ unit
    assert np.allclose(rounded - plain, moved[:, None] * unit, atol=1e-12)
    assert np.allclose(moved[across > smooth], 0.0, atol=1e-12)
    assert np.all(moved >= -1e-12) and np.all(moved <= 0.5 * smooth + 1e-12)
    # Value and slope meet at the edge of the fold; the slope vanishes on the plane.
    assert np.allclose(moved, np.maximum(smooth - across, 0.0) ** 2 / (2.0 * smooth), atol=1e-9)


@pytest.mark.parametrize("name", ["mirror in space", "smooth mirror"])
def test_mirrors_are_symmetric(name: str) -> None:
    normal, points = np.array([0.3, -0.7, 0.6]), points_in(500)
    values = scalars(name, normal=tuple(normal), smooth=0.2)
    unit = normal / np.linalg.norm(normal)
    reflected = points - 2.0 * (points @ unit)[:, None] * unit
    assert np.allclose(traced(name)(points, values), traced(name)(reflected, values), atol=1e-12)
    assert np.all(traced(name)(points, values) @ unit >= -1e-12)


def test_elongate_against_a_rounded_box() -> None:
    """A sphere pulled apart is a box with a rounded rim; outside the distance is exact."""
    half, points = np.array([0.3, 0.1, 0.2]), points_in(3000)
    found = seen("elongate", scalars("elongate", dx=0.3, dy=0.1, dz=0.2), np.zeros(3), 0.25, points)
    outside = np.linalg.norm(np.maximum(np.abs(points) - half, 0.0), axis=1) - 0.25
    assert np.allclose(found, outside, atol=1e-12)
    # What is not symmetric keeps its sides.
    moved = traced("elongate")(np.array([[0.9, -0.5, 0.1]]), scalars("elongate", dx=0.3, dy=0.1, dz=0.2))
    assert np.allclose(moved, [[0.6, -0.4, 0.0]])


def turned(points: Array, axis: int, angles: Array) -> Array:
    return Rotation.from_rotvec(np.asarray(angles)[:, None] * np.eye(3)[axis]).apply(points)


def within_ball(number: int, radius: float) -> Array:
    points = points_in(number, radius)
    return points[np.linalg.norm(points, axis=1) < 0.8 * radius]


@pytest.mark.parametrize("radius", [1.0, 0.6])
def test_bends_against_closed_forms(radius: float) -> None:
    own = within_ball(2000, radius)
    shown = turned(own, 1, 1.3 * own[:, 1])
    assert np.allclose(traced("twist")(shown, scalars("twist", angle=1.3, radius=radius)), own, atol=1e-12)
    # A bend is told by where its points are seen, not by where they come from.
    bent = turned(own, 2, -0.5 * 0.9 * own[:, 0])
    assert np.allclose(traced("bend")(own, scalars("bend", angle=0.9, radius=radius)), bent, atol=1e-12)
    factor = np.interp(own[:, 1], [-radius, radius], [1.4, 0.8])
    shown = own * np.stack([factor, np.ones(len(own)), factor], 1)
    close = np.linalg.norm(shown, axis=1) < radius
    found = traced("taper")(shown, scalars("taper", bottom=1.4, top=0.8, radius=radius))
    assert np.mean(close) > 0.7 and np.allclose(found[close], own[close], atol=1e-12)


def test_bend_makes_arcs() -> None:
    """What lies on the x axis is shown on a circle whose radius is 1 / angle, nearly."""
    for angle in (0.5, -1.0):
        arc = angle * np.linspace(-0.5, 0.5, 21) / abs(angle)
        shown = np.stack([np.sin(angle * arc), 1.0 - np.cos(angle * arc), 0.0 * arc], 1) / angle
        own = traced("bend")(shown, scalars("bend", angle=angle))
        assert np.allclose(own, np.stack([arc, 0.0 * arc, 0.0 * arc], 1), atol=0.015)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("twist", {"angle": 0.0}),
        ("bend", {"angle": 0.0}),
        ("taper", {"bottom": 1.0, "top": 1.0}),
        ("elongate", {"dx": 0.0}),
    ],
)
def test_folds_at_rest_change_nothing(name: str, arguments: dict[str, float]) -> None:
    values, points = scalars(name, **arguments), points_in(500, 3.0)
    assert np.allclose(traced(name)(points, values), points, atol=1e-12)
    assert traced(name).distance_scale(values) == 1.0


# -- extrusions ----------------------------------------------------------------------------------------------

SECTION = np.array([0.16, 0.08])
"""A rectangle by its half extents, its centre at (0.03, 0.02): none of its symmetries is that of the tests' curves."""
CENTRE = np.array([0.03, 0.02])


def rectangle(x: Array, y: Array) -> Array:
    past = np.abs(np.stack([x, y], -1) - CENTRE) - SECTION
    return np.linalg.norm(np.maximum(past, 0.0), axis=-1) + np.minimum(np.max(past, -1), 0.0)


def made(name: str, values: Values, points: Array) -> Array:
    """The distance to a solid of that section."""
    x, y, z = traced(name)(points, values).T
    side = rectangle(x, y)
    if operations(3)[name].capped:
        outside = np.hypot(np.maximum(side, 0.0), np.maximum(z, 0.0))
        side = np.where(np.minimum(side, z) > 0.0, outside, np.maximum(side, z))
    return traced(name).distance_scale(values) * side


def section_boundary(number: int) -> Array:
    side = np.linspace(-1.0, 1.0, number)
    one = np.ones(number)
    return CENTRE + SECTION * np.concatenate(
        [np.stack(s, 1) for s in ((side, one), (side, -one), (one, side), (-one, side))]
    )  # fmt: skip


def section_inside(number: int) -> Array:
    side = np.linspace(-1.0, 1.0, number)
    return CENTRE + SECTION * np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)


Placing = Callable[[Array, float], Array]
"""Where the plane points (n, 2) of the section at a share in [0, 1] of the solid's length are in space."""


def surface(place: Placing, capped: bool, steps: int = 240) -> Array:
    parts = [place(section_boundary(40), t) for t in np.linspace(0.0, 1.0, steps)]
    return np.concatenate([*parts, *(place(section_inside(40), t) for t in (0.0, 1.0) if capped)])


def bulk(place: Placing) -> Array:
    """Points well inside of the solid."""
    inner = CENTRE + 0.9 * (section_inside(9) - CENTRE)
    return np.concatenate([place(inner, t) for t in np.linspace(0.02, 0.98, 60)])


def straight(v: Values) -> Placing:
    def place(flat: Array, t: float) -> Array:
        angle, factor = v.get("twist", 0.0) * (t - 0.5), 1.0 + (v.get("taper", 1.0) - 1.0) * t
        solid = np.concatenate([factor * flat, np.full((len(flat), 1), v["half_depth"] * (2.0 * t - 1.0))], 1)
        return turned(solid, 2, np.full(len(flat), angle))

    return place


def around(v: Values) -> Placing:
    def place(flat: Array, t: float) -> Array:
        solid = np.concatenate([flat + [v["offset"], 0.0], np.zeros((len(flat), 1))], 1)
        return turned(solid, 1, np.full(len(flat), 2.0 * math.pi * t))

    return place


def along_curve(v: Values) -> Placing:
    """The frame is carried along in small steps, each time cleared of its part along the curve's direction."""
    a, b, c = (np.array([v[f"{name}_{k}"] for k in "xyz"]) for name in ("start", "control", "end"))
    times = np.linspace(0.0, 1.0, 4001)
    directions = (1.0 - times)[:, None] * (b - a) + times[:, None] * (c - b)
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    first = face_matrix(dict(zip(("direction_x", "direction_y", "direction_z"), directions[0])))
    rights = [first[:, 0]]
    for direction in directions[1:]:
        right = rights[-1] - direction * (direction @ rights[-1])
        rights.append(right / np.linalg.norm(right))

    def place(flat: Array, t: float) -> Array:
        k = round(t * 4000)
        t = times[k]
        right, up = rights[k], np.cross(directions[k], rights[k])
        return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c + flat[:, :1] * right + flat[:, 1:] * up

    return place


EXTRUDED: list[tuple[str, dict[str, Any], Callable[[Values], Placing], bool]] = [
    ("extrude", {"half_depth": 0.3}, straight, True),
    ("twisted extrusion", {"half_depth": 0.5, "twist": 1.2, "taper": 0.5, "radius": 0.4}, straight, False),
    ("twisted extrusion", {"half_depth": 0.2, "twist": -0.8, "taper": 1.3}, straight, False),
    ("revolve", {"offset": 0.5}, around, True),
    ("revolve", {"offset": 0.14}, around, True),
    ("sweep", {"start": (-0.7, -0.3, 0.1), "control": (0.1, 0.9, 0.3), "end": (0.7, -0.3, -0.2)}, along_curve, True),
    ("sweep", {"start": (-0.7, -0.3, 0.2), "control": (0.2, 0.4, 1.1), "end": (0.7, 0.5, -0.6)}, along_curve, True),
    ("sweep", {"start": (-0.5, 0.2, 0.0), "control": (0.1, 0.2, 0.0), "end": (0.5, 0.2, 0.0)}, along_curve, True),
]
"""Extrusions with arguments, their geometry, and whether the distance outside is exact near the solid."""


def test_every_extrusion_has_independent_geometry() -> None:
    assert {name for name, *_ in EXTRUDED} == set(EXTRUSIONS)


@pytest.mark.parametrize(("name", "arguments", "geometry", "exact"), EXTRUDED)
def test_extrusions_against_sampled_solids(
    name: str, arguments: dict[str, Any], geometry: Callable[[Values], Placing], exact: bool
) -> None:
    values = scalars(name, **arguments)
    place = geometry(values)
    skin = surface(place, operations(3)[name].capped)
    tree = cKDTree(skin)
    assert np.all(made(name, values, bulk(place)) < 0.0)
    assert np.max(np.abs(made(name, values, skin))) < 1e-3
    off = skin[::5] + 0.06 * np.random.default_rng(8).normal(size=skin[::5].shape)
    points = np.concatenate([points_in(3000, 1.1), bulk(place), off])
    nearest, found = tree.query(points)[0], made(name, values, points)
    assert np.all(np.abs(found) <= nearest + 0.004)
    near = (found > 0.0) & (nearest < 0.15) & (nearest > 0.02)
    assert np.sum(near) > 1000
    assert np.all(found[near] > nearest[near] * traced(name).distance_scale(values) * 0.7 - 0.006)
    if exact:
        assert np.allclose(found[near], nearest[near], atol=0.006)


def test_sweep_that_comes_round_behind_its_start_stays_whole() -> None:
    """A hairpin whose second leg passes behind the plane where the first begins."""
    values = scalars("sweep", start=(0.0, 0.0, 0.0), control=(0.8, 0.5, 0.0), end=(-0.8, 0.7, 0.0))
    place = along_curve(values)
    middle = np.concatenate([place(0.2 * section_inside(5), t) for t in np.linspace(0.05, 0.95, 40)])
    assert np.all(made("sweep", values, middle) < -0.005)


@pytest.mark.parametrize("control", [(-0.5, 0.1, 0.2), (0.5, -0.3, 0.0), (0.0, -0.1, 0.1)])
def test_straight_sweep_is_an_extrusion(control: tuple[float, float, float]) -> None:
    """Whether or not the curve starts or ends with no speed."""
    a, b = np.array([-0.5, 0.1, 0.2]), np.array([0.5, -0.3, 0.0])
    swept = scalars("sweep", start=tuple(a), control=control, end=tuple(b))
    facing = traced("face")(points_in(2000) - 0.5 * (a + b), scalars("face", direction=tuple(b - a)))
    right = made("extrude", scalars("extrude", half_depth=0.5 * np.linalg.norm(b - a)), facing)
    found = made("sweep", swept, points_in(2000))
    assert np.allclose(found[right > 0.0], right[right > 0.0], atol=1e-3)
    assert np.all(found[right < -1e-3] < 0.0)


def test_extrusion_at_rest_is_the_plain_one() -> None:
    values, points = scalars("twisted extrusion", half_depth=0.3), points_in(500)
    assert np.allclose(traced("twisted extrusion")(points, values), traced("extrude")(points, values), atol=1e-12)
    assert traced("twisted extrusion").distance_scale(values) == 1.0


def test_a_sweep_without_a_way_is_refused() -> None:
    with pytest.raises(DslError, match="a start and an end that differ"):
        parse("scene 3d\ncircle(0.1).sweep((0, 0, 0), (1, 0, 0), (0, 0, 0))")


# -- all of them ---------------------------------------------------------------------------------------------

ALL = [*TRANSFORMS, *FOLDS, *EXTRUSIONS, *(o.name for o in of_category("section", dimension=3))]


@pytest.mark.parametrize("name", ALL)
def test_derivatives_against_differences(name: str) -> None:
    random, points, run = np.random.default_rng(9), points_in(300, 1.2), traced(name)
    outputs = [*run.jacobian(), *run.by_parameter(run.place)]
    steps = [*np.eye(3), *continuous_names(operations(3)[name])]
    for _ in range(3):
        values = random_scalars(name, random)
        exact = run.run(outputs, points, values).reshape(-1, 3, len(points))
        jacobian, by_parameter = exact[:3].transpose(1, 2, 0), exact[3:].transpose(0, 2, 1)
        for step, row in zip(steps, [*jacobian, *by_parameter]):

            def moved(h: float, step: Any = step, values: Values = values) -> Array:
                if isinstance(step, str):
                    return run(points, {**values, step: values[step] + h})
                return run(points + h * step, values)

            ahead, here, behind = moved(1e-6), moved(0.0), moved(-1e-6)
            found = 0.5e6 * (ahead - behind)
            kinks = np.abs(ahead + behind - 2.0 * here) * 1e6 > 1e-3 * (1.0 + np.abs(found))
            assert np.mean(kinks) < 0.03
            close = np.abs(found - row) < 1e-4 * (1.0 + np.abs(found))
            assert np.mean(close[~kinks]) > 0.999, (name, step)


def degenerate(name: str) -> list[dict[str, float]]:
    """Plain arguments, changed one to nothing, pairwise to equal, and altogether."""
    operation = operations(3)[name]
    plain = random_scalars(name, np.random.default_rng(10))
    free = [p for p in operation.parameters if p.continuous]
    low = {s: p.minimum or 0.0 for p in free for s in p.scalars}
    changed = [plain, {**plain, **low}]
    for p in free:
        changed.append({**plain, **{s: low[s] for s in p.scalars}})
        changed += [{**plain, **dict(zip(p.scalars, (plain[s] for s in q.scalars)))} for q in free if q.kind == p.kind]
        if p.kind == "vector":
            changed += [{**plain, **dict(zip(p.scalars, v))} for v in ((0, 0, 1), (0, 0, -1), (0, 1, 0), (1e-7, 0, -1))]
    return changed


@pytest.mark.parametrize("name", ALL)
def test_degenerate_parameters_give_finite_values_and_derivatives(name: str) -> None:
    """On the axes and off them: where it lies, how that moves with the point, and both by every parameter."""
    run = traced(name)
    points = np.concatenate([np.array(list(product((-0.5, 0.0, 0.25), repeat=3))), points_in(20)])
    outputs = [*run.place, *run.jacobian(), run.scale]
    outputs = [*outputs, *run.by_parameter(outputs)]
    for values in degenerate(name):
        for copy in range(operations(3)[name].copies):
            assert np.all(np.isfinite(run.run(outputs, points, values, copy))), values
            assert np.all(np.isfinite(run.single(outputs, points, values, copy))), values


@pytest.mark.parametrize("name", ALL)
def test_float32_is_enough(name: str) -> None:
    random, run = np.random.default_rng(11), traced(name)
    points = points_in(2000, 1.2).astype(np.float32).astype(float)
    for _ in range(5):
        values = {k: float(np.float32(v)) for k, v in random_scalars(name, random).items()}
        exact, single = run(points, values), run.single(run.place, points, values).T
        # A rounding error may choose another cell, or the other of two places of a curve that are equally near.
        error = np.max(np.abs(single - exact), axis=1)
        assert np.mean(error < 1e-5) > 0.995 and np.median(error) < 1e-6
