"""What to say of names that nobody knows."""

from __future__ import annotations

from typing import NamedTuple

from shaderdsl import binding, syntax
from shaderdsl.errors import Fault, did_you_mean
from shaderdsl.registry import functions


class Known(NamedTuple):
    """The names that are known at some place."""

    values: tuple[str, ...]
    functions: tuple[str, ...]


def unknown_name(node: syntax.Name, module: syntax.Module, known: Known, inside: str) -> Fault:
    """Why `node` has no value; `inside` is the def whose body it stands in, if any."""
    name = node.name
    place = (node.start, node.end)
    for statement in module.statements:
        if isinstance(statement, syntax.Let) and statement.name == name:
            where = f", after the def of '{inside}'" if inside else ""
            return Fault(f"'{name}' is given its value only later{where}", *place, "", "move its let above")
    if name in known.functions or name in functions(module.dimension) or name in binding.BUILTINS:
        return Fault(f"'{name}' is a function", *place, f"{name}(...)", f"write {name}(...) to call it")
    suggestion = did_you_mean(name, known.values) or did_you_mean(name, functions(module.dimension))
    if not suggestion:
        suggestion = f"give it a value first: let {name[:40]} = ..."
    return Fault(f"unknown name '{name[:40]}'", *place, "a name from a let above", suggestion)


def unknown_function(call: syntax.Call, module: syntax.Module, known: Known, inside: str) -> Fault:
    """Why `call` calls nothing; `inside` is the def whose body it stands in, if any."""
    name = call.name
    place = (call.name_start, call.name_start + len(name))
    if name == inside:
        return _recursion(name, place)
    later = _later(name, place, module, inside)
    if later is not None:
        return later
    if name in known.values:
        return Fault(f"'{name}' is a value, not a function", *place, f"{name} without brackets")
    if module.dimension == 2 and name in functions(3):
        return Fault(f"{name} is for scene 3d", *place, "", "begin the program with the line: scene 3d")
    kind = "operation" if call.start < call.name_start else "shape"
    suggestion = did_you_mean(name, [*binding.known_functions(3 if module.dimension == 3 else 2), *known.functions])
    return Fault(f"unknown {kind} '{name[:40]}'", *place, "", suggestion)


def unknown_definition(node: syntax.Argument, module: syntax.Module, inside: str) -> Fault:
    """Why `node` is not the name of a def that is known, where there can be nothing else."""
    place = (node.start, node.end)
    if isinstance(node, syntax.Name):
        if node.name == inside:
            return _recursion(node.name, place)
        later = _later(node.name, place, module, inside)
        if later is not None:
            return later
    return Fault(
        "copies are of a def, which says what the copy of a number is", *place, "the name of a def of one number",
        "write def petal(k) = ... and copies(petal, 6)",
    )  # fmt: skip


def _recursion(name: str, place: tuple[int, int]) -> Fault:
    return Fault(f"'{name}' calls itself, and defs do not recurse", *place, "", "repeat by copies, repeat_polar or repeat_grid")


def _later(name: str, place: tuple[int, int], module: syntax.Module, inside: str) -> Fault | None:
    for statement in module.statements:
        if isinstance(statement, syntax.Def) and statement.name == name:
            advice = f"move its def above {'this one' if inside else 'this line'}"
            return Fault(f"'{name}' is defined only later", *place, "", advice)
    return None
