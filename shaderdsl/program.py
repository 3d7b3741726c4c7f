"""Programs as values: a `Structure`, which many programs share, and the numbers of one of them.

`parse` is quick for a text whose *skeleton* it has seen, the text with its numbers and colours taken out: one
regular expression finds the numbers, and the structure is the known one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from shaderdsl import syntax
from shaderdsl.bounds import MAX_NUMBER
from shaderdsl.checker import Checked, check
from shaderdsl.collection import collector_held
from shaderdsl.errors import Fault, located
from shaderdsl.limits import Violation, first_violation, limit_text
from shaderdsl.parser import Parsed, decoded, parse_tree
from shaderdsl.printer import WIDTH, Printer, colour_text, number_text
from shaderdsl.scene import SolidScene

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shaderdsl.parameters import ParameterInfo, ParameterTraits

_MAX_SKELETONS = 4096
_MAX_SKELETON_CHARACTERS = 16_000_000
_MAX_STRUCTURES = 1024

_LITERAL = re.compile(
    r"((?<=#)(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9A-Za-z_])"
    r"|(?:(?<=[(,=])|(?<=[(,=*/+\-|&^] ))-(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    r"|(?<![0-9A-Za-z_.#])(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
"""The numbers and colours of a text, nearly as the lexer sees them: `_remember` makes sure where it matters.
"""


_SIGN = re.compile(r"#|[-(\s]*")
"""What may stand between the start of a literal and its digits."""


class Structure:
    """All of a program but its continuous numbers.

    `scene` is what it draws; `key` is a hashable value, equal for programs that differ in numbers alone;
    `cache` is a dictionary for whatever is made of the structure (tape, shader text), shared by structures of
    equal key.
    """

    def __init__(self, checked: Checked) -> None:
        self.scene: Any = checked.scene
        self.checked = checked
        count = len(checked.values)
        low = np.full(count, -MAX_NUMBER, np.float32)
        high = np.full(count, MAX_NUMBER, np.float32)
        for index, limit in checked.low.items():
            low[index] = limit
        for index, limit in checked.high.items():
            high[index] = limit
        self.low = low
        self.high = high
        self.conditional = bool(checked.conditions or checked.constraints)

    @property
    def dimension(self) -> int:
        """2 for a program of the plane, 3 for one in space."""
        return 3 if isinstance(self.scene, SolidScene) else 2

    @property
    def count(self) -> int:
        """How many parameters a program of this structure has."""
        return len(self.checked.values)

    @cached_property
    def module(self) -> syntax.Module:
        """The canonical tree. It is made anew where somebody asks, which few do: it would be half of what a
        structure holds, and all that structures hold is looked at by Python's collector of cycles."""
        return self.checked.rewritten or parse_tree(self.checked.source).module

    @cached_property
    def key(self) -> str:
        """The canonical text with a placeholder for each parameter, all on long lines."""
        index = self.checked.index

        def number(node: syntax.Number) -> str:
            return ("?" if index[node.slot] >= 0 else number_text(node.value, "")) + node.unit

        printer = Printer(number, lambda node: "#", width=None)
        return "\n".join(printer.statement(s) for s in self.module.statements)

    @cached_property
    def traits(self) -> list[ParameterTraits]:
        """Group, unit, kind and trainability of each parameter."""
        from shaderdsl.parameters import parameter_traits

        return parameter_traits(self)

    @cached_property
    def cache(self) -> dict[Any, Any]:
        found = _caches.get(self.key)
        if found is None:
            if len(_caches) >= _MAX_STRUCTURES:
                _caches.pop(next(iter(_caches)), None)
            found = _caches.setdefault(self.key, {})
        return found

    def allows(self, params: NDArray[np.float64]) -> bool:
        """Whether the parameters keep all hard limits."""
        single = params.astype(np.float32)
        if not bool(np.all((single >= self.low) & (single <= self.high))):
            return False
        return not self.conditional or self.violation(params) is None

    def violation(self, params: NDArray[np.float64]) -> Violation | None:
        """The first condition on several parameters, or on arithmetic of them, that is broken."""
        return first_violation(
            self.scene.graph, self.checked.conditions, self.checked.constraints, params.tolist()
        )

    def texts(self, params: NDArray[np.float64], width: int | None = WIDTH) -> list[str]:
        """The canonical text of each statement, broken into lines of `width` columns (None: on one line)."""
        index = self.checked.index
        values = params.tolist()

        def number(node: syntax.Number) -> str:
            place = index[node.slot]
            return number_text(values[place] if place >= 0 else node.value, node.unit)

        def colour(node: syntax.Colour) -> str:
            place = index[node.slot]
            return colour_text(*values[place : place + 3])

        printer = Printer(number, colour, width)
        return [printer.statement(s) for s in self.module.statements]


