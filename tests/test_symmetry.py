"""Symmetries of sketches: written and read back, proposed, found by fits, and without seams."""

from __future__ import annotations

import numpy as np
import pytest

import refine
import render
from benchmarks import symmetry_panel as panel
from refine import symmetry
from refine.draft import Draft, numbers_of, renumbered, text_of
from refine.sketch import (
    Box,
    Circle,
    Ellipse,
    Flat,
    Grid,
    Mirror,
    Path,
    Polar,
    Polygon,
    Ring,
    Sketch,
    SketchLayer,
    Symmetry,
    number_count,
    reflected,
)

WHITE, RED, BLUE = (1.0, 1.0, 1.0), (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)

SYMMETRIES: list[Symmetry] = [
    Mirror(), Mirror(90.0, (0.25, 0.0)), Mirror(30.0, (0.1, -0.2)), Polar(5), Polar(7, (0.1, 0.2)), Polar(6, (0.1, 0.2), 30.0),
    Grid(4, 3, 0.3, 0.25), Grid(2, 2, 0.5, 0.4, (0.1, 0.05)), Grid(5, 1, 0.2, 0.2, (0.1, 0.05), 20.0),
]  # fmt: skip


def anything(_: object) -> bool:
    return True


@pytest.mark.parametrize("found", SYMMETRIES, ids=str)
@pytest.mark.parametrize(
    "shape", [Circle((0.4, 0.1), 0.1), Box((0.4, 0.0), 0.1, 0.05, 20.0, 0.02), Polygon(((0.2, 0), (0.5, 0), (0.3, 0.2)))], ids=str
)
def test_numbers_are_written_counted_and_read_back(shape: Circle | Box | Polygon, found: Symmetry) -> None:
    sketch = Sketch(WHITE, (SketchLayer(shape, Flat(RED), 0.5, found), SketchLayer(Circle((0.3, 0.3), 0.1), Flat(BLUE))))
    draft = Draft.of(sketch)
    assert draft.program.params.tolist() == pytest.approx(numbers_of(sketch))
    assert renumbered(sketch, draft.program.params.tolist()) == sketch
    assert draft.numbers == number_count(sketch)
    moved = draft.with_params(draft.program.params * 0.9)
    shown = render.image(draft.program.with_params(draft.program.params * 0.9), 48, backend="taichi")
    assert np.abs(render.image(moved.program, 48, backend="taichi") - shown).max() < 1e-4
    assert Draft.of(moved.sketch).program == moved.program


def test_equal_centers_are_written_once() -> None:
    center = (0.2, -0.1)
    layers = (
        SketchLayer(Circle(center, 0.5), Flat(RED)),
        SketchLayer(Circle((0.4, 0.0), 0.1), Flat(BLUE), 1.0, Polar(6, center)),
        SketchLayer(Ring(center, 0.2, 0.05), Flat(WHITE)),
    )
    draft = Draft.of(Sketch(None, layers))
    assert text_of(draft.sketch).count("center_x") == 4
    assert draft.numbers == number_count(draft.sketch) - 4
    values = draft.program.params + 0.01
    assert len({c for layer in draft.with_params(values).sketch.layers for c in [getattr(layer.shape, "center", None)]}) == 2


def test_an_upright_axis_stays_on_the_x_axis() -> None:
    half = Polygon(((-0.1, 0.4), (0.3, 0.1), (-0.1, -0.4)))
    draft = Draft.of(Sketch(WHITE, (SketchLayer(half, Flat(RED), 1.0, Mirror(90.0, (0.2, 0.0))),)))
    values = draft.program.params.copy()
    values[list(draft.program.params).index(0.2) + 1] = 0.07
    slid = draft.with_params(values)
    assert slid.sketch.layers[0].symmetry == Mirror(90.0, (0.2, 0.0))
    shown = render.image(draft.program.with_params(values), 64, backend="taichi")
    assert np.abs(render.image(slid.program, 64, backend="taichi") - shown).max() < 1e-5


