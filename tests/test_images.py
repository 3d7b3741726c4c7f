"""Pictures in: every kind that people have is read, and every kind that can not be is told in one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

import render
from render import ImageError, SaveError, load, mean_squared_error, psnr, resized, save_png
from render.files import write_all
from render.images import LONGEST_SIDE, MAX_PIXELS, Picture, whole_part
from shaderdsl import parse

RED = (255, 0, 0)


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The error's text, which is one sentence with a part that says what to do."""
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 500
    assert ": " in text, "it says what to do after a colon"
    return text


def refused(source: object) -> str:
    with pytest.raises(ImageError) as error:
        load(source)  # type: ignore[arg-type]
    return sentence(error)


def noise(width: int, height: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(width).integers(0, 256, shape, dtype=np.uint8)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# -- what is read -----------------------------------------------------------------------------------------------


def test_a_file_an_image_and_an_array_of_the_same_picture_are_the_same(tmp_path: Path) -> None:
    array = noise(13, 9, 4)
    Image.fromarray(array).save(tmp_path / "Logo one.png")
    for source in (tmp_path / "Logo one.png", str(tmp_path / "Logo one.png"), Image.fromarray(array), array):
        picture = load(source)
        np.testing.assert_allclose(picture.rgba, array / 255.0, atol=1e-6)
        assert picture.rgba.dtype == np.float32 and picture.size == (13, 9) and picture.has_alpha
    assert load(tmp_path / "Logo one.png").name == "Logo one"
    assert load(array).name == "image" and load(array).notes == ()
    assert load(picture) is picture


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), True), (1.0, 1.0, 1.0, 1.0)),
        (np.full((2, 3, 1), 51, np.uint8), (0.2, 0.2, 0.2, 1.0)),
        (np.full((2, 3, 3), 13107, np.uint16), (0.2, 0.2, 0.2, 1.0)),
        (np.full((2, 3, 4), 0.25, np.float64), (0.25, 0.25, 0.25, 0.25)),
        (np.full((2, 3), 0.5, np.float16), (0.5, 0.5, 0.5, 1.0)),
    ],
)
def test_arrays_of_each_kind(array: np.ndarray, expected: tuple[float, ...]) -> None:
    picture = load(array)
    assert picture.rgba.shape == (2, 3, 4)
    np.testing.assert_allclose(picture.rgba, np.broadcast_to(expected, (2, 3, 4)), atol=1e-6)
    assert picture.has_alpha == (expected[3] < 1.0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_every_mode_of_pillow(mode: str) -> None:
    picture = load(Image.new(mode, (9, 8), 0))
    assert picture.rgba.shape == (8, 9, 4)
    white: Any = {"1": 255, "L": 255, "RGB": (255,) * 3, "CMYK": (0, 0, 0, 0), "I;16": 65535, "I": 65535, "F": 1.0}.get(mode)
    if white is not None:
        np.testing.assert_allclose(load(Image.new(mode, (9, 8), white)).rgba, 1.0, atol=1e-6)


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*RED, 0, 0, 255])
    image.putpixel((3, 2), 1)
    image.save(tmp_path / "palette.gif", transparency=1)
    picture = load(tmp_path / "palette.gif")
    assert picture.rgba[2, 3, 3] == 0.0 and picture.has_alpha
    np.testing.assert_allclose(picture.rgba[0, 0], (1, 0, 0, 1))
    np.testing.assert_allclose(picture.over_white[2, 3], 1.0)


def test_sixteen_bits_are_kept_in_greyscale(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    picture = load(tmp_path / "deep.png")
    np.testing.assert_allclose(picture.rgba[..., 0], grey / 65535.0, atol=1e-6)
    assert len(np.unique(picture.rgba[..., 0])) == 64


def test_a_camera_rotation_is_undone(tmp_path: Path) -> None:
    upright = noise(12, 8)
    for turn, operation in enumerate(
        (None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
         Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270),
        start=1,
    ):  # fmt: skip
        image = Image.fromarray(upright)
        stored = image if operation is None else image.transpose(operation)
        exif = Image.Exif()
        exif[0x0112] = turn
        stored.save(tmp_path / "turned.png", exif=exif)
        picture = load(tmp_path / "turned.png")
        assert picture.size == (12, 8)
        np.testing.assert_allclose(picture.rgba[..., :3], upright / 255.0, atol=1e-6, err_msg=f"orientation {turn}")


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in (RED, (0, 255, 0), (0, 0, 255))]
    for name in ("moving.gif", "moving.png", "pages.tiff"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        picture = load(tmp_path / name)
        np.testing.assert_allclose(picture.rgba[4, 4], (1, 0, 0, 1), atol=0.01)
        assert "first is used" in picture.notes[0]


def test_an_image_of_the_callers_stays_as_it_is(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in (RED, (0, 0, 255))]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "moving.png") as image:
        image.seek(1)
        np.testing.assert_allclose(load(image).rgba[4, 4], (0, 0, 1, 1))
        assert image.tell() == 1


