"""Traced arithmetic in space as GLSL: what bodies do with vectors is printed as vectors again, `dot(normal, direction)`.

Tracing leaves three scalars of each vector. Where three nodes are a vector's components, by its name in the body or as a
result, and are made alike, one `vec3` takes their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shaderdsl.glsl_print import WIDTH, GlslPrinter, Trace, unique

FLAT = "Flat"
"""The end of the name of a function of points of the plane, where one of points of space has its name."""

_COMPONENT = re.compile(r"([A-Za-z_][\w.]*)\.([xyz])")
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_LEVELS = {"add": 50, "sub": 50, "mul": 60, "div": 60}
_ATOM = 90
_COMMUTATIVE = ("add", "mul", "min", "max")


class SolidPrinter(GlslPrinter):
    """A `GlslPrinter` that knows vectors of three components. `results` are outputs that are vectors, by their names."""

    def __init__(self, trace: Trace, inputs: Mapping[object, str], results: Mapping[str, Sequence[int]], taken: set[str]) -> None:
        super().__init__(trace, inputs, taken=taken)
        self.triples: dict[int, tuple[str, tuple[int, ...]]] = {}
        known = {name: index for index, name in trace.names.items()}
        for name in known:
            components = [known[axis_name] for axis in "xyz" if (axis_name := name[:-1] + axis) in known]
            if name.endswith("_x") and len(set(components)) == 3:
                self._add(name[:-2], components)
        for name, parts in results.items():
            if len(set(parts)) == 3:
                self._add(name, parts)

    def _add(self, name: str, parts: Sequence[int]) -> None:
        if not any(self.graph.nodes[i][0] in ("const", "input") for i in parts):
            for index in parts:
                self.triples[index] = name, tuple(parts)

    # -- vectors ------------------------------------------------------------------------------------------

    def expression(self, index: int) -> tuple[str, int]:
        found = self.triples.get(index)
        if found is not None:
            name, parts = found
            vector = self.vector(parts)
            if vector is not None:
                if not re.fullmatch(r"[\w.]+", vector[0]):
                    held = unique(name, self.taken)
                    self.statements.append(f"vec3 {held} = {vector[0]};")
                    vector = held, _ATOM
                for part, axis in zip(parts, "xyz"):
                    self.text[part] = f"{vector[0]}.{axis}", 9
                    self.triples.pop(part, None)
                return self.text[index][0], _ATOM
        dotted = self._dot(index)
        if dotted is not None:
            return dotted
        operator, arguments = self.pattern(index)
        if operator == "hypot":
            return self._length(index), _ATOM
        return super().expression(index)

    def vector(self, parts: Sequence[int]) -> tuple[str, int] | None:
        """Three nodes as one vector, with the precedence of the text; None where they are made differently."""
        if all(part in self.text for part in parts):
            names = [_COMPONENT.fullmatch(self.text[part][0]) for part in parts]
            if all(names) and [m[2] for m in names if m] == ["x", "y", "z"] and len({m[1] for m in names if m}) == 1:
                return names[0][1], _ATOM  # type: ignore[index]
        if len(set(parts)) < 3:
            return None
        patterns = [self.pattern(part) for part in parts]
        operators = {operator for operator, _ in patterns}
        if len(operators) > 1:
            return None
        operator = patterns[0][0]
        columns = [list(arguments) for _, arguments in patterns]
        if operator == "call" and {len(c) for c in columns} == {1} and len({self.trace.calls[i][0] for i in parts}) == 1:
            inner = self.vector([c[0] for c in columns])
            return None if inner is None else (f"{self.trace.calls[parts[0]][0]}({inner[0]})", _ATOM)
        if operator == "neg":
            inner = self.vector([c[0] for c in columns])
            return None if inner is None else (f"-{_atom(inner)}", 70)
        if operator not in (*_SIGNS, "min", "max"):
            return None
        for a, b in self._aligned(operator, columns):
            first, second = self._operand(a), self._operand(b)
            if first is None or second is None:
                continue
            if operator in ("min", "max"):
                return f"{operator}({first[0]}, {second[0]})", _ATOM
            level = _LEVELS[operator]
            left = first[0] if first[1] >= level else f"({first[0]})"
            strict = operator in ("sub", "div")
            right = second[0] if second[1] > level or (second[1] == level and not strict) else f"({second[0]})"
            return f"{left} {_SIGNS[operator]} {right}", level
        return None

    def _aligned(self, operator: str, columns: Sequence[Sequence[int]]) -> list[tuple[list[int], list[int]]]:
        """The two operands' components, in the orders that are worth trying."""
        plain = [c[0] for c in columns], [c[1] for c in columns]
        if operator not in _COMMUTATIVE:
            return [plain]
        tries = [plain]
        for common in set(columns[0]) & set(columns[1]) & set(columns[2]):
            others = [c[1] if c[0] == common else c[0] for c in columns]
            tries.insert(0, (others, [common] * 3))
        for bits in range(1, 4):
            swapped = [c[::-1] if bits >> k & 1 else c for k, c in enumerate(columns)]
            tries.append(([c[0] for c in swapped], [c[1] for c in swapped]))
        return tries

    def _operand(self, parts: Sequence[int]) -> tuple[str, int] | None:
        """A vector, or a number that is the same in all components."""
        if len(set(parts)) > 1:
            return self.vector(parts)
        if parts[0] not in self.text or self.boolean(parts[0]):
            return None
        text, level = self.text[parts[0]]
        return text, _ATOM if level == 9 else level or 70

    # -- products and lengths -----------------------------------------------------------------------------

    def _dot(self, index: int) -> tuple[str, int] | None:
        terms: list[tuple[bool, int]] = []
        stack = [(False, index)]
        while stack and len(terms) < 4:
            negative, node = stack.pop()
            operator, *arguments = self.graph.nodes[node]
            if operator == "add":
                stack += [(negative, a) for a in arguments]
            elif operator == "sub":
                stack += [(negative, arguments[0]), (not negative, arguments[1])]
            elif operator == "neg":
                stack.append((not negative, arguments[0]))
            else:
                terms.append((negative, node))
        if len(terms) != 3 or len({negative for negative, _ in terms}) != 1:
            return None
        vectors: set[tuple[str, ...]] = set()
        axes: list[str] = []
        for _, node in terms:
            operator, *arguments = self.graph.nodes[node]
            if operator != "mul" or any(a not in self.text for a in arguments):
                return None
            parts = [_COMPONENT.fullmatch(self.text[a][0]) for a in arguments]
            if not all(parts) or parts[0][2] != parts[1][2]:  # type: ignore[index]
                return None
            axes.append(parts[0][2])  # type: ignore[index]
            vectors.add(tuple(sorted(m[1] for m in parts if m)))
        if sorted(axes) != ["x", "y", "z"] or len(vectors) != 1:
            return None
        a, b = vectors.pop()
        text = f"dot({a}, {b})"
        return (f"-{text}", 70) if terms[0][0] else (text, _ATOM)

    def _length(self, index: int) -> str:
        _, a, b = self.graph.nodes[index]
        parts = [a, b]
        for outer, inner in ((a, b), (b, a)):
            if self.graph.nodes[inner][0] == "hypot":
                parts = [*self.graph.nodes[inner][1:], outer]
                break
        texts = [self.text[part][0] for part in parts]
        names = [_COMPONENT.fullmatch(text) for text in texts]
        if all(names) and len({m[1] for m in names if m}) == 1:
            axes = "".join(sorted(m[2] for m in names if m))
            if len(set(axes)) == len(axes):
                name: str = names[0][1]  # type: ignore[index]
                return f"length({name})" if axes == "xyz" else f"length({name}.{axes})"
        return f"length(vec{len(parts)}({', '.join(texts)}))"


