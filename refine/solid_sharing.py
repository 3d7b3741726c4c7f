"""Numbers of a scene that are nearly the same, written once: solids on one axis, a cube's sides, equal radii.

Near a refined scene its squared error is quadratic, with the curvature H = JᵀJ. That two numbers become one is a linear
constraint, and the least error that it costs when all others make up for it is known before it is tried (`refine.moves`):
c² / (aᵀ H⁻¹ a), with a the constraint and c how far it is from being met. The cheapest go first, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from refine.descents import Coordinates, Level, least_squares
from render.batching import batch_of
from render.tapes import lowered
from shaderdsl import ParameterInfo, Program, parse
from shaderdsl.printer import number_text

Array = npt.NDArray[np.float64]

NEAR = 0.2
"""How far apart (scene units, radians) numbers may be that are tried as one."""

STIFF = 1e-6
"""Of the largest curvature, that every number has at least: what the picture does not tell of is not moved for nothing."""


def shared(
    program: Program, free: npt.NDArray[np.bool_], level: Level, most: float, steps: int, stop: Callable[[], bool] | None = None
) -> Program:
    """The program with numbers that may as well be equal as names, refined by so many steps, as long as `stop` does not say no; as it was
    where there are none.

    free (p,): the numbers that move. most: the squared error on the level that one number less may cost.
    """
    groups = _groups(program, free, level, most)
    if not groups:
        return program
    values = program.params.copy()
    for group in groups:
        values[group] = values[group].mean()
    named, order = _named(program.with_params(values), groups)
    descent = least_squares(lowered(named), Coordinates(named), named.params, level, steps=steps, tolerance=1e-4, free=free[order], stop=stop)
    return named.with_params(np.clip(descent.parameters[0], named.structure.low, named.structure.high))


def _groups(program: Program, free: npt.NDArray[np.bool_], level: Level, most: float) -> list[list[int]]:
    """Parameters that may be equal, for a squared error of at most `most` each."""
    moving = np.flatnonzero(free)
    if not len(moving):
        return []
    _, _, matrices = batch_of(lowered(program), program.params[None]).normal_equations(level.target, level.blur)
    unit = Coordinates(program).unit
    matrix = matrices[0][np.ix_(moving, moving)] / (unit[moving, None] * unit[None, moving])
    matrix = matrix + STIFF * np.diag(matrix).max() * np.eye(len(moving))
    values = (program.params * unit)[moving]
    # Numbers are sums of variables' columns: at first each is a variable of its own.
    members = [[int(k)] for k in moving]
    roles = [_role(program.parameters[k]) for k in moving]
    while True:
        inverse = np.linalg.inv(matrix)
        costs = {
            (values[a] - values[b]) ** 2 / max(inverse[a, a] + inverse[b, b] - 2.0 * inverse[a, b], 1e-12): (a, b)
            for a, b in _pairs(roles, values)
        }
        if not costs or min(costs) > most:
            break
        a, b = costs[min(costs)]
        share = len(members[a]) / (len(members[a]) + len(members[b]))
        values[a] = share * values[a] + (1.0 - share) * values[b]
        members[a] += members[b]
        matrix[a] += matrix[b]
        matrix[:, a] += matrix[:, b]
        kept = [k for k in range(len(members)) if k != b]
        matrix, values = matrix[np.ix_(kept, kept)], values[kept]
        members, roles = [members[k] for k in kept], [roles[k] for k in kept]
    return [sorted(group) for group in members if len(group) > 1]


def _pairs(roles: Sequence[str], values: Array) -> Iterator[tuple[int, int]]:
    for a, role in enumerate(roles):
        for b in range(a + 1, len(roles)):
            if role and role == roles[b] and abs(values[a] - values[b]) < NEAR:
                yield a, b


def _role(info: ParameterInfo) -> str:
    """What a number is: only those of one role may be equal; "" for what is never shared."""
    layer, _, name = info.name.partition(".")
    operation, _, last = name.rpartition(".")
    if operation.startswith("move"):
        return last
    if operation.startswith("rotate"):
        return f"turn_{last}"
    if info.kind == "length" and operation not in ("orbit", "plane", ""):
        if operation == "box":
            return "size"
        return "height" if last == "half_height" else "radius" if last in ("radius", "bottom", "top", "ring_radius") else last
    return ""


def _named(program: Program, groups: Sequence[Sequence[int]]) -> tuple[Program, list[int]]:
    """The program with a name for each group of equal parameters, and which parameter (p,) each of its own was."""
    infos = program.parameters
    lines = program.text.splitlines()
    names: dict[int, str] = {}
    lets = []
    taken: dict[str, int] = {}
    for group in groups:
        role = _role(infos[group[0]])
        taken[role] = taken.get(role, 0) + 1
        name = role if taken[role] == 1 else f"{role}{taken[role]}"
        names.update(dict.fromkeys(group, name))
        lets.append(f"let {name} = {number_text(float(program.params[group[0]]), '')}")
    for k in sorted(names, key=lambda k: (infos[k].line, -infos[k].column)):
        info = infos[k]
        line = lines[info.line - 1]
        lines[info.line - 1] = line[: info.column - 1] + names[k] + line[info.end_column - 1 :]
    first = [k for k, info in enumerate(infos) if info.line == 1]
    rest = [k for k, info in enumerate(infos) if info.line > 1 and k not in names]
    return parse("\n".join([lines[0], *lets, *lines[1:]])), [*first, *(group[0] for group in groups), *rest]
