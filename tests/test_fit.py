"""`refine.fit`: pictures of every kind to programs, within limits, with nothing lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

import refine
import render
import shaderdsl
from refine.draft import Draft, numbers_of, renumbered
from refine.rounding import ROUNDING_LOSS
from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Difference,
    Ellipse,
    Flat,
    Linear,
    Offset,
    Outlined,
    Path,
    Polygon,
    Radial,
    Ring,
    Segment,
    Sketch,
    SketchLayer,
    Stroke,
)


def disk_and_bar(size: int = 64) -> np.ndarray:
    """A red disk and a blue bar on white, drawn by 8x8 supersampled predicates: not by our renderer."""
    place = (np.arange(size * 8) + 0.5) / (size * 4) - 1
    x, y = np.meshgrid(place, -place)
    picture = np.ones((size * 8, size * 8, 3), np.float32)
    picture[np.hypot(x + 0.2, y - 0.1) < 0.55] = (0.85, 0.2, 0.15)
    picture[(abs(x - 0.3) < 0.5) & (abs(y + 0.5) < 0.15)] = (0.1, 0.25, 0.8)
    return picture.reshape(size, 8, size, 8, 3).mean((1, 3))


@pytest.fixture(scope="module")
def fitted() -> refine.Fit:
    return refine.fit(disk_and_bar(), seconds=8)


def test_a_simple_picture_becomes_a_short_program_that_looks_like_it(fitted: refine.Fit) -> None:
    assert fitted.psnr > 38
    assert fitted.numbers <= 24
    assert fitted.numbers == shaderdsl.number_count(fitted.program)
    assert shaderdsl.parse(fitted.program.text) == fitted.program
    assert fitted.image.shape == (64, 64, 3)
    drawn = render.image(fitted.program, 64, backend="taichi")
    assert abs(render.psnr(drawn, disk_and_bar()) - fitted.psnr) < 0.2


def test_history_tells_how_it_was_reached(fitted: refine.Fit) -> None:
    assert [h["seconds"] for h in fitted.history] == sorted(h["seconds"] for h in fitted.history)
    assert fitted.history[0]["what"] == "background"
    assert fitted.history[-1]["what"] == "as printed"
    before = [h["psnr"] for h in fitted.history if h["what"] != "as printed"][-1]
    assert fitted.psnr > before - ROUNDING_LOSS - 0.2  # and what 8-bit OpenGL rounding may add


def test_the_curve_rises_to_the_program_itself_by_programs_that_can_be_used(fitted: refine.Fit) -> None:
    assert fitted.pareto[-1].program == fitted.program and fitted.pareto[-1].numbers == fitted.numbers
    assert 2 <= len(fitted.pareto) <= 41
    for point, following in zip(fitted.pareto, fitted.pareto[1:]):
        assert point.numbers < following.numbers and point.psnr < following.psnr
    for point in fitted.pareto:
        again = shaderdsl.parse(point.program.text)
        assert shaderdsl.number_count(again) == point.numbers
        assert render.psnr(render.image(again, 64, backend="taichi"), disk_and_bar()) == pytest.approx(point.psnr, abs=0.1)


def test_progress_has_the_best_so_far() -> None:
    told: list[refine.Progress] = []
    refine.fit(disk_and_bar(), seconds=2, on_progress=told.append)
    for progress in told:
        assert shaderdsl.number_count(progress.program) == progress.numbers
        drawn = render.image(progress.program, 64, backend="taichi")
        assert render.psnr(drawn, disk_and_bar()) == pytest.approx(progress.psnr, abs=0.05)


def test_no_ghost_parts(fitted: refine.Fit) -> None:
    large = render.image(fitted.program, 256, backend="taichi").reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert render.psnr(large, disk_and_bar()) > fitted.psnr - 1.0


def test_numbers_are_rounded(fitted: refine.Fit) -> None:
    digits = [len(str(round(float(v), 6)).split(".")[-1]) for v in fitted.program.params]
    assert np.median(digits) <= 5


@pytest.mark.parametrize("background", ["#ffffff", "none", "#7f3311"])
def test_even_a_perfect_fit_is_rounded(background: str) -> None:
    """Where there is no error, what single precision makes of it must not forbid every rounding."""
    from refine.descents import pyramid, squared_error
    from refine.rounding import rounded

    program = shaderdsl.parse(
        f"scene 2d(background = {background})\nbox(0.4148731, 0.2161193).round(0.0160193).move(0.0312345, -0.1234567)"
        ".fill(rgb(0.123456, 0.7654321, 0.333333))\ncircle(0.2345678).move(0.4567891, 0.5678912).fill(#ffcc00)"
    )
    level = pyramid(render.load(render.image(program, 128, backend="taichi", alpha=background == "none")), [(128, 0.0)])[0]
    short = rounded(program, level)
    assert max(len(f"{v:.9g}".split(".")[-1]) for p, v in zip(program.parameters, short.params) if p.kind != "colour") <= 6
    assert squared_error(short, level) < 0.02


def test_transparency_is_fitted_as_alpha() -> None:
    picture = np.concatenate([disk_and_bar(48), np.zeros((48, 48, 1), np.float32)], 2)
    place = (np.arange(48) + 0.5) / 24 - 1
    picture[..., 3] = np.clip((0.7 - np.hypot(*np.meshgrid(place, place))) * 24 + 0.5, 0, 1)
    fitted = refine.fit(picture, seconds=5)
    assert fitted.image.shape == (48, 48, 4)
    assert fitted.image[0, 0, 3] == 0 and fitted.image[24, 24, 3] == pytest.approx(1)
    assert fitted.program.scene.background is None
    assert fitted.psnr > 26


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 40), (90, 30), (1, 200), (3, 250)])
def test_any_size_works(shape: tuple[int, int]) -> None:
    rows, columns = shape
    picture = np.zeros((rows, columns, 3), np.float32)
    picture[:, columns // 2 :] = (1.0, 0.5, 0.0)
    fitted = refine.fit(picture, seconds=2)
    assert fitted.image.shape == (rows, columns, 3)
    assert fitted.psnr > 25


def test_one_colour_gives_the_obvious_program() -> None:
    fitted = refine.fit(np.full((40, 40, 3), 128 / 255, np.float32), seconds=5)
    assert fitted.program.text == "scene 2d(background = #808080)"
    assert fitted.seconds < 5


def test_fully_transparent_gives_nothing() -> None:
    fitted = refine.fit(np.zeros((20, 20, 4), np.float32), seconds=3)
    assert fitted.program.text == "scene 2d(background = none)"


def test_a_large_noisy_picture_keeps_to_the_limits() -> None:
    noise = np.random.default_rng(0).random((300, 500, 3), np.float32)
    fitted = refine.fit(noise, seconds=3, max_numbers=60, max_shapes=4)
    assert fitted.numbers <= 60
    assert len(fitted.program.scene.layers) <= 4
    assert fitted.image.shape == (300, 500, 3)


def test_noise_is_a_plain_colour() -> None:
    noise = np.random.default_rng(0).random((128, 128, 3), np.float32)
    fitted = refine.fit(noise, seconds=10)
    assert fitted.numbers == 3 and fitted.seconds < 8
    assert [p.numbers for p in fitted.pareto] == [3]


def test_the_front_is_programs_of_fewer_numbers(fitted: refine.Fit) -> None:
    numbers, likeness = [p.numbers for p in fitted.pareto], [p.psnr for p in fitted.pareto]
    assert numbers == sorted(set(numbers)) and likeness == sorted(set(likeness)) and len(numbers) >= 3
    assert fitted.pareto[-1].program == fitted.program and fitted.pareto[-1].psnr == fitted.psnr
    for point in fitted.pareto:
        assert shaderdsl.parse(point.program.text) == point.program
        assert shaderdsl.number_count(point.program) == point.numbers
        drawn = render.image(point.program, 64, backend="taichi")
        assert render.psnr(drawn, disk_and_bar()) == pytest.approx(point.psnr, abs=0.1)


def test_a_target_ends_the_search_with_the_least_program_that_has_it() -> None:
    fitted = refine.fit(disk_and_bar(), seconds=20, target_psnr=24)
    assert fitted.psnr > 24 - ROUNDING_LOSS - 0.05
    assert fitted.seconds < 12
    assert all(p.psnr < 24.1 for p in fitted.pareto[:-1])


@pytest.mark.parametrize("style", ["shapes", "paths"])
def test_a_style_decides_what_programs_are_made_of(style: str) -> None:
    place = (np.arange(256) + 0.5) / 128 - 1
    x, y = np.meshgrid(place, -place)
    fine = np.ones((256, 256, 3), np.float32)
    fine[np.hypot(x + 0.5, y - 0.45) < 0.35] = (0.9, 0.2, 0.1)
    fine[(y > 3 * (x - 0.2) ** 2 - 0.8) & (y < 0.3)] = (0.1, 0.4, 0.3)
    picture = fine.reshape(64, 4, 64, 4, 3).mean((1, 3))
    fitted = refine.fit(picture, seconds=4, style=style)
    named = {word: f"{word}(" in fitted.program.text for word in ("circle", "ellipse", "box", "path", "polygon")}
    if style == "shapes":
        assert not named["path"] and (named["circle"] or named["ellipse"])
    else:
        assert named["path"] and not (named["circle"] or named["ellipse"] or named["box"])
    assert fitted.psnr > 20


def test_a_large_picture_is_met_at_its_own_resolution() -> None:
    """Edges of a 512 pixel picture lie to a fraction of its pixels, four times as fine as those that the search sees."""
    exact = shaderdsl.parse("circle(0.551).move(-0.203, 0.107).fill(#d93326)\nbox(0.5, 0.15).move(0.303, -0.507).fill(#1a40cc)")
    fitted = refine.fit(render.image(exact, 512, backend="taichi"), seconds=5)
    assert fitted.psnr > 45 and fitted.numbers < 40


@pytest.mark.parametrize("kind", ["jpeg", "favicon", "grey", "palette"])
def test_pictures_as_they_come(kind: str) -> None:
    import io

    from PIL import Image

    clean = Image.fromarray((disk_and_bar(128) * 255).astype(np.uint8))
    if kind == "jpeg":
        data = io.BytesIO()
        clean.save(data, "JPEG", quality=30)
        picture: Image.Image = Image.open(io.BytesIO(data.getvalue()))
    elif kind == "favicon":
        picture = clean.resize((16, 16), Image.Resampling.LANCZOS)
    else:
        picture = clean.convert("L") if kind == "grey" else clean.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    fitted = refine.fit(picture, seconds=4)
    assert fitted.psnr > 28 and fitted.numbers < 90


def test_limits_hold() -> None:
    fitted = refine.fit(disk_and_bar(), seconds=4, max_numbers=10)
    assert fitted.numbers <= 10
    fitted = refine.fit(disk_and_bar(), seconds=4, max_shapes=1)
    assert len(fitted.program.scene.layers) <= 1


def test_operations_restrict_shapes() -> None:
    fitted = refine.fit(disk_and_bar(), seconds=4, operations=["circle", "move", "union"])
    assert "circle" in fitted.program.text
    assert not any(name in fitted.program.text for name in ("box", "path", "polygon", "segment", "ellipse"))


def test_a_start_is_never_made_worse() -> None:
    exact = shaderdsl.parse(
        "circle(0.55).move(-0.2, 0.1).fill(rgb(0.85, 0.2, 0.15))\nbox(0.5, 0.15).move(0.3, -0.5).fill(rgb(0.1, 0.25, 0.8))"
    )
    own = render.psnr(render.image(exact, 64, backend="taichi"), disk_and_bar())
    fitted = refine.fit(disk_and_bar(), seconds=2, start=exact)
    assert fitted.psnr > own - ROUNDING_LOSS - 0.05


class _Fixed:
    """A proposer with one idea."""

    def propose(self, image: np.ndarray, n: int = 8) -> list[shaderdsl.Program]:
        assert image.shape[2] == 4 and n >= 1
        return [shaderdsl.parse("circle(0.5).move(-0.15, 0.05).fill(#cc3322)")]


def test_a_proposer_may_be_given() -> None:
    fitted = refine.fit(disk_and_bar(), seconds=3, proposer=_Fixed())
    (layer,) = fitted.program.scene.layers
    assert layer.shape.operation.name == "move"
    assert fitted.program.params[0] == pytest.approx(0.55, abs=0.05)


def test_control_c_keeps_the_best_so_far() -> None:
    seen = []

    def interrupt(progress: object) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise KeyboardInterrupt

    fitted = refine.fit(disk_and_bar(), seconds=30, on_progress=interrupt)
    assert fitted.interrupted
    assert len(seen) == 2
    assert fitted.psnr > 20


@pytest.mark.parametrize("shape", [(1, 400), (3, 700), (700, 5)])
def test_long_narrow_pictures_keep_their_shape(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 4), np.float32)
    picture[...] = (0.8, 0.05, 0.05, 0.5)
    fitted = refine.fit(picture, seconds=2)
    assert fitted.psnr > 60 and len(fitted.program.scene.layers) == 1


def test_control_c_keeps_what_a_search_has_found() -> None:
    def interrupt(progress: object) -> None:
        if getattr(progress, "what", "") == "search":
            raise KeyboardInterrupt

    place = (np.arange(64) + 0.5) / 32 - 1
    x, y = np.meshgrid(place, -place)
    picture = np.where((np.hypot(x + 0.3, y) < 0.5) | ((np.abs(x - 0.3) < 0.4) & (np.abs(y) < 0.2)), 0.0, 1.0)
    fitted = refine.fit(picture.astype(np.float32), seconds=30, operations=["circle", "box", "union", "move"], on_progress=interrupt)
    assert fitted.interrupted and "circle(" in fitted.program.text


def test_control_c_at_the_end_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from refine import finishing

    def interrupt(record: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finishing, "_printed_front", interrupt)
    fitted = refine.fit(disk_and_bar(), seconds=2)
    assert fitted.interrupted and fitted.psnr > 20 and len(fitted.pareto) == 1
    assert any("interrupted" in note for note in fitted.notes)


def test_without_opengl_it_fits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from render import gl_backend

    def none(*_: object, **__: object) -> None:
        raise gl_backend.OpenGLUnavailable("No OpenGL here.")

    monkeypatch.setattr(gl_backend, "draw", none)
    fitted = refine.fit(np.full((16, 16, 3), 0.25, np.float32), seconds=1)
    assert not fitted.validated
    assert any("not validated" in note for note in fitted.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": 0}, "seconds"),
        ({"max_numbers": 0}, "max_numbers"),
        ({"max_shapes": 0}, "max_shapes"),
        ({"operations": ["cirle"]}, 'did you mean "circle"'),
        ({"proposer": "magic"}, "proposer"),
        ({"target_psnr": 0}, "target_psnr"),
        ({"style": "cubist"}, "style"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        refine.fit(disk_and_bar(16), **options)  # type: ignore[arg-type]


RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)
EVERYTHING = Sketch(
    (1.0, 1.0, 1.0),
    (
        SketchLayer(Circle((0.1, 0.2), 0.3), Flat(RED)),
        SketchLayer(Ellipse((0.0, 0.1), 0.3, 0.2, 20.0), Flat(RED), 0.5),
        SketchLayer(Box((0.3, -0.1), 0.2, 0.1, 10.0, 0.05), Linear(RED, BLUE, (0.0, 1.0), (0.0, -1.0))),
        SketchLayer(Capsule((0, 0), (0.3, 0.3), 0.1, 0.2), Radial(BLUE, (0.2, 0.3, 0.4), (0.1, 0.1), 0.5)),
        SketchLayer(Segment((-0.3, 0), (0.3, 0.3), 0.1), Flat(BLUE)),
        SketchLayer(Ring((0.0, -0.3), 0.2, 0.05), Flat((0.4, 0.4, 0.4))),
        SketchLayer(Outlined(Box((0.3, -0.1), 0.2, 0.1, 10.0, 0.05), 0.04), Flat(BLUE)),
        SketchLayer(Difference(Box((0.3, 0.1), 0.2, 0.3, 10.0), (Circle((0.3, 0.2), 0.1), Segment((0.2, 0), (0.4, 0), 0.1))), Flat(BLUE)),
        SketchLayer(Offset(Polygon(((0, 0), (0.4, 0), (0.2, 0.4))), -0.02), Flat(BLUE)),
        SketchLayer(Outlined(Ellipse((0.0, 0.1), 0.3, 0.2), 0.06), Flat((0.2, 0.3, 0.4))),
        SketchLayer(Polygon(((0, 0), (0.5, 0), (0.2, 0.4))), Flat(RED)),
        SketchLayer(
            Path((((-0.5, 0, True), (0.5, 0, True), (0, 0.6, False)), ((0, 0, True), (0.1, 0, True), (0, 0.1, True)))),
            Flat(BLUE),
        ),
        SketchLayer(Stroke(((-0.5, 0, True), (0, 0.5, False), (0.5, 0, True)), 0.1, False, "butt"), Flat(RED)),
    ),
)


def test_a_draft_and_its_sketch_have_the_same_numbers() -> None:
    draft = Draft.of(EVERYTHING)
    assert draft.program.params.tolist() == pytest.approx(numbers_of(EVERYTHING))
    assert renumbered(EVERYTHING, draft.program.params.tolist()) == EVERYTHING
    moved = draft.with_params(draft.program.params * 0.9)
    assert Draft.of(moved.sketch).program == moved.program


@pytest.mark.parametrize("colour", [(1.0, 1.0, 1.0), (0.97, 1.0, 1.0)])
def test_colours_that_meet_or_part_keep_a_draft_in_step(colour: tuple[float, float, float]) -> None:
    """The background and a shared colour are two numbers of the text, and may go different ways; so may equal ones."""
    white, grey = (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)
    shapes = [Circle((0.1 * k, 0.2), 0.3) for k in range(6)]
    paints = [Flat(white), Flat(grey), Flat(white), Flat(grey), Flat(white), Flat((0.2, 0.3, 0.4))]
    draft = Draft.of(Sketch(white, tuple(SketchLayer(s, p) for s, p in zip(shapes, paints))))
    for name in ("white", "grey", "background"):
        values = draft.program.params.copy()
        places = [i for i, p in enumerate(draft.program.parameters) if p.group == name]
        values[places] = colour
        moved = draft.with_params(values)
        assert numbers_of(moved.sketch) == pytest.approx(moved.program.params.tolist())
        shown = render.image(draft.program.with_params(values), 32, backend="taichi")
        assert np.abs(render.image(moved.program, 32, backend="taichi") - shown).max() < 1e-6


def test_the_error_without_each_layer_is_known_from_one_drawing() -> None:
    from refine.descents import Level, squared_error
    from refine.moves import dropped_layers
    from render.taichi_backend import Target

    level = Level(Target(np.random.default_rng(3).random((40, 56, 4), np.float32)), 0.0)
    draft = Draft.of(EVERYTHING)
    whole = squared_error(draft.program, level)
    for k, move in enumerate(dropped_layers(draft, level)):
        rest = EVERYTHING.layers[:k] + EVERYTHING.layers[k + 1 :]
        without = squared_error(Draft.of(Sketch(EVERYTHING.background, rest)).program, level)
        assert move.cost == pytest.approx(without - whole, rel=1e-3, abs=1e-2)
