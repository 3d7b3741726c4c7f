"""Kernels that evaluate 64 points an instruction draw what the others draw; see `render.taichi_lanes`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest

import data
from render import taichi_backend, taichi_device
from render.taichi_backend import Batch, Target
from render.taichi_lanes import FEWEST, suits
from render.tapes import tape_of
from shaderdsl import Program, parse
from shaderdsl.registry import operations
from shaderdsl.tape import MAXIMUM_INSTRUCTIONS, opcodes

pytestmark = pytest.mark.skipif(taichi_device.device() != "cpu", reason="they are for the CPU")

LAYERS = """
scene 2d(background = none)
circle(0.9).fill(#204060).opacity(0.7)
(box(0.5, 0.3) - circle(0.2)).rotate(20).fill(#c03020).soften(0.05)
(circle(0.4).move(0.3, 0.3) ^ box(0.3, 0.2).round(0.05)).fill(#10a040)
(box(0.1, 0.6) | circle(0.3).move(-0.5, 0.2) & box(0.4, 0.1)).fill(#fff).opacity(0.4)
circle(0.2).move(0.8, -0.8)
"""
"""Everything that one tile may meet: holes, opacity, softness, rounding, and what is seen through what."""


UNSUITED = {"path", "polygon", "stroked path", "mirror", "repeat_polar", "repeat_grid"} | {
    o.name for o in opcodes() if o.category == "paint" and o.parameters
}


@lru_cache(maxsize=1)
def plain() -> list[Program]:
    """Programs of circles, boxes and their combinations, whose kernels fits and searches use too."""
    programs = [parse(LAYERS), parse(LAYERS.replace("none", "#f4e0c0"))]
    parts = ("circle({0})", "box({0}, {1})", "(circle({0}) - box({1}, 0.1))", "(box({1}, {1}) & circle({0}).move(0.1, 0))")
    draw = np.random.default_rng(0)
    for count in range(FEWEST):
        layers = [parts[(count + k) % 4].format(*draw.uniform(0.05, 0.7, 2).round(3)) for k in range(1 + count % 5)]
        moved = [f"{layer}.rotate({9 * k}).move({k / 7 - 0.3:.3f}, 0.1)" for k, layer in enumerate(layers)]
        programs.append(parse("\n".join(moved) if count % 2 else " | ".join(moved)))
    return programs


@lru_cache(maxsize=1)
def diverse() -> list[Program]:
    """The operations' examples, and random programs, of all shapes, booleans and modifiers that these kernels can draw."""
    programs = [*(parse(o.example) for o in operations().values()), *data.generate(600, level=3, seed=20)]
    return [p for p in programs if suits("image", tape_of(p).used, 1)]


def batches(programs: list[Program]) -> tuple[Batch, list[Batch]]:
    """All programs in one batch, and in batches of too few for these kernels."""
    rows = [(tape_of(p), p.params) for p in programs]
    few = [Batch.of(rows[k : k + FEWEST - 1]) for k in range(0, len(rows), FEWEST - 1)]
    many = Batch.of(rows)
    assert many._by_lanes("score") and not any(b._by_lanes("score") for b in few)
    return many, few


def check(ours: npt.NDArray[np.floating], others: list[npt.NDArray[np.floating]]) -> None:
    assert ours.any()
    np.testing.assert_allclose(ours, np.concatenate(others), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("blur", [0.0, 0.04])
@pytest.mark.parametrize("size", [(64, 64), (33, 17), (1, 1), (130, 70), (7, 200)])
def test_they_draw_and_score_as_the_others_do(size: tuple[int, int], blur: float) -> None:
    many, few = batches(plain())
    images = many.images(size, blur)
    target = Target(images[0])
    check(images, [b.images(size, blur) for b in few])
    check(many.coverage(size, blur), [b.coverage(size, blur) for b in few])
    check(many.scores(target, blur), [b.scores(target, blur) for b in few])


def test_they_draw_every_shape_boolean_and_modifier(monkeypatch: pytest.MonkeyPatch) -> None:
    used = frozenset(number for p in diverse() for number in tape_of(p).used)
    assert {o.name for o, code in opcodes().items() if code.number not in used} == UNSUITED
    monkeypatch.setattr(taichi_backend, "_families", lambda: (used,))  # the second of the usual ones has outlines too
    many, few = batches(diverse())
    check(many.images((100, 50)), [b.images((100, 50)) for b in few])


def test_what_they_can_not_draw_is_left_to_others() -> None:
    plain_tape = tape_of(parse("circle(0.5)"))
    assert suits("image", plain_tape.used, 32)
    assert not suits("normal", plain_tape.used, 32)
    assert not suits("image", plain_tape.used, MAXIMUM_INSTRUCTIONS)
    for text in ("polygon((0, 0), (1, 0), (0, 1))", "circle(0.1).mirror()", "circle(0.5).fill(linear(#fff, #000))"):
        assert not suits("image", tape_of(parse(text)).used, 32), text
