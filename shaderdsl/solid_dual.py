"""Operations in space as values with derivatives: the counterpart of `shaderdsl.dual` for solids.

What flows through a tape is (f, ∂f/∂x, ∂f/∂y, ∂f/∂z, thickness) by a point of the scene. Where a field has an edge beside the
point, the rule gives the other face's dual too (`beside`), for the antialiasing of creases. Shading, rays and outlines are
rules as well; none knows an operation by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from shaderdsl import shading, view
from shaderdsl.dual import BLEND, Rule, _all_seeds, _element, _parameter_inputs, _rule, blended
from shaderdsl.expression import Expr, Graph, absolute, maximum, select
from shaderdsl.registry import OPERANDS, Camera, Distance, Operation, Point, Point3, bind, continuous_names

DUAL = ("f", "fx", "fy", "fz", "w")
"""A distance dual in space: value, gradient, thickness."""

JACOBIAN = tuple(row + column for row in "xyz" for column in "xyz")
"""The Jacobian of a point's coordinates by the point of the scene, row by row."""

BESIDE = ("b", "bx", "by", "bz")
"""The value and gradient of the face beside."""

SPACE = ("u", "v", "w", "ux", "uy", "uz", "vx", "vy", "vz", "wx", "wy", "wz")
"""A folded point, and the Jacobian of that place by the point of the scene."""

CAMERA = (
    "eye_x", "eye_y", "eye_z", "right_x", "right_y", "right_z", "up_x", "up_y", "up_z", "forward_x", "forward_y", "forward_z",
    "spread", "parallel",
)  # fmt: skip
"""A camera's slots."""

AXES = ("right_x", "right_y", "right_z", "up_x", "up_y", "up_z")
DIRECTION = ("dx", "dy", "dz")
RAY = ("ox", "oy", "oz", *DIRECTION, "size", "growth")
OUTLINE = ("alpha", "t", "depth")


def _point(graph: Graph, names: Sequence[str]) -> Point3:
    return Point3(*(graph.input(name) for name in names))


Seeds = dict[int, Expr]
"""Tangents of inputs, by index."""


def _gradient(graph: Graph, value: Expr, seeds: Sequence[Seeds]) -> list[Expr]:
    """The derivatives of `value` by a direction for each of `seeds`; tangents that are not given are zero."""
    zero = graph.constant(0.0)
    return [graph.tangents([value], _all_seeds(graph, value, seed, zero))[0] for seed in seeds]


def _axes(graph: Graph, p: Point3) -> list[Seeds]:
    one = graph.constant(1.0)
    return [{axis.index: one} for axis in p]


def _body(operation: Operation, p: Point3, **arguments: Any) -> Any:
    """The operation's body at a point; those at home in the plane get its x and y."""
    return operation.body(Point(p.x, p.y) if operation.dimension == 2 else p, **arguments)


@cache
def shape_rule(operation: Operation) -> Rule:
    """Inputs x, y, z (own coordinates) and the parameters; outputs DUAL and, if it has a face beside, BESIDE."""
    graph = Graph()
    p = _point(graph, "xyz")
    scalars = _parameter_inputs(graph, operation)
    distance = _body(operation, p, **bind(operation, scalars))
    outputs = [distance.value, *_gradient(graph, distance.value, _axes(graph, p)), graph.lift(distance.thickness)]
    names: tuple[str, ...] = DUAL
    if distance.beside is not None:
        outputs += [distance.beside, *_gradient(graph, distance.beside, _axes(graph, p))]
        names += BESIDE
    return _rule(graph, ("x", "y", "z", *scalars), names, outputs, ("x", "y", "z", *continuous_names(operation)))


