"""The command line: what each command prints and writes, and how it ends when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import refine
from refine.command_line import Style, app
from refine.options import STYLES
from render import batch, field_picture, image, load, mesh, orbited, svg
from shaderdsl import parse

REPOSITORY = Path(__file__).resolve().parent.parent
TEXT = "// a sign\nscene 2d(background = none)\ncircle(.5).fill(#f00)\n"
FORMATTED = "// a sign\nscene 2d(background = none)\ncircle(0.5).fill(#ff0000)\n"


@dataclass
class Ended:
    code: int
    out: str
    err: str


def earthshader(*arguments: object, text: str | None = None) -> Ended:
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=text, prog_name="earthshader")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def is_refused(ended: Ended, *words: str) -> None:
    """It ended with exit code 1 and one sentence on stderr that has the words."""
    assert ended.code == 1 and ended.out == "" and ended.err.startswith("error: "), ended
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "sign.sdf"
    path.write_text(TEXT)
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "logo.png"
    Image.new("RGB", (24, 16), (200, 40, 30)).save(path)
    return path


# -- programs ---------------------------------------------------------------------------------------------------


def test_help_teaches_by_example() -> None:
    shown = earthshader("--help")
    assert shown.code == 0 and "earthshader fit logo.png" in shown.out
    for name in ("fit", "render", "glsl", "svg", "mesh", "field", "format", "check", "view", "bench"):
        assert name in shown.out
        one = earthshader(name, "--help")
        assert one.code == 0 and f"earthshader {name}" in one.out.split("Options")[0].split("Usage")[1].split("\n", 1)[1]


def test_usage_errors_end_with_2(program: Path, picture: Path) -> None:
    for arguments in (
        ["nonsense"],
        ["render"],
        ["render", program, "--size", "big"],
        ["render", program, "--size", "0x10"],
        ["render", program, "--backend", "paper"],
        ["svg", program, "--size", "1x2x3"],
        ["glsl", program, "--target", "hlsl"],
        ["render", program, "--sheet", "4"],
        ["render", program, "--sheet", "0x4"],
        ["render", program, "--turntable", "1", "-o", "a.gif"],
        ["render", program, "--turntable", "8", "-o", "a.png"],
        ["render", program, "--turntable", "8", "--sheet", "4x2", "-o", "a.gif"],
        ["render", program, "--turntable", "8", "--animate", "2", "-o", "a.gif"],
        ["render", program, "--animate", "2", "-o", "a.png"],
        ["mesh", program, "--bounds=1,2,3"],
        ["mesh", program, "--bounds=a,b,c,d,e,f"],
        ["mesh", program, "--mesher", "spheres"],
        ["fit", picture, "--seconds", "-1"],
        ["fit", picture, "--max-shapes", "0"],
        ["fit", picture, "--style", "cubist"],
        ["fit", picture, "--operations", "cirle"],
        ["fit", picture, "--operations", ","],
    ):
        ended = earthshader(*arguments)
        assert ended.code == 2 and "Usage" in ended.err and "Traceback" not in ended.err, arguments
    boxed = earthshader("fit", picture, "--operations", "cirle").err
    assert "did you mean 'circle'?" in " ".join(boxed.replace("\u2502", " ").split())


def test_check(program: Path, tmp_path: Path) -> None:
    assert earthshader("check", program).out == f"{program}: valid, 1 layer, 4 numbers\n"
    wrong = tmp_path / "wrong.sdf"
    wrong.write_text("circle(0.5)\ncirle(0.5)\n")
    ended = earthshader("check", program, wrong)
    assert ended.code == 1 and "valid" in ended.out
    assert f"{wrong}, line 2, column 1" in ended.err and "did you mean 'circle'?" in ended.err and "^" in ended.err
    ended = earthshader("check", "--json", program, wrong)
    results = json.loads(ended.out)["programs"]
    assert ended.code == 1 and ended.err == ""
    assert results[0] == {"file": str(program), "valid": True, "layers": 1, "numbers": 4}
    assert results[1]["error"]["line"] == 2 and results[1]["error"]["column"] == 1


def test_format(program: Path) -> None:
    assert earthshader("format", program).out == FORMATTED
    assert program.read_text() == TEXT
    assert earthshader("format", "-", text=TEXT).out == FORMATTED
    assert earthshader("format", "--check", program).code == 1
    assert earthshader("format", "--write", program).code == 0
    assert program.read_text() == FORMATTED
    assert earthshader("format", "--check", program).code == 0
    assert earthshader("format", "--write", program).out == ""


@pytest.mark.parametrize(("target", "mark"), [("330", "#version 330"), ("es300", "#version 300 es"), ("shadertoy", "mainImage")])
def test_glsl(program: Path, tmp_path: Path, target: str, mark: str) -> None:
    shown = earthshader("glsl", program, "--target", target)
    assert shown.code == 0 and mark in shown.out
    ended = earthshader("glsl", program, "--target", target, "-o", tmp_path / "a.frag")
    assert ended.out == f"{tmp_path / 'a.frag'}\n" and (tmp_path / "a.frag").read_text() == shown.out
    if target != "shadertoy":
        assert "uniform vec4 params" in earthshader("glsl", program, "--target", target, "--live").out


def test_render(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert earthshader("render", program, "-o", path, "--size", "30x20", "--backend", "numpy").out == f"{path}\n"
    expected = image(parse(TEXT), (30, 20), "numpy", alpha=True)
    np.testing.assert_allclose(np.asarray(Image.open(path)) / 255.0, expected, atol=0.51 / 255)
    earthshader("render", "-", "-o", path, "--size", "16", "--backend", "numpy", text="circle(0.5)")
    assert Image.open(path).size == (16, 16) and Image.open(path).mode == "RGB"


def test_svg(program: Path, tmp_path: Path) -> None:
    shown = earthshader("svg", program, "--size", "30x20")
    assert shown.code == 0 and shown.out == svg(parse(TEXT), (30, 20)) and '<circle r="0.5" fill="#ff0000" />' in shown.out
    ended = earthshader("svg", "-", "-o", tmp_path / "a.svg", "--size", "30x20", text=TEXT)
    assert ended.out == f"{tmp_path / 'a.svg'}\n" and (tmp_path / "a.svg").read_text() == shown.out


SOLID = """scene 3d(background = #202830)
camera((2, 1.5, 3), (0.1, 0, 0))
box(0.5, 0.3, 0.4).paint(#c8553d)
sphere(0.3).move(0.4, 0.4, 0.2)
"""


@pytest.fixture
def solid(tmp_path: Path) -> Path:
    path = tmp_path / "solid.sdf"
    path.write_text(SOLID)
    return path


def test_check_counts_solids(solid: Path) -> None:
    assert "valid, 2 solids, " in earthshader("check", solid).out
    assert json.loads(earthshader("check", "--json", solid).out)["programs"][0]["solids"] == 2


def test_svg_is_for_the_plane(solid: Path) -> None:
    is_refused(earthshader("svg", solid), "program of the plane")


def test_a_program_in_space_is_drawn_from_where_one_likes(solid: Path, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"

    def drawn(*options: object) -> Any:
        ended = earthshader("render", solid, "-o", path, "--size", "40x30", "--backend", "taichi", *options)
        assert ended.out == f"{path}\n" and ended.code == 0
        return np.asarray(Image.open(path)) / 255.0

    np.testing.assert_allclose(drawn(), image(parse(SOLID), (40, 30), "taichi"), atol=0.51 / 255)
    elsewhere = orbited(parse(SOLID), azimuth=120, elevation=10, distance=5)
    seen = drawn("--azimuth", 120, "--elevation", 10, "--distance", 5)
    np.testing.assert_allclose(seen, image(elsewhere, (40, 30), "taichi"), atol=0.51 / 255)
    is_refused(earthshader("render", solid, "-o", path, "--elevation", 100), "-90 to 90")
    is_refused(earthshader("render", program, "-o", path, "--azimuth", 10), "scene 3d")


def test_films_and_sheets_let_the_time_pass(tmp_path: Path) -> None:
    text = "circle(0.2 + 0.1 * time).fill(#c1121f)"
    program = program_text(tmp_path, text)
    moments = np.rint(255 * batch([parse(text).at(seconds) for seconds in (0.0, 1.0, 2.0, 3.0)], 32))
    ended = earthshader("render", program, "-o", tmp_path / "a.png", "--animate", 4, "--sheet", "2x2", "--size", 32)
    page = np.asarray(Image.open(tmp_path / "a.png")).astype(float)
    assert ended.code == 0 and page.shape == (64, 64, 3)
    rows = [np.concatenate(list(moments[k : k + 2]), 1) for k in (0, 2)]
    np.testing.assert_allclose(page, np.concatenate(rows), atol=1)
    assert earthshader("render", program, "-o", tmp_path / "a.gif", "--animate", 0.5, "--size", 32).code == 0
    film = Image.open(tmp_path / "a.gif")
    assert film.n_frames == 10 and film.info["duration"] == 50  # type: ignore[attr-defined]
    is_refused(earthshader("render", program_text(tmp_path, TEXT), "-o", tmp_path / "b.gif", "--animate", 4), "no time")
    shrinking = program_text(tmp_path, "circle(1 - time)")
    is_refused(earthshader("render", shrinking, "-o", tmp_path / "b.gif", "--animate", 4), "at least 0")


def test_films_and_sheets_go_once_around(solid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = np.rint(255 * batch([parse(SOLID)], (32, 24))[0])
    ended = earthshader("render", solid, "-o", tmp_path / "a.png", "--sheet", "3x2", "--size", "32x24")
    page = np.asarray(Image.open(tmp_path / "a.png")).astype(float)
    assert ended.out == f"{tmp_path / 'a.png'}\n" and page.shape == (48, 96, 3)
    np.testing.assert_allclose(page[:24, :32], own, atol=1)
    opposite = batch([orbited(parse(SOLID), azimuth=np.degrees(np.arctan2(1.9, 3.0)) + 180)], (32, 24))[0]
    np.testing.assert_allclose(page[24:, :32], 255 * opposite, atol=1)
    assert earthshader("render", solid, "-o", tmp_path / "a.gif", "--turntable", 5, "--size", "32x24").code == 0
    film = Image.open(tmp_path / "a.gif")
    assert film.n_frames == 5 and film.size == (32, 24) and film.info["loop"] == 0  # type: ignore[attr-defined]
    assert np.abs(np.asarray(film.convert("RGB")) - own).mean() < 3
    assert earthshader("render", solid, "-o", tmp_path / "a.mp4", "--turntable", 5, "--size", "32x24").code == 0
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    is_refused(earthshader("render", solid, "-o", tmp_path / "b.gif", "--turntable", 1000, "--size", 2048), "pixels in all")
    is_refused(earthshader("render", program_text(tmp_path, TEXT), "-o", tmp_path / "b.gif", "--turntable", 4), "scene 3d")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("render.pictures.batch", interrupted)
    ended = earthshader("render", solid, "-o", tmp_path / "b.gif", "--turntable", 4)
    assert ended.code == 130 and ended.err == "Interrupted.\n" and not (tmp_path / "b.gif").exists()


def program_text(folder: Path, text: str) -> Path:
    path = folder / "text.sdf"
    path.write_text(text)
    return path


def test_mesh(solid: Path, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    found = mesh(parse(SOLID), 20)
    ended = earthshader("mesh", solid, "-o", path, "--resolution", 20)
    assert ended.out == f"{path}: {len(found.vertices)} vertices, {len(found.faces)} triangles\n" and ended.err == ""
    assert path.read_bytes().startswith(b"ply")
    ended = earthshader("mesh", solid, "-o", tmp_path / "a.stl", "--resolution", 20, "--bounds=-1,-1,0,1,1,1", "--mesher", "cubes", "--json")
    facts = json.loads(ended.out)
    assert facts["bounds"][0][2] == pytest.approx(0.0, abs=0.01) and "z = 0" in facts["notes"][0]
    assert facts["files"] == [str(tmp_path / "a.stl")] and ended.err == ""
    assert "cut" in earthshader("mesh", solid, "-o", path, "--resolution", 20, "--bounds=-1,-1,0,1,1,1").err
    is_refused(earthshader("mesh", program, "-o", path), "scene 3d")
    is_refused(earthshader("mesh", solid, "-o", tmp_path / "a.step"), ".glb, .obj, .ply or .stl")
    is_refused(earthshader("mesh", solid, "-o", path, "--resolution", 5000), "4 to 1024")
    assert "4 to 1024" in json.loads(earthshader("mesh", solid, "-o", path, "--resolution", 5000, "--json").out)["error"]


def test_field(solid: Path, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert earthshader("field", program, "-o", path, "--size", "300x200").out == f"{path}\n"
    assert Image.open(path).size[0] == 300
    assert earthshader("field", solid, "-o", path, "--slice", "y=0.2", "--extent", "0.5", "--size", "64").code == 0
    shown = np.asarray(Image.open(path)) / 255.0
    np.testing.assert_allclose(shown, field_picture(parse(SOLID), 64, "y=0.2", 0.5), atol=0.51 / 255)
    is_refused(earthshader("field", program, "-o", path, "--slice", "z=0"), "no slices")
    is_refused(earthshader("field", solid, "-o", path, "--slice", "up"), "z=0.1")


def test_view(program: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    opened: list[str] = []

    def opens(address: str) -> bool:
        opened.append(address)
        return len(opened) == 1

    monkeypatch.setattr("webbrowser.open", opens)
    assert earthshader("view", program, "-o", page, "--image", picture, "--open").code == 0
    assert opened == [page.as_uri()] and "<html" in page.read_text(encoding="utf-8")
    is_refused(earthshader("view", program, "-o", page, "--image", tmp_path / "none.png"), "does not exist")
    ended = earthshader("view", program, "-o", page, "--open")
    assert ended.code == 1 and "No browser" in ended.err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--target-psnr", "0", "target-psnr"), ("--target-psnr", "150", "target-psnr"), ("--seconds", "0", "seconds"), ("--max-numbers", "2", "max")],
)
def test_options_that_make_no_sense(option: str, value: str, words: str, picture: Path, tmp_path: Path) -> None:
    ended = earthshader("fit", picture, "--out", tmp_path / "out", option, value)
    assert ended.code == 2 and words in ended.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", ["1x2x3", "wide", "0x5"])
def test_sizes_that_there_are_not(size: str, program: Path, tmp_path: Path) -> None:
    ended = earthshader("render", program, "-o", tmp_path / "a.png", "--size", size)
    assert ended.code == 2 and "is no size like 512x512" in " ".join(ended.err.split()) and "unpack" not in ended.err


@pytest.mark.parametrize("names", ["smooth union", "circl", ","])
def test_operations_that_there_are_not(names: str, picture: Path, tmp_path: Path) -> None:
    ended = earthshader("fit", picture, "--out", tmp_path / "out", "--operations", names)
    assert ended.code == 2 and "operation" in ended.err


@pytest.mark.parametrize("command", ["render", "glsl", "svg", "mesh", "field", "format", "view"])
def test_programs_that_can_not_be_used(command: str, tmp_path: Path) -> None:
    is_refused(earthshader(command, tmp_path / "none.sdf"), "does not exist")
    is_refused(earthshader(command, tmp_path), "is a folder")
    is_refused(earthshader(command, "-", text="circle("), "standard input, line 1")
    (tmp_path / "long.sdf").write_text("circle(0.5)\n" * 100_000)
    is_refused(earthshader(command, tmp_path / "long.sdf"), "long.sdf, line 1")
    (tmp_path / "bytes.sdf").write_bytes(b"circle(0.5)\xff")
    is_refused(earthshader(command, tmp_path / "bytes.sdf"), "UTF-8")


def test_outputs_that_can_not_be_written(program: Path) -> None:
    place = program / "a"
    is_refused(earthshader("render", program, "-o", place, "--size", "8", "--backend", "numpy"), "can not be written")
    is_refused(earthshader("glsl", program, "-o", place), "can not be written")
    is_refused(earthshader("svg", program, "-o", place), "can not be written")
    is_refused(earthshader("view", program, "-o", place), "can not be written")


def test_no_opengl(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARTHSHADER_OPENGL", "off")
    is_refused(earthshader("render", program, "-o", tmp_path / "a.png", "--backend", "gl"), "OpenGL is switched off")


def test_bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("refine.command_line.__file__", str(tmp_path / "refine" / "command_line.py"))
    is_refused(earthshader("bench"), "from a checkout")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "speed.py").write_text('import sys\nif __name__ == "__main__":\n    sys.exit(int(sys.argv[2]))\n')
    (tmp_path / "benchmarks" / "shared.py").touch()
    assert earthshader("bench").out == "speed\n"
    is_refused(earthshader("bench", "sped"), "There is no benchmark 'sped'", "speed")
    assert earthshader("bench", "speed", "--", "--code", "5").code == 5


# -- fit --------------------------------------------------------------------------------------------------------


def told() -> refine.Progress:
    return refine.Progress(0.1, 12.0, 4, "looking at [the] picture", parse("scene 2d(background = #204060)"))


def pretended(asked: dict[str, Any], interrupted: bool = False) -> Callable[..., refine.Fit]:
    """A `fit` that notes what it was asked, tells its progress and finds a disk."""

    def fit(target: Any, *, on_progress: Callable[[refine.Progress], None], **options: Any) -> refine.Fit:
        asked.update(options, target=target)
        on_progress(told())
        program = parse("circle(0.5)")
        picture = image(program, load(target).size, "numpy")
        return refine.Fit(program, picture, 12.5, 0.2, 4, load(target), notes=["No OpenGL."], interrupted=interrupted)

    return fit


def test_the_styles_are_those_of_fit() -> None:
    assert tuple(style.value for style in Style) == STYLES


def test_fit_passes_its_options_on(picture: Path, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setitem(vars(refine), "fit", pretended(asked))
    out = tmp_path / "out"
    ended = earthshader(
        "fit", picture, "--out", out, "--seconds", "2", "--max-shapes", "3", "--max-numbers", "50", "--seed", "4",
        "--operations", "circle, box,union", "--start", program, "--target-psnr", "31.5", "--style", "shapes",
    )  # fmt: skip
    assert ended.code == 0
    assert asked.pop("target").name == "logo"
    assert asked == {
        "seconds": 2.0,
        "max_shapes": 3,
        "max_numbers": 50,
        "target_psnr": 31.5,
        "style": "shapes",
        "dimension": 2,
        "seed": 4,
        "operations": ["circle", "box", "union"],
        "start": parse(TEXT),
    }
    assert "logo.png: 12.50 dB with 4 numbers in 0.2 s" in ended.out and str(out / "viewer.html") in ended.out
    assert "0.1 s  12.00 dB     4 numbers  looking at [the] picture" in ended.err and "note: No OpenGL." in ended.err
    assert (out / "program.sdf").is_file()


def test_fit_in_json_and_quietly(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setitem(vars(refine), "fit", pretended(asked))
    ended = earthshader("fit", picture, "--out", tmp_path / "out", "--json")
    found = json.loads(ended.out)
    assert ended.err == "" and found["psnr"] == 12.5 and found["program"] == "circle(0.5)" and len(found["files"]) == 9
    assert asked["operations"] is None and asked["start"] is None and asked["max_numbers"] == 400
    assert asked["target_psnr"] is None and asked["style"] == "auto"
    assert "dB  " not in earthshader("fit", picture, "--out", tmp_path / "out", "--quiet").err


def shown_by(path: Path) -> tuple[int, ...]:
    """The middle of the right half of a preview."""
    with Image.open(path) as preview:
        value = preview.getpixel((3 * preview.width // 4, preview.height // 2))
    assert isinstance(value, tuple)
    return value


@pytest.mark.parametrize(
    ("options", "kept"),
    [((), True), (("--quiet",), False), (("--json",), False), (("--quiet", "--preview", "now.png"), True)],
)
def test_the_picture_is_shown_as_it_forms(
    options: tuple[str, ...], kept: bool, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    now = tmp_path / ("now.png" if "--preview" in options else "out/preview.png")
    seen: list[tuple[int, ...] | None] = []
    find = pretended({})

    def fit(target: Any, *, on_progress: Callable[[refine.Progress], None], **rest: Any) -> refine.Fit:
        def tell(progress: refine.Progress) -> None:
            on_progress(progress)
            seen.append(shown_by(now) if now.exists() else None)

        return find(target, on_progress=tell, **rest)

    monkeypatch.setitem(vars(refine), "fit", fit)
    ended = earthshader("fit", picture, *options)
    assert seen == [(0x20, 0x40, 0x60) if kept else None]
    assert shown_by(now) == (0, 0, 0)  # at last what was found, a black disk
    assert ("now.png" in ended.out.split()) == ("--preview" in options)


def test_fit_says_what_is_wrong(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(refine), "fit", pretended({}))
    is_refused(earthshader("fit", tmp_path / "none.png"), "does not exist")
    is_refused(earthshader("fit", picture, "--start", picture), "logo.png, line 1")
    ended = earthshader("fit", picture, "--out", picture)
    assert ended.code == 1 and "a part of the path is a file" in ended.err
    ended = earthshader("fit", tmp_path, "--json")
    assert ended.code == 1 and "is a folder" in json.loads(ended.out)["error"] and ended.err == ""


def test_an_interrupted_fit_is_saved_and_ends_with_130(picture: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; sys.path.insert(0, 'tests')\n"
        "import refine, test_command_line as here\n"
        "def fit(target, *, on_progress, **options):\n"
        "    on_progress(here.told())\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n"
        "        return here.pretended({}, interrupted=True)(target, on_progress=on_progress)\n"
        "vars(refine)['fit'] = fit\n"
        "from refine.command_line import main\n"
        f"sys.argv = ['earthshader', 'fit', {str(picture)!r}, '--out', {str(tmp_path / 'out')!r}]\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "preview.png shows the picture as it forms" in process.stderr.readline()
    assert "looking" in process.stderr.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "12.50 dB" in out and "Traceback" not in err
    assert (tmp_path / "out" / "program.sdf").is_file()


def test_ctrl_c_elsewhere_ends_with_130(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shaderdsl.to_glsl", interrupted)
    ended = earthshader("glsl", program)
    assert ended.code == 130 and ended.err == "Interrupted.\n"


def test_a_bar_on_a_terminal(picture: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="terminals are tested on Unix alone")
    reader, writer = pty.openpty()
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import refine, test_command_line as here\n"
        "vars(refine)['fit'] = here.pretended({})\n"
        "from refine.command_line import main\n"
        f"sys.argv = ['earthshader', 'fit', {str(picture)!r}, '--out', {str(tmp_path / 'out')!r}]\n"
        "main()\n"
    )
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    for name in ("CI", "NO_COLOR"):
        environment.pop(name, None)
    subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=writer, env=environment, timeout=60, check=True
    )
    os.close(writer)
    shown = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert "looking at [the] picture" in shown and "\x1b[" in shown


def test_the_module_is_the_console_script_and_prints_its_answer_alone(program: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "refine", "render", program, "--backend", "taichi", "-o", tmp_path / "a.png"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0 and ended.stdout == f"{tmp_path / 'a.png'}\n" and ended.stderr == ""
