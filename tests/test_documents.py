"""The written pages: the reference page is what the registry gives, and its programs are right."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import refine
import render
from shaderdsl import parse
from shaderdsl.registry import operations

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_language", DOCS / "build_language.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "build_language.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_is_noticed(builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"language.md": b"text", "pictures/circle.png": builder.picture("circle(0.6)")}
    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    assert builder.outdated(files) == ["language.md", "pictures/circle.png"]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "language.md").write_bytes(b"text")
    (tmp_path / "pictures" / "circle.png").write_bytes(builder.picture("circle(0.5)"))
    (tmp_path / "pictures" / "gone.png").write_bytes(b"")
    assert builder.outdated(files) == ["pictures/circle.png", "pictures/gone.png"]
    (tmp_path / "pictures" / "circle.png").write_bytes(files["pictures/circle.png"])
    (tmp_path / "pictures" / "gone.png").unlink()
    assert builder.outdated(files) == []


def test_every_operation_has_an_entry_and_a_picture() -> None:
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    for operation in operations().values():
        assert f"\n### {operation.name}\n" in page
        assert operation.example in page and operation.summary in page
        assert (DOCS / "pictures" / f"{operation.identifier}.png").is_file()
    assert sum(path.stat().st_size for path in (DOCS / "pictures").iterdir()) < 2_000_000


def test_programs_of_the_page_are_right(builder: ModuleType) -> None:
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", page, re.DOTALL)
    errors = [block for block in blocks if "^" * 3 in block]
    assert len(errors) == 1 and "did you mean" in errors[0]
    for block in blocks:
        if block not in errors:
            parse(block)
    assert len(blocks) == len(operations()) + 2


# -- the gallery ------------------------------------------------------------------------------------------------


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    return loaded(DOCS / "build_gallery.py")


def test_outlines_are_where_the_distance_is_zero(gallery: ModuleType) -> None:
    program = parse("circle(0.5).move(0.25, 0.25)\nring(0.5, 0.2)\nbox(3, 0.25)")
    disk, ring, bar = gallery.outlines(program, (400, 200))
    (contour,) = disk
    assert np.hypot(*(contour - (225, 75)).T) == pytest.approx(50, abs=0.05)
    radii = sorted(np.hypot(*(contour - (200, 100)).T).mean() for contour in ring)
    assert radii == pytest.approx([40, 60], abs=0.1)
    # It is cut by the picture's sides, not closed along them.
    assert len(bar) == 2
    assert sorted(float(np.median(contour[:, 1])) for contour in bar) == pytest.approx([75, 125], abs=0.05)
    assert all(abs(np.ptp(contour[:, 0]) - 400) < 5 for contour in bar)


def test_the_gallery_goes_on_where_it_was(gallery: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = parse("circle(0.5).fill(#c8553d)\n" + "box(0.1, 0.1)\n" * 12)
    picture = render.image(program, (32, 24), "numpy")
    images = [render.save_png(tmp_path / f"{name}.png", picture) for name in ("old_key", "sun")]
    asked = []

    def fit(path: Path, seconds: float) -> refine.Fit:
        asked.append((path.name, seconds))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return refine.Fit(program, picture, 33.3, 2.0, 31, render.load(path))

    monkeypatch.setitem(vars(refine), "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        gallery.contents(images, tmp_path / "fits", 2.0)
    files = gallery.contents(images, tmp_path / "fits", 2.0)
    assert asked == [("old_key.png", 2.0), ("sun.png", 2.0), ("sun.png", 2.0)]
    page = files.pop("gallery-2d.md").decode()
    assert "## old key\n" in page and "2 pictures" in page and "12 times as large" in " ".join(page.split())
    assert page.count("**33.3 dB, 31 numbers**") == 2 and page.count("… 5 lines more") == 2
    for name, data in files.items():
        assert f"({name})" in page
        strip = Image.open(io.BytesIO(data))
        assert strip.size == (3 * 384 + 2 * 16, 288)


def test_the_gallery_shows_every_picture() -> None:
    page = (DOCS / "gallery-2d.md").read_text(encoding="utf-8")
    for path in (DOCS.parent / "examples" / "images").glob("*.png"):
        assert f"\n## {path.stem.replace('_', ' ')}\n" in page and (DOCS / "pictures" / "gallery" / f"{path.stem}.webp").is_file()
    assert sum(path.stat().st_size for path in (DOCS / "pictures" / "gallery").iterdir()) < 1_000_000


@pytest.mark.parametrize("name", ["heart", "planet"])
def test_small_pictures_are_what_their_generator_draws(name: str) -> None:
    icons = loaded(DOCS.parent / "examples" / "images" / "build_icons.py")
    canvas = icons.Canvas()
    getattr(icons, name)(canvas)
    drawn, there = (render.load(p).rgba for p in (canvas.image(), DOCS.parent / "examples" / "images" / f"{name}.png"))
    assert np.abs(drawn - there).max() < 3 / 255
