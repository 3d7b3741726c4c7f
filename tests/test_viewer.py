"""The viewer's page, opened from a file by a real browser: what it draws, shows, copies and does when moved."""

from __future__ import annotations

import re

import numpy as np
import pytest
from viewer_pages import Opener, Page, Picture, apart, assert_alike, compiled, enter

from render import metrics, numpy_backend
from render.tapes import tape_of
from render.viewer import LARGEST_TARGET, page
from shaderdsl.program import Program, parse

SIGN = """\
scene 2d(background = #f4f1ea)
let r = 0.8
circle(r).move(0.02, -0.04).fill(#000).opacity(0.25).soften(0.06)
circle(r).fill(radial(#e0353f, #b3121d, radius = r))
box(0.55, 0.12).round(0.03).rotate(8deg).fill(#ffffff)
path((-0.3, 0.4), curve(0, r), (0.3, 0.4), width = 0.05).fill(rgb(0.1234, 0.5, 0.25))
ngon(5, 0.2).repeat_polar(6).fill(#123456).opacity(fixed(0.5))
"""

def drawn(program: Program, size: tuple[int, int] = (96, 96)) -> Picture:
    return numpy_backend.picture(tape_of(program), program.params, size)[0]


@pytest.fixture
def sign(opened: Opener) -> Page:
    program = parse(SIGN)
    return opened(program, drawn(program, (120, 80))[..., :3], title="A sign", notes=["6 layers", "drawn by hand"])


