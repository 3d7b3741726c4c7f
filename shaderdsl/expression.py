"""Straight-line scalar arithmetic: tracing, constant folding, hash-consing and exact derivatives.

A `Graph` is a list of scalar nodes in evaluation order, each `(operator, *arguments)` with arguments that are
indices of earlier nodes. Equal nodes are stored once, constants are folded, and neutral elements vanish, so a
graph is already the shortest tape that our rules know. Everything numerical in EarthShader is such a graph: the
body of each operation (inputs: a point and the operation's parameters) and the arithmetic of a program (inputs:
its parameters). Backends print graphs as their own source text (`shaderdsl.emit`); none re-implements one.

`Expr` is a handle on a node with the usual operators, so a body reads like mathematics:

>>> graph = Graph()
>>> x, y = graph.input("x"), graph.input("y")
>>> distance = hypot(x, y) - 0.5
>>> [graph.evaluate([d], {"x": 3.0, "y": 4.0}) for d in [distance]]
[[4.5]]

Derivatives are made by our own rules, as further nodes of the same graph: `tangents` (forward mode) and
`adjoints` (reverse mode) may be nested, which is how coverage gets the mixed second derivatives that it needs.
A bounded loop is a node too (`Fold`), whose derivative is another one: five octaves of a noise stay one loop everywhere.
At ties (`minimum(a, a)`, `absolute(0)`) the derivative of one side is taken, never a mean of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union

TINY = 1e-18
"""Denominators below this are raised to it, so that no derivative divides by zero (a float32 keeps it)."""

Node = tuple[Any, ...]
"""(operator, *argument indices), ("const", value) or ("input", name). The operator of a loop is a `Fold`."""
Scalar = Union["Expr", float, int]

_COMMUTATIVE = frozenset({"add", "mul", "min", "max", "hypot"})
_SIMPLIFIABLE = frozenset({"const", "neg", "abs", "hypot", "sqrt", "detach"})
"""Nodes that may make what is applied to them simpler."""


def _divide(a: float, b: float) -> float:
    if b == 0.0:
        return math.nan if a == 0.0 else math.copysign(math.inf, a)
    return a / b


def _finite(function: Callable[[float], float]) -> Callable[[float], float]:
    """`function`, which Python has for finite numbers alone, and no number of the others."""
    return lambda a: function(a) if math.isfinite(a) else math.nan


HASH_FACTORS = (0x6A09E667, 0xBB67AE85, 0x3C6EF373, 0xA54FF53B)
"""Odd numbers that a hash's four arguments are multiplied by: the fractions of the roots of 2, 3, 5 and 7."""
HASH_MIXERS = (0x7FEB352D, 0x846CA68B)
"""Odd numbers between whose products a hash folds its upper bits down: those of Wellons's "lowbias32"."""
_WORD = 0xFFFFFFFF


def _hash(x: float, y: float, z: float, seed: float) -> float:
    """A number n / 2^24 in [0, 1) from four whole ones, modulo 2^32: float32 holds it exactly."""
    bits = sum(int(value) * factor for value, factor in zip((x, y, z, seed), HASH_FACTORS)) & _WORD
    bits = (bits ^ bits >> 16) * HASH_MIXERS[0] & _WORD
    bits = (bits ^ bits >> 15) * HASH_MIXERS[1] & _WORD
    return ((bits ^ bits >> 16) >> 8) / 16777216.0


EVALUATORS: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _divide,
    "neg": lambda a: -a,
    "min": lambda a, b: a if a < b else b,
    "max": lambda a, b: b if a < b else a,
    "abs": abs,
    "sqrt": lambda a: math.sqrt(a) if a > 0.0 else 0.0,
    "hypot": lambda a, b: math.sqrt(a * a + b * b),
    "sin": _finite(math.sin),
    "cos": _finite(math.cos),
    "tan": _finite(math.tan),
    "atan2": math.atan2,
    "exp": math.exp,
    "log": lambda a: math.log(a) if a > 0.0 else -math.inf,
    "tanh": math.tanh,
    "floor": _finite(math.floor),
    "less": lambda a, b: 1.0 if a < b else 0.0,
    "select": lambda c, a, b: a if c > 0.5 else b,
    "detach": lambda a: a,
    "hash": _hash,
}
"""The scalar operators in float64: the definition that every dialect of `shaderdsl.emit` prints."""