_caches: dict[str, dict[Any, Any]] = {}


class Program:
    """A picture as a value: immutable, hashable, equal to one of the same structure and numbers.

    Numbers are compared as float32, which is how shaders use them and how texts keep them.
    """

    __slots__ = ("_structure", "_params", "_text", "_infos")

    _structure: Structure
    _params: NDArray[np.float64]
    _text: str | None
    _infos: tuple[ParameterInfo, ...] | None

    def __init__(self, structure: Structure, params: NDArray[np.float64]) -> None:
        """For `parse` and `with_params`: `params` are taken as they are."""
        params.flags.writeable = False
        set_attribute = object.__setattr__
        set_attribute(self, "_structure", structure)
        set_attribute(self, "_params", params)
        set_attribute(self, "_text", None)
        set_attribute(self, "_infos", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Program cannot be changed: use with_params for another one")

    __delattr__ = __setattr__  # type: ignore[assignment]

    @property
    def structure(self) -> Structure:
        return self._structure

    @property
    def scene(self) -> Any:
        """What it draws: a `Scene` of layers, or in space a `SolidScene`."""
        return self._structure.scene

    @property
    def dimension(self) -> int:
        """2 for a program of the plane, 3 for one in space."""
        return self._structure.dimension

    @property
    def params(self) -> NDArray[np.float64]:
        """The parameters (n,) in text order and written units, read-only: a colour is three in [0, 1]."""
        return self._params

    def with_params(self, params: ArrayLike) -> Program:
        """This program with other numbers, shape (n,).

        Raises ValueError if the shape is another, a number is not finite, or one breaks a hard limit (of its
        operation, or of `param`).
        """
        array = np.array(params, dtype=np.float64)
        structure = self._structure
        if array.shape != (structure.count,):
            raise ValueError(
                f"this program has {structure.count} parameters, not an array of shape {array.shape}"
            )
        if not structure.allows(array):
            raise ValueError(self._objection(array))
        return Program(structure, array)

    @property
    def time(self) -> float | None:
        """The moment that the program shows, in seconds; None where neither its header nor its arithmetic has a `time`."""
        index = self._structure.checked.time
        return None if index is None else float(self._params[index])

    def at(self, seconds: float) -> Program:
        """This program at another moment.

        Raises ValueError if it has no `time`, or a number breaks a limit at that moment.
        """
        index = self._structure.checked.time
        if index is None:
            raise ValueError("this program has no time: write `time` where a number is to change, as in .rotate(time * 90)")
        params = self._params.copy()
        params[index] = seconds
        return self.with_params(params)

    def _objection(self, params: NDArray[np.float64]) -> str:
        structure = self._structure
        single = params.astype(np.float32)
        wrong = np.flatnonzero(~((single >= structure.low) & (single <= structure.high)))
        if len(wrong):
            index = int(wrong[0])
            name = self.parameters[index].name
            low, high = float(structure.low[index]), float(structure.high[index])
            value, limits = f"{params[index]:g}", limit_text(low, high)
            return f"parameter {index} ({name}) cannot be {value}: it has to be {limits}"
        violation = structure.violation(params)
        assert violation is not None
        return f"{violation.message} ({violation.expected})" if violation.expected else violation.message

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """What each parameter is called, where it stands in `text`, and its range."""
        if self._infos is None:
            from shaderdsl.parameters import parameter_infos

            object.__setattr__(self, "_infos", parameter_infos(self))
        return cast("tuple[ParameterInfo, ...]", self._infos)

    @property
    def text(self) -> str:
        """The canonical text, without a newline at its end; `parse(program.text) == program`."""
        if self._text is None:
            object.__setattr__(self, "_text", "\n".join(self._structure.texts(self._params)))
        return cast(str, self._text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Program({self.text!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        if self._structure is not other._structure and self._structure.key != other._structure.key:
            return False
        return bool(np.array_equal(self._params.astype(np.float32), other._params.astype(np.float32)))

    def __hash__(self) -> int:
        # Adding zero makes -0.0 and 0.0, which are equal, the same bytes.
        return hash((self._structure.key, (self._params.astype(np.float32) + np.float32(0.0)).tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.text, self._params.tobytes())


def _restored(text: str, params: bytes) -> Program:
    return Program(parse(text).structure, np.frombuffer(params).copy())


class _Skeleton:
    """A text without its numbers: which are parameters, and the structure for each choice of the others.

    `numbers`, `negated` (their sign is part of the skeleton) and `colours` hold (position in the split text,
    index of the parameter); `decided` the positions of the numbers that are none.
    """

    __slots__ = ("numbers", "negated", "colours", "decided", "structures", "count", "characters")

    def __init__(self, count: int, characters: int) -> None:
        self.numbers: list[tuple[int, int]] = []
        self.negated: list[tuple[int, int]] = []
        self.colours: list[tuple[int, int]] = []
        self.decided: list[int] = []
        self.structures: dict[tuple[str, ...], Structure] = {}
        self.count = count
        self.characters = characters


_skeletons: dict[tuple[str, ...], _Skeleton] = {}


def parse(text: str | bytes) -> Program:
    """The program that `text` (bytes: UTF-8) describes.

    Raises DslError with place, expectation and suggestion if the text is no valid program, TypeError if it is
    no text.
    """
    source = text if type(text) is str and len(text) < 50_000 and text.isascii() else decoded(text)
    pieces = _LITERAL.split(source)
    key = tuple(pieces[::2])
    skeleton = _skeletons.get(key)
    if skeleton is not None:
        program = _warm(skeleton, pieces)
        if program is not None:
            return program
    return _cold(source, key, pieces)


def _warm(skeleton: _Skeleton, pieces: list[str]) -> Program | None:
    """The program of a text with a known skeleton; None if it is new in its counts, or wrong."""
    structure = skeleton.structures.get(tuple([pieces[i] for i in skeleton.decided]))
    if structure is None:
        return None
    values = [0.0] * skeleton.count
    for position, index in skeleton.numbers:
        values[index] = float(pieces[position])
    for position, index in skeleton.negated:
        values[index] = -float(pieces[position])
    for position, index in skeleton.colours:
        digits = pieces[position]
        if len(digits) == 3:
            digits = digits[0] * 2 + digits[1] * 2 + digits[2] * 2
        whole = int(digits, 16)
        values[index : index + 3] = ((whole >> 16) / 255.0, (whole >> 8 & 255) / 255.0, (whole & 255) / 255.0)
    params = np.array(values)
    return Program(structure, params) if structure.allows(params) else None


def _cold(source: str, key: tuple[str, ...], pieces: list[str]) -> Program:
    try:
        with collector_held():
            parsed = parse_tree(source)
            checked = check(parsed.module, parsed.values(), parsed.decided, source)
    except Fault as fault:
        raise located(fault, source) from None
    structure = Structure(checked)
    if not checked.moved:
        _remember(source, key, pieces, parsed, structure)
    return Program(structure, np.array(checked.values, dtype=np.float64))


def _remember(
    source: str, key: tuple[str, ...], pieces: Sequence[str], parsed: Parsed, structure: Structure
) -> None:
    """Keep `structure` for texts of the same skeleton, if the regular expression found all literals."""
    index = structure.checked.index
    # A number ends where the tree says so less its unit; it may begin with a sign that the skeleton keeps.
    by_end = {
        node.end - (len(node.unit) if isinstance(node, syntax.Number) else 0): node
        for node in parsed.literals.values()
    }
    skeleton = _Skeleton(structure.count, len(source))
    place = found = 0
    for position, piece in enumerate(pieces):
        begin, place = place, place + len(piece)
        if position % 2 == 0:
            continue
        literal = by_end.get(place)
        sign = "" if literal is None else source[literal.start : begin]
        if literal is None or not _SIGN.fullmatch(sign):
            # A number in a comment, or one that is no literal: texts that differ in it are looked at anew.
            skeleton.decided.append(position)
            continue
        found += 1
        parameter = index[literal.slot]
        if parameter < 0:
            skeleton.decided.append(position)
        elif isinstance(literal, syntax.Colour):
            skeleton.colours.append((position, parameter))
        elif sign.count("-") % 2:
            skeleton.negated.append((position, parameter))
        else:
            skeleton.numbers.append((position, parameter))
    if found < len(parsed.literals):
        return
    known = _skeletons.get(key)
    if known is None or known.decided != skeleton.decided:
        _make_room(len(source))
        known = _skeletons[key] = skeleton
    if len(known.structures) >= _MAX_STRUCTURES:
        known.structures.clear()
    known.structures[tuple([pieces[i] for i in known.decided])] = structure


def _make_room(characters: int) -> None:
    """Forget the oldest skeletons until one more of so many characters fits the bounds of their cache."""
    total = characters + sum(s.characters for s in _skeletons.values()) if len(_skeletons) % 64 == 0 else 0
    while _skeletons and (len(_skeletons) >= _MAX_SKELETONS or total > _MAX_SKELETON_CHARACTERS):
        oldest = _skeletons.pop(next(iter(_skeletons)), None)
        total -= oldest.characters if oldest is not None else 0


def number_count(program: Program) -> int:
    """How many numbers the text has: every literal, a colour as three, fixed ones, counts and ranges too."""
    return len(program.structure.checked.index)
