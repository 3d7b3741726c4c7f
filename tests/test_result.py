"""What a fit leaves on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from refine import Fit, Proposer, SaveError
from render import image, load
from shaderdsl import Program, parse

FILES = ["drawing.svg", "fit.json", "preview.png", "program.sdf", "shader.glsl", "shadertoy.glsl", "viewer.html"]


def a_fit(size: tuple[int, int] = (40, 30), background: str = "#336699") -> Fit:
    program = parse(f"scene 2d(background = {background})\ncircle(0.5).fill(#e0353f)")
    picture = image(program, size, "numpy", alpha=background == "none")
    history = [{"seconds": np.float32(0.5), "psnr": np.float64(np.inf), "numbers": np.int64(7), "what": "start"}]
    return Fit(program, picture, 41.5, 0.5, 7, load(picture), history, True, ["A note."])


def test_it_leaves_seven_files_that_read_back(tmp_path: Path) -> None:
    fit = a_fit()
    files = fit.save(tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == FILES
    assert {path.name for path in files} == set(FILES) and all(path.is_file() for path in files)
    texts = {path.name: path.read_text(encoding="utf-8") for path in files if path.suffix != ".png"}
    assert parse(texts["program.sdf"]) == fit.program
    assert texts["shader.glsl"].startswith("#version 330") and "mainImage" in texts["shadertoy.glsl"]
    drawing = ElementTree.fromstring(texts["drawing.svg"])
    assert (drawing.get("width"), drawing.get("height")) == ("40", "30")
    assert texts["viewer.html"].lstrip().lower().startswith("<!doctype html>")
    written = json.loads(texts["fit.json"])
    assert parse(written.pop("program")) == fit.program
    assert written == {
        "name": "image",
        "size": [40, 30],
        "psnr": 41.5,
        "seconds": 0.5,
        "numbers": 7,
        "validated": True,
        "interrupted": False,
        "notes": ["A note."],
        "history": [{"seconds": 0.5, "psnr": None, "numbers": 7, "what": "start"}],
    }


def test_the_preview_shows_target_and_picture_side_by_side(tmp_path: Path) -> None:
    fit = a_fit()
    fit.image = np.zeros_like(fit.image)
    fit.save(tmp_path)
    preview = np.asarray(Image.open(tmp_path / "preview.png"))
    assert preview.shape[0] == 30 * 6  # small pictures are enlarged
    target = preview[:, : 40 * 6].reshape(30, 6, 40, 6, 3)[:, 0, :, 0] / 255.0
    np.testing.assert_allclose(target, fit.target.rgba[..., :3], atol=0.5 / 255 + 1e-6)
    assert not preview[:, -40 * 6 :].any()
    assert (preview[:, 40 * 6 : -40 * 6] == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (2048, 8)])
def test_any_size_has_a_preview(tmp_path: Path, size: tuple[int, int]) -> None:
    a_fit(size).save(tmp_path)
    assert Image.open(tmp_path / "preview.png").size[0] <= 2 * 1024 + 32


def test_a_transparent_picture_is_shown_on_white(tmp_path: Path) -> None:
    a_fit(background="none").save(tmp_path)
    preview = np.asarray(Image.open(tmp_path / "preview.png"))
    assert preview.shape[2] == 3 and (preview[0, 0] == 255).all()


def test_saving_twice_replaces(tmp_path: Path) -> None:
    a_fit().save(tmp_path)
    other = a_fit(background="#112233")
    other.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert parse((tmp_path / "program.sdf").read_text()) == other.program


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_fit().save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []

    def third_fails(_: int) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", third_fails)
    with pytest.raises(SaveError, match=r"can not be written, because the disk is full: choose another place\.$"):
        a_fit(background="#000").save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(SaveError, match="a part of the path is a file"):
        a_fit().save(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_anything_that_proposes_is_a_proposer() -> None:
    class Fixed:
        def propose(self, image: np.ndarray, n: int = 8) -> list[Program]:
            return [parse("circle(0.5)")][:n]

    assert isinstance(Fixed(), Proposer) and not isinstance(object(), Proposer)
