"""What a fit leaves on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from refine import Fit, ParetoPoint, Proposer, SaveError
from refine.pareto_plot import plotted
from refine.preview import Live
from render import image, load
from shaderdsl import Program, parse

FILES = [
    "drawing.svg", "fit.json", "pareto.json", "pareto.png", "preview.png", "program.sdf", "shader.glsl", "shadertoy.glsl", "viewer.html",
]  # fmt: skip


def a_fit(size: tuple[int, int] = (40, 30), background: str = "#336699") -> Fit:
    program = parse(f"scene 2d(background = {background})\ncircle(0.5).fill(#e0353f)")
    picture = image(program, size, "numpy", alpha=background == "none")
    history = [{"seconds": np.float32(0.5), "psnr": np.float64(np.inf), "numbers": np.int64(7), "what": "start"}]
    return Fit(program, picture, 41.5, 0.5, 7, load(picture), history, validated=True, notes=["A note."])


def test_it_leaves_files_that_read_back(tmp_path: Path) -> None:
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


def curve(*psnr: float) -> list[ParetoPoint]:
    """A point for each PSNR: disks of rising size, with 4, 8, 16, ... numbers."""
    points = enumerate(psnr, 1)
    return [ParetoPoint(2 * 2**k, value, parse(f"circle({0.9 * k / len(psnr):.3f}).fill(#1060c0)")) for k, value in points]


def test_a_fit_made_without_a_curve_has_its_own_program_as_the_only_point(tmp_path: Path) -> None:
    fit = a_fit()
    assert fit.pareto == [ParetoPoint(7, 41.5, fit.program)]
    fit.save(tmp_path)
    assert json.loads((tmp_path / "pareto.json").read_text()) == [{"numbers": 7, "psnr": 41.5, "program": fit.program.text}]


def test_the_curve_is_written_with_programs_that_can_be_used(tmp_path: Path) -> None:
    fit = a_fit()
    fit.pareto = curve(9.0, 20.5, 31.25)
    fit.save(tmp_path)
    written = json.loads((tmp_path / "pareto.json").read_text(encoding="utf-8"))
    assert [(p["numbers"], p["psnr"]) for p in written] == [(4, 9.0), (8, 20.5), (16, 31.25)]
    assert [parse(p["program"]) for p in written] == [p.program for p in fit.pareto]


def test_the_plot_rises_to_the_right_and_shows_what_the_marked_points_draw() -> None:
    picture = np.zeros((60, 60, 3), np.float32)
    picture[..., 1] = 1.0
    plot = plotted(curve(5.0, 12.0, 22.0, 30.0, 36.0, 41.0), load(picture)).astype(int)
    assert plot.shape == (636, 900, 3)
    line = np.abs(plot[:400] - (0x1F, 0x6F, 0x9F)).sum(-1) < 20
    columns = np.flatnonzero(line.any(0))
    rows = [np.flatnonzero(line[:, c]).mean() for c in columns]
    assert columns[-1] - columns[0] > 600 and np.polyfit(columns, rows, 1)[0] < -0.2
    # The target, then four disks, each larger than the one before.
    green = (plot[446:586] == (0, 255, 0)).all(-1).sum()
    assert green > 0.9 * 140 * 152
    blue = np.abs(plot[446:586] - (0x10, 0x60, 0xC0)).sum(-1) < 10
    inside = np.flatnonzero(blue.any(0))
    widths = [len(part) for part in np.split(inside, np.flatnonzero(np.diff(inside) > 5) + 1)]
    assert len(widths) == 4 and widths == sorted(widths) and widths[-1] > 1.3 * widths[0]


@pytest.mark.parametrize("points", [curve(12.0), curve(12.0, 12.01), curve(0.0, 99.99)])
@pytest.mark.parametrize("size", [(1, 1), (2000, 3)])
def test_any_curve_of_any_picture_can_be_plotted(points: list[ParetoPoint], size: tuple[int, int]) -> None:
    plot = plotted(points, load(np.zeros((size[1], size[0], 4), np.float32)))
    assert ((plot[..., 0] > 200) & (plot[..., 2] < 90)).sum() > 100  # a badge


def test_a_live_preview_shows_the_best_so_far_and_keeps_to_its_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    target = load(np.zeros((40, 40, 3), np.float32))
    live = Live(tmp_path / "new" / "live.png", target)

    def right_half() -> int:
        shown = np.asarray(Image.open(live.path))
        assert not shown[:, :200].any()
        return int(shown[120, 360].sum())

    assert right_half() == 3 * 255
    live.show(parse("scene 2d(background = #404040)"))
    assert right_half() == 3 * 64
    now[0] += 0.4
    live.show(parse("scene 2d(background = #808080)"))
    assert right_half() == 3 * 64  # too soon
    now[0] += 0.2
    live.show(parse("scene 2d(background = #808080)"))
    assert right_half() == 3 * 128
    assert [path.name for path in live.path.parent.iterdir()] == ["live.png"]


def test_a_live_preview_tells_a_bad_place_at_once_and_forgives_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = load(np.zeros((8, 8, 3), np.float32))
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="a part of the path is a file"):
        Live(tmp_path / "file" / "live.png", target)
    live = Live(tmp_path / "live.png", target)
    first = live.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        live.show(parse("scene 2d(background = #404040)"))
    assert live.path.read_bytes() == first and [path.name for path in tmp_path.iterdir() if path.suffix] == ["live.png"]


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