def in_space(trace: Trace) -> Trace:
    """A trace whose calls with a point of the plane are of other functions than those with one of space."""

    def renamed(some: Trace) -> Trace:
        calls = {i: (name + FLAT * (width == 2), width, arguments) for i, (name, width, arguments) in some.calls.items()}
        return replace(some, calls=calls)

    inner = {graph: renamed(some) for graph, some in trace.inner.items()}
    for some in inner.values():
        some.inner = inner
    return replace(renamed(trace), inner=inner)


def _atom(part: tuple[str, int]) -> str:
    return part[0] if part[1] >= _ATOM else f"({part[0]})"


def vec(parts: Sequence[str]) -> str:
    """Components as a vector, which they may be by name."""
    name = parts[0].removesuffix(".x")
    if re.fullmatch(r"[\w.]+", name) and list(parts) == [f"{name}.{axis}" for axis in "xyz"]:
        return name
    return f"vec3({', '.join(parts)})"


def function_text(
    head: str, trace: Trace, inputs: Mapping[object, str], results: Callable[[list[str]], Sequence[str]],
    vectors: Mapping[str, int] | None = None,
) -> str:  # fmt: skip
    """A GLSL function: `head`, then statements, then the lines that `results` makes of the outputs' texts.

    `vectors` are outputs that are vectors: their names, and the number of the first of their three components.
    """
    found = {name: [e.index for e in trace.outputs[k : k + 3]] for name, k in (vectors or {}).items()}
    taken = set(re.findall(r"\w+", head)) | {w for text in inputs.values() for w in re.findall(r"(?<![.\w])[A-Za-z_]\w*", text)}
    printer = SolidPrinter(in_space(trace), inputs, found, taken)
    values = [
        f"float({value})" if printer.boolean(output.index) else value for value, output in zip(printer.run(trace.outputs), trace.outputs)
    ]
    lines = _read([*printer.statements, *results(values)])
    return "\n".join([head + " {", *("    " + part for line in lines for part in line.split("\n")), "}"])


def _read(lines: Sequence[str]) -> list[str]:
    """The lines without declarations of what nothing reads."""
    kept = list(lines)
    while True:
        text = "\n".join(kept)
        for line in kept:
            match = re.match(r"(?:float|bool|vec3) (\w+) = ", line)
            if match and len(re.findall(rf"\b{match[1]}\b", text)) == 1:
                kept.remove(line)
                break
        else:
            return kept


def wrapped(line: str, limit: int = WIDTH + 8) -> list[str]:
    """A statement in lines of at most about `limit` characters, broken behind the commas of its outermost call."""
    start = line.find("(")
    if len(line) <= limit or start < 0 or line.lstrip().startswith(("for", "//", "if")):
        return [line]
    depth, pieces, piece, end = 0, [], "", len(line)
    for k, letter in enumerate(line[start:], start):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            end = k
            break
        if letter == "," and depth == 1:
            pieces.append(piece.strip() + ",")
            piece = ""
        elif k > start:
            piece += letter
    pieces.append(piece.strip())
    indent = line[: len(line) - len(line.lstrip())] + "    "
    inner = [part for p in pieces for part in wrapped(indent + p, limit)]
    return [line[: start + 1], *inner, indent[4:] + line[end:]]
