"""SVG drawings: drawn by resvg, which shares nothing with ours, they are our pictures; and they say what SVG can say.

The bounds are calibrated. Crisp layers differ from our picture by its antialiasing alone, which takes an edge as straight
within a pixel and composites layer by layer: single operations reach 45 to 80 dB at 128 pixels, whole pictures 37 to 60. A
soft edge is a Gaussian blur in SVG, and a Gaussian profile across the nearest edge in ours: 29 to 41 dB, the less the wider
the blur is beside the shape. Random programs also have solids of no thickness, which a tracer can not see.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from svg_pictures import drawn

import data
import render
from render.svg import is_texture
from shaderdsl import Program, parse
from shaderdsl.registry import operations

EXAMPLES = [
    path
    for path in sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.sdf"))
    if parse(path.read_bytes()).dimension == 2
]
SVG = "{http://www.w3.org/2000/svg}"


def compared(program: Program, size: tuple[int, int] = (128, 128)) -> tuple[float, float]:
    """(PSNR in dB, mean error in levels of 255) of the drawing beside our picture."""
    text = render.svg(program, size)
    is_sound(text, program)
    ours, theirs = render.image(program, size, "numpy"), drawn(text)
    return render.psnr(ours, theirs), float(255.0 * np.abs(ours - theirs).mean())


def is_sound(text: str, program: Program) -> None:
    """It is XML, has no number that is none, names what it refers to, and one element a layer."""
    root = ElementTree.fromstring(text)
    assert root.find(SVG + "desc").text.strip() == program.text.strip()
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not any(re.search(r"\b(nan|inf)\b", value) for value in values)
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))
    referred = {name for value in values for name in re.findall(r"url\(#([^)]*)\)|^#([A-Za-z_]\w*)$", value)}
    assert {a or b for a, b in referred if not re.fullmatch("[0-9a-f]{6}", b)} <= set(names)
    assert len(layers(text)) == len(program.scene.layers) + (program.scene.background is not None)


def layers(text: str) -> list[ElementTree.Element]:
    """The elements of the picture: its background, then its layers."""
    return list(ElementTree.fromstring(text)[-1])


def the_layer(source: str, size: tuple[int, int] = (128, 128)) -> ElementTree.Element:
    """The last layer of a program, without its namespace; its drawing is checked beside our picture."""
    program = parse(source)
    assert compared(program, size)[0] > 36.0
    element = layers(render.svg(program, size))[-1]
    element.tag = element.tag.removeprefix(SVG)
    return element


# -- the same picture ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [o.name for o in operations().values() if not is_texture(parse(o.example).scene.layers[-1].paint)])
def test_every_operation_looks_the_same(name: str) -> None:
    decibels, mean = compared(parse(operations()[name].example))
    soft = name == "soften"
    assert decibels > (34.0 if soft else 44.0) and mean < (2.5 if soft else 0.25)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_looks_the_same(path: Path) -> None:
    decibels, mean = compared(parse(path.read_bytes()))
    assert decibels > 36.0 and mean < 1.0


@pytest.mark.parametrize(("level", "count", "fewest"), [(1, 60, 44.0), (2, 40, 40.0), (3, 40, 25.0)])
def test_random_programs_look_the_same(level: int, count: int, fewest: float) -> None:
    programs = data.generate(count, level, seed=5)
    found = [compared(p) for p in programs if not any(is_texture(layer.paint) for layer in p.scene.layers)]
    assert len(found) > 0.6 * count
    decibels, means = np.array(found).T
    assert decibels.min() > fewest - 5.0
    assert np.percentile(decibels, 10) > fewest + 8.0 and np.median(decibels) > 50.0
    assert means.max() < 5.0 and np.median(means) < 0.1


def test_a_texture_becomes_the_mean_of_its_colours_and_is_said_so() -> None:
    text = render.svg(parse("circle(0.5)\nbox(0.5, 0.2).fill(fbm(#000000, #ff0000, #cc3300, seed = 3))"))
    assert layers(text)[-1].get("fill") == "#991100"
    assert "<!-- In one colour, since SVG has no such texture: layer 2 (fbm). -->" in text


@pytest.mark.parametrize("size", [(150, 60), (60, 150), (7, 90)])
def test_any_shape_of_picture(size: tuple[int, int]) -> None:
    source = "scene 2d(background = none)\nhalfplane(20).fill(#204060)\n(halfplane(0) & halfplane(70)).fill(#d0a030)\ncircle(0.5)"
    decibels, _ = compared(parse(source), size)
    assert decibels > 44.0
    root = ElementTree.fromstring(render.svg(parse(source), size))
    assert (root.get("width"), root.get("height")) == tuple(map(str, size))


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a size is"):
        render.svg(parse("circle(1)"), (1.5, 2))  # type: ignore[arg-type]


# -- its own words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "tag", "attributes"),
    [
        ("circle(0.5).fill(#c8553d)", "circle", {"r": "0.5", "fill": "#c8553d"}),
        ("ellipse(0.5, 0.25)", "ellipse", {"rx": "0.5", "ry": "0.25", "fill": "#000000"}),
        ("box(0.5, 0.25)", "rect", {"x": "-0.5", "y": "-0.25", "width": "1", "height": "0.5"}),
        ("box(0.5, 0.25, 0.1, 0.1, 0.1, 0.1)", "rect", {"rx": "0.1"}),
        ("box(0.5, 0.25).round(0.1)", "rect", {"width": "1", "height": "0.5", "rx": "0.1"}),
        ("box(0.5, 0.25).offset(0.1)", "rect", {"width": "1.2", "height": "0.7", "rx": "0.1"}),
        ("box(0.5, 0.25, 0.1)", "path", {}),
        ("ring(0.5, 0.1)", "circle", {"r": "0.5", "fill": "none", "stroke": "#000000", "stroke-width": "0.1"}),
        ("ring(0.1, 0.4)", "circle", {"r": "0.3", "fill": "#000000"}),
        ("segment((-0.5, 0), (0.5, 0.25), 0.1)", "line", {"x1": "-0.5", "y2": "0.25", "stroke-linecap": "round"}),
        ("triangle((0.5, 0), (0, 0.5), (-0.5, 0))", "polygon", {"points": "0.5,0 0,0.5 -0.5,0"}),
        ("path((-0.5, 0), (0, 0.5), (0.5, 0), width = 0.1, caps = butt)", "path",
         {"d": "M -0.5 0 L 0 0.5 L 0.5 0", "stroke-linejoin": "round"}),
        ("path((-0.5, 0), curve(0, 0.5), curve(0.5, 0.5), (0.5, 0))", "path",
         {"d": "M -0.5 0 Q 0 0.5 0.25 0.5 Q 0.5 0.5 0.5 0 Z", "fill-rule": "evenodd"}),
        ("arc(0.5, 90, 0.1)", "path", {"d": "M 0.5 0 A 0.5 0.5 0 0 1 -0.5 0"}),
        ("star(5, 0.6, 0.3).round(0.05)", "polygon", {"stroke-width": "0.1", "fill": "#000000", "stroke-linejoin": "round"}),
        ("ngon(6, 0.5).scale(0.5).stroke(0.1)", "polygon", {"stroke-width": "0.2", "fill": "none"}),
        ("box(0.5, 0.25).rotate(30).move(0.1, 0.2)", "rect", {"transform": "translate(0.1 0.2) rotate(30)"}),
        ("ring(0.4, 0.1).scale(1.5, 0.5)", "circle", {"stroke-width": "0.1", "transform": "scale(1.5 0.5)"}),
        ("box(0.4, 0.4).shear(0.5)", "rect", {"transform": "matrix(1 0 0.5 1 0 0)"}),
        ("circle(0.5).fill(#f00).opacity(30%)", "circle", {"opacity": "0.3"}),
        ("circle(0.3) ^ box(0.5, 0.1)", "path", {"fill-rule": "evenodd"}),
    ],
)  # fmt: skip
def test_what_svg_can_say_is_said(source: str, tag: str, attributes: dict[str, str]) -> None:
    element = the_layer(source)
    assert element.tag == tag
    assert attributes.items() <= element.attrib.items()
    assert "Traced" not in render.svg(parse(source))


def test_what_svg_can_not_say_is_traced_and_named() -> None:
    text = render.svg(parse("let cloud = union(circle(0.3), box(0.5, 0.1), smooth = 0.1)\ncircle(0.1)\ncloud\ncloud.onion(0.05)"))
    assert "Traced, since SVG has no words for them: layer 2 (cloud), layer 3 (cloud_2)." in text
    assert [element.get("id") for element in layers(text)[1:]] == [None, "cloud", "cloud_2"]


@pytest.mark.parametrize(
    "source",
    [
        "ngon(6, 0.5).onion(0.1)",
        "star(5, 0.6, 0.3).offset(-0.05)",
        "box(0.5, 0.25).scale(2, 1).stroke(0.1)",
        "path((-0.5, 0), (0, 0.5), (0.5, 0), width = 0.1, caps = butt).offset(0.1)",
        "path((-0.5, 0), (0, 0.5), (0.5, 0), width = 0.1) | circle(0.3)",
        "polygon((-0.5, -0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, 0.5)) | circle(0.1)",
        "(circle(0.3) | circle(0.2).move(0.3, 0)) ^ box(0.5, 0.1)",
        "circle(0.3).move(0.1, 0).mirror()",
        "circle(0.3).move(0.4, 0).repeat_polar(6)",
        "circle(0.3).repeat_grid(2, 2, 0.5, 0.5)",
        "arc(0.2, 60, 0.5)",
    ],
)
def test_what_looks_as_if_it_could_be_said_is_traced(source: str) -> None:
    assert the_layer(source).tag == "path"
    assert "Traced" in render.svg(parse(source))


@pytest.mark.parametrize(
    ("source", "copies", "transform"),
    [
        ("circle(0.2).move(0.4, 0.1).mirror()", 2, "scale(-1 1)"),
        ("circle(0.2).move(0, 0.4).mirror(180)", 2, "scale(1 -1)"),
        ("ellipse(0.1, 0.2).move(0.5, -0.3).mirror(60)", 2, "matrix(-0.5 0.866025 0.866025 0.5 0 0)"),
        ("segment((0.4, 0), (0.7, 0), 0.05).repeat_polar(12)", 12, "rotate(330)"),
        ("circle(0.1).repeat_grid(3, 1, 0.5, 0)", 3, "translate(0.5 0)"),
        ("circle(0.1).repeat_grid(2, 1, 0.3, 0).move(0.5, 0).repeat_polar(3)", 3, "rotate(240)"),
    ],
)
def test_copies_that_are_apart_are_used(source: str, copies: int, transform: str) -> None:
    group = the_layer(source)
    uses = group.findall(SVG + "use")
    assert group.tag == "g" and len(uses) == copies and uses[-1].get("transform") == transform


def test_tight_bends_of_a_stroke_are_lines() -> None:
    wide = the_layer("bezier((-0.5, -0.4), (0, 0.5), (0.5, -0.4), 0.1)").get("d")
    tight = the_layer("bezier((-0.5, -0.4), (0, 0.9), (0.5, -0.4), 0.5)").get("d")
    assert wide == "M -0.5 -0.4 Q 0 0.5 0.5 -0.4"
    assert re.fullmatch(r"M \S+ \S+ Q [^L]*( L \S+ \S+){2,} Q [^L]* 0.5 -0.4", tight)
    assert compared(parse("path((-0.5, 0), curve(0.6, 0), (-0.3, 0), width = 0.2)"))[0] > 44.0  # it turns back on itself


def test_copies_with_a_gradient_are_one_path() -> None:
    element = the_layer("circle(0.1).move(0.5, 0).repeat_polar(5).fill(linear(#f00, #00f))")
    assert element.tag == "path" and element.get("d").count("Z") == 5
    assert the_layer("vesica(0.3, 0.1).move(0.5, 0).mirror(60).fill(radial(#f00, #00f))").get("d").count("Z") == 2
    assert the_layer("box(0.2, 0.1).move(0.4, 0).mirror() | box(0.3, 0.1).scale(1, 2).rotate(10)").get("d").count("Z") == 3


def test_a_union_has_no_seam() -> None:
    """Two boxes that share an edge within pixels, half transparent: what is beneath shows evenly."""
    source = "(box(0.301, 0.5).move(-0.301, 0) | box(0.4, 0.5).move(0.4, 0)).fill(#f00).opacity(0.5)"
    row = drawn(render.svg(parse(source), 32), 1)[16, 10:22]
    assert np.ptp(row, axis=0).max() == 0.0


@pytest.mark.parametrize(
    "source",
    [
        "box(0.6, 0.4).rotate(30).fill(linear(#f00, #0f0, #00f, start = (-0.5, 0.1), end = (0.5, 0.2)))",
        "box(0.6, 0.4).rotate(30).fill(radial(#f00, #0f0, center = (0.2, 0.1), radius = 0.4)).rotate(20).move(0.1, 0)",
        "box(0.6, 0.4).scale(1.2, 0.6).fill(radial(#f00, #0f0, radius = 0.5))",
        "box(0.6, 0.4).fill(linear(#f00, #0f0, start = (-0.5, 0.1), end = (0.5, 0.4))).shear(0.5)",
        "(box(0.6, 0.4) - circle(0.1)).fill(radial(#f00, #0f0, radius = 0.5)).scale(1.2, 0.6).rotate(30)",
        "circle(0.5).fill(linear(#f00, #0f0, start = (0.1, 0.1), end = (0.1, 0.1)))",
        "circle(0.5).fill(radial(#f00, #0f0, radius = 0))",
    ],
)
def test_gradients_follow_their_layer(source: str) -> None:
    assert compared(parse(source))[0] > 46.0


@pytest.mark.parametrize(
    "source",
    [
        "pie(0.5, 180)", "pie(0.5, 0)", "cutdisk(0.5, -0.6)", "cutdisk(0.5, 0.6)", "moon(0.5, 0.2, 0.1)", "moon(0.5, 0.2, 0.9)",
        "moon(0.3, 0.8, 0.1)", "moon(0.5, 0.4, 0.5)", "vesica(0.4, 0.5)", "egg(0.2, 0.5, 0.6)", "egg(0.3, 0.3, 0.5)",
        "egg(0.5, 0.1, 0.2)", "capsule((0, 0), (0.1, 0), 0.4, 0.1)", "capsule((0, 0), (0.1, 0), 0.1, 0.4)",
        "capsule((-0.3, 0), (0.4, 0.1), 0.1, 0.3)", "arc(0.5, 180, 0.2)", "arc(0.5, 30, 0.2)", "cross(0.2, 0.5)", "circle(0)",
        "heart(0.7).rotate(200)", "triangle((0, 0.5), (0.5, 0), (-0.5, 0))", "segment((0.1, 0), (0.1, 0), 0.4)", "ellipse(0.5, 0)",
        "circle(0.5).move(5, 5)", "box(0.3, 0.2).round(0.3)", "segment((0, 0), (0.5, 0), 0.2).offset(-0.05)",
        "path(curve(-0.5, -0.5), curve(0.5, -0.5), curve(0.5, 0.5), curve(-0.5, 0.5))",
        "path((-0.5, 0), curve(0.5, 0.5), (0.5, -0.5), width = 0.1, closed = yes)",
        "trapezoid(0.5, 0, 0.4)", "parallelogram(0.4, 0.3, -0.4)", "rhombus(0.5, 0.2).round(0.05)",
    ],
)  # fmt: skip
def test_shapes_at_their_limits(source: str) -> None:
    assert compared(parse(source))[0] > 42.0