@pytest.mark.parametrize("angle", [0.0, 90.0, 25.0])
def test_a_reflected_shape_is_the_mirror_image(angle: float) -> None:
    shape = Ellipse((0.4, 0.2), 0.3, 0.1, 20.0)
    one, other = (
        render.field(Draft.of(Sketch(None, (SketchLayer(s, Flat(RED)),))).program, points)
        for s, points in ((shape, np.array([[0.5, 0.1], [0.2, 0.3]])), (reflected(shape, angle), _reflected([[0.5, 0.1], [0.2, 0.3]], angle)))
    )
    np.testing.assert_allclose(one, other, atol=1e-9)


def _reflected(points: list[list[float]], angle: float) -> np.ndarray:
    c, s = np.cos(np.radians(2 * angle)), np.sin(np.radians(2 * angle))
    return np.array(points) @ np.array([[c, s], [s, -c]])


def _turned(count: int, radius: float, center: tuple[float, float], first: float) -> list[tuple[float, float]]:
    angles = np.radians(first) + 2 * np.pi * np.arange(count) / count
    return [(center[0] + radius * np.cos(a), center[1] + radius * np.sin(a)) for a in angles.tolist()]


def test_a_circle_of_dots_is_proposed_as_one() -> None:
    dots = tuple(SketchLayer(Circle(c, 0.1), Flat(RED)) for c in _turned(7, 0.6, (0.1, -0.05), 11.0))
    best = symmetry.proposals(Sketch(WHITE, dots), (96, 96), anything)[0]
    assert best.replaced == frozenset(range(7))
    (layer,) = best.options[0]
    assert isinstance(layer.symmetry, Polar) and layer.symmetry.count == 7
    assert layer.symmetry.center == pytest.approx((0.1, -0.05), abs=0.01)
    assert isinstance(layer.shape, Circle) and np.hypot(*layer.shape.center) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("turn", [0.0, 20.0])
def test_rows_and_columns_are_proposed_as_a_grid(turn: float) -> None:
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    places = [(0.35 * i - 0.5, 0.3 * j - 0.3) for j in range(3) for i in range(4)]
    dots = tuple(SketchLayer(Circle((c * x - s * y, s * x + c * y), 0.08), Flat(RED)) for x, y in places)
    best = symmetry.proposals(Sketch(WHITE, dots), (96, 96), anything)[0]
    (layer,) = best.options[0]
    assert isinstance(layer.symmetry, Grid) and layer.shape == Circle((0.0, 0.0), pytest.approx(0.08, abs=0.005))
    assert (layer.symmetry.columns, layer.symmetry.rows) == (4, 3)
    assert (layer.symmetry.dx, layer.symmetry.dy, layer.symmetry.turn) == pytest.approx((0.35, 0.3, turn), abs=0.3)


def test_mirrored_pairs_share_an_axis() -> None:
    def pair(x: float, y: float, colour: tuple[float, float, float]) -> list[SketchLayer]:
        return [SketchLayer(Ellipse((0.2 + side * x, y), 0.12, 0.06, side * 30.0), Flat(colour)) for side in (-1, 1)]

    sketch = Sketch(WHITE, (*pair(0.4, 0.3, RED), *pair(0.3, -0.3, BLUE)))
    found = symmetry.proposals(sketch, (96, 96), anything)
    assert {p.replaced for p in found} == {frozenset({0, 1}), frozenset({2, 3})}
    axes = {p.options[0][0].symmetry for p in found}
    assert len(axes) == 1
    assert axes.pop() == Mirror(90.0, (pytest.approx(0.2, abs=0.01), 0.0))


def test_what_has_no_symmetry_is_left_alone() -> None:
    bent = Path((((-0.6, -0.5, True), (0.1, 0.7, False), (0.5, 0.2, True), (0.3, -0.1, True), (0.7, -0.6, True), (-0.2, -0.1, True)),))
    spread = [SketchLayer(Circle(c, 0.08), Flat(BLUE)) for c in ((-0.7, 0.6), (-0.1, 0.8), (0.75, 0.55), (0.2, -0.8))]
    assert not symmetry.proposals(Sketch(WHITE, (SketchLayer(bent, Flat(RED)), *spread)), (96, 96), anything)


