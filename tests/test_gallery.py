"""The gallery of programs: each is short, in canonical form and shows something, and the page shows each of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import render
import shaderdsl
from benchmarks.agreement import taichi_against_numpy

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PROGRAMS = {path.stem: path for path in sorted((ROOT / "examples" / "gallery").glob("*.sdf"))}
SMALL = (40, 40)
"""A whole share of the pictures' size."""

MOST_BYTES = 2_000_000
"""Of all pictures together: whoever clones the repository has them."""


def programs(dimension: int) -> list[shaderdsl.Program]:
    parsed = [shaderdsl.parse(path.read_bytes()) for path in PROGRAMS.values()]
    return [program for program in parsed if program.dimension == dimension]


@pytest.fixture(scope="module")
def drawn() -> dict[str, npt.NDArray[np.float32]]:
    """Every program's picture, small."""
    return dict(zip(PROGRAMS, render.batch([shaderdsl.parse(path.read_bytes()) for path in PROGRAMS.values()], SMALL)))


def test_it_is_a_gallery_of_both_kinds() -> None:
    assert len(programs(3)) >= 20 and len(programs(2)) >= 8


@pytest.mark.parametrize("path", PROGRAMS.values(), ids=PROGRAMS)
def test_is_short_and_canonical_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert shaderdsl.format(text) == text
    assert re.match(r"// [A-Z].*\.\n", text)
    assert 8 <= len(text.splitlines()) <= 60


@pytest.mark.parametrize("name", PROGRAMS)
def test_draws_what_the_page_shows(name: str, drawn: dict[str, npt.NDArray[np.float32]]) -> None:
    assert drawn[name].std() > 0.05
    with Image.open(DOCS / "pictures" / "scenes" / f"{name}.webp") as kept:
        large = np.asarray(kept.convert("RGB"), float) / 255.0
    assert min(large.shape[:2]) >= 400
    width, height = SMALL
    picture = large.reshape(height, large.shape[0] // height, width, large.shape[1] // width, 3).mean((1, 3))
    # A small picture lies about textures and what is thinner than its pixels; no two pictures are so alike.
    assert np.median(np.abs(drawn[name] - picture)) < 0.05
    assert np.corrcoef(drawn[name].ravel(), picture.ravel())[0, 1] > 0.75


def test_the_plane_is_drawn_alike() -> None:
    taichi_against_numpy(programs(2), SMALL).check()


def test_the_page_and_its_pictures_are_up_to_date() -> None:
    command = [sys.executable, str(DOCS / "build_scenes.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pictures_are_not_large() -> None:
    assert sum(file.stat().st_size for file in (DOCS / "pictures" / "scenes").iterdir()) < MOST_BYTES
