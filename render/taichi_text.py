"""Pieces of text that Taichi kernels are made of: rules printed, chains of cases, an outline's elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shaderdsl import emit
from shaderdsl.dual import Rule
from shaderdsl.registry import Dimension, Operation, scalar_names
from shaderdsl.tape import opcodes

ELEMENT_NAMES = ("ex0", "ey0", "ex1", "ey1", "ex2", "ey2", "ecurved", "eends")
ELEMENT_INPUTS: dict[object, str] = {"x0": "ex0", "y0": "ey0", "x1": "ex1", "y1": "ey1", "x2": "ex2", "y2": "ey2", "ends": "eends"}
"""What an outline's element is called in a kernel, and by the rules that read it."""


def printed(
    rule: Rule, names: Mapping[object, str], results: Sequence[str], indent: int, reverse: bool = False, prefix: str = "k"
) -> str:
    """Statements that compute a rule's outputs (or, `reverse`, its adjoints) into variables; "" leaves an output out."""
    outputs = rule.reverse if reverse else rule.forward
    wanted = [(expression, name) for expression, name in zip(outputs, results) if name]
    statements, values = emit.print_graph(rule.graph, [e for e, _ in wanted], dict(names), emit.TAICHI, prefix=prefix)
    lines = [*statements, *(f"{name} = {value}" for (_, name), value in zip(wanted, values))]
    return "".join(" " * indent + line + "\n" for line in lines)


def own_names(operation: Operation, first: str) -> dict[object, str]:
    """The slots of an operation's parameters, from an expression of the first one's place."""
    return {name: f"slots[{first} + {k}]" for k, name in enumerate(scalar_names(operation))}


def chain(cases: Sequence[tuple[int, str]], variable: str, indent: int) -> str:
    """if / elif over opcodes; each body is indented by `indent` + 4 already."""
    text = ""
    for k, (number, body) in enumerate(cases):
        text += " " * indent + f"{'if' if k == 0 else 'elif'} {variable} == {number}:\n" + body
    return text


def one_of(numbers: Iterable[int], variable: str) -> str:
    return " or ".join(f"{variable} == {n}" for n in numbers) or "False"


def grouped(used: Iterable[int], dimension: Dimension = 3) -> dict[str, list[tuple[int, Operation]]]:
    """The operations of some opcodes, by category, with one of each opcode."""
    groups: dict[str, list[tuple[int, Operation]]] = {
        k: [] for k in ("shape", "outline", "boolean", "modifier", "loft", "repetition", "extrusion", "paint", "bump", "light")
    }
    wanted, seen = set(used), set()
    for operation, opcode in opcodes(dimension).items():
        if opcode.number in wanted and opcode.number not in seen:
            seen.add(opcode.number)
            groups[operation.category].append((opcode.number, operation))
    return groups


def crossing(indent: int) -> str:
    """`toggles`, 1 where an element changes the side of (u, v): see `render.numpy_backend.crosses`."""
    i = " " * indent
    j = i + "    "
    return (
        f"{i}back = (ey2 < ey0) or (ey2 == ey0 and ex2 < ex0)\n"
        f"{i}cross = (ex2 - ex0) * (v - ey0) - (ey2 - ey0) * (u - ex0)\n"
        f"{i}if back:\n{j}cross = (ex2 - ex0) * (v - ey2) - (ey2 - ey0) * (u - ex2)\n"
        f"{i}left = cross > 0.0 or (back and cross == 0.0)\n"
        f"{i}toggles = 0\n"
        f"{i}if ((ey0 > v) != (ey2 > v)) and (left == (ey2 < ey0)):\n{j}toggles = 1\n"
        f"{i}area = (ex2 - ex0) * (ey1 - ey0) - (ey2 - ey0) * (ex1 - ex0)\n"
        f"{i}if ecurved > 0.5 and area != 0.0:\n"
        f"{j}weight = cross / area\n"
        f"{j}towards = ((ex1 - ex0) * (v - ey0) - (ey1 - ey0) * (u - ex0)) / -area\n"
        f"{j}half = 0.5 * weight + towards\n"
        f"{j}if (left == (area > 0.0)) and half * half < towards:\n{j}    toggles = 1 - toggles\n"
    )
