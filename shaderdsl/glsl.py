"""GLSL of a program, written for people: `to_glsl`.

A shader is the program's text as a comment, the helper functions that it uses, and one block for each layer. Many
layers in a row that differ in numbers alone become a loop over a table, so that a large program stays short and
compiles quickly. Numbers are constants, or uniforms with readable names (`live`).
"""

from __future__ import annotations

import re

from shaderdsl.emit import GLSL
from shaderdsl.glsl_layers import TOKEN, Block, DrawnProgram, Layers, Target
from shaderdsl.glsl_print import RESERVED
from shaderdsl.glsl_tables import parameter_access, parameter_names


def to_glsl(program: DrawnProgram, target: Target = "330", live: bool = False) -> str:
    """The program as a fragment shader.

    target: "330" (desktop) and "es300" (WebGL2) write premultiplied RGBA to `out vec4 color` and read
        `uniform vec2 resolution` (pixels); "shadertoy" has `mainImage`, and is opaque (over white where the
        program's background is none).
    live: numbers are uniforms, `uniform vec4 params[N]`, or `uniform sampler2D params_texture` (RGBA32F, N by 1)
        above 200 vectors, filled with `program.params` in order; a `#define` names each. Shadertoy has no uniforms of
        ours: there the names are constants.

    Raises ValueError for another target.
    """
    if target not in ("330", "es300", "shadertoy"):
        raise ValueError(f'There is no target {target!r}: choose "330", "es300" or "shadertoy".')
    return _Shader(program, target, live).text()


class _Shader(Layers):
    """The whole text around the layers."""

    def text(self) -> str:
        layers = self.layers()
        block = Block(self)
        colour = self.scene.background
        note: list[str] = []
        if colour is not None:
            start = f"vec4({', '.join(block.numbers(colour))}, 1.0)"
        elif self.target == "shadertoy":
            start, note = "vec4(1.0)", ["// The program has no background: Shadertoy shows it over white."]
        else:
            start = "vec4(0.0)"
        self.points.derived_statements(block)
        if self.target == "shadertoy":
            head = "void mainImage(out vec4 fragColor, in vec2 fragCoord)"
            place, size, kind = "fragCoord", "iResolution", "vec4 "
        else:
            head = "void main()"
            place, size, kind = "gl_FragCoord.xy", "resolution", ""
        body = [
            f"vec2 p = (2.0 * {place} - {size}.xy) / min({size}.x, {size}.y);",
            f"float pixel = 2.0 / min({size}.x, {size}.y);",
            *block.lines,
            *note,
            f"{kind}color = {start};",
            *layers,
        ]
        if self.target == "shadertoy":
            body.append("fragColor = vec4(color.rgb, 1.0);")
        main = "\n".join([head + " {", *("    " + line for line in body), "}"])
        code = "\n\n".join([*self.points.tables(), *self.tables, *self.used.values(), *self.function_texts, main])
        return self.head(code, self.reads_parameters or self.points.reads_parameters) + self.filled(code) + "\n"

    def head(self, code: str, reads: bool) -> str:
        """Version, comment, declarations and the names of the parameters."""
        lines = {"330": ["#version 330"], "es300": ["#version 300 es", "precision highp float;", "precision highp int;"],
                 "shadertoy": []}[self.target]  # fmt: skip
        lines += ["// Written by EarthShader from the program below: the same picture at any resolution.", "//"]
        lines += ["//   " + line for line in _commentable(self.program.text)]
        lines.append("")
        self.names: dict[int, str] = {}
        if self.target != "shadertoy":
            lines += ["uniform vec2 resolution;  // the picture's size in pixels"]
        if self.live:
            wanted = {int(m[2]) for m in TOKEN.finditer(code) if m[1] == "P"}
            taken = {*RESERVED, *"xyzwrgbastpq", *re.findall(r"[A-Za-z_]\w*", re.sub("//.*", "", code))}
            self.names = parameter_names([p.name for p in self.program.parameters], taken)
            vectors = (len(self.values) + 3) // 4
            if self.uniforms and (wanted or reads):
                declaration, access, function = parameter_access(vectors, self.target == "es300")
                lines += [declaration]
                texts = {i: access(i) for i in wanted}
                tail = [function] if reads else []
            else:
                texts = {i: GLSL.number(self.values[i]) for i in wanted}
                tail = []
            if self.target != "shadertoy":
                lines += ["out vec4 color;  // premultiplied by its alpha"]
            lines += [""] * (self.target != "shadertoy") + [
                f"#define {self.names[i]} {texts[i]}" for i in sorted(wanted)
            ]
            lines += ["", *tail, ""] if tail else [""] if wanted else []
        elif self.target != "shadertoy":
            lines += ["out vec4 color;  // premultiplied by its alpha", ""]
        return "\n".join(lines) + "\n"

    def filled(self, code: str) -> str:
        """The code with numbers or names in the place of tokens."""

        def text(match: re.Match[str]) -> str:
            number = int(match[2])
            if match[1] in "FN":
                return str(self.points.spans[number]["FN".index(match[1])])
            if self.live:
                return self.names[number]
            value = GLSL.number(self.values[number])
            before = code[: match.start()][-2:].strip()[-1:]
            return f"({value})" if value.startswith("-") and before in tuple("+-*/") else value

        return re.sub(r"vec3\(([\d.]+), \1, \1\)", r"vec3(\1)", TOKEN.sub(text, code))


def _commentable(text: str) -> list[str]:
    """The lines of a text for `//` comments: a backslash at the end would swallow the next line of code."""
    lines = [
        "".join(c if " " <= c <= "~" else "?" for c in line.expandtabs(4)) for line in text.rstrip("\n").split("\n")
    ]
    return [line + " " if line.endswith("\\") else line for line in lines]
