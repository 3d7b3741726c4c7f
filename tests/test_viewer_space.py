"""The viewer's page of a program in space: what it draws, how its camera is moved, and what its text says then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner
from viewer_pages import Opener, Page, Picture, apart, assert_alike, compiled

import render
from refine.command_line import app
from render import metrics
from render.viewer import page as page_of
from render.viewer_space import SECTIONS, camera_numbers, sections, steerable
from shaderdsl.program import parse

BALLS = """\
scene 3d(background = #dfe6ee, exposure = 1.2)
orbit(30, 25, 4)
light((-0.5, 0.8, 0.5), #fff1d6)
let red = #c8553d
(sphere(0.5).paint(red) | sphere(0.3).move(0.6, 0, 0).paint(#2f6f8f, roughness = 0.3))
"""


def drawn(text: str, size: tuple[int, int] = (48, 40)) -> Picture:
    return render.image(parse(text), size, "numpy").astype(np.float64)


def settle(page: Page) -> None:
    page.settle()
    page.browser.execute_async_script("earthshader.settled().then(() => arguments[0]())")
    page.settle()


def pixels(page: Page, size: tuple[int, int] = (48, 40)) -> Picture:
    return page.pixels(size)[..., :3]


def values(page: Page) -> dict[str, float]:
    program = parse(page.text())
    return {info.name.split(".", 1)[-1]: float(value) for info, value in zip(program.parameters, program.params)}


def drag(page: Page, x: int, y: int, key: str = "") -> None:
    from selenium.webdriver import ActionChains

    actions = ActionChains(page.browser, duration=20)
    if key:
        actions.key_down(key)
    actions.drag_and_drop_by_offset(page.find(".pane"), x, y)
    if key:
        actions.key_up(key)
    actions.perform()
    settle(page)


@pytest.fixture
def balls(opened: Opener) -> Page:
    page = opened(parse(BALLS))
    page.resize(940, 480)
    settle(page)
    return page


def test_page_and_screen_show_our_render(balls: Page) -> None:
    assert_alike(pixels(balls), drawn(BALLS))
    shown = balls.shot(".pane")
    assert apart(shown, drawn(BALLS, (shown.shape[1], shown.shape[0]))) < 0.01


def test_mouse_and_keys_move_the_camera_of_the_text(balls: Page) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.keys import Keys

    before = values(balls)
    drag(balls, 40, 20)
    turned = values(balls)
    # To the right and down: the camera goes to the left and up.
    assert turned["orbit.azimuth"] < before["orbit.azimuth"] - 5
    assert turned["orbit.elevation"] > before["orbit.elevation"] + 2
    assert turned["orbit.distance"] == before["orbit.distance"]
    assert_alike(pixels(balls), drawn(balls.text()))
    ActionChains(balls.browser).scroll_from_origin(ScrollOrigin.from_element(balls.find(".pane")), 0, -200).perform()
    settle(balls)
    assert values(balls)["orbit.distance"] == pytest.approx(4 * np.exp(-0.3), abs=1e-3)
    drag(balls, 30, 0, Keys.SHIFT)
    moved = values(balls)
    assert moved["orbit.azimuth"] == turned["orbit.azimuth"]
    assert max(abs(moved[f"orbit.target.{axis}"]) for axis in "xz") > 0.1 and abs(moved["orbit.target.y"]) < 0.01
    shown = balls.shot(".pane")
    assert apart(shown, drawn(balls.text(), (shown.shape[1], shown.shape[0]))) < 0.01
    balls.find(".pane").send_keys(Keys.ARROW_RIGHT)
    assert values(balls)["orbit.azimuth"] == pytest.approx(moved["orbit.azimuth"] + 5)
    ActionChains(balls.browser).double_click(balls.find(".pane")).perform()
    assert values(balls) == before


def test_two_fingers_come_nearer_and_move(balls: Page) -> None:
    box = balls.run("const b = document.querySelector('.pane').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]")

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": box[0] + x * box[2], "y": box[1] + y * box[3], "id": k} for k, (x, y) in enumerate(points)]
        balls.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    for step in range(1, 5):
        touch("touchMove", (0.4 - 0.05 * step, 0.5 - 0.05 * step), (0.6 + 0.05 * step, 0.5 - 0.05 * step))
    touch("touchEnd")
    settle(balls)
    moved = values(balls)
    # Three times as far apart, and a fifth of the picture up: what was below the middle is in it.
    assert moved["orbit.distance"] == pytest.approx(4 / 3, rel=0.05)
    assert moved["orbit.target.y"] < -0.1 and moved["orbit.azimuth"] == 30


@pytest.mark.parametrize(
    ("camera", "fixed"), [("camera((1, 2, 3), fov = 40)", "40)"), ("orthographic((1, 2, 3))", "2.5")]
)
def test_a_camera_by_its_eye_is_moved_too(opened: Opener, camera: str, fixed: str) -> None:
    page = opened(parse(f"scene 3d(background = #ffffff)\n{camera}\nsphere(0.4).move(0.5, 0, 0)"))
    page.resize(420, 300)
    settle(page)
    drag(page, 30, 0)
    eye = np.array([values(page)[f"{camera.split('(')[0]}.eye.{axis}"] for axis in "xyz"])
    assert np.linalg.norm(eye) == pytest.approx(np.sqrt(14), abs=2e-3) and eye[1] == pytest.approx(2, abs=2e-3)
    assert eye[0] < 0.5 and fixed in page.text()
    assert_alike(pixels(page), drawn(page.text()))
    page.find("#zoom-in").click()
    eye_then = np.array([values(page)[f"{camera.split('(')[0]}.eye.{axis}"] for axis in "xyz"])
    if "fov" in camera:
        assert np.linalg.norm(eye_then) == pytest.approx(np.sqrt(14) / 1.5, abs=2e-3)
    else:
        assert (eye_then == eye).all() and values(page)["orthographic.height"] == pytest.approx(2.5 / 1.5, abs=1e-3)


def test_sliders_stand_in_sections_and_change_the_picture(balls: Page) -> None:
    shown = balls.run("return [...document.querySelectorAll('#groups > *')].map((e) => e.tagName + ' ' + e.textContent)")
    names = [text[3:] for text in shown if text.startswith("H3")]
    assert names == list(SECTIONS)
    at = {name: shown.index(f"H3 {name}") for name in names}
    assert "orbit(" in shown[at["Camera"] + 1] and "light(" in shown[at["Lights"] + 1]
    assert [text for text in shown[at["Materials"] : at["Solids"]] if "let red" in text and "sphere" not in text]
    assert "exposure" in shown[at["Scene"] + 1]
    before = pixels(balls)
    balls.run("earthshader.setParameter('red.r', 0.1); earthshader.setParameter('exposure', 0.8)")
    balls.run("earthshader.setParameter('layer3.sphere2.radius', 0.45)")
    assert "exposure = 0.8" in balls.text() and "sphere(0.45)" in balls.text()
    after = pixels(balls)
    assert np.abs(after - before).max() > 0.2
    assert_alike(after, drawn(balls.text()))


def test_antialiasing_can_be_switched_off_and_on(balls: Page) -> None:
    smooth = pixels(balls)
    switch = balls.find("#antialias")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.click()
    settle(balls)
    assert switch.get_attribute("aria-pressed") == "false"
    rough = pixels(balls)
    apart_at = np.abs(rough - smooth).max(axis=2) > 0.05
    assert 0.005 < apart_at.mean() < 0.2, "outlines alone differ"
    # What is copied is what is shown.
    for target in ("330", "shadertoy"):
        code = balls.run("return earthshader.shaderText(arguments[0])", target)
        assert_alike(compiled(balls, code, (48, 40))[..., :3], rough)
    switch.click()
    settle(balls)
    assert_alike(pixels(balls), smooth, 0.0)


def test_a_lower_resolution_is_drawn_coarser(balls: Page) -> None:
    fine = balls.shot(".pane")
    balls.run("const s = document.getElementById('resolution'); s.value = '0.25'; s.onchange()")
    settle(balls)
    coarse = balls.shot(".pane")
    assert 0.002 < apart(coarse, fine) < 0.05


def test_the_turntable_turns_until_it_is_stopped(balls: Page) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    button = balls.find("#turn")
    button.click()
    WebDriverWait(balls.browser, 20).until(lambda _: "orbit(30," not in balls.run("return earthshader.programText()"))
    assert button.text == "Stop"
    button.click()
    settle(balls)
    stopped = balls.text()
    assert button.text == "Turn" and values(balls)["orbit.elevation"] == 25
    for _ in range(3):
        balls.settle()
    assert balls.text() == stopped
    assert_alike(pixels(balls), drawn(stopped))


def test_where_motion_is_reduced_it_turns_by_steps(balls: Page) -> None:
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    balls.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        balls.settle()
        assert balls.find("#turn").text == "Turn 30°"
        balls.find("#turn").click()
        balls.settle()
        assert values(balls)["orbit.azimuth"] == 60
    finally:
        balls.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_difference_to_a_picture_follows_the_camera(opened: Opener) -> None:
    target = np.rint(drawn(BALLS, (60, 40)) * 255.0) / 255.0
    page = opened(parse(BALLS), target)
    page.resize(700, 400)
    settle(page)
    assert page.run("return earthshader.psnr()") > 45.0
    assert float(page.find("#psnr").text) > 45.0
    assert page.shot(".pane[data-kind=difference]")[40:-4, 4:-4].max() < 0.1
    drag(page, 40, 0)
    wanted = metrics.psnr(drawn(page.text(), (60, 40)), target)
    assert wanted < 30.0 and abs(float(page.find("#psnr").text) - wanted) < 0.1
    assert page.shot(".pane[data-kind=difference]")[40:-4, 4:-4].max() > 0.9


def test_a_lost_picture_says_so_and_comes_back(balls: Page) -> None:
    lose = "const l = document.getElementById('canvas').getContext('webgl2').getExtension('WEBGL_lose_context'); "
    balls.run(lose + "window.lost = l; l.loseContext();")
    balls.settle()
    assert "graphics card was reset" in balls.find(".message").text
    balls.browser.execute_async_script(
        "document.getElementById('canvas').addEventListener('webglcontextrestored', () => arguments[0]()); lost.restoreContext();"
    )
    settle(balls)
    assert balls.browser.find_elements("css selector", ".message") == []
    assert balls.find("#antialias").get_attribute("aria-pressed") == "false"
    assert np.median(np.abs(pixels(balls) - drawn(BALLS))) < 0.01


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("sphere(0.5)", "orbit(30, 25, 4, (0, 0, 0), 35)"),
        ("orbit()\nsphere(0.5)", "orbit(30, 25, 4, (0, 0, 0))"),
        ("let a = 40\norbit(a, 20)\nsphere(0.5)", "orbit(40, 20, 4, (0, 0, 0), 35)"),
        ("let c = orbit(fov = 50)\nc\nsphere(0.5)", "orbit(30, 25, 4, (0, 0, 0), 50)"),
        ("camera((1, 2, 3), roll = 5)\nsphere(0.5)", "camera((1, 2, 3), (0, 0, 0), roll = 5)"),
        ("orbit(0.5rad, fixed(20deg), 4, (0, 0, 0))\nsphere(0.5)", "orbit(0.5rad, fixed(20deg), 4, (0, 0, 0))"),
    ],
)
def test_every_program_gets_a_camera_of_plain_numbers(text: str, camera: str) -> None:
    program = parse("scene 3d(background = #ffffff)\n" + text)
    result = steerable(program)
    assert camera in result.text.splitlines()
    assert np.abs(drawn(result.text, (16, 16)) - drawn(program.text, (16, 16))).max() < 1e-4
    numbers = camera_numbers(result)["numbers"]
    for name, number in numbers.items():
        if number["parameter"] >= 0:
            assert result.parameters[number["parameter"]].name.endswith(name.replace("_", "."))
    if "rad" in text:
        assert numbers["azimuth"]["factor"] == pytest.approx(np.degrees(1.0))


def test_colours_and_paints_are_materials_except_in_lights() -> None:
    text = parse(
        "scene 3d(fog = 0.1)\nlamp((1, 1, 1), #ff0000)\nlet r = 0.4\nlet stone = brick(#c9b79c, #b39f82)\n"
        "sphere(r).paint(mix(#00ff00, #0000ff, 0.3), roughness = 0.2).move(2, 0, 0)\nsphere(7).paint(stone)"
    ).text
    found = {text[start:].split(",")[0].split(")")[0]: SECTIONS[section] for start, section in sections(text).items()}
    wanted: dict[str, Any] = {
        "0.1": "Scene", "1": "Lights", "#ff0000": "Lights", "#c9b79c": "Materials", "#00ff00": "Materials", "0.3": "Materials",
        "0.2": "Materials", "2": "Solids", "7": "Solids",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    source = tmp_path / "balls.sdf"
    source.write_text(BALLS, encoding="utf-8")
    written = tmp_path / "page.html"
    assert CliRunner().invoke(app, ["view", str(source), "--output", str(written)]).exit_code == 0
    assert "class SpaceDrawing" in written.read_text(encoding="utf-8")
    assert "class SpaceDrawing" not in page_of(parse("circle(0.5)"))
