"""What tests of the viewer share: a page in a real browser, how pictures are compared, and shaders that are compiled."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.float64]

COMPILE = """
const [code, width, height] = arguments;
const gl = new OffscreenCanvas(width, height).getContext("webgl2");
const program = gl.createProgram();
const vertex = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;
for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, code]]) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  gl.attachShader(program, shader);
}
gl.linkProgram(program);
gl.useProgram(program);
for (const name of ["resolution", "iResolution"]) {
  const place = gl.getUniformLocation(program, name);
  if (place) name === "resolution" ? gl.uniform2f(place, width, height) : gl.uniform3f(place, width, height, 1);
}
gl.drawArrays(gl.TRIANGLES, 0, 3);
const bytes = new Uint8Array(4 * width * height);
gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
return Array.from(bytes);
"""


def assert_alike(first: Picture, second: Picture, levels: float = 4.0) -> None:
    assert first.shape == second.shape
    assert np.abs(first - second).max() <= levels / 255.0 + 1e-9


def apart(first: Picture, second: Picture, reach: int = 2) -> float:
    """The mean difference of two pictures of the screen, but for captions and borders, shifted for the best fit.

    A pane may begin within a pixel; a screenshot is cut at whole ones.
    """
    height, width = (min(a, b) for a, b in zip(first.shape, second.shape[:2]))
    inner = first[40 : height - 8, 8 : width - 8]
    shifts = [(i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    return min(float(np.abs(inner - second[40 + i : height - 8 + i, 8 + j : width - 8 + j]).mean()) for i, j in shifts)


class Page:
    """A page in the browser."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def run(self, script: str, *arguments: object) -> Any:
        return self.browser.execute_script(script, *arguments)

    def settle(self) -> None:
        """Waits until a frame is drawn after what was done."""
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))")

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def row(self, label: str, number: int = 0) -> Any:
        return self.browser.find_elements("xpath", f"//div[contains(@class,'row')][label[text()='{label}']]")[number]

    def pixels(self, size: tuple[int, int] = (96, 96)) -> Picture:
        width, height = size
        values = self.run(f"return Array.from(earthshader.pixels({width}, {height}))")
        return np.array(values, np.float64).reshape(height, width, 4) / 255.0

    def text(self) -> str:
        text = self.run("return earthshader.programText()")
        assert self.run("return document.getElementById('code').textContent") == text
        return str(text)

    def shot(self, selector: str) -> Picture:
        """What the screen shows of an element."""
        self.settle()
        image = Image.open(io.BytesIO(self.find(selector).screenshot_as_png)).convert("RGB")
        return np.asarray(image, np.float64) / 255.0

    def resize(self, width: int, height: int, ratio: float = 1.0) -> None:
        """Gives the page a screen of another size, until the test ends."""
        size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.settle()


Opener = Callable[..., Page]


def compiled(page: Page, code: str, size: tuple[int, int]) -> Picture:
    """What a copied shader draws."""
    if code.startswith("#version 330"):
        code = code.replace("#version 330", "#version 300 es\nprecision highp float;", 1)
    else:
        head = "#version 300 es\nprecision highp float;\nuniform vec3 iResolution;\nout vec4 shown;\n"
        code = head + code + "void main() { mainImage(shown, gl_FragCoord.xy); }\n"
    values = np.array(page.run(COMPILE, code, *size), np.float64)
    return values.reshape(size[1], size[0], 4)[::-1] / 255.0


def enter(box: Any, text: str) -> None:
    """Types a text in the place of what a box holds."""
    from selenium.webdriver.common.keys import Keys

    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(text, Keys.ENTER)
