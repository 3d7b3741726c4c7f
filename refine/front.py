"""The Pareto front of a fit: the best program at each count of numbers, from a background colour to all that pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refine.draft import Draft
    from shaderdsl import Program


@dataclass(frozen=True)
class ParetoPoint:
    """A program that no other found is better than with as few numbers.

    numbers: of its text, a colour as three.
    psnr: decibels at the input's size, or at a smaller one where that is very large.
    program: as printed, usable by itself.
    """

    numbers: int
    psnr: float
    program: Program


@dataclass(frozen=True)
class Candidate:
    """A program met by a fit: its numbers, its squared error on the level of the fit's record, and its draft if it has one."""

    numbers: int
    error: float
    program: Program
    draft: Draft | None = None


class Front:
    """The candidates that no other dominates: with more numbers always less error."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []

    def offer(self, candidate: Candidate) -> bool:
        """Keeps the candidate unless one with as few numbers is as good; says whether it was kept."""
        if any(c.numbers <= candidate.numbers and c.error <= candidate.error for c in self.candidates):
            return False
        kept = [c for c in self.candidates if c.numbers < candidate.numbers or c.error < candidate.error]
        self.candidates = sorted([*kept, candidate], key=lambda c: c.numbers)
        return True

    def thinned(self, most: int) -> list[Candidate]:
        """At most `most` candidates, the first and the last among them, about evenly spread in the logarithm of numbers."""
        if len(self.candidates) <= most:
            return list(self.candidates)
        first, last = self.candidates[0], self.candidates[-1]
        ratio = (last.numbers / max(first.numbers, 1)) ** (1.0 / (most - 1))
        chosen = [first]
        for candidate, following in zip(self.candidates[1:], self.candidates[2:]):
            # The last one before the step would be overshot stands for all in it.
            if following.numbers > max(chosen[-1].numbers, 1) * ratio and len(chosen) < most - 1:
                chosen.append(candidate)
        return [*chosen, last]

    def least(self, error: float) -> Candidate | None:
        """The candidate of fewest numbers with at most this error."""
        return next((c for c in self.candidates if c.error <= error), None)

    def within(self, numbers: int) -> Candidate | None:
        """The best candidate with at most so many numbers."""
        return next((c for c in reversed(self.candidates) if c.numbers <= numbers), None)
