"""The examples: every program draws alike on all backends and is in canonical form; every script runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import render
import shaderdsl
from render import gl_backend

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.sdf"))
PICTURES = sorted((EXAMPLES / "images").glob("*.png"))

needs_opengl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL")


def levels_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The largest difference of each pixel, in levels of 255."""
    return 255.0 * np.abs(one.astype(np.float64) - other).max(axis=-1)


def run(script: str, *arguments: str | Path) -> str:
    """What an example script prints."""
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def batched():
    """All programs' pictures by Taichi, in one launch: one kernel is compiled for them all."""
    pictures = render.batch([shaderdsl.parse(path.read_bytes()) for path in PROGRAMS], 64)
    return dict(zip(PROGRAMS, pictures))


def test_there_is_something_to_look_at():
    assert len(PROGRAMS) >= 8
    assert len(PICTURES) >= 3


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
class TestPrograms:
    def test_is_in_canonical_form_and_says_what_it_is(self, path):
        text = path.read_text(encoding="utf-8")
        assert shaderdsl.format(text) == text
        assert text.startswith("//")

    def test_round_trips(self, path):
        program = shaderdsl.parse(path.read_bytes())
        assert shaderdsl.parse(shaderdsl.format(program)) == program
        assert program.with_params(program.params) == program

    def test_shows_something(self, path):
        program = shaderdsl.parse(path.read_bytes())
        picture = render.image(program, 32, "numpy")
        assert picture.std() > 0.05
        assert len(program.scene.layers if program.dimension == 2 else program.scene.surfaces) >= 3

    @needs_opengl
    def test_backends_agree(self, path, batched):
        program = shaderdsl.parse(path.read_bytes())
        drawn, exact = (render.image(program, 64, backend) for backend in ("gl", "numpy"))
        for apart in (levels_apart(drawn, batched[path]), levels_apart(batched[path], exact)):
            assert apart.max() <= 4.0
            assert (apart > 1.0).mean() <= 0.001

    @needs_opengl
    def test_edges_are_smooth_at_any_size(self, path):
        """Drawn large and averaged down it is nearly the picture drawn small: nothing is smaller than a pixel."""
        program = shaderdsl.parse(path.read_bytes())
        small = render.image(program, 96, "gl")
        large = render.image(program, 288, "gl").reshape(96, 3, 96, 3, 3).mean((1, 3))
        assert render.psnr(small, large) > 30.0


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_can_be_read(path):
    picture = render.load(path)
    height, width = picture.rgba.shape[:2]
    assert 64 <= min(height, width) <= max(height, width) <= 256


def test_pictures_have_a_source():
    told = (EXAMPLES / "images" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in PICTURES)


def test_the_readme_shows_what_is_there():
    """Its program is an example, its mistake is told so, its links lead somewhere."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", readme, re.DOTALL)
    assert ("text", (EXAMPLES / "apple.sdf").read_text(encoding="utf-8")) in blocks
    mistakes = [block for _, block in blocks if "^^^" in block]
    with pytest.raises(shaderdsl.DslError) as caught:
        shaderdsl.parse("\n\ncirle(r).fill(#fff)")
    assert mistakes == [f"{caught.value}\n"]
    for target in re.findall(r"(?:\]\(|src=\")([^)\"]+)", readme):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_readmes_python_runs(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code, in_space = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    code = code + in_space
    code = code.replace("logo.png", str(EXAMPLES / "images" / "key.png")).replace("seconds=10", "seconds=1")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=240, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mainImage" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"out", "circle.png"}


def test_writing_a_program(tmp_path):
    printed = run("write_a_program.py", "--out", tmp_path, "--size", "48")
    assert "did you mean 'circle'?" in printed
    assert render.load(tmp_path / "light.png").rgba.shape == (48, 48, 4)
    assert "mainImage" in (tmp_path / "shadertoy.glsl").read_text(encoding="utf-8")
    assert "<canvas" in (tmp_path / "viewer.html").read_text(encoding="utf-8")
    written = shaderdsl.parse((tmp_path / "light.sdf").read_bytes())
    values = dict(zip((parameter.name for parameter in written.parameters), written.params))
    assert (values["red"], values["green"]) == (0, 100)


def test_animating_a_parameter(tmp_path):
    from PIL import Image

    file = tmp_path / "gears.gif"
    assert "4 frames" in run("animate_a_parameter.py", "--frames", "4", "--size", "48", "-o", file)
    with Image.open(file) as animation:
        assert (animation.n_frames, animation.size) == (4, (48, 48))
        first = np.asarray(animation.convert("RGB"))
        animation.seek(2)
        assert (first != np.asarray(animation.convert("RGB"))).any()


def test_animating_what_is_not_there(tmp_path):
    command = [sys.executable, str(EXAMPLES / "animate_a_parameter.py"), "--sweep", "tern=0:1", "-o", str(tmp_path / "a.gif")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode != 0
    assert "no parameter 'tern'" in done.stderr and "Traceback" not in done.stderr


def test_fitting_an_image(tmp_path):
    printed = run("fit_an_image.py", EXAMPLES / "images" / "key.png", "--seconds", "2", "--out", tmp_path)
    assert " dB with " in printed
    summary = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
    assert shaderdsl.parse(summary["program"]) == shaderdsl.parse((tmp_path / "program.sdf").read_bytes())
    assert summary["psnr"] > 15.0
