"""The gallery of programs: each is short, in canonical form, draws alike on the backends, and stands on the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from agreement import Agreement, gl_against_taichi, taichi_against_numpy

import render
import shaderdsl
from render import gl_backend

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PROGRAMS = {path.stem: path for path in sorted((ROOT / "examples" / "gallery").glob("*.sdf"))}
SMALL = (24, 24)

needs_opengl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL")


def programs(dimension: int) -> list[shaderdsl.Program]:
    parsed = [shaderdsl.parse(path.read_bytes()) for path in PROGRAMS.values()]
    return [program for program in parsed if program.dimension == dimension]


def test_it_is_a_gallery_of_both_kinds():
    assert len(programs(3)) >= 20 and len(programs(2)) >= 8


@pytest.mark.parametrize("path", PROGRAMS.values(), ids=PROGRAMS)
class TestPrograms:
    def test_is_short_canonical_and_says_what_it_is(self, path):
        text = path.read_text(encoding="utf-8")
        assert shaderdsl.format(text) == text
        assert re.match(r"// \S.*[.:]?\n", text)
        assert 8 <= len(text.splitlines()) <= 60

    def test_round_trips(self, path):
        program = shaderdsl.parse(path.read_bytes())
        assert shaderdsl.parse(shaderdsl.format(program)) == program

    def test_shows_something(self, path):
        picture = render.image(shaderdsl.parse(path.read_bytes()), SMALL, "numpy")
        assert np.isfinite(picture).all()
        assert picture.std() > 0.05


def test_the_plane_is_drawn_alike():
    taichi_against_numpy(programs(2), SMALL).check()
