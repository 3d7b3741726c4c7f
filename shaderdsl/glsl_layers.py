"""The layers of a scene as statements of GLSL: `Layers` walks a scene and keeps the helpers and tables it needs.

Texts that are alike but for tokens (`shaderdsl.glsl_writer`) differ in numbers alone, and become a loop over a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shaderdsl import glsl_helpers as helpers, scene as ir
from shaderdsl.emit import ATOM, GLSL
from shaderdsl.expression import Expr
from shaderdsl.glsl_print import RESERVED, WIDTH, unique
from shaderdsl.glsl_tables import listed
from shaderdsl.glsl_writer import LOCALS, TOKEN, Block, DrawnProgram, Target, Writer, components
from shaderdsl.registry import Operation, Point, bind, scalar_names
from shaderdsl.tape import all_scalars

RUN = 4
"""So many layers in a row that differ in numbers alone become a loop."""

LARGE = 150_000
"""Characters of code, helpers inlined, above which all layers go into one loop: drivers compile what they inline."""

LONG = 64
"""An expression longer than this becomes a variable before it is an argument."""


class Layers(Writer):
    """What a scene's layers are in GLSL; see the module."""

    def __init__(self, program: DrawnProgram, target: Target, live: bool) -> None:
        super().__init__(program, target, live)
        self.functions: dict[object, str] = {}
        self.function_texts: list[str] = []
        self.shared = _shared(layer.shape for layer in self.scene.layers)
        self.lengths: dict[str, int] = {}

    # -- shapes -------------------------------------------------------------------------------------------

    def shape(self, shape: ir.Shape, point: str, inset: Expr | None, block: Block) -> str:
        """The dual of a shape at a point, as an expression; statements that it needs go into the block."""
        if id(shape) in self.shared:
            return f"{self.function(shape, inset)}({point})"
        return self.plain(shape, point, inset, block)

    def plain(self, shape: ir.Shape, point: str, inset: Expr | None, block: Block) -> str:
        if isinstance(shape, ir.Primitive):
            return self.primitive(shape, point, inset, block)
        if isinstance(shape, ir.Outline):
            return self.outline(shape, point, block)
        if isinstance(shape, ir.Combination):
            return self.combination(shape, point, inset, block)
        if isinstance(shape, ir.Modified):
            amount = inset
            if shape.operation.name == "round":
                amount = shape.scalars[0] if inset is None else shape.scalars[0] + inset
            name = self.use(*helpers.combination(shape.operation))
            child = self.short(self.shape(shape.child, point, amount, block), shape.child, block)
            return f"{name}({', '.join([child, *block.numbers(shape.scalars)])})"
        if shape.operation.category == "transform":
            return self.transformed(shape, point, inset, block)
        return self.repeated(shape, point, inset, block)

    def short(self, text: str, shape: ir.Shape, block: Block) -> str:
        """The expression, or a variable that holds it where it is long."""
        if len(text) <= LONG:
            return text
        while isinstance(shape, (ir.Placed, ir.Modified)):
            shape = shape.child
        return block.variable("vec4", shape.operation.identifier, text)

    def function(self, shape: ir.Shape, inset: Expr | None) -> str:
        """A shape that is used more than once, as a function."""
        key = (id(shape), inset.index if inset else None)
        if key not in self.functions:
            block = Block(self)
            result = self.plain(shape, "p", inset, block)
            name = self.functions[key] = f"shape{len(self.functions) + 1}"
            body = "\n".join("    " + line for line in [*block.lines, f"return {result};"])
            self.function_texts.append(f"vec4 {name}(vec2 p) {{\n{body}\n}}")
        return self.functions[key]

    def combination(self, shape: ir.Combination, point: str, inset: Expr | None, block: Block) -> str:
        name = self.use(*helpers.combination(shape.operation))
        point = self.held(point, block)
        children = self.flattened(shape)
        scalars = all_scalars(shape.operation, shape.scalars, shape.decided, self.graph)
        numbers = "".join(", " + text for text in block.numbers(scalars))
        if len(children) == 2:
            a, b = (self.short(self.shape(child, point, inset, block), child, block) for child in children)
            return f"{name}({a}, {b}{numbers})"
        total = block.variable("vec4", shape.operation.function + "_all", self.shape(children[0], point, inset, block))
        steps: list[list[str]] = []
        for child in children[1:]:
            inner = Block(self, block)
            inner.taken = inner.printer.taken = set(block.taken)
            text = self.shape(child, point, inset, inner)
            step = f"{total} = {name}({total}, {text}{numbers});"
            steps.append(["{", *("    " + line for line in [*inner.lines, step]), "}"] if inner.lines else [step])
        forms, tokens = _forms(steps)
        for first, end in _runs(forms, tokens):
            if end - first > 1:
                index = block.local("part")
                body = self.rows(steps[first], tokens[first:end], index)
                block.lines += [f"for (int {index} = 0; {index} < {end - first}; {index}++) {{"]
                block.lines += [*("    " + line for line in body), "}"]
            else:
                block.lines += steps[first]
        return total

    def flattened(self, shape: ir.Combination) -> list[ir.Shape]:
        """The children of a boolean, and of the same boolean in the first place: ((a, b), c) is (a, b, c)."""
        first, *rest = shape.children
        key = [e.index for e in shape.scalars]
        if (
            isinstance(first, ir.Combination)
            and first.operation is shape.operation
            and [e.index for e in first.scalars] == key
            and first.decided == shape.decided
            and id(first) not in self.shared
        ):
            return [*self.flattened(first), *rest]
        return list(shape.children)

    def held(self, point: str, block: Block) -> str:
        """A point that is read more than once, as a variable."""
        return point if point.isidentifier() else block.variable("vec2", "q", point)

    def located(
        self, transforms: Sequence[tuple[Operation, Sequence[Expr]]], point: str, block: Block
    ) -> tuple[str, list[str], Expr]:
        """A point through transforms, outermost first: its text, the matrices passed, and the factor on distances."""
        matrices: list[str] = []
        scale = self.graph.constant(1.0)
        for operation, scalars in transforms:
            arguments = bind(
                operation, dict(zip(scalar_names(operation), all_scalars(operation, scalars, (), self.graph)))
            )
            _, shift = helpers.affine(operation, arguments, self.graph)
            shifts = [shift.x.constant, shift.y.constant] != [0.0, 0.0]
            matrix = helpers.matrix(operation)
            if matrix is None:
                if shifts:
                    point = f"{point} - {block.vector([-shift.x, -shift.y])}"
                continue
            texts: list[str] = []
            for parameter in operation.parameters:
                own = components(arguments[parameter.name])
                texts += [block.vector(own)] if len(own) == 2 else block.numbers(own)
            matrices.append(block.variable("mat2", "frame", f"{self.use(*matrix)}({', '.join(texts)})"))
            point = f"{matrices[-1]} * {point if point.isidentifier() else f'({point})'}"
            if shifts:
                point += f" + {block.vector([shift.x, shift.y])}"
            if operation.distance_scale is not None:
                scale = scale * self.graph.lift(operation.distance_scale(**arguments))
        return point, matrices, scale

    def transformed(self, shape: ir.Placed, point: str, inset: Expr | None, block: Block) -> str:
        chain = [shape]
        while (
            isinstance(child := chain[-1].child, ir.Placed)
            and child.operation.category == "transform"
            and id(child) not in self.shared
        ):
            chain.append(child)
        point, matrices, scale = self.located([(s.operation, s.scalars) for s in chain], point, block)
        if matrices:
            point = self.held(point, block)
            self.factor(scale, block)
        inner = inset if inset is None or scale.constant == 1.0 else inset / scale
        result = self.shape(child, point, inner, block)
        if not matrices:
            return result
        result = self.short(result, child, block)
        if scale.constant == 1.0:
            self.use("place")
            return f"place({' * '.join(reversed(matrices))}, {result})"
        self.use("place scaled")
        return f"place({' * '.join(reversed(matrices))}, {block.numbers([scale])[0]}, {result})"

    def factor(self, scale: Expr, block: Block) -> None:
        """Gives a long factor on distances a name, by which all that follows calls it."""
        text = block.numbers([scale])[0]
        if len(TOKEN.sub("0.12", text)) > 16:
            block.printer.text[scale.index] = (block.variable("float", "scale", text), ATOM)

    def repeated(self, shape: ir.Placed, point: str, inset: Expr | None, block: Block) -> str:
        operation = shape.operation
        name = self.use(*helpers.repetition(operation))
        self.use("place")
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        texts = [t for p in operation.parameters for t in self.argument(arguments[p.name], block)]
        if operation.copies == 1:
            frame = block.variable("mat2", "frame")
            q = block.variable("vec2", "q", f"{name}({', '.join([point, *texts, frame])})")
            return f"place({frame}, {self.short(self.shape(shape.child, q, inset, block), shape.child, block)})"
        union = self.use(*helpers.combination(helpers.plain_union()))
        point = self.held(point, block)
        total = block.variable("vec4", "copies", "vec4(1e15, 0.0, 0.0, 0.0)")
        copy = block.local("copy")
        loop = block.loop(f"for (int {copy} = 0; {copy} < {operation.copies}; {copy}++)")
        frame = loop.variable("mat2", "frame")
        q = loop.variable("vec2", "q", f"{name}({', '.join([point, *texts, f'float({copy})', frame])})")
        child = self.short(self.shape(shape.child, q, inset, loop), shape.child, loop)
        loop.lines.append(f"{total} = {union}({total}, place({frame}, {child}));")
        block.close(loop)
        return total

    def argument(self, value: Expr | Point, block: Block) -> list[str]:
        own = components(value)
        return [block.vector(own)] if len(own) == 2 else block.numbers(own)

    # -- layers -------------------------------------------------------------------------------------------

    def layer(self, layer: ir.Layer) -> list[str]:
        """The statements that draw a layer over what is there."""
        block = Block(self)
        d = self.shape(layer.shape, "p", None, block)
        colour = self.paint(layer.paint, block)
        self.use("over")
        softness = layer.softness
        crisp = softness is None or softness.constant == 0.0
        extra = "" if crisp or softness is None else ", " + block.numbers([softness])[0]
        cover = self.use("coverage" if crisp else "softCoverage")
        opacity = ""
        if layer.opacity is not None and layer.opacity.constant != 1.0:
            text = block.numbers([layer.opacity])[0]
            opacity = f"({text}) * " if " " in text else f"{text} * "
        if len(colour) > LONG:
            colour = block.variable("vec3", "paint", colour)
        line = f"color = over(color, {colour}, {opacity}{cover}({d}, pixel{extra}));"
        if not block.lines and len(TOKEN.sub("0.123", line)) <= WIDTH + 12:
            return [line]
        block.lines.append(f"vec4 {block.local('d')} = {d};")
        block.lines.append(f"color = over(color, {colour}, {opacity}{cover}(d, pixel{extra}));")
        return ["{", *("    " + text for text in block.lines), "}"]

    def paint(self, paint: ir.Paint, block: Block) -> str:
        colours = [block.vector(colour) for colour in paint.colours]
        if len(colours) == 1:
            return colours[0]
        operation = paint.operation
        point, matrices, _ = self.located([(x.operation, x.scalars) for x in reversed(paint.placements)], "p", block)
        scalars = all_scalars(operation, paint.scalars, paint.decided, self.graph)
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        # A helper is made for each word of a choice, and without what is 0 because it was left out.
        values = {name: e.constant for name, e in zip(scalar_names(operation), scalars) if e.constant is not None}
        constants = {
            p.name: values[p.name] for p in operation.parameters
            if p.kind == "choice" or (p.kind == "number" and p.default == 0.0 == values.get(p.name))
        }  # fmt: skip
        texts = [t for p in operation.parameters if p.name not in constants for t in self.argument(arguments[p.name], block)]
        if operation.filtered:
            texts.append(f"pixel * {self.use('rowLengths')}({' * '.join(reversed(matrices))})" if matrices else "vec2(pixel)")
        t = f"{self.use(*helpers.ramp(operation, tuple(constants.items())))}({', '.join([point, *texts])})"
        if not operation.filtered:
            return self.ramp(t, colours, block)
        shown = block.variable("vec3", "shown", t)
        places = [self.ramp(f"{shown}.{axis}", colours, block) for axis in "xy"]
        return block.variable("vec3", "paint", f"mix({places[0]}, {places[1]}, {shown}.z)")

    def ramp(self, t: str, colours: Sequence[str], block: Block) -> str:
        """The colour at a place on a ramp."""
        text = block.ramp(t, colours)
        return text if text.isidentifier() else block.variable("vec3", "paint", text)

    def layers(self) -> list[str]:
        """The statements of all layers, runs of alike ones as loops."""
        texts = [self.layer(layer) for layer in self.scene.layers]
        forms, tokens = _forms(texts)
        blocks = _runs(forms, tokens)
        if sum(self.inlined("\n".join(texts[first])) for first, _ in blocks) > LARGE:
            return self.dispatch(texts, tokens, forms)
        lines: list[str] = []
        for first, end in blocks:
            title = self.title(first) + (f" to {self.title(end - 1)}" if end - first > 1 else "")
            body = texts[first]
            if end - first > 1:
                rows = self.rows(texts[first], tokens[first:end], "layer")
                body = [f"for (int layer = 0; layer < {end - first}; layer++) {{", *("    " + x for x in rows), "}"]
            lines += [f"// {title}", *body]
        return lines

    def inlined(self, text: str) -> int:
        """How long a text is with all calls of helpers replaced by the helpers: what a driver has to compile."""
        if not self.lengths:
            for helper in self.used.values():
                name = re.search(r"(\w+)\(", re.sub("//.*", "", helper))
                assert name is not None
                self.lengths[name[1]] = self.lengths.get(name[1], 0) + len(helper)
                self.lengths[name[1]] += sum(
                    self.lengths.get(w, 0) for w in re.findall(r"\w+(?=\()", helper) if w != name[1]
                )
        return len(text) + sum(self.lengths.get(word, 0) for word in re.findall(r"\w+(?=\()", text))

    def dispatch(
        self, texts: Sequence[Sequence[str]], tokens: Sequence[Sequence[str]], forms: Sequence[str]
    ) -> list[str]:
        """One loop over all layers of a large program, which chooses among the kinds of layer there are."""
        kinds: dict[str, list[int]] = {}
        for number, form in enumerate(forms):
            kinds.setdefault(form, []).append(number)
        place = {number: (k, row) for k, members in enumerate(kinds.values()) for row, number in enumerate(members)}
        self.tables.append(
            "// Each layer's kind, and its row in the tables of that kind.\n"
            + listed("ivec2", "layers", [f"ivec2({k}, {row})" for k, row in (place[n] for n in range(len(forms)))])
        )
        lines = [f"for (int number = 0; number < {len(forms)}; number++) {{", "    int kind = layers[number].x;",
                 "    int layer = layers[number].y;"]  # fmt: skip
        for k, members in enumerate(kinds.values()):
            lines.append(f"    {'} else ' if k else ''}if (kind == {k}) {{  // {self.title(members[0])}")
            body = self.rows(texts[members[0]], [tokens[n] for n in members], "layer")
            lines += ["        " + line for line in body]
        return [*lines, "    }", "}"]

    def title(self, number: int) -> str:
        layer = self.scene.layers[number]
        shape = layer.shape
        while isinstance(shape, (ir.Placed, ir.Modified)):
            shape = shape.child
        kind = shape.operation.name
        return f"{number + 1}. {f'{layer.name} ({kind})' if layer.name and layer.name != kind else kind}"

    def rows(self, text: Sequence[str], rows: Sequence[Sequence[str]], index: str) -> list[str]:
        """The statements of what is number `index` in a table, whose columns are the parameters that it reads."""
        numbers = [[int(t[2:-1]) for t in row if t[0] == "P"] for row in rows]
        outlines = [list(dict.fromkeys(int(t[2:-1]) for t in row if t[0] in "FN")) for row in rows]
        names: dict[str, str] = {}
        head: list[str] = []
        taken = {*RESERVED, *LOCALS, *re.findall(r"[A-Za-z_]\w*", "\n".join(text))}
        suffix = str(len(self.tables) + 1)
        if numbers[0]:
            columns = len(numbers[0])
            strides = {b[j] - a[j] for a, b in zip(numbers, numbers[1:]) for j in range(columns)}
            if self.uniforms and len(strides) == 1:
                stride = strides.pop()
                source = [f"param({n} + {stride} * {index})" for n in numbers[0]]
            else:
                flat = [n for row in numbers for n in row]
                table = "numbers" + suffix
                head.append(f"int row = {columns} * {index};")
                if self.uniforms:
                    self.tables.append(listed("int", table, [str(n) for n in flat]))
                    source = [f"param({table}[row + {j}])" for j in range(columns)]
                else:
                    self.tables.append(listed("float", table, [GLSL.number(self.values[n]) for n in flat]))
                    source = [f"{table}[row + {j}]" for j in range(columns)]
            self.reads_parameters |= self.uniforms
            for parameter, value in zip(numbers[0], source):
                name = re.sub(r"\W+", "_", self.program.parameters[parameter].name.split(".", 1)[-1]).strip("_")
                name = unique(name if name[:1].isalpha() else "value", taken)
                names[f"P_{parameter}_"] = name
                head.append(f"float {name} = {value};")
        if outlines[0]:
            table = "outlines" + suffix
            spans = [self.points.spans[n] for row in outlines for n in row]
            self.tables.append(listed("ivec2", table, [f"ivec2({a}, {b})" for a, b, *_ in spans]))
            for j, number in enumerate(outlines[0]):
                place = index if len(outlines[0]) == 1 else f"{len(outlines[0])} * {index} + {j}"
                name = unique("outline", taken) if j else "outline"
                head.append(f"ivec2 {name} = {table}[{place}];")
                names |= {f"F_{number}_": name + ".x", f"N_{number}_": name + ".y"}
        body = [TOKEN.sub(lambda m: names[m[0]], line) for line in text]
        if body[0] == "{":
            body = [line[4:] for line in body[1:-1]]
        return [*head, *body]