def test_only_what_is_allowed_is_proposed() -> None:
    dots = tuple(SketchLayer(Circle(c, 0.1), Flat(RED)) for c in _turned(7, 0.6, (0.0, 0.0), 0.0))
    found = symmetry.proposals(Sketch(WHITE, dots), (96, 96), lambda what: not isinstance(what, Polar))
    assert not any(isinstance(layer.symmetry, Polar) for p in found for option in p.options for layer in option)


def drawing(name: str) -> np.ndarray:
    return next(d for d in panel.drawings() if d.name == name).picture(96)


def test_a_fit_finds_the_petals_of_a_rosette() -> None:
    fitted = refine.fit(drawing("rosette"), seconds=5)
    assert "repeat_polar(9)" in fitted.program.text
    assert fitted.numbers <= 40
    assert fitted.psnr > 38


def test_a_fit_finds_the_rows_of_a_grid() -> None:
    fitted = refine.fit(drawing("dots"), seconds=4)
    assert "repeat_grid(5, 4," in fitted.program.text
    assert fitted.numbers <= 20
    assert fitted.psnr > 38


def test_a_fit_finds_mirrored_halves_and_their_seam_does_not_show() -> None:
    """A heart-like outline about an axis beside the middle of a pixel: drawn large, its inside is of one colour."""

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        across = np.abs(x - 0.037)
        lobe = np.hypot(across - 0.3, y - 0.2) < 0.38
        return lobe | ((across < 0.66 + 0.75 * (y - 0.2)) & (y < 0.3) & (y > -0.62))

    picture = panel.Drawing("heart", ("mirror",), WHITE, [(inside, RED)]).picture(96)
    fitted = refine.fit(picture, seconds=5, operations=["path", "polygon", "mirror", "move"])
    assert "mirror(" in fitted.program.text
    assert fitted.psnr > 35
    large = render.image(fitted.program, 1024, backend="taichi")
    place = (np.arange(1024) + 0.5) / 512 - 1
    x, y = np.meshgrid(place, -place)
    deep = inside(x, y - 0.04) & inside(x, y + 0.04) & inside(x - 0.04, y) & inside(x + 0.04, y)
    spread = large[deep & (np.abs(x - 0.037) < 0.1)]
    assert np.ptp(spread, axis=0).max() < 0.02


def test_the_seams_of_a_ring_of_sectors_do_not_show() -> None:
    """A flower whose petals join: the parts overlap where they meet."""

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.hypot(x - 0.03, y + 0.05) < 0.6 + 0.12 * np.cos(7 * np.arctan2(y + 0.05, x - 0.03))

    picture = panel.Drawing("flower", ("repeat_polar",), WHITE, [(inside, BLUE)]).picture(96)
    fitted = refine.fit(picture, seconds=5)
    assert "repeat_polar(7)" in fitted.program.text
    large = render.image(fitted.program, 1024, backend="taichi")
    place = (np.arange(1024) + 0.5) / 512 - 1
    x, y = np.meshgrid(place, -place)
    assert np.ptp(large[np.hypot(x - 0.03, y + 0.05) < 0.44], axis=0).max() < 0.02


def test_a_picture_without_symmetry_is_fitted_as_ever() -> None:
    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (y < 0.3 + 0.4 * x) & (y > -0.7 - 0.1 * x) & (x > -0.6 + 0.2 * y) & (x < 0.55)

    fitted = refine.fit(panel.Drawing("", (), WHITE, [(inside, RED)]).picture(64), seconds=3)
    assert not any(word in fitted.program.text for word in ("mirror", "repeat_polar", "repeat_grid"))
    assert fitted.psnr > 38