@cache
def outline_rule(operation: Operation, curved: bool) -> Rule:
    """DUAL of a plane's outline whose nearest element is given; input "inside" is 1 inside and 0 outside."""
    assert operation.finish is not None
    graph = Graph()
    p = _point(graph, "xyz")
    scalars = _parameter_inputs(graph, operation)
    arguments = bind(operation, scalars)
    unsigned = operation.body(Point(p.x, p.y), _element(graph, curved), **arguments)
    distance = operation.finish(unsigned, graph.input("inside"), **arguments)
    points = ("x0", "y0", "x1", "y1", "x2", "y2") if curved else ("x0", "y0", "x2", "y2")
    inputs = ("x", "y", "z", *scalars, "x0", "y0", "x1", "y1", "x2", "y2", "ends", "inside")
    outputs = [distance.value, *_gradient(graph, distance.value, _axes(graph, p)), graph.lift(distance.thickness)]
    return _rule(graph, inputs, DUAL, outputs, ("x", "y", "z", *continuous_names(operation), *points))


@cache
def combination_rule(operation: Operation) -> Rule:
    """Inputs the duals of the OPERANDS, "a_f" ... "b_w", and the parameters; outputs DUAL and perhaps BESIDE."""
    graph = Graph()
    prefixes = [name + "_" for name in OPERANDS[operation.category]]
    duals = {prefix: [graph.input(prefix + name) for name in DUAL] for prefix in prefixes}
    scalars = _parameter_inputs(graph, operation)
    distance = operation.body(*(Distance(d[0], d[4]) for d in duals.values()), **bind(operation, scalars))
    seeds = [{d[0].index: d[axis] for d in duals.values()} for axis in (1, 2, 3)]
    outputs = [distance.value, *_gradient(graph, distance.value, seeds), graph.lift(distance.thickness)]
    names: tuple[str, ...] = DUAL
    if distance.beside is not None:
        outputs += [distance.beside, *_gradient(graph, distance.beside, seeds)]
        names += BESIDE
    inputs = tuple(prefix + name for prefix in prefixes for name in DUAL)
    return _rule(graph, (*inputs, *scalars), names, outputs, (*inputs, *continuous_names(operation)))


@cache
def share_rule() -> Rule:
    """Output "share": how much of a boolean's surface is of the second operand's material, in [0, 1].

    The nearer the result "f" is to an operand's distance, or to its complement's, the more it is that operand's surface.
    """
    graph = Graph()
    f, a, b = (graph.input(name) for name in ("f", "a_f", "b_f"))

    def off(operand: Expr) -> Expr:
        same, turned = absolute(f - operand), absolute(f + operand)
        return select(same < turned, same, turned)

    first, second = off(a), off(b)
    share = (first + 1e-9) / (first + second + 2e-9)
    return _rule(graph, ("f", "a_f", "b_f"), ("share",), [share], ("f", "a_f", "b_f"))


@cache
def space_rule(operation: Operation) -> Rule:
    """A repetition or extrusion. Inputs a point x, y, z with its Jacobian (xx .. zz), the parameters and "copy" (of
    repetitions); outputs SPACE."""
    graph = Graph()
    p = _point(graph, "xyz")
    jacobian = [graph.input(name) for name in JACOBIAN]
    scalars = _parameter_inputs(graph, operation)
    copy = {"copy": graph.input("copy")} if operation.category == "repetition" else {}
    place = _body(operation, p, **copy, **bind(operation, scalars))
    # A fold of the plane leaves alone what lies along z.
    parts = [place.x, place.y, place.z if isinstance(place, Point3) else p.z]
    outputs = list(parts)
    for value in parts:
        outputs += _outside(graph, value, p, jacobian)
    inputs = ("x", "y", "z", *JACOBIAN, *scalars, *copy)
    return _rule(graph, inputs, SPACE, outputs, ("x", "y", "z", *JACOBIAN, *continuous_names(operation)))


def _outside(graph: Graph, value: Expr, p: Point3, jacobian: Sequence[Expr]) -> list[Expr]:
    """The gradient by the point of the scene of what depends on the point p, whose Jacobian is given."""
    seeds = [{axis.index: jacobian[3 * row + column] for row, axis in enumerate(p)} for column in range(3)]
    return _gradient(graph, value, seeds)


SPOT = ("x", "y", "z", "nx", "ny", "nz")
"""A point of a surface in the coordinates of its paint, and a vector across the surface there (of `normal_rule`)."""


WIDTHS = ("wide_x", "wide_y", "wide_z")
"""How wide a pixel is on the surface along each axis of its paint's coordinates. They have no derivative."""


