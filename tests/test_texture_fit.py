"""Fitting textures: statistics that do not depend on place, tones apart from colours, and kinds recognized with their numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

import refine
import render
import shaderdsl
from benchmarks import textures as benchmark
from refine.command_line import app
from refine.options import OptionError
from refine.texture_colours import ramp, standardized, toned
from refine.texture_kinds import Kind, Sample, kinds, tones
from refine.texture_statistics import statistics, turn_between

Float = npt.NDArray[np.float32]


def kind(name: str) -> Kind:
    return next(k for k in kinds() if k.name == name)


def drawn(paint: str, size: int = 128) -> Float:
    return render.batch([shaderdsl.parse(f"scene 2d\nbox(2, 2).fill({paint})")], size)[0]


def told(picture: npt.NDArray[np.float32], **options: object) -> tuple[str, dict[str, float], float, refine.Fit]:
    """What a short fit finds: kind, numbers, turn, and the fit."""
    fit = refine.fit_texture(picture, seconds=5, **options)  # type: ignore[arg-type]
    return *benchmark.found_numbers(fit.program), fit


def waves(side: int = 128) -> Float:
    """Smooth periodic noise (1, side, side): what leaves on one side comes in on the other."""
    rng = np.random.default_rng(3)
    spectrum = np.fft.fft2(rng.standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    return standardized(np.fft.ifft2(spectrum * np.exp(-((frequency / 0.1) ** 2))).real[None].astype(np.float32))


def test_statistics_do_not_depend_on_place() -> None:
    picture = waves()
    moved = np.roll(picture, (16, -24), (1, 2))
    other = standardized(np.sign(picture))
    here, there, apart = (statistics(p)[0][0] for p in (picture, moved, other))
    assert np.abs(here - there).mean() < 0.15 * np.abs(here - apart).mean()


def test_a_quarter_turn_changes_directions_alone() -> None:
    samples = [Sample(kind("stripes"), np.array([0.4, 0.5, 0.0]), 0, turn, (0.0, 0.0)) for turn in (20.0, 110.0)]
    (one, other), (first, second) = statistics(standardized(tones(samples, 96)))
    assert np.abs(one - other).mean() < 0.05
    turn, sure = turn_between(second, first)
    assert abs(abs(turn) - 90.0) <= 0.5
    assert sure > 0.9


def test_turns_go_the_way_of_rotate() -> None:
    samples = [Sample(kind("stripes"), np.array([0.4, 0.5, 0.0]), 0, turn, (0.0, 0.0)) for turn in (10.0, 47.0)]
    _, (first, second) = statistics(standardized(tones(samples, 96)))
    turn, _ = turn_between(second, first)
    assert turn == pytest.approx(37.0, abs=1.5)


@pytest.mark.parametrize("colours", [("#102040", "#f0d080"), ("#102040", "#d03020", "#ffe080")])
def test_tones_and_ramp_of_a_picture(colours: tuple[str, ...]) -> None:
    paint = "perlin({}, scale = 0.2, seed = 77)"
    grey = drawn(paint.format("#000000, #ffffff"))[None, ..., 0]
    found = toned(drawn(paint.format(", ".join(colours))))
    assert found is not None and found.stops == len(colours)
    assert abs(np.corrcoef(found.tones.ravel(), grey.ravel())[0, 1]) > 0.998
    ends, miss = ramp(found, grey)
    expected = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colours]) / 255.0
    np.testing.assert_allclose(ends, expected, atol=0.02)
    assert miss < 0.01


@pytest.mark.parametrize(
    ("paint", "name", "scale", "turn"),
    [
        ("stripes(#ffffff, #c1121f, scale = 0.21).rotate(35)", "stripes", 0.21, 35.0),
        ("checker(#f0d9b5, #8f5b34, scale = 0.17).rotate(20)", "checker", 0.17, 20.0),
        ("tiles(#e9ecef, #1d5c63, scale = 0.25, joint = 0.035, seed = 812).rotate(-15)", "tiles", 0.25, -15.0),
        ("perlin(#1b4332, #95d5b2, scale = 0.2, seed = 741)", "perlin", 0.2, None),
        ("cellular(#22333b, #c6ac8f, scale = 0.22, measure = borders, seed = 555)", "cellular borders", 0.22, None),
        ("wood(#d9a066, #8a5a2b, scale = 0.11, seed = 321)", "wood", 0.11, None),
    ],
)
def test_kind_scale_and_turn_are_found(paint: str, name: str, scale: float, turn: float | None) -> None:
    found, numbers, angle, fit = told(drawn(paint))
    assert found == name
    assert numbers["scale"] == pytest.approx(scale, rel=0.15)
    if turn is not None:
        apart = benchmark.turned_apart(name, angle, turn)
        assert apart is not None and apart < 5.0
    assert fit.history[-1]["distance"] < 1.0
    assert shaderdsl.parse(fit.program.text) == fit.program


def test_the_same_picture_gives_the_same_program() -> None:
    picture = drawn("cellular(#22333b, #c6ac8f, scale = 0.3, seed = 99)", 96)
    options = {"operations": ["cellular", "value_noise"], "seed": 4}
    first, second = (refine.fit_texture(picture, seconds=3, **options) for _ in range(2))  # type: ignore[arg-type]
    assert first.program == second.program
    assert first.program.text.count("cellular") == 1


def test_a_wide_picture_is_covered() -> None:
    picture = drawn("stripes(#204060, #c1121f, scale = 0.3)")
    wide = np.concatenate([picture, picture, picture], 1)
    fit = refine.fit_texture(wide, seconds=2, operations=["stripes"])
    assert fit.image.shape == wide.shape
    assert fit.image[..., 2].max() < 0.5  # nowhere the white of what no shape covers


def test_a_plain_picture_is_its_colour() -> None:
    fit = refine.fit_texture(np.full((40, 40, 3), 0.2, np.float32), seconds=1)
    assert fit.program.text == "scene 2d(background = #333333)"
    assert any("no texture" in note for note in fit.notes)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8, 3), (17, 33), (40, 30, 4)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_pictures_of_any_shape(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).random(shape)
    fit = refine.fit_texture(picture, seconds=1, operations=["stripes", "checker"])
    assert fit.image.shape[:2] == shape[:2]
    assert np.isfinite(fit.image).all()
    assert any("no texture" in note for note in fit.notes) == (min(shape[:2]) < 16)


def test_what_is_no_texture_is_said() -> None:
    ramp_up = np.linspace(0.0, 1.0, 128, dtype=np.float32)
    picture = np.broadcast_to(ramp_up[:, None, None], (128, 128, 3)).copy()
    picture[40:60, 30:90] = 1.0
    assert any("like none of the textures" in note for note in refine.fit_texture(picture, seconds=3).notes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: refine.fit_texture(np.zeros((8, 8)), seconds=0), "seconds"),
        (lambda: refine.fit_texture(np.zeros((8, 8)), operations=["circle"]), '"circle", which is no texture'),
        (lambda: refine.fit_texture(np.zeros((8, 8)), operations=[]), "names no texture"),
    ],
)
def test_options_that_make_no_sense(call: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call()


def test_a_picture_that_can_not_be_read() -> None:
    with pytest.raises(render.ImageError, match="does not exist"):
        refine.fit_texture(Path("no_such.png"))


def test_the_command_line(tmp_path: Path) -> None:
    path = render.save_png(tmp_path / "checks.png", drawn("checker(#f0d9b5, #8f5b34, scale = 0.17)", 64))
    call = ["fit", str(path), "--texture", "--seconds", "2", "--operations", "checker,tiles", "--out", str(tmp_path / "out"), "--json"]
    ended = CliRunner().invoke(app, call)
    assert ended.exit_code == 0 and "checker(" in json.loads(ended.stdout)["program"]
    assert "checker(" in (tmp_path / "out" / "program.sdf").read_text()
    refused = CliRunner().invoke(app, [*call, "--style", "shapes"])
    assert refused.exit_code == 1 and "--texture goes with" in json.loads(refused.stdout)["error"]


def test_what_the_benchmark_counts() -> None:
    rng = np.random.default_rng(1)
    true = benchmark.case(kind("brick"), rng, 32)
    assert true.picture.shape == (32, 32, 3)
    program = shaderdsl.parse("box(2, 2).fill(cellular(#000000, #ffffff, measure = cells, scale = 0.2, seed = 3).rotate(-30).move(0.1, 0))")
    assert benchmark.found_numbers(program) == ("cellular cells", {"scale": 0.2, "seed": 3.0}, -30.0)
    assert benchmark.turned_apart("checker", 100.0, 5.0) == pytest.approx(5.0)
    assert benchmark.turned_apart("perlin", 100.0, 5.0) is None
    single = benchmark.Case("fbm", {"octaves": 1, "scale": 0.3}, 0.0, true.picture)
    assert benchmark.same_kind(single, "perlin", {}) and not benchmark.same_kind(true, "tiles", {})
