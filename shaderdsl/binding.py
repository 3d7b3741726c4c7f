"""Which argument of a call is which parameter: overloads by count and names, and the canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from shaderdsl.errors import Fault, did_you_mean
from shaderdsl.mathematics import FUNCTIONS
from shaderdsl.registry import Dimension, Operation, Parameter, angle, count, functions, length, number, texture
from shaderdsl.syntax import Argument, Call, Named

RECEIVERS = ("modifier", "transform", "repetition", "layer", "extrusion", "section")
"""Categories of operations on one shape, which is their first argument."""

_SHAPES_FIRST = {"boolean": 2, "loft": 2, **dict.fromkeys(RECEIVERS, 1)}
"""How many shapes come before the parameters, where their number is fixed."""

BUILTINS: dict[str, tuple[Parameter, ...]] = {
    "rgb": tuple(number(name, 0.0, 1.0, minimum=0.0, maximum=1.0) for name in ("red", "green", "blue")),
    "hsv": (
        angle("hue", 0.0, 360.0),
        number("saturation", 0.0, 1.0, minimum=0.0, maximum=1.0),
        number("value", 0.0, 1.0, minimum=0.0, maximum=1.0),
    ),
    "mix": (number("amount", 0.0, 1.0, minimum=0.0, maximum=1.0),),
    "curve": (length("x", -1.0, 1.0, signed=True), length("y", -1.0, 1.0, signed=True)),
    "fill": (),
    "paint": (
        number("metallic", 0.0, 1.0, 0.0, minimum=0.0, maximum=1.0),
        number("roughness", 0.05, 1.0, 0.6, minimum=0.0, maximum=1.0),
        number("emission", 0.0, 2.0, 0.0, minimum=0.0),
        texture("bump", summary="a height above the surface, by whose slope light falls"),
        length("depth", 0.005, 0.05, 0.02, signed=True, summary="of the bump, from its lowest to its highest place"),
    ),
    "displace": (Parameter("amount", "length", 0.02, 0.15, None, -0.9, 0.9, (), "how far the highest place stands out"),),
    "triplanar": (
        number("sharpness", 1.0, 12.0, 4.0, minimum=0.5, maximum=64.0, summary="how soon one side gives way to the next"),
    ),
    "copies": (count("number", 1, 64),),
    **{name: function.parameters for name, function in FUNCTIONS.items()},
}
"""Functions of the language itself and their numbers, those of `shaderdsl.mathematics` included; `mix` takes two colours before
them (or a texture in place of its number), `fill` (in the plane) and `paint` (in space) a shape and a paint, `displace` a solid and
a texture, `triplanar` a texture or paint, `copies` the name of a def."""

_BUILTIN_NAMES = {
    "mix": ("first", "second"), "fill": ("shape", "paint"), "paint": ("shape", "paint"), "displace": ("solid", "texture"),
    "triplanar": ("texture",), "copies": ("definition",),
}  # fmt: skip
SPECIAL_FORMS = ("param", "fixed")


class Layout(NamedTuple):
    """How the arguments of a call are read.

    `leading` arguments come first without names (a receiver, or two shapes; the shapes, points or colours of a
    variadic operation); `sources` gives each parameter the index of its argument, or None for its default. `canonical`
    lists (index, name or "") in the order of canonical text, or is None where the call is written so already.
    """

    operation: Operation | None
    leading: int
    sources: tuple[tuple[Parameter, int | None], ...]
    canonical: tuple[tuple[int, str], ...] | None


def known_functions(dimension: Dimension) -> list[str]:
    return [*functions(dimension), *BUILTINS, *SPECIAL_FORMS]


def argument_value(argument: Argument) -> Argument:
    return argument.value if isinstance(argument, Named) else argument


def split(arguments: Sequence[Argument]) -> tuple[int, tuple[str, ...]]:
    """How many arguments come without a name, and the names of the others."""
    names = tuple(a.name for a in arguments if type(a) is Named)
    return len(arguments) - len(names), names


def minimum_leading(operation: Operation) -> int:
    """The fewest shapes, points or colours that a variadic operation can do with."""
    if operation.variadic == "points":
        # A stroke can be one line; an area needs three corners.
        return 2 if operation.parameters else 3
    if operation.variadic == "colours":
        # A ramp needs parameters to lie along; without them there is one colour.
        return 2 if operation.parameters else 1
    return 2


def is_texture(operation: Operation) -> bool:
    """Whether it may be called without colours, for a number at each point, which `mix` takes."""
    return operation.category == "paint" and bool(operation.parameters)


@lru_cache(maxsize=4096)
def registered_layout(
    function: str, positional: int, names: tuple[str, ...], dimension: Dimension = 2, home: int | None = None
) -> Layout | None:
    """The layout of the first entry called `function` that takes these arguments, or None.

    In space (`dimension` 3) entries that are at home there come first; `home` leaves out those that are at home elsewhere, for
    operations on a shape that has a dimension already.
    """
    entries = functions(dimension)[function]
    for operation in sorted(entries, key=lambda o: o.dimension == 2) if dimension == 3 else entries:
        if home is not None and operation.dimension not in (0, home):
            continue
        if operation.variadic:
            leading, placed = positional, 0
            if positional < minimum_leading(operation) and not (positional == 0 and is_texture(operation)) or (
                not operation.parameters and operation.category == "paint" and positional > 1
            ):
                continue
        else:
            leading = _SHAPES_FIRST.get(operation.category, 0)
            placed = positional - leading
        if placed < 0 or placed > len(operation.parameters):
            continue
        layout = _layout(operation, operation.parameters, leading, placed, names)
        if layout is None:
            continue
        if layout.canonical is not None:
            # A box of the plane with one radius must not turn into a solid one when the radius loses its name.
            canonical = tuple(name for _, name in layout.canonical if name)
            again = registered_layout(function, len(layout.canonical) - len(canonical), canonical, dimension, home)
            if again is None or again.operation is not operation:
                layout = _layout(operation, operation.parameters, leading, placed, names, optional_by_name=True)
        return layout
    return None


@lru_cache(maxsize=4096)
def builtin_layout(function: str, positional: int, names: tuple[str, ...]) -> Layout | None:
    """The layout of a function of the language itself."""
    return _layout(None, _builtin_parameters(function), 0, positional, names)


@lru_cache(maxsize=16)
def _builtin_parameters(function: str) -> tuple[Parameter, ...]:
    leading = tuple(Parameter(name, "number", 0.0, 1.0) for name in _BUILTIN_NAMES.get(function, ()))
    return leading + BUILTINS[function]


def layout_of(parameters: tuple[Parameter, ...], positional: int, names: tuple[str, ...]) -> Layout | None:
    """The layout of a call of a function with these parameters (a `def`)."""
    return _layout(None, parameters, 0, positional, names)


def _layout(
    operation: Operation | None,
    parameters: tuple[Parameter, ...],
    leading: int,
    placed: int,
    names: tuple[str, ...],
    optional_by_name: bool = False,
) -> Layout | None:
    if placed > len(parameters) or len(set(names)) < len(names):
        return None
    at = {name: leading + placed + position for position, name in enumerate(names)}
    sources: list[tuple[Parameter, int | None]] = []
    order: list[tuple[int, str]] = [(index, "") for index in range(leading)]
    # After several shapes, points or colours a parameter can only be told by its name, as it can after a gap.
    by_name = operation is not None and bool(operation.variadic)
    for position, parameter in enumerate(parameters):
        by_name |= optional_by_name and parameter.default is not None
        if position < placed:
            index: int | None = leading + position
            if parameter.name in at:
                return None
        else:
            index = at.pop(parameter.name, None)
        if index is None:
            if parameter.default is None:
                return None
            by_name = True
        else:
            order.append((index, parameter.name if by_name else ""))
        sources.append((parameter, index))
    if at:
        return None
    written = [(index, "") for index in range(leading + placed)] + [
        (leading + placed + position, name) for position, name in enumerate(names)
    ]
    return Layout(operation, leading, tuple(sources), None if order == written else tuple(order))


# -- errors --------------------------------------------------------------------------------------------------


def signature(name: str, parameters: Sequence[Parameter], leading: str = "") -> str:
    """`box(half_width, half_height, top_right = 0, ...)`."""
    parts = [leading] if leading else []
    for parameter in parameters:
        if parameter.default is None:
            parts.append(parameter.name)
        else:
            default = parameter.default
            if default == "":
                parts.append(f"{parameter.name} = ...")
                continue
            text = default if isinstance(default, str) else (
                f"({', '.join(f'{v:g}' for v in default)})" if isinstance(default, tuple) else f"{default:g}"
            )  # fmt: skip
            parts.append(f"{parameter.name} = {text}")
    return f"{name}({', '.join(parts)})"


def operation_signature(operation: Operation) -> str:
    """How the text calls an operation, as an error shows it."""
    if operation.variadic:
        noun = {"shapes": "shape", "points": "point", "colours": "colour"}[operation.variadic]
        several = ", ".join([noun] * minimum_leading(operation)) + (
            ", ..." if operation.variadic != "colours" or operation.parameters else ""
        )
        return signature(operation.function, operation.parameters, several)
    first = _SHAPES_FIRST.get(operation.category, 0)
    if operation.category == "loft":
        return "shape." + signature(operation.function, operation.parameters, "shape")
    if first > 1:
        return signature(operation.function, operation.parameters, ", ".join(["shape"] * first))
    if first:
        return "shape." + signature(operation.function, operation.parameters)
    return signature(operation.function, operation.parameters)


def refuse_registered(call: Call, dimension: Dimension = 2, home: int | None = None) -> Fault:
    """Why no entry called `call.name` takes the arguments of `call`; see `registered_layout`."""
    entries = functions(dimension)[call.name]
    entries = tuple(o for o in entries if home is None or o.dimension in (0, home)) or entries
    positional, names = split(call.arguments)
    # The entry that knows the most of the given names is the one that was meant.
    operation = max(entries, key=lambda o: sum(any(p.name == n for p in o.parameters) for n in names))
    meant = [operation] if operation.blend else [o for o in entries if not o.blend]
    expected = " or ".join(dict.fromkeys(operation_signature(o) for o in meant))
    first = _SHAPES_FIRST.get(operation.category, 0)
    if operation.variadic:
        fewest = minimum_leading(operation)
        if positional < fewest:
            noun = operation.variadic if fewest > 1 else operation.variadic.rstrip("s")
            return _at_name(
                call, f"{call.name} takes at least {fewest} {noun}, here there are {positional}", expected
            )
        placed = 0
    else:
        placed = positional - first
        if placed < 0:
            return _at_name(call, f"{call.name} needs {'two shapes' if first > 1 else 'a shape'} to work on", expected)
    known = {p.name for o in entries for p in o.parameters}
    if operation.variadic and not operation.parameters and not names:
        return _at_name(call, f"{call.name} takes one colour, here there are {positional}", expected)
    return _refusal(call, operation.parameters, known, placed, positional - placed, expected)


def refuse_parameters(call: Call, parameters: Sequence[Parameter]) -> Fault:
    """Why a `def` with these parameters does not take the arguments of `call`."""
    positional, _ = split(call.arguments)
    known = {p.name for p in parameters}
    return _refusal(call, parameters, known, positional, 0, signature(call.name, parameters))


def refuse_builtin(call: Call) -> Fault:
    return refuse_parameters(call, _builtin_parameters(call.name))


def _refusal(
    call: Call, parameters: Sequence[Parameter], known: set[str], placed: int, leading: int, expected: str
) -> Fault:
    seen: set[str] = set()
    for argument in call.arguments:
        if not isinstance(argument, Named):
            continue
        place = (argument.start, argument.start + len(argument.name))
        if argument.name not in known:
            return Fault(
                f"{call.name} has no parameter '{argument.name}'",
                *place,
                expected,
                did_you_mean(argument.name, known),
            )
        if argument.name in seen or argument.name in [p.name for p in parameters[:placed]]:
            return Fault(f"'{argument.name}' is given twice", *place, expected)
        seen.add(argument.name)
    if placed > len(parameters):
        extra = call.arguments[leading + len(parameters)]
        count = (
            "no arguments"
            if not parameters
            else f"at most {len(parameters)} argument{'s' * (len(parameters) > 1)}"
        )
        return Fault(f"{call.name} takes {count}, here there are {placed}", extra.start, extra.end, expected)
    missing = [p.name for p in parameters[placed:] if p.default is None and p.name not in seen]
    if missing:
        return _at_name(call, f"{call.name} is missing {' and '.join(repr(m) for m in missing)}", expected)
    return _at_name(call, f"{call.name} does not take these arguments together", expected)


def _at_name(call: Call, message: str, expected: str) -> Fault:
    return Fault(message, call.name_start, call.name_start + len(call.name), expected)