def _seen(graph: Graph, operation: Operation) -> dict[str, Any]:
    """What the body of a paint or bump gets of how it is seen."""
    extra: dict[str, Any] = {"footprint": _point(graph, WIDTHS)} if operation.filtered else {}
    return {**extra, "normal": _point(graph, SPOT[3:])} if operation.sided else extra


@cache
def normal_rule() -> Rule:
    """Inputs JACOBIAN of a paint's coordinates and the field's gradient; outputs a vector across the surface in these coordinates,
    of any length and to either side."""
    graph = Graph()
    rows = [_point(graph, JACOBIAN[k : k + 3]) for k in (0, 3, 6)]
    gradient = _point(graph, DUAL[1:4])
    # The inverse's transpose, but for a factor.
    outputs = [rows[(k + 1) % 3].cross(rows[(k + 2) % 3]).dot(gradient) for k in range(3)]
    names = (*JACOBIAN, *DUAL[1:4])
    return _rule(graph, names, SPOT[3:], outputs, names)


@cache
def paint_rule(operation: Operation) -> Rule:
    """Inputs SPOT, WIDTHS and the parameters; outputs BLEND. The normal is read by paints that are `sided`."""
    graph = Graph()
    scalars = _parameter_inputs(graph, operation)
    found = _body(operation, _point(graph, "xyz"), **_seen(graph, operation), **bind(operation, scalars))
    return _rule(graph, (*SPOT, *WIDTHS, *scalars), BLEND, blended(graph, found), (*SPOT, *continuous_names(operation)))


@cache
def bump_rule(operation: Operation) -> Rule:
    """Inputs SPOT, JACOBIAN, WIDTHS, "distance_scale" (of these coordinates) and the parameters; outputs BUMP."""
    graph = Graph()
    p = _point(graph, "xyz")
    jacobian = [graph.input(name) for name in JACOBIAN]
    scale, scalars = graph.input("distance_scale"), _parameter_inputs(graph, operation)
    height = scale * _body(operation, p, **_seen(graph, operation), **bind(operation, scalars))
    names = (*SPOT, *JACOBIAN, *WIDTHS, "distance_scale", *scalars)
    differentiated = (*SPOT, *JACOBIAN, "distance_scale", *continuous_names(operation))
    return _rule(graph, names, shading.BUMP, _outside(graph, height, p, jacobian), differentiated)


@cache
def bent_rule() -> Rule:
    """Inputs the field's gradient and BUMP; outputs "hx", "hy", "hz", along the normal that light sees."""
    graph = Graph()
    outputs = [*shading.bent(_point(graph, DUAL[1:4]), _point(graph, shading.BUMP))]
    names = (*DUAL[1:4], *shading.BUMP)
    return _rule(graph, names, ("hx", "hy", "hz"), outputs, names)


@cache
def footprint_rule() -> Rule:
    """Inputs JACOBIAN of a paint's coordinates, the field's gradient, the ray's direction and "size" (of a pixel there); outputs
    WIDTHS. Not differentiated."""
    graph = Graph()
    names = (*JACOBIAN, *DUAL[1:4], *DIRECTION, "size")
    gradient, direction, size = _point(graph, DUAL[1:4]), _point(graph, DIRECTION), graph.input("size")
    widths = tuple(view.footprint(gradient, direction, size, _point(graph, JACOBIAN[k : k + 3])) for k in (0, 3, 6))
    return Rule(graph, names, WIDTHS, widths, (), ())


@cache
def linear_rule() -> Rule:
    """Inputs an sRGB colour "r", "g", "b"; outputs its linear light "lr", "lg", "lb"."""
    graph = Graph()
    colour = [graph.input(name) for name in "rgb"]
    return _rule(graph, tuple("rgb"), ("lr", "lg", "lb"), [shading.linear(c) for c in colour], tuple("rgb"))


LIT = ("x", "y", "z", "gx", "gy", "gz", *DIRECTION, *shading.MATERIAL, "visible")
"""What a light's rule reads: the point, the field's gradient, the ray's direction, the material, and how much of the light
arrives (not differentiated)."""