def test_it_opens_without_network_and_shows_what_it_was_given(sign: Page) -> None:
    assert sign.browser.title == "A sign"
    assert sign.find("#notes").text.replace("\n", "") in ("6 layers·drawn by hand", "6 layersdrawn by hand")
    loaded = sign.run("return performance.getEntriesByType('resource').map((r) => r.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert sign.text() == parse(SIGN).text
    assert sign.run("return earthshader.parameters") == [info.name for info in parse(SIGN).parameters]


@pytest.mark.parametrize("size", [(96, 96), (130, 57), (31, 90)])
def test_the_canvas_equals_our_render(sign: Page, size: tuple[int, int]) -> None:
    assert_alike(sign.pixels(size), drawn(parse(SIGN), size))


def test_the_screen_shows_the_render_at_the_targets_aspect(sign: Page) -> None:
    shown = sign.shot(".pane[data-kind=render]")
    height, width = shown.shape[:2]
    assert abs(width / height - 1.5) < 0.02
    assert apart(shown, drawn(parse(SIGN), (width, height))[..., :3]) < 0.01


def test_a_slider_moves_the_picture_the_text_and_the_box(sign: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    before = sign.pixels()
    row = sign.row("box.half_width")
    slider = row.find_element("css selector", "input[type=range]")
    slider.send_keys(Keys.ARROW_LEFT * 12)
    sign.settle()
    text = sign.text()
    value = row.find_element("css selector", ".number").get_attribute("value")
    assert f"box({value}, 0.12)" in text and float(value) < 0.55
    assert len(value) <= 5, "a slider gives short numbers"
    after = sign.pixels()
    assert np.abs(after - before).max() > 0.3
    moved = parse(text)
    assert moved.text == text
    assert_alike(after, drawn(moved))
    assert f"box({value}, 0.12)" in sign.run("return arguments[0].parentElement.textContent", row)
    row.find_element("css selector", ".undo").click()
    assert sign.text() == parse(SIGN).text
    assert_alike(sign.pixels(), before, 0.0)


def test_a_number_can_be_typed_and_keeps_the_hard_limits(sign: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    box = sign.row("r").find_element("css selector", ".number")
    enter(box, "0.51")
    assert "let r = 0.51\n" in sign.text()
    enter(box, "-3")
    least = parse(SIGN).structure.low[3]
    assert sign.text().splitlines()[1] == f"let r = {least:g}" and float(box.get_attribute("value")) == least
    enter(box, "nonsense")
    assert float(box.get_attribute("value")) == least
    box.send_keys(Keys.ARROW_UP)
    assert float(box.get_attribute("value")) > least
    angle = sign.row("rotate.angle")
    assert angle.find_element("css selector", ".unit").text == "deg"
    enter(angle.find_element("css selector", ".number"), "-12.5")
    assert ".rotate(-12.5deg)" in sign.text()
    assert_alike(sign.pixels(), drawn(parse(sign.text())))
    sign.find("#reset").click()
    assert sign.text() == parse(SIGN).text and not sign.find("#reset").is_enabled()


def test_a_colour_is_one_control_and_prints_without_loss(sign: Page) -> None:
    row = sign.row("fill", 1)
    assert row.find_element("css selector", "input[type=color]").get_attribute("value") == "#ffffff"
    enter(row.find_element("css selector", ".number"), "#1fa")
    assert ".rotate(8deg).fill(#11ffaa)" in sign.text()
    assert_alike(sign.pixels(), drawn(parse(sign.text())))
    sign.run("earthshader.setParameter('layer3.fill.r', 0.1234)")
    assert ".rotate(8deg).fill(rgb(0.1234, 1, 0.6666667))" in sign.text()
    assert parse(sign.text()).text == sign.text()


def test_counts_and_fixed_numbers_are_shown_but_do_not_move(sign: Page) -> None:
    for label, value in (("ngon.sides", "5"), ("repeat_polar.count", "6"), ("opacity.amount", "0.5")):
        row = sign.row(label, -1)
        inputs = row.find_elements("css selector", "input")
        assert [i.is_enabled() for i in inputs] == [False, False]
        assert inputs[1].get_attribute("value") == value


def test_text_and_controls_point_at_each_other(sign: Page) -> None:
    from selenium.webdriver import ActionChains

    row = sign.row("box.half_height")
    ActionChains(sign.browser).move_to_element(row).perform()
    assert sign.find("#code .marked").text == "0.12"
    number = next(e for e in sign.browser.find_elements("css selector", "#code .literal") if e.text == "0.8")
    number.click()
    focused = sign.browser.switch_to.active_element
    assert focused.get_attribute("type") == "range" and focused.find_element("xpath", "..").text.startswith("r")


@pytest.mark.parametrize("target", ["330", "shadertoy"])
def test_the_copied_shader_draws_the_numbers_of_now(sign: Page, target: str) -> None:
    sign.run("earthshader.setParameter('layer3.rotate.angle', -70); earthshader.setParameter('r', 0.6)")
    code = sign.run("return earthshader.shaderText(arguments[0])", target)
    assert ".rotate(-70deg)" in code and "layer3_rotate_angle (-70.0)" in code
    size = (64, 48)
    assert_alike(compiled(sign, code, size), drawn(parse(sign.text()), size))


def test_the_buttons_fill_the_clipboard(sign: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    sign.run("earthshader.setParameter('r', 0.625)")
    sign.run("const t = document.createElement('textarea'); t.id = 'pasted'; document.body.prepend(t);")
    pasted = {}
    for button in ("copy-program", "copy-shadertoy", "copy-glsl"):
        sign.find("#" + button).click()
        sign.settle()
        assert "copied" in sign.run("return document.getElementById('toast').textContent")
        sign.find("#pasted").send_keys(Keys.CONTROL, "a")
        sign.find("#pasted").send_keys(Keys.CONTROL, "v")
        pasted[button] = sign.find("#pasted").get_attribute("value")
    assert parse(pasted["copy-program"]) == parse(SIGN.replace("0.8", "0.625"))
    assert "void mainImage(" in pasted["copy-shadertoy"]
    assert pasted["copy-glsl"].startswith("#version 330\n") and "let r = 0.625" in pasted["copy-glsl"]


def test_psnr_and_the_difference_view_follow_the_numbers(sign: Page) -> None:
    program = parse(SIGN)
    target = np.rint(drawn(program, (120, 80))[..., :3] * 255.0) / 255.0
    assert sign.run("return earthshader.psnr()") > 55.0
    same = sign.shot(".pane[data-kind=difference]")
    assert same[40:-4, 4:-4].max() < 0.1
    sign.run("earthshader.setParameter('layer3.box.half_width', 0.4)")
    moved = drawn(parse(sign.text()), (120, 80))[..., :3]
    assert abs(sign.run("return earthshader.psnr()") - metrics.psnr(moved, target)) < 0.1
    apart = sign.shot(".pane[data-kind=difference]")
    height, width = apart.shape[:2]
    # The bar's right end is gone; most of the picture is as it was.
    assert apart[int(height * 0.44) : int(height * 0.5), int(width * 0.66)].max() > 0.9
    assert np.median(apart[40:-4, 4:-4]) < 0.05
    sign.find("#gain").click()
    weaker = sign.shot(".pane[data-kind=difference]")
    assert weaker[40:-4, 4:-4].sum() < 0.8 * apart[40:-4, 4:-4].sum()


def test_the_large_picture_can_be_chosen_and_swiped(sign: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    assert sign.shot(".pane[data-kind=target]").std() > 0.1
    sign.run("earthshader.setParameter('background.r', 0); earthshader.setParameter('background.g', 0)")
    sign.run("document.querySelector('#modes input[value=swipe]').click()")
    shown = sign.shot(".pane[data-kind=swipe]")
    left, right = shown[-20, 20], shown[-20, -20]
    assert left[0] < 0.1 < 0.9 < right[0]
    sign.find("#divider").send_keys(Keys.ARROW_LEFT * 30)
    assert sign.shot(".pane[data-kind=swipe]")[-20, 20, 0] > 0.9
    sign.browser.find_elements("css selector", ".pane")[2].click()
    assert sign.find(".pane").get_attribute("data-kind") == "difference"
    assert sign.find("#modes input:checked").get_attribute("value") == "difference"


def test_zoom_draws_new_detail_and_double_click_shows_all(sign: Page) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    pane = sign.find(".pane")
    whole = sign.shot(".pane")
    for _ in range(3):
        sign.find("#zoom-in").click()
    zoom = 1.5**3
    shown = sign.shot(".pane")
    height, width = shown.shape[:2]
    x, y = numpy_backend.pixel_centres((width, height))
    program = parse(SIGN)
    size = (round(width * zoom), round(height * zoom))
    wanted = numpy_backend.picture(tape_of(program), program.params, size, at=(x / zoom, y / zoom))[0][..., :3]
    assert apart(shown, wanted) < 0.01
    ActionChains(sign.browser).drag_and_drop_by_offset(pane, 60, 0).perform()
    assert apart(shown[:, :-60], sign.shot(".pane")[:, 60:]) < 0.01
    ActionChains(sign.browser).double_click(pane).perform()
    assert sign.find("#zoom-reset").text == "100 %"
    assert apart(sign.shot(".pane"), whole) < 0.001
    # The wheel zooms about the pointer: what is under it stays there.
    place = ScrollOrigin.from_element(pane, width // 4, 0)
    ActionChains(sign.browser).scroll_from_origin(place, 0, -700).perform()
    shown = sign.shot(".pane")
    zoom = float(sign.find("#zoom-reset").text.split()[0]) / 100.0
    assert 2.7 < zoom < 3.0
    assert np.abs(shown[height // 2, width * 3 // 4] - whole[height // 2, width * 3 // 4]).max() < 0.05


def test_a_page_without_a_target(opened: Opener) -> None:
    program = parse("scene 2d(background = none)\ncircle(0.5).fill(#e0353f).opacity(0.5)")
    shown = opened(program)
    assert_alike(shown.pixels(), drawn(program))
    assert len(shown.browser.find_elements("css selector", ".pane")) == 1
    assert not shown.find("#modes").is_displayed() and not shown.find("#quality").is_displayed()
    assert shown.run("return earthshader.psnr()") is None
    # Behind a transparent picture lies a chequered ground.
    corner = shown.shot(".pane")[-60:, -60:]
    assert 0.005 < corner.std() < 0.2
    # Shadertoy shows it over white.
    over_white = drawn(program, (32, 32))
    over_white = over_white[..., :3] + 1.0 - over_white[..., 3:]
    code = shown.run("return earthshader.shaderText('shadertoy')")
    assert_alike(compiled(shown, code, (32, 32))[..., :3], over_white)


def test_the_time_passes_until_it_is_paused(opened: Opener) -> None:
    program = parse("circle(0.2 + 0.1 * time).fill(#c1121f)")
    page = opened(program)
    moment = "return Number(document.getElementById('moment').value)"
    assert page.run(moment) == 0.0 and page.find("#play").text == "Play"
    page.find("#play").click()
    for _ in range(5):
        page.settle()
    assert page.find("#play").text == "Pause"
    page.find("#play").click()
    seconds = page.run("return earthshader.programText().match(/time = ([0-9.]+)/)[1]")
    assert float(seconds) > 0.0 and page.find("#play").text == "Play"
    page.settle()
    assert f"time = {seconds}" in page.text()
    set_value = "const s = document.getElementById('moment'); s.value = 3; s.dispatchEvent(new Event('input'))"
    page.run(set_value)
    assert page.find("#seconds").text == "3.00 s"
    assert_alike(page.pixels(), drawn(program.at(3.0)))
    for target in ("shadertoy", "330"):
        code = page.run(f"return earthshader.shaderText('{target}')")
        assert ("#define time iTime" in code) == (target == "shadertoy")
        assert ("uniform float time;" in code) == (target == "330")
    page.run("earthshader.setParameter('time', 9.99); document.getElementById('play').click()")
    for _ in range(4):
        page.settle()
    page.run("document.getElementById('play').click()")
    assert page.run(moment) < 9.0


def test_a_transparent_target_counts_its_alpha(opened: Opener) -> None:
    program = parse("scene 2d(background = none)\ncircle(0.5).fill(#e0353f)")
    premultiplied = drawn(program, (64, 64))
    alpha = premultiplied[..., 3:]
    target = np.concatenate([premultiplied[..., :3] / np.maximum(alpha, 1e-6), alpha], axis=-1)
    shown = opened(program, target)
    assert shown.run("return earthshader.psnr()") > 45.0
    shown.run("earthshader.setParameter('layer1.circle.radius', 0.4)")
    moved = drawn(parse(shown.text()), (64, 64))
    assert abs(shown.run("return earthshader.psnr()") - metrics.psnr(moved, premultiplied)) < 0.1


def many_circles(count: int) -> Program:
    random = np.random.default_rng(3)
    lines = [
        f"circle({r:.3f}).move({x:.3f}, {y:.3f}).fill(#{c:06x})" if i % 2 else
        f"box({r:.3f}, {r / 2:.3f}).move({x:.3f}, {y:.3f}).fill(#{c:06x})"
        for i, (r, x, y, c) in enumerate(zip(
            random.uniform(0.05, 0.2, count), random.uniform(-1, 1, count), random.uniform(-1, 1, count),
            random.integers(0, 1 << 24, count),
        ))
    ]  # fmt: skip
    return parse("\n".join(lines))


def test_many_parameters_come_from_a_texture(opened: Opener) -> None:
    program = many_circles(124)
    assert len(program.params) > 800
    shown = opened(program)
    shown.resize(420, 300)
    assert "params_texture" in shown.run("return document.getElementById('data').textContent")
    assert_alike(shown.pixels(), drawn(program))
    # Rows are made for the groups that are open, the others when they are needed.
    rows = len(shown.browser.find_elements("css selector", ".row"))
    assert 20 < rows < 100
    last = program.parameters[-4].name
    shown.run("earthshader.setParameter(arguments[0], -0.5)", last)
    changed = parse(shown.text())
    assert changed.params[-4] == -0.5
    assert_alike(shown.pixels(), drawn(changed))
    shown.browser.find_elements("css selector", "#code .literal")[-2].click()
    assert shown.browser.switch_to.active_element.get_attribute("type") == "range"
    for target in ("330", "shadertoy"):
        code = shown.run("return earthshader.shaderText(arguments[0])", target)
        assert "texelFetch" not in code and "uniform sampler2D" not in code
        assert_alike(compiled(shown, code, (48, 48)), drawn(changed, (48, 48)))
    shown.find("#filter").send_keys("layer124.")
    visible = [e for e in shown.browser.find_elements("css selector", "details") if e.is_displayed()]
    assert len(visible) == 1 and visible[0].get_attribute("open")


def test_it_says_so_where_webgl2_is_missing(opened: Opener) -> None:
    def without(text: str) -> str:
        return text.replace('"use strict";', '"use strict"; HTMLCanvasElement.prototype.getContext = () => null;', 1)

    shown = opened(parse(SIGN), edit=without)
    assert "no WebGL2" in shown.find(".message").text
    shown.run("earthshader.setParameter('r', 0.5)")
    assert "let r = 0.5" in shown.text()


def test_it_shows_what_the_driver_says_of_a_broken_shader(opened: Opener) -> None:
    shown = opened(parse(SIGN), edit=lambda text: text.replace("float pixel =", "floating pixel =", 1))
    message = shown.find(".message").text
    assert "refused the shader" in message and re.search(r"floating", message)


def test_texts_can_not_break_the_page(opened: Opener) -> None:
    title = "</title></script><script>throw 1</script> & {{script}} \u2028 ümläut"
    shown = opened(parse("circle(0.5)"), title=title, notes=["<b>bold</b>", "<!--<script>", "{{data}} 図形"])
    assert shown.find("h1").text.startswith("</title></script><script>throw 1</script> & {{script}}")
    assert shown.find("#notes").text.replace("\n", "").replace("·", "") == "<b>bold</b><!--<script>{{data}} 図形"
    assert shown.pixels((8, 8))[4, 4, 3] == 1.0


def test_a_program_without_numbers(opened: Opener) -> None:
    shown = opened(parse("scene 2d(background = none)"))
    assert shown.find(".nothing").is_displayed()
    assert shown.pixels((8, 8)).max() == 0.0


def test_it_fits_a_narrow_screen(sign: Page) -> None:
    usable = "return [...document.querySelectorAll('.row input')].every((i) => i.hidden || i.clientWidth > 40)"
    for size in ((1000, 600, 1.0), (400, 800, 2.0)):
        sign.resize(*size)
        assert sign.run("return document.documentElement.scrollWidth <= innerWidth")
        assert sign.run(usable)
    canvas = sign.run("const c = document.getElementById('canvas'); return [c.width, c.clientWidth]")
    assert abs(canvas[0] - 2 * canvas[1]) <= 2


def test_a_large_target_is_boxed_down() -> None:
    target = np.zeros((20, 2 * LARGEST_TARGET, 3))
    assert len(page(parse("circle(0.5)"), target)) < 200_000
    assert f'"width":{2 * LARGEST_TARGET},"height":20' in page(parse("circle(0.5)"), target)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (np.zeros((4, 4)), "shape"),
        (np.zeros((4, 4, 2)), "shape"),
        (np.zeros((0, 4, 3)), "shape"),
        (np.full((4, 4, 3), np.nan), "finite"),
    ],
)
def test_a_wrong_target_is_refused(target: Picture, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        page(parse("circle(0.5)"), target)