def test_one_pixel_is_read_and_remarked_on() -> None:
    picture = load(np.array([[[10, 20, 30]]], np.uint8))
    assert picture.rgba.shape == (1, 1, 4) and "1x1" in picture.notes[0]


def test_a_large_picture_is_averaged_down() -> None:
    array = np.zeros((100, 5000, 3), np.uint8)
    array[:, ::2] = 255
    picture = load(array)
    assert picture.size == (5000, 100) and picture.rgba.shape == (41, LONGEST_SIDE, 4)
    assert "5000x100" in picture.notes[0]
    assert abs(picture.rgba[..., 0].mean() - 0.5) < 1e-4


def test_a_hundred_megapixels(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    Image.new("L", (20_000, 5_000), 77).save(tmp_path / "huge.jpg")
    Image.new("P", (12_000, 9_000), 3).save(tmp_path / "huge.png")
    for name, size in (("huge.jpg", (20_000, 5_000)), ("huge.png", (12_000, 9_000))):
        picture = load(tmp_path / name)
        assert picture.size == size and max(picture.rgba.shape[:2]) == LONGEST_SIDE
        assert float(np.ptp(picture.rgba[..., 0])) < 0.01
    assert Image.MAX_IMAGE_PIXELS == limit


# -- what is not ------------------------------------------------------------------------------------------------


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "missing.png")
    assert "is a folder" in refused(tmp_path)
    assert "can not be read" in refused("nul\0byte.png") or "does not exist" in refused("nul\0byte.png")
    (tmp_path / "empty.png").touch()
    assert "is empty" in refused(tmp_path / "empty.png")


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("dear diary")
    assert "is no picture" in refused(tmp_path / "notes.png")
    (tmp_path / "logo.svg").write_text("<svg/>")
    assert "export it as PNG" in refused(tmp_path / "logo.svg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_truncated_picture(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(stream, kind)
    whole = stream.getvalue()
    for part in (0.5, 0.9):
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * part)])
        assert any(word in refused(tmp_path / "cut") for word in ("truncated", "broken", "no picture"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_damaged_bytes_never_give_a_traceback(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(noise(24, 24)).save(stream, kind)
    random = np.random.default_rng(7)
    errors = 0
    for _ in range(60):
        damaged = bytearray(stream.getvalue())
        for place in random.integers(0, len(damaged), 6):
            damaged[place] = random.integers(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            load(tmp_path / "damaged")
        except ImageError as error:
            errors += 1
            assert "\n" not in str(error)
    assert errors > 0 or kind == "JPEG"


def test_more_pixels_than_are_read(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(60_000, 60_000))
    assert f"{MAX_PIXELS // 1_000_000} million" in refused(tmp_path / "bomb.png")
    assert "million" in refused(np.broadcast_to(np.uint8(0), (20_000, 20_000)))


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4), np.inf), "infinite"),
        (np.full((4, 4, 3), 200.0), "divide by 255"),
        (np.full((4, 4, 3), -0.5), "[0, 1]"),
        (np.zeros((3, 8, 8)), "transpose"),
        (np.zeros((8, 8, 2)), "shape"),
        (np.zeros(8), "shape"),
        (np.zeros((0, 8)), "no pixels"),
        (np.zeros((8, 8), np.int64), "int64"),
        (np.zeros((8, 8), complex), "complex"),
        (np.full((8, 8), "a"), "not <U1"),
        (np.full((8, 8), None), "object"),
    ],
)
def test_wrong_arrays(array: np.ndarray, word: str) -> None:
    assert word in refused(array)


@pytest.mark.parametrize("source", [None, 3, [[0.0]], b"bytes", {}])
def test_wrong_types(source: object) -> None:
    assert type(source).__name__ in refused(source)


# -- resizing, distances, files ---------------------------------------------------------------------------------