@cache
def light_rule(operation: Operation) -> Rule:
    """Inputs LIT and the light's parameters; outputs the linear light "r", "g", "b" that goes to the eye."""
    graph = Graph()
    p, gradient, direction = _point(graph, "xyz"), _point(graph, ("gx", "gy", "gz")), _point(graph, DIRECTION)
    material = tuple(graph.input(name) for name in shading.MATERIAL)
    scalars = _parameter_inputs(graph, operation)
    normal = gradient.normalized()
    light = operation.body(p, normal, **bind(operation, scalars))
    seen = shading.reflected(light, graph.input("visible"), normal, -direction, material)
    return _rule(graph, (*LIT, *scalars), tuple("rgb"), [*seen], (*LIT[:-1], *continuous_names(operation)))


@cache
def emission_rule() -> Rule:
    """Inputs a material; outputs the light "r", "g", "b" that it sends out by itself."""
    graph = Graph()
    sent = shading.emitted(tuple(graph.input(name) for name in shading.MATERIAL))
    return _rule(graph, shading.MATERIAL, tuple("rgb"), [*sent], shading.MATERIAL)


@cache
def fog_rule() -> Rule:
    """Inputs light "r", "g", "b", the distance "t", "fog", and the background's "lr", "lg", "lb"; outputs what arrives."""
    graph = Graph()
    names = ("r", "g", "b", "t", "fog", "lr", "lg", "lb")
    values = {name: graph.input(name) for name in names}
    kept = shading.kept(values["t"], values["fog"])
    outputs = [values["l" + c] + (values[c] - values["l" + c]) * kept for c in "rgb"]
    return _rule(graph, names, ("fr", "fg", "fb"), outputs, names)


@cache
def screen_rule(tone: str) -> Rule:
    """Inputs linear light "r", "g", "b", premultiplied by "alpha", and "exposure"; outputs "sr", "sg", "sb", premultiplied sRGB."""
    graph = Graph()
    names = ("r", "g", "b", "alpha", "exposure")
    *colour, alpha, exposure = (graph.input(name) for name in names)
    opaque = maximum(alpha, 1e-6)
    outputs = [shading.shown(c / opaque * exposure, tone) * alpha for c in colour]
    return _rule(graph, names, ("sr", "sg", "sb"), outputs, names)


@cache
def ray_rule() -> Rule:
    """Inputs the image point "x", "y", "pixel" and CAMERA; outputs RAY."""
    graph = Graph()
    values = {name: graph.input(name) for name in ("x", "y", "pixel", *CAMERA)}
    eye, right, up, forward = (_point(graph, [f"{name}_{c}" for c in "xyz"]) for name in ("eye", "right", "up", "forward"))
    image = (values["x"], values["y"], values["pixel"])
    seen = view.ray(*image, eye, right, up, forward, values["spread"], values["parallel"])
    outputs = [*seen.origin, *seen.direction, seen.size, seen.growth]
    return _rule(graph, tuple(values), RAY, outputs, CAMERA[:-1])


_SIGHT = (*DIRECTION, *AXES, "size", "growth")


def _sight(graph: Graph) -> tuple[Any, ...]:
    return (
        _point(graph, DIRECTION), _point(graph, AXES[:3]), _point(graph, AXES[3:]), graph.input("size"), graph.input("growth"),
    )  # fmt: skip


@cache
def smooth_outline_rule() -> Rule:
    """Inputs DUAL at the least value, its place "t", the gradient's change "hx", "hy", "hz" along the ray, direction, axes,
    "size" and "growth"; outputs OUTLINE."""
    graph = Graph()
    f, *gradient, w = (graph.input(name) for name in DUAL)
    bend = ("hx", "hy", "hz")
    found = view.smooth_outline(f, Point3(*gradient), w, graph.input("t"), _point(graph, bend), *_sight(graph))
    return _rule(graph, (*DUAL, "t", *bend, *_SIGHT), OUTLINE, list(found), (*DUAL, *_SIGHT))