def _forms(texts: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Texts with their tokens numbered from 0, which are equal where they differ in numbers alone; and the tokens."""
    forms: list[str] = []
    tokens: list[list[str]] = []
    for lines in texts:
        text = "\n".join(lines)
        own = list(dict.fromkeys(m[0] for m in TOKEN.finditer(text)))
        number = {token: k for k, token in enumerate(own)}
        forms.append(TOKEN.sub(lambda m: f"{m[1]}_{number[m[0]]}_", text))  # noqa: B023
        tokens.append(own)
    return forms, tokens


def _runs(forms: Sequence[str], tokens: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """(first, end) of what becomes a loop, in order; what does not is alone."""
    runs: list[tuple[int, int]] = []
    first = 0
    while first < len(forms):
        end = first + 1
        while end < len(forms) and forms[end] == forms[first]:
            end += 1
        runs += [(first, end)] if end - first >= RUN and tokens[first] else [(k, k + 1) for k in range(first, end)]
        first = end
    return runs


def _shared(roots: Iterable[ir.Shape]) -> set[int]:
    """The identities of shapes made of others that more than one place uses."""
    uses: dict[int, int] = {}
    stack = list(roots)
    while stack:
        shape = stack.pop()
        uses[id(shape)] = uses.get(id(shape), 0) + 1
        if uses[id(shape)] == 1:
            if isinstance(shape, ir.Combination):
                stack.extend(shape.children)
            elif isinstance(shape, (ir.Modified, ir.Placed)):
                stack.append(shape.child)
            else:
                uses[id(shape)] = -(10**9)  # a plain call needs no function
    return {identity for identity, count in uses.items() if count > 1}
