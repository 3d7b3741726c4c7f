"""Random texts of a grammar in lark's notation, for tests of the decoding grammar; and llguidance over single bytes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from re import _constants as code, _parser  # type: ignore[attr-defined]
from typing import Any

import lark
from lark.grammar import NonTerminal


class Walker:
    """Walks a grammar from its start, choosing alternatives at random."""

    def __init__(self, grammar: str) -> None:
        loaded = lark.Lark(grammar, parser="earley", lexer="dynamic", maybe_placeholders=False)
        self.terminals = {t.name: _parser.parse(t.pattern.to_regexp()) for t in loaded.terminals}
        self.rules: dict[str, list[Sequence[Any]]] = {}
        for rule in loaded.rules:
            self.rules.setdefault(rule.origin.name, []).append(rule.expansion)
        self.used: set[str] = set()

    def text(self, random: Random) -> str:
        """Long alternatives are less likely, so that repetitions stay short."""
        parts: list[str] = []
        stack: list[Any] = [NonTerminal("start")]
        while stack:
            symbol = stack.pop()
            if not isinstance(symbol, NonTerminal):
                parts.append(_written(self.terminals[symbol.name], random))
                continue
            ways = self.rules[symbol.name]
            weights = [0.3 ** sum(isinstance(s, NonTerminal) for s in way) for way in ways]
            chosen = random.choices(range(len(ways)), weights)[0]
            self.used.add(f"{symbol.name} {chosen}")
            stack.extend(reversed(ways[chosen]))
        return "".join(parts)


def _written(pattern: Any, random: Random) -> str:
    """A random text of a parsed regular expression."""
    parts: list[str] = []
    for operation, argument in pattern:
        if operation is code.LITERAL:
            parts.append(chr(argument))
        elif operation is code.IN:
            kind, value = random.choice(argument)
            parts.append(chr(value if kind is code.LITERAL else random.randint(*value)))
        elif operation is code.BRANCH:
            parts.append(_written(random.choice(argument[1]), random))
        elif operation is code.SUBPATTERN:
            parts.append(_written(argument[3], random))
        else:
            assert operation is code.MAX_REPEAT, f"{operation} is not written yet"
            low, high, inner = argument
            parts += [_written(inner, random) for _ in range(random.randint(low, min(int(high), 8)))]
    return "".join(parts)


def bytewise_matcher(grammar: str) -> Any:
    """llguidance's matcher over a vocabulary of the 256 bytes and an end; skips the test where it is missing."""
    import pytest

    llguidance = pytest.importorskip(
        "llguidance", reason="llguidance is not installed: pip install 'earthshader[development]'"
    )

    class Bytes:
        tokens = [bytes([value]) for value in range(256)] + [b"<end>"]
        eos_token_id = 256
        bos_token_id = None
        special_token_ids = [256]

        def __call__(self, text: bytes | str) -> list[int]:
            return list(text.encode() if isinstance(text, str) else text)

    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))
    return llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar), log_level=0)


def accepts(matcher: Any, text: str) -> str:
    """Empty if the matcher takes the whole text, else how far it came."""
    matcher.reset()
    tokens = list(text.encode())
    taken = matcher.try_consume_tokens(tokens)
    if taken < len(tokens):
        return f"stops at {taken}: {text[max(0, taken - 60):taken]}<here>{text[taken:taken + 30]}"
    return "" if matcher.is_accepting() else "does not end there"