@cache
def kinked_outline_rule() -> Rule:
    """Inputs DUAL on both sides of a kink ("a_f" ... "b_w"), their places "a_t" and "b_t", direction, axes, "size" and "growth";
    outputs OUTLINE."""
    graph = Graph()
    a, b = ([graph.input(prefix + name) for name in (*DUAL, "t")] for prefix in ("a_", "b_"))
    # On either side the thickness is the same solid's.
    thickness = a[4]
    found = view.kinked_outline(a[0], Point3(*a[1:4]), a[5], b[0], Point3(*b[1:4]), b[5], thickness, *_sight(graph))
    names = tuple(prefix + name for prefix in ("a_", "b_") for name in DUAL)
    inputs = (*names[:5], "a_t", *names[5:], "b_t", *_SIGHT)
    return _rule(graph, inputs, OUTLINE, list(found), (*names, *_SIGHT))


_BRANCHES = (*DUAL[:4], *BESIDE)


@cache
def crease_rule() -> Rule:
    """Inputs the value and gradient of the surface's branch ("f" ..) and of the one beside ("b" ..), direction, axes and "size" (of
    a pixel there); output "share" of the surface's branch."""
    graph = Graph()
    f, *normal = (graph.input(name) for name in DUAL[:4])
    b, *other = (graph.input(name) for name in BESIDE)
    direction, right, up, size, _ = _sight(graph)
    mine, beside = Point3(*normal), Point3(*other)
    share = view.crease_share(f - b, mine - beside, mine, beside, direction, right, up, size)
    return _rule(graph, (*_BRANCHES, *_SIGHT[:-1]), ("share",), [share], (*_BRANCHES, *_SIGHT[:-1]))


@cache
def crease_offset_rule() -> Rule:
    """Inputs as `crease_rule`; output "offset": how many pixels away the edge is, or a large number where the branch beside
    turns its back, or goes on as the surface does (two copies at one place). It only chooses between creases and is not
    differentiated."""
    graph = Graph()
    f, *normal = (graph.input(name) for name in DUAL[:4])
    b, *other = (graph.input(name) for name in BESIDE)
    direction, right, up, size, _ = _sight(graph)
    mine, beside = Point3(*normal), Point3(*other)
    offset, _, _ = view.crease_offset(f - b, mine - beside, mine, direction, right, up, size)
    seen, bends = beside.dot(direction) < 0.0, (mine - beside).dot(mine - beside) > view.BENT
    return Rule(graph, (*_BRANCHES, *_SIGHT[:-1]), ("offset",), (select(bends, select(seen, offset, 1e9), 1e9),), (), ())


def camera_slots(camera: Camera) -> list[Expr]:
    """The slots of a camera, in the order of CAMERA."""
    graph = camera.spread.graph
    frame = [*camera.eye, *camera.right, *camera.up, *camera.forward]
    return [*(graph.lift(v) for v in frame), camera.spread, graph.constant(camera.parallel)]




@cache
def shadow_rule() -> Rule:
    """Inputs "clear", "distance", "t", "shadow", "size"; output "left": see `shaderdsl.view.shaded`. Not differentiated."""
    graph = Graph()
    names = ("clear", "distance", "t", "shadow", "size")
    return Rule(graph, names, ("left",), (view.shaded(*(graph.input(name) for name in names)),), (), ())


@cache
def arriving_rule() -> Rule:
    """Input "clear"; output "arrives". Not differentiated."""
    graph = Graph()
    return Rule(graph, ("clear",), ("arrives",), (view.arriving(graph.input("clear")),), (), ())


@cache
def towards_rule(operation: Operation) -> Rule:
    """Of a light that casts shadows: inputs a point and its parameters; outputs the unit direction to it, and its distance."""
    graph = Graph()
    p = _point(graph, "xyz")
    scalars = _parameter_inputs(graph, operation)
    zero = graph.constant(0.0)
    light = operation.body(p, Point3(zero, zero, graph.constant(1.0)), **bind(operation, scalars))
    outputs = [*light.direction, graph.lift(light.distance)]
    return Rule(graph, ("x", "y", "z", *scalars), ("tx", "ty", "tz", "far"), tuple(outputs), (), ())
