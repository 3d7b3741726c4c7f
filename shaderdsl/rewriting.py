"""Putting a tree into canonical form: its arguments in order, and the time in its header where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shaderdsl import syntax

TIME = "time"
"""The scene's setting, and the name of its number in arithmetic."""


def reordered(
    module: syntax.Module, rewrites: Mapping[int, tuple[syntax.Argument, ...]]
) -> tuple[syntax.Module, list[int] | None]:
    """`module` with the arguments of some calls replaced (by the calls' ids), and its literals numbered anew.

    Also gives the old slot of each new one, or None if their order is the same.
    """
    rebuild = _Rebuild(rewrites)
    statements = tuple(rebuild.node(statement) for statement in module.statements)
    same = rebuild.order == list(range(module.slots))
    return syntax.Module(statements, module.slots), None if same else rebuild.order


def timed(module: syntax.Module) -> tuple[syntax.Module, list[int]]:
    """`module` with `time = 0` behind the other settings of its scene, and the old slot of each new one: of the time's, the
    slot behind all others."""
    setting = syntax.Named(0, 0, TIME, syntax.Number(0, 0, module.slots, 0.0, ""))
    first = module.statements[0]
    if isinstance(first, syntax.Scene):
        statements = (first._replace(arguments=(*first.arguments, setting)), *module.statements[1:])
    else:
        statements = (syntax.Scene(0, 0, 2, (setting,)), *module.statements)
    longer = syntax.Module(statements, module.slots + 1)
    result, order = reordered(longer, {})
    return result, order or list(range(longer.slots))


class _Rebuild:
    def __init__(self, rewrites: Mapping[int, tuple[syntax.Argument, ...]]) -> None:
        self.rewrites = rewrites
        self.order: list[int] = []

    def node(self, node: Any) -> Any:
        if isinstance(node, (syntax.Number, syntax.Colour)):
            slot = len(self.order)
            self.order += range(node.slot, node.slot + (1 if isinstance(node, syntax.Number) else 3))
            return node._replace(slot=slot)
        if isinstance(node, syntax.Call):
            arguments = self.rewrites.get(id(node), node.arguments)
            return node._replace(arguments=tuple(self.node(a) for a in arguments))
        if isinstance(node, syntax.Scene):
            return node._replace(arguments=tuple(self.node(a) for a in node.arguments))
        if isinstance(node, syntax.Chain):
            return node._replace(operands=tuple(self.node(o) for o in node.operands))
        if isinstance(node, syntax.Pair):
            return node._replace(x=self.node(node.x), y=self.node(node.y))
        if isinstance(node, syntax.Triple):
            return node._replace(x=self.node(node.x), y=self.node(node.y), z=self.node(node.z))
        if isinstance(node, syntax.Ranged):
            return node._replace(
                number=self.node(node.number), low=self.node(node.low), high=self.node(node.high)
            )
        if isinstance(node, (syntax.Named, syntax.Negation, syntax.Fixed, syntax.Let, syntax.Draw)):
            return node._replace(value=self.node(node.value))
        if isinstance(node, syntax.Def):
            return node._replace(
                parameters=tuple(self.node(p) for p in node.parameters), body=self.node(node.body)
            )
        if isinstance(node, syntax.Parameter) and node.default is not None:
            return node._replace(default=self.node(node.default))
        return node