def test_resizing_averages_areas_and_keeps_hidden_colours_out() -> None:
    rgba = np.zeros((4, 8, 4), np.float32)
    rgba[:, ::2] = (1.0, 0.0, 0.0, 1.0)
    rgba[:, 1::2] = (0.0, 1.0, 0.0, 0.0)  # green, but transparent
    small = resized(Picture(rgba, True, (8, 4), "a"), 4)
    np.testing.assert_allclose(small.rgba, np.broadcast_to((1.0, 0.0, 0.0, 0.5), (2, 4, 4)))
    assert small.size == (8, 4) and small.name == "a"
    assert resized(small, 4) is small and resized(small, 400) is small
    assert resized(small, 1).rgba.shape == (1, 1, 4)


def test_what_is_seen_is_averaged_as_light() -> None:
    rgba = np.ones((4, 4, 4), np.float32)
    rgba[:, ::2, :3] = 0.0
    rgba[2:, ::2, 3] = 0.0
    small = resized(Picture(rgba, True, (4, 4), of_light=True), 2)
    assert small.of_light
    half = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(small.rgba[0], [(half, half, half, 1.0)] * 2, atol=1e-6)
    # Where black is transparent, what is left is white.
    np.testing.assert_allclose(small.rgba[1], [(1.0, 1.0, 1.0, 0.5)] * 2, atol=1e-6)


@pytest.mark.parametrize("longest", [37, 20, 7])
def test_resizing_by_any_factor_is_the_exact_integral(longest: int) -> None:
    picture = load(noise(53, 41))
    small = resized(picture, longest).rgba
    height, width = small.shape[:2]
    fine = picture.rgba.astype(np.float64).repeat(height, 0).repeat(width, 1)
    expected = fine.reshape(height, 41, width, 53, 4).mean((1, 3))
    np.testing.assert_allclose(small, expected, atol=2e-6)


@given(st.integers(1, 3000), st.integers(1, 600), st.sampled_from([1.0, 1.25]))
def test_whole_parts(side: int, longest: int, beyond: float) -> None:
    part = whole_part(side, longest, beyond)
    assert any(part == max(1, round(side / count)) for count in range(1, side + 1))
    assert part <= max(1, round(beyond * longest))
    # No whole part is much nearer to what was asked for.
    assert part >= min(side, 0.49 * longest) or part == 1
    assert whole_part(longest, longest) == longest == whole_part(3 * longest, longest)


def test_a_picture_at_a_whole_part_is_what_is_drawn_there() -> None:
    program = parse("circle(0.6).fill(#c03020)\nbox(0.5, 0.2).rotate(20).move(0.2, -0.3).fill(#2050a0)")
    picture = load(render.image(program, 150, backend="numpy"))

    def likeness(side: int) -> float:
        return psnr(resized(picture, side).over_white, render.image(program, side, backend="numpy"))

    assert whole_part(150, 70) == 75
    assert likeness(75) > likeness(70) + 3.0


def test_psnr() -> None:
    a = np.zeros((4, 4, 3))
    assert psnr(a, a) == 99.99
    assert psnr(a, a + 0.1) == pytest.approx(20.0)
    assert mean_squared_error(a, a + 0.5) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="can not be compared"):
        psnr(a, a[:2])


def test_a_saved_png_reads_back(tmp_path: Path) -> None:
    for channels in (1, 3, 4):
        array = noise(9, 8, channels)
        path = save_png(tmp_path / "new folder" / "a.png", array / np.float32(255.0))
        np.testing.assert_array_equal(np.asarray(Image.open(path)), array)
    with pytest.raises(ImageError):
        save_png(tmp_path / "b.png", np.full((4, 4), np.nan))
    assert not (tmp_path / "b.png").exists()


def test_files_are_written_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SaveError) as error:
        write_all({tmp_path / "a": "new", tmp_path / "made" / "b": "new", tmp_path / "folder": "new"})
    assert "it is a folder" in sentence(error)
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(SaveError) as error:
        write_all({tmp_path / "a": "new", tmp_path / "made" / "b": "new"})
    assert "the disk is full" in sentence(error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "folder"]
    assert (tmp_path / "a").read_text() == "old"


def full_disk(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "a.png", Path("/proc/nowhere/a.png"), tmp_path / ("n" * 300)):
        with pytest.raises(SaveError) as error:
            save_png(place, noise(8, 8))
        sentence(error)


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_all({tmp_path / "link": "new", "/dev/null": "new"})
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    assert not Path("/dev/null").is_file() and Path("/dev/null").exists()