FLAT = frozenset({"const", "input", "floor", "less", "detach", "hash"})
"""Operators without a derivative, or with one that is zero wherever there is one."""


@dataclass(frozen=True)
class Fold:
    """The operator of a bounded loop over an index 0, 1, ... below the node's first argument, which is rounded down.

    `body` is the graph of one turn: its inputs are "index" and the places 0, 1, ... of the node's other arguments;
    `output` is the node of it that is folded. A "sum" adds up, a "least" gives the index where the output is least (the
    first, if there are several, and 0 of none). The index has no derivative: compute what lies there behind the loop.
    """

    kind: Literal["sum", "least"]
    body: Graph
    output: int

    def __call__(self, count: float, *arguments: float) -> float:
        """The value in float64."""
        known: dict[object, float] = dict(enumerate(arguments))
        output = Expr(self.body, self.output)
        values = [self.body.evaluate([output], {**known, "index": float(k)})[0] for k in range(int(count))]
        if self.kind == "sum":
            return sum(values)
        return float(values.index(min(values))) if values else 0.0


def _evaluated(operator: Any, arguments: Iterable[Any]) -> float:
    return float((operator if isinstance(operator, Fold) else EVALUATORS[operator])(*arguments))


class Graph:
    """A growing, hash-consed list of scalar nodes. Indices stay valid for the graph's life."""

    __slots__ = ("nodes", "_index")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}

    # -- building -----------------------------------------------------------------------------------------

    def add(self, node: Node) -> int:
        """Store `node` unless an equal one exists; returns its index."""
        found = self._index.get(node)
        if found is None:
            found = len(self.nodes)
            self.nodes.append(node)
            self._index[node] = found
        return found

    def constant(self, value: float) -> Expr:
        return Expr(self, self.add(("const", float(value))))

    def input(self, name: object) -> Expr:
        """A free variable; `name` is any hashable key (a string in bodies, an index in programs)."""
        return Expr(self, self.add(("input", name)))

    def lift(self, value: Scalar) -> Expr:
        if isinstance(value, Expr):
            if value.graph is not self:
                raise ValueError("an expression of another graph was mixed in")
            return value
        return self.constant(value)

    def constant_value(self, index: int) -> float | None:
        """The value of a constant node, or None."""
        node = self.nodes[index]
        return node[1] if node[0] == "const" else None

    def apply(self, operator: str | Fold, *arguments: Scalar) -> Expr:
        """The node `operator(*arguments)`, folded and simplified."""
        indices = [a.index if type(a) is Expr and a.graph is self else self.lift(a).index for a in arguments]
        return Expr(self, self._simplified(operator, tuple(indices)))

    def _simplified(self, operator: Any, ids: tuple[int, ...]) -> int:
        nodes = self.nodes
        values: list[float | None] = []
        constant = True
        for i in ids:
            node = nodes[i]
            if node[0] == "const":
                values.append(node[1])
            else:
                values.append(None)
                constant = False
        if operator == "detach":
            # A constant has no derivative to stop, and a stopped one stays stopped.
            return ids[0] if constant or nodes[ids[0]][0] == "detach" else self.add((operator, *ids))
        if constant:
            return self.add(("const", _evaluated(operator, values)))
        a = ids[0]
        if isinstance(operator, Fold):
            return self.add(("const", 0.0)) if values[0] == 0.0 else self.add((operator, *ids))
        if len(ids) == 2:
            b = ids[1]
            va, vb = values
            if operator == "add":
                if va == 0.0:
                    return b
                if vb == 0.0:
                    return a
                if self.nodes[b][0] == "neg":
                    return self._simplified("sub", (a, self.nodes[b][1]))
                if self.nodes[a][0] == "neg":
                    return self._simplified("sub", (b, self.nodes[a][1]))
            elif operator == "sub":
                if vb == 0.0:
                    return a
                if va == 0.0:
                    return self._simplified("neg", (b,))
                if a == b:
                    return self.add(("const", 0.0))
                if self.nodes[b][0] == "neg":
                    return self._simplified("add", (a, self.nodes[b][1]))
            elif operator == "mul":
                if va == 0.0 or vb == 0.0:
                    return self.add(("const", 0.0))
                if va == 1.0:
                    return b
                if vb == 1.0:
                    return a
                if va == -1.0:
                    return self._simplified("neg", (b,))
                if vb == -1.0:
                    return self._simplified("neg", (a,))
                if self.nodes[a][0] == "neg":
                    return self._simplified("neg", (self._simplified("mul", (self.nodes[a][1], b)),))
                if self.nodes[b][0] == "neg":
                    return self._simplified("neg", (self._simplified("mul", (a, self.nodes[b][1])),))
            elif operator == "div":
                if va == 0.0:
                    return a
                if vb == 1.0:
                    return a
            elif operator in ("min", "max") and a == b:
                return a
            if operator in _COMMUTATIVE and a > b:
                ids = (b, a)
        elif operator == "neg" and self.nodes[a][0] == "neg":
            negated: int = self.nodes[a][1]
            return negated
        elif operator == "abs" and self.nodes[a][0] in ("abs", "hypot", "sqrt"):
            return a
        elif operator == "select":
            if values[0] is not None:
                return ids[1] if values[0] > 0.5 else ids[2]
            if ids[1] == ids[2]:
                return ids[1]
        return self.add((operator, *ids))

    def instantiate(self, template: Template, inputs: Sequence[Expr]) -> list[Expr]:
        """The template's outputs as nodes of this graph, with `inputs` for its inputs.

        Its code is simplified already. Only inputs that are equal, or of which a rule of `_simplified` makes more
        than of the template's own, give reason to look at it again.
        """
        value = [e.index for e in inputs]
        nodes, place = self.nodes, self._index
        taken = [value[k] for k in template.taken]
        if len(set(taken)) < len(taken) or any(nodes[i][0] in _SIMPLIFIABLE for i in taken):
            for operator, arguments in template.code:
                value.append(
                    self.add((operator, arguments)) if operator == "const"
                    else self._simplified(operator, tuple([value[a] for a in arguments]))
                )  # fmt: skip
            return [Expr(self, value[k]) for k in template.outputs]
        for operator, arguments in template.code:
            if operator == "const":
                node: Node = (operator, arguments)
            elif len(arguments) == 2:
                a, b = arguments
                a, b = value[a], value[b]
                node = (operator, b, a) if a > b and operator in _COMMUTATIVE else (operator, a, b)
            else:
                node = (operator, *[value[a] for a in arguments])
            found = place.get(node)
            if found is None:
                found = place[node] = len(nodes)
                nodes.append(node)
            value.append(found)
        return [Expr(self, value[k]) for k in template.outputs]

    # -- reading ------------------------------------------------------------------------------------------

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The indices that `outputs` depend on (themselves included), in evaluation order."""
        nodes = self.nodes
        stack = list(outputs)
        seen = set(stack)
        while stack:
            node = nodes[stack.pop()]
            if node[0] != "const" and node[0] != "input":
                for index in node[1:]:
                    if index not in seen:
                        seen.add(index)
                        stack.append(index)
        return sorted(seen)

    def evaluate(self, outputs: Sequence[Expr], inputs: Mapping[object, float]) -> list[float]:
        """Values of `outputs` in float64, given the value of each input by its name."""
        value: dict[int, float] = {}
        for index in self.needed(e.index for e in outputs):
            operator, *arguments = self.nodes[index]
            if operator == "const":
                value[index] = arguments[0]
            elif operator == "input":
                value[index] = inputs[arguments[0]]
            else:
                value[index] = _evaluated(operator, (value[a] for a in arguments))
        return [value[e.index] for e in outputs]

    # -- derivatives --------------------------------------------------------------------------------------

    def partials(self, index: int) -> list[tuple[int, Expr]]:
        """(argument, d node / d argument) for each argument of the node that has a derivative."""
        operator, *ids = self.nodes[index]
        value = Expr(self, index)
        e = [Expr(self, i) for i in ids] if operator not in ("const", "input") else []
        one = self.constant(1.0)
        if isinstance(operator, Fold):
            return list(zip(ids[1:], self._fold_partials(operator, e))) if operator.kind == "sum" else []
        if operator == "add":
            result = [one, one]
        elif operator == "sub":
            result = [one, self.constant(-1.0)]
        elif operator == "mul":
            result = [e[1], e[0]]
        elif operator == "div":
            result = [one / e[1], -(value / e[1])]
        elif operator == "neg":
            result = [self.constant(-1.0)]
        elif operator == "min":
            first = self.apply("less", e[0], e[1])
            result = [first, one - first]
        elif operator == "max":
            second = self.apply("less", e[0], e[1])
            result = [one - second, second]
        elif operator == "abs":
            result = [self.apply("select", self.apply("less", e[0], 0.0), -1.0, 1.0)]
        elif operator == "sqrt":
            result = [0.5 / maximum(value, TINY)]
        elif operator == "hypot":
            safe = maximum(value, TINY)
            result = [e[0] / safe, e[1] / safe]
        elif operator == "sin":
            result = [cosine(e[0])]
        elif operator == "cos":
            result = [-sine(e[0])]
        elif operator == "tan":
            result = [1.0 + value * value]
        elif operator == "atan2":
            square = maximum(e[0] * e[0] + e[1] * e[1], TINY)
            result = [e[1] / square, -(e[0] / square)]
        elif operator == "exp":
            result = [value]
        elif operator == "log":
            result = [one / e[0]]
        elif operator == "tanh":
            result = [1.0 - value * value]
        elif operator == "select":
            return [(ids[1], e[0]), (ids[2], one - e[0])]
        else:  # one of `FLAT`
            return []
        return list(zip(ids, result))

    def _fold_partials(self, fold: Fold, arguments: Sequence[Expr]) -> list[Expr]:
        """The derivative of a sum by each argument behind its count: the sum of the derivatives, over one body."""
        inputs = [fold.body.input(k) for k in range(len(arguments) - 1)]
        partials = fold.body.adjoints({fold.output: 1.0}, inputs)
        zero = self.constant(0.0)
        return [
            zero if partial.constant == 0.0 else self.apply(Fold("sum", fold.body, partial.index), *arguments)
            for partial in partials
        ]

    def tangents(self, outputs: Sequence[Expr], seeds: Mapping[int, Scalar]) -> list[Expr]:
        """Forward mode: the directional derivative of each output along `seeds` (input index -> tangent)."""
        zero = self.constant(0.0)
        tangent: dict[int, Expr] = {i: self.lift(t) for i, t in seeds.items()}
        for index in self.needed(e.index for e in outputs):
            if index in tangent:
                continue
            total = zero
            if self.nodes[index][0] == "select":
                # A branch that is not taken may hold an infinity: choose, do not multiply by zero.
                _, c, a, b = self.nodes[index]
                total = select(Expr(self, c), tangent[a], tangent[b])
            else:
                for argument, partial in self.partials(index):
                    if tangent[argument].index != zero.index:
                        total = total + partial * tangent[argument]
            tangent[index] = total
        return [tangent[e.index] for e in outputs]

    def adjoints(self, outputs: Mapping[int, Scalar], inputs: Sequence[Expr]) -> list[Expr]:
        """Reverse mode: the gradient of sum(weight * output) with respect to each of `inputs`."""
        zero = self.constant(0.0)
        adjoint: dict[int, Expr] = {i: self.lift(w) for i, w in outputs.items()}
        wanted = {e.index for e in inputs}
        depends: set[int] = set()
        order = self.needed(outputs)
        for index in order:
            node = self.nodes[index]
            if index in wanted or (
                node[0] not in FLAT and any(a in depends for a in node[1:])
            ):
                depends.add(index)
        for index in reversed(order):
            if index not in depends or index not in adjoint or index in wanted:
                continue
            weight = adjoint[index]
            if self.nodes[index][0] == "select":
                _, c, a, b = self.nodes[index]
                condition = Expr(self, c)
                shares = [(a, select(condition, weight, 0.0)), (b, select(condition, 0.0, weight))]
            else:
                shares = [(a, weight * p) for a, p in self.partials(index) if a in depends]
            for argument, share in shares:
                if argument in depends:
                    previous = adjoint.get(argument)
                    adjoint[argument] = share if previous is None else previous + share
        return [adjoint.get(e.index, zero) for e in inputs]


class Template:
    """Expressions to be repeated with other inputs, traced once: see `Graph.instantiate`.

    `code` has (operator, places of arguments) or ("const", value), places counting inputs first; `taken` are the
    inputs that it depends on, `outputs` the places of the outputs.
    """

    __slots__ = ("code", "taken", "outputs")

    def __init__(self, graph: Graph, inputs: Sequence[Expr], outputs: Sequence[Expr]) -> None:
        place = {e.index: k for k, e in enumerate(inputs)}
        self.code: list[tuple[str, Any]] = []
        self.taken: list[int] = []
        for index in graph.needed(e.index for e in outputs):
            operator, *arguments = graph.nodes[index]
            if operator == "input":
                self.taken.append(place[index])
                continue
            place[index] = len(inputs) + len(self.code)
            self.code.append((operator, arguments[0] if operator == "const" else tuple(place[a] for a in arguments)))
        self.outputs = [place[e.index] for e in outputs]


class Expr:
    """A node of a graph, with arithmetic. Comparisons give 1.0 or 0.0 as an expression, not a bool."""

    __slots__ = ("graph", "index")

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph = graph
        self.index = index

    @property
    def constant(self) -> float | None:
        """The value if this is a constant, else None."""
        return self.graph.constant_value(self.index)

    def __add__(self, other: Scalar) -> Expr:
        return self.graph.apply("add", self, other)

    def __radd__(self, other: Scalar) -> Expr:
        return self.graph.apply("add", other, self)

    def __sub__(self, other: Scalar) -> Expr:
        return self.graph.apply("sub", self, other)

    def __rsub__(self, other: Scalar) -> Expr:
        return self.graph.apply("sub", other, self)

    def __mul__(self, other: Scalar) -> Expr:
        return self.graph.apply("mul", self, other)

    def __rmul__(self, other: Scalar) -> Expr:
        return self.graph.apply("mul", other, self)

    def __truediv__(self, other: Scalar) -> Expr:
        return self.graph.apply("div", self, other)

    def __rtruediv__(self, other: Scalar) -> Expr:
        return self.graph.apply("div", other, self)

    def __neg__(self) -> Expr:
        return self.graph.apply("neg", self)

    def __lt__(self, other: Scalar) -> Expr:
        return self.graph.apply("less", self, other)

    def __gt__(self, other: Scalar) -> Expr:
        return self.graph.apply("less", other, self)

    def __repr__(self) -> str:
        return f"Expr({self.graph.nodes[self.index]})"


def _apply(operator: str, *arguments: Scalar) -> Expr:
    for argument in arguments:
        if isinstance(argument, Expr):
            return argument.graph.apply(operator, *arguments)
    raise TypeError(f"{operator} needs at least one traced expression")


def minimum(a: Scalar, b: Scalar) -> Expr:
    return _apply("min", a, b)


def maximum(a: Scalar, b: Scalar) -> Expr:
    return _apply("max", a, b)


def clamp(value: Scalar, low: Scalar, high: Scalar) -> Expr:
    return minimum(maximum(value, low), high)


def absolute(a: Scalar) -> Expr:
    return _apply("abs", a)


def square_root(a: Scalar) -> Expr:
    """√max(a, 0)."""
    return _apply("sqrt", a)


def hypot(a: Scalar, b: Scalar) -> Expr:
    """√(a² + b²), with a finite derivative at the origin."""
    return _apply("hypot", a, b)


def sine(a: Scalar) -> Expr:
    return _apply("sin", a)


def cosine(a: Scalar) -> Expr:
    return _apply("cos", a)


def tangent(a: Scalar) -> Expr:
    return _apply("tan", a)


def arctangent(y: Scalar, x: Scalar) -> Expr:
    """The angle of (x, y) in radians, in (-π, π]."""
    return _apply("atan2", y, x)


def exponential(a: Scalar) -> Expr:
    return _apply("exp", a)


def logarithm(a: Scalar) -> Expr:
    return _apply("log", a)


def hyperbolic_tangent(a: Scalar) -> Expr:
    return _apply("tanh", a)


def floor(a: Scalar) -> Expr:
    return _apply("floor", a)


def select(condition: Scalar, then: Scalar, otherwise: Scalar) -> Expr:
    """`then` where `condition` is above 0.5 (a comparison gives 1 or 0), else `otherwise`."""
    return _apply("select", condition, then, otherwise)


def hashed(x: Scalar, y: Scalar, z: Scalar, seed: Scalar) -> Expr:
    """A random-looking number in [0, 1) from four whole numbers, the same to the last bit on every backend."""
    return _apply("hash", x, y, z, seed)


def total(count: Scalar, terms: Callable[..., Sequence[Scalar]], *arguments: Scalar) -> list[Expr]:
    """The sums of `terms(index, *arguments)` over the indices 0, 1, ... below `count`: a loop, not a wall of code.

    What a term depends on must be among the arguments, but for constants.
    """
    return _fold("sum", count, terms, arguments)


def least(count: Scalar, value: Callable[..., Scalar], *arguments: Scalar) -> Expr:
    """The index below `count` at which `value(index, *arguments)` is least, without a derivative; as `total`."""
    return _fold("least", count, lambda *given: (value(*given),), arguments)[0]


def _fold(
    kind: Literal["sum", "least"], count: Scalar, body: Callable[..., Sequence[Scalar]], arguments: Sequence[Scalar]
) -> list[Expr]:
    graph = next(a.graph for a in (count, *arguments) if isinstance(a, Expr))
    turn = Graph()
    outer: list[Expr] = []
    inner: list[Expr] = []
    for argument in map(graph.lift, arguments):
        if argument.constant is not None:  # known inside too, where it may make the body simpler
            inner.append(turn.constant(argument.constant))
        else:
            inner.append(turn.input(len(outer)))
            outer.append(argument)
    outputs = body(turn.input("index"), *inner)
    return [graph.apply(Fold(kind, turn, turn.lift(output).index), count, *outer) for output in outputs]


def detach(a: Scalar) -> Expr:
    """`a` as a constant for every derivative: for roots found by iteration (see `implicit_root`)."""
    return _apply("detach", a)


def implicit_root(root: Expr, residual: Callable[[Expr], Expr], slope: Callable[[Expr], Expr]) -> Expr:
    """A root of `residual` found by any means, with the derivative that the implicit function theorem gives.

    One Newton step from the detached root changes its value by nothing (it is a root) and its derivative to
    -∂residual / slope, whatever iteration found it.
    """
    found = detach(root)
    denominator = slope(found)
    safe = select(absolute(denominator) < TINY, TINY, denominator)
    return found - residual(found) / detach(safe)
