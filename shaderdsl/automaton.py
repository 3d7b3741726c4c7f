"""The LALR automaton of grammar.lark, run by a loop of our own.

lark reads the grammar and makes the tables. Its own loop, which makes trees for any grammar, takes more than twice as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from shaderdsl.lexer import Tokens

_END_OF_TEXT = "$END"
"""lark's name for it."""


class Reduction(NamedTuple):
    """A rule of the grammar: so many states make way for the one of its `origin`, and so many `values` for what
    `action` makes of them. Without an action the values stay."""

    states: int
    origin: str
    values: int
    action: Callable[..., Any] | None


class Unexpected(Exception):
    """No program goes on like this; `position` is the token's in its `Tokens`, `state` the automaton's there."""

    def __init__(self, position: int, state: int) -> None:
        super().__init__(position, state)
        self.position = position
        self.state = state


class Automaton:
    """Made once of a grammar that lark has loaded and of a class with a method for each rule or alias.

    A method gets an object of the class and what the symbols of its rule stand for: a token's position in its
    `Tokens`, or the value of a rule. As lark has it, tokens written in quotes are left out, a rule whose name begins
    with an underscore stands for its symbols, and one with a question mark for its only symbol.
    """

    def __init__(self, grammar: Any, actions: type) -> None:
        table = grammar.parse_interactive("").parser_state.parse_conf
        reductions = {rule: _reduction(rule, actions) for rule in grammar.rules}
        self._start: int = table.start_state
        self._kept = frozenset(s.name for rule in grammar.rules for s in rule.expansion if _is_kept(s))
        self._shifts: list[dict[str, int]] = []
        self._reductions: list[dict[str, Reduction]] = []
        for state in range(len(table.states)):
            shifts, reduced = {}, {}
            for symbol, (_, goal) in table.states[state].items():
                if isinstance(goal, int):
                    shifts[str(symbol)] = goal
                else:
                    reduced[str(symbol)] = reductions[goal]
            self._shifts.append(shifts)
            self._reductions.append(reduced)
        self._shifts[table.end_state][_END_OF_TEXT] = table.end_state

    def run(self, tokens: Tokens, actions: Any) -> Any:
        """The value of a text; `actions` is an object of the class. Raises `Unexpected` at a syntax error."""
        shifts, reductions, kept = self._shifts, self._reductions, self._kept
        kinds = [*tokens.kinds, _END_OF_TEXT]
        values: list[Any] = []
        state = self._start
        stack = [state]
        for position in (*tokens.order, -1):
            kind = kinds[position]
            while (goal := shifts[state].get(kind)) is None:
                reduction = reductions[state].get(kind)
                if reduction is None:
                    raise Unexpected(position, state)
                states, origin, count, action = reduction
                if action is not None:
                    first = len(values) - count
                    values[first:] = (action(actions, *values[first:]),)
                del stack[len(stack) - states :]
                state = shifts[stack[-1]][origin]
                stack.append(state)
            state = goal
            stack.append(state)
            if kind in kept:
                values.append(position)
        return values[0]

    def expected(self, state: int) -> set[str]:
        """The kinds of tokens that can come in a state."""
        return {symbol for symbol in (*self._shifts[state], *self._reductions[state]) if symbol.isupper()}


def _is_kept(symbol: Any) -> bool:
    """Whether an action sees the symbol: all but tokens written in quotes."""
    return not symbol.is_term or not symbol.filter_out


def _is_inlined(symbol: Any) -> bool:
    return not symbol.is_term and str(symbol.name).startswith("_")


def _reduction(rule: Any, actions: type) -> Reduction:
    symbols = [symbol for symbol in rule.expansion if _is_kept(symbol)]
    inlined = [_is_inlined(symbol) for symbol in symbols]
    action: Callable[..., Any] | None
    if len(symbols) == 1 and ((rule.options.expand1 and not rule.alias) or (_is_inlined(rule.origin) and inlined[0])):
        action = None
    else:
        if not _is_inlined(rule.origin):
            action = getattr(actions, rule.alias or rule.origin.name)
        elif inlined[0]:
            action, inlined[0] = _extended, False
        else:
            action = _listed
        if any(inlined):
            action = _flattened(action, inlined)
    return Reduction(len(rule.expansion), str(rule.origin.name), len(symbols), action)


def _listed(_: Any, *values: Any) -> list[Any]:
    return list(values)


def _extended(_: Any, first: list[Any], *values: Any) -> list[Any]:
    first.extend(values)
    return first


def _flattened(action: Any, inlined: list[bool]) -> Callable[..., Any]:
    """`action`, given the symbols of those that are `inlined` instead of lists of them."""

    def apply(actions: Any, *values: Any) -> Any:
        flat: list[Any] = []
        for value, several in zip(values, inlined):
            if several:
                flat += value
            else:
                flat.append(value)
        return action(actions, *flat)

    return apply
