"""docs/extending.md: the shape that it adds is all there, by that one text alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from render import gl_backend

ROOT = Path(__file__).resolve().parent.parent

PRELUDE = """
import sys
sys.path[:0] = [{root!r}, {tests!r}, {extra!r}]
import added  # the text of the page
import numpy as np
import data, render, shaderdsl
from shaderdsl.registry import operations
stadium = shaderdsl.parse("stadium(0.4, 0.3).rotate(20).fill(#c8553d)")
reference = render.image(stadium, (96, 64), backend="numpy")
assert 0.1 < (np.abs(reference - 1).max(axis=2) > 0.1).mean() < 0.2
"""

CHECKS = {
    "language": """
assert shaderdsl.format(stadium) == "stadium(0.4, 0.3).rotate(20).fill(#c8553d)"
assert shaderdsl.parse(str(stadium)) == stadium
assert [p.name for p in stadium.parameters][:2] == ["layer1.stadium.half_length", "layer1.stadium.radius"]
assert "did you mean 'stadium'" in str(shaderdsl.check("stadum(0.4, 0.3)"))
shaderdsl.parse("stadium(0.4, 0.3).round(0.1)")
""",
    "sampler": """
programs = data.generate(300, 1, seed=1)
assert data.coverage_report(programs).operations["stadium"] > 3
""",
    "decoding grammar": """
from shaderdsl.decoding import decoding_grammar
assert '"stadium("' in decoding_grammar()
""",
    "reference page": """
sys.path.insert(0, {docs!r})
import build_language
page = build_language.page()
assert "### stadium" in page and "| `half_length` | length | 0.1 to 0.5 |" in page
assert build_language.outdated(build_language.contents())
""",
    "derivatives": """
import test_shapes
assert "stadium" in test_shapes.SHAPES
test_shapes.test_derivatives_against_central_differences("stadium")
test_shapes.test_slope_is_one_where_exact_and_never_above_the_constant("stadium")
test_shapes.test_float32_is_enough("stadium")
""",
    "taichi": """
assert np.abs(render.image(stadium, (96, 64), backend="taichi") - reference).max() < 4 / 255
picture, jacobian = render.jacobian(stadium, (48, 32))
values = stadium.params
for index, step in ((0, 1e-3), (1, 1e-3)):
    change = np.eye(len(values))[index] * step
    higher, lower = (render.image(stadium.with_params(values + s * change), (48, 32), backend="numpy") for s in (1, -1))
    expected = (higher - lower) / (2 * step)
    assert np.abs(jacobian[..., index] - expected).max() < 0.05 * np.abs(expected).max()
""",
    "svg": """
from svg_pictures import drawn
text = render.svg(stadium, (96, 64))
assert "Traced" in text and render.psnr(drawn(text), reference) > 44.0
""",
    "gl": """
assert np.abs(render.image(stadium, (96, 64), backend="gl") - reference).max() < 4 / 255
assert "stadium" in shaderdsl.to_glsl(stadium)
""",
}


def snippet() -> str:
    """The one text of the page that is a whole module."""
    (found,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.mark.parametrize("check", [pytest.param(c, marks=pytest.mark.slow if c == "reference page" else ()) for c in CHECKS])
def test_the_shape_of_the_page(check: str, tmp_path: Path) -> None:
    if check == "gl" and not gl_backend.available():
        pytest.skip("there is no OpenGL on this machine")
    (tmp_path / "added.py").write_text(snippet(), encoding="utf-8")
    places = {
        "root": str(ROOT), "tests": str(ROOT / "tests"), "docs": str(ROOT / "docs"), "extra": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", (PRELUDE + CHECKS[check]).format(**places)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_page_adds_nothing_else() -> None:
    assert "stadium" not in {path.stem for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert snippet().count("@register") == 1
