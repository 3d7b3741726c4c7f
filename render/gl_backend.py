"""Draws GLSL with a real OpenGL, headlessly, from a worker process that may crash or hang without harm.

`draw` gives the picture of a fragment shader. The OpenGL lives in a process of its own (`render.gl_worker`),
started when first needed, shared by all threads, started anew when it has died, hung or grown. Nothing of the
caller's own process is touched: no context, no environment variable, no signal handler. With
``EARTHSHADER_OPENGL=off`` in the environment everything here behaves as on a machine without OpenGL.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import math
import operator
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from render import gl_worker

MAX_PIXELS = 1 << 27  # of one picture: 2 GiB of float RGBA
MAX_SOURCE_BYTES = 4 << 20
START_SECONDS = 60.0
RECYCLE_AFTER_PROGRAMS = 4000  # a driver that leaks a little with each program is replaced in time
RECYCLE_ABOVE_BYTES = 1 << 30

# How to reach an OpenGL, in this order; each in a new process, since a failed start leaves its traces.
_WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("device", {}),
    ("surfaceless", {"EGL_PLATFORM": "surfaceless"}),
    ("surfaceless", {"EGL_PLATFORM": "surfaceless", "LIBGL_ALWAYS_SOFTWARE": "1"}),
)
# "0:12(34): error" (Mesa), "0(12) : error" (NVIDIA), "ERROR: 0:12:" (others)
_LOG_LINE = re.compile(r"^\s*(?:ERROR:\s*)?\d+[:(](\d+)\b", re.IGNORECASE)


class OpenGLUnavailable(RuntimeError):
    """There is no OpenGL here; the message says what is missing and what to do."""


class ShaderError(RuntimeError):
    """The driver refused the shader.

    `log` is the driver's own text; `line` is the number (from 1) of the offending line where the driver
    names one, `source_line` its text, else None and "".
    """

    def __init__(self, log: str, source: str) -> None:
        self.log = log
        self.line: int | None = None
        self.source_line = ""
        lines = source.split("\n")  # as drivers count, who know no other line ends
        complaint = next((text for text in log.splitlines() if "error" in text.lower()), log.strip())
        for text in log.splitlines():
            match = _LOG_LINE.match(text) if "error" in text.lower() else None
            if match and 1 <= int(match.group(1)) <= len(lines):
                self.line, complaint = int(match.group(1)), text
                self.source_line = lines[self.line - 1]
                break
        where = f"\n  line {self.line}: {self.source_line.strip()[:200]}" if self.line else ""
        super().__init__(f"The shader does not compile: {complaint.strip()}{where}\n{log.strip()}")


class WorkerCrashed(RuntimeError):
    """The OpenGL worker died while it drew; the next draw starts a new one."""


class ShaderTimeout(RuntimeError):
    """The shader did not finish in time and its worker was ended; the next draw starts a new one."""


class _Gone(Exception):
    """The worker's end of the pipes is closed."""


class _Late(Exception):
    """The deadline has passed."""


class _GoneWhileIdle(Exception):
    """The worker was dead before it had read the request."""


class _Worker:
    """One worker process and the talk with it. Not safe to share between threads without a lock."""

    def __init__(self, way: str, environment: dict[str, str], import_folders: list[str]) -> None:
        """Starts the process and waits for its OpenGL; raises _Gone, _Late or OpenGLUnavailable."""
        self.worn = False
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                # Isolated (-I): neither this folder, whose file names might hide other modules, nor the
                # user's current folder is searched for imports.
                [sys.executable, "-I", gl_worker.__file__, way, str(lifeline), *import_folders],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, **environment},
                pass_fds=(lifeline,),
                start_new_session=True,  # Ctrl-C on the terminal is for the caller alone
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(lifeline)
        try:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._requests, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()
            os.set_blocking(self._requests, False)
            os.set_blocking(self._replies, False)
            greeting, _ = self._receive(time.monotonic() + START_SECONDS)
            if "ready" not in greeting:
                raise OpenGLUnavailable(greeting["message"])
            self.name: str = greeting["ready"]
        except BaseException:
            self.kill()
            raise

    @property
    def process_id(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass  # stuck inside the kernel's graphics driver: it goes when that lets go
        self._close()

    def forget(self) -> None:
        """Lets go of the process in a forked copy of its parent, without ending it."""
        self._process.returncode = 0  # it is not our child: there is nothing to wait for
        self._close()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def draw(
        self, source: str, size: tuple[int, int], vectors: np.ndarray | None, moment: float, timeout: float
    ) -> np.ndarray:
        """See the module's `draw`. After any error but the shader's own the process is ended."""
        deadline = time.monotonic() + timeout
        started = False
        try:
            text = source.encode()
            request = {
                "size": size,
                "source": len(text),
                "vectors": None if vectors is None else len(vectors),
                "time": moment,
            }
            values = b"" if vectors is None else vectors.tobytes()
            head = gl_worker.pack(request, len(text) + len(values))
            self._send(head + text + values, deadline)
            self._receive(deadline)
            started = True
            picture, complaint = self._receive_picture(size, deadline)
        except _Gone:
            end = self._end()
            self.kill()
            if not started:
                raise _GoneWhileIdle(end) from None
            raise WorkerCrashed(
                f"The OpenGL worker {end} while it drew {size[0]}x{size[1]} pixels: simplify the shader or "
                "draw a smaller picture; the next draw starts a new worker."
            ) from None
        except _Late:
            self.kill()
            raise ShaderTimeout(
                f"The shader did not finish {size[0]}x{size[1]} pixels within {timeout:g} s: simplify it, "
                "draw a smaller picture, or give a longer timeout."
            ) from None
        except BaseException:  # Ctrl-C above all: a half-read answer must not reach the next draw
            self.kill()
            raise
        if picture is not None:
            return picture
        if complaint["error"] == "shader":
            raise ShaderError(complaint["message"], source)
        if complaint["error"] == "parameters":
            raise ValueError(complaint["message"])
        self.kill()
        raise WorkerCrashed(
            f"OpenGL failed ({complaint['message']}): draw a smaller picture or simplify the shader; "
            "the next draw starts a new worker."
        )

    def _receive_picture(
        self, size: tuple[int, int], deadline: float
    ) -> tuple[np.ndarray | None, dict[str, Any]]:
        """The picture, (h, w, 4) float32 with the top row first, or None and the worker's complaint."""
        width, height = size
        picture = np.empty((height, width, 4), np.float32)
        while True:
            header, payload = self._receive(deadline)
            if "error" in header:
                return None, header
            if "done" in header:
                programs, resident = header["compiled"], header["resident"]
                self.worn = programs >= RECYCLE_AFTER_PROGRAMS or resident > RECYCLE_ABOVE_BYTES
                return picture, header
            x, y, tile_width, tile_height = header["tile"]
            upwards = np.frombuffer(payload, np.float32).reshape(tile_height, tile_width, 4)
            top = height - y - tile_height
            picture[top : top + tile_height, x : x + tile_width] = upwards[::-1]

    def _send(self, message: bytes, deadline: float) -> None:
        rest = memoryview(message)
        while rest:
            try:
                rest = rest[os.write(self._requests, rest) :]
            except BlockingIOError:
                self._wait(self._requests, select.POLLOUT, deadline)
            except BrokenPipeError:
                raise _Gone from None

    def _receive(self, deadline: float) -> tuple[dict[str, Any], bytearray]:
        header_bytes, payload_bytes = gl_worker.split_prefix(self._read(gl_worker.PREFIX.size, deadline))
        header = json.loads(self._read(header_bytes, deadline))
        return header, self._read(payload_bytes, deadline)

    def _read(self, count: int, deadline: float) -> bytearray:
        data = bytearray(count)
        rest = memoryview(data)
        while rest:
            try:
                got = os.readv(self._replies, [rest])
            except BlockingIOError:
                self._wait(self._replies, select.POLLIN, deadline)
                continue
            if got == 0:
                raise _Gone
            rest = rest[got:]
        return data

    @staticmethod
    def _wait(stream: int, event: int, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise _Late
        waiter = select.poll()
        waiter.register(stream, event)
        waiter.poll(math.ceil(min(remaining, 3600.0) * 1000))

    def _end(self) -> str:
        """How the process ended, for a sentence."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipes"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"


_lock = threading.Lock()
_worker: _Worker | None = None
_way: tuple[str, dict[str, str]] | None = None  # the one that worked
_missing: str | None = None  # why none did


def draw(
    source: str, size: tuple[int, int], params: np.ndarray | None = None, *, moment: float = 0.0, timeout: float = 30.0
) -> np.ndarray:
    """The picture of a fragment shader: float32 (h, w, 4), row 0 at the top, not clamped.

    source: a complete GLSL 330 fragment shader (``#version 330`` first) that writes ``out vec4 color``. It may
        read ``uniform vec2 resolution`` (the picture's size in pixels), gl_FragCoord (y up, pixel centres at
        one half), ``uniform float time``, and its parameters as ``uniform vec4 params[N]`` or, when there are many, from
        ``uniform sampler2D params_texture`` (N by 1 texels; ``texelFetch(params_texture, ivec2(i, 0), 0)``).
        Mesa's software driver ends a pixel's loops after 65535 rounds in all, without a word.
        Larger pictures than 1024 pixels are drawn in tiles, where gl_FragCoord is moved by text: do not
        redeclare it. Other uniforms are zero.
    size: (width, height) in pixels, at least 1 each and at most 2**27 in all.
    params: (N, 4), or (n,), which is filled up with zeros to whole vectors; taken as float32.
    moment: what ``time`` is, in seconds.
    timeout: seconds that the drawing may take, all tiles, compilation and transfer included; the start of a
        worker and the waiting for other threads' draws do not count.

    Raises ShaderError (does not compile or link), ValueError (bad size, parameters or timeout),
    ShaderTimeout, WorkerCrashed and OpenGLUnavailable. Threads may call it at the same time and take turns.
    A worker that died between two draws is replaced without a word.
    """
    checked_size = _checked_size(size)
    vectors = _checked_vectors(params)
    _check_source(source)
    if not timeout > 0:
        raise ValueError(f"The timeout must be a positive number of seconds, not {timeout!r}.")
    with _lock:
        for _ in range(2):
            try:
                return _running_worker().draw(source, checked_size, vectors, moment, timeout)
            except _GoneWhileIdle as death:
                reason = str(death)
        raise WorkerCrashed(
            f"The OpenGL worker {reason} before it drew, twice: see whether something ends the processes of "
            "this user, memory limits above all."
        )


def available() -> bool:
    """Whether there is an OpenGL that draws; starts the worker to find out (about 0.2 s, once)."""
    try:
        describe()
    except OpenGLUnavailable:
        return False
    return True


def describe() -> str:
    """The renderer and version of the OpenGL that draws; raises OpenGLUnavailable where there is none."""
    with _lock:
        return _running_worker().name


def worker_process_id() -> int | None:
    """The process id of the worker, None when none is running."""
    worker = _worker
    return worker.process_id if worker is not None and worker.alive() else None


def shutdown() -> None:
    """Ends the worker, after the draw that is going on; a later draw starts a new one.

    It also forgets that no OpenGL was found, so that the next draw looks again.
    """
    global _worker, _way, _missing
    with _lock:
        if _worker is not None:
            _worker.kill()
        _worker = _way = _missing = None


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        width, height = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        raise ValueError(f"The size must be (width, height) in whole pixels, not {size!r}.") from None
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(
            f"The size must be at least 1x1 and at most {MAX_PIXELS} pixels in all, not {width}x{height}."
        )
    return width, height


def _checked_vectors(params: np.ndarray | None) -> np.ndarray | None:
    """The parameters as contiguous float32 (N, 4)."""
    if params is None:
        return None
    values = np.asarray(params, dtype=np.float32)
    if values.ndim == 1:
        values = np.pad(values, (0, -len(values) % 4)).reshape(-1, 4)
    if values.ndim != 2 or values.shape[1] != 4:
        raise ValueError(f"The parameters must have the shape (n,) or (N, 4), not {values.shape}.")
    return np.ascontiguousarray(values)


def _check_source(source: str) -> None:
    if len(source) > MAX_SOURCE_BYTES:
        raise ValueError(f"The shader has {len(source)} characters; at most {MAX_SOURCE_BYTES} are drawn.")
    if "\0" in source or not source.isascii() and any("\ud800" <= letter <= "\udfff" for letter in source):
        raise ValueError("The shader holds a NUL or half a surrogate pair, which no GLSL may: remove it.")


def _running_worker() -> _Worker:
    """The worker, started if there is none or the old one is dead or worn. The lock must be held."""
    global _worker
    if os.environ.get("EARTHSHADER_OPENGL", "").strip().lower() == "off":
        raise OpenGLUnavailable(
            "OpenGL is switched off: unset the environment variable EARTHSHADER_OPENGL to use it."
        )
    if _worker is not None and (_worker.worn or not _worker.alive()):
        _worker.kill()
        _worker = None
    if _worker is None:
        _worker = _start()
    return _worker


def _start() -> _Worker:
    """A worker by the first way that works; remembers it, and remembers when none does."""
    global _way, _missing
    if _missing is not None:
        raise OpenGLUnavailable(_missing)
    if sys.platform == "win32":
        raise OpenGLUnavailable("Drawing with OpenGL needs EGL, which Windows lacks: use another backend.")
    folders = _import_folders()
    if not sys.executable:
        raise OpenGLUnavailable("OpenGL needs a worker process, but sys.executable names no Python: set it.")
    failures: list[str] = []
    for way, environment in _WAYS if _way is None else (_way,):
        try:
            worker = _Worker(way, environment, folders)
        except _Gone:
            failures.append("the driver crashed")
        except _Late:
            failures.append(f"no answer within {START_SECONDS:g} s")
        except (OpenGLUnavailable, OSError) as failure:
            failures.append(str(failure))
        else:
            _way = way, environment
            return worker
    message = (
        f"No OpenGL could be started ({'; '.join(dict.fromkeys(failures))}): install Mesa's EGL (on Debian and "
        "Ubuntu: libegl1 libgl1 libgl1-mesa-dri) or a graphics card's driver, or use another backend."
    )
    if _way is None:  # a machine that had OpenGL a moment ago is asked again at the next draw
        _missing = message
    raise OpenGLUnavailable(message)


def _import_folders() -> list[str]:
    """Where the isolated worker finds moderngl: where this process would, without importing it."""
    folders = []
    for name in ("moderngl", "_moderngl", "glcontext"):
        try:
            spec = importlib.util.find_spec(name)
        except ValueError:
            spec = None
        if spec is None or spec.origin is None:
            raise OpenGLUnavailable(f"The Python package {name.strip('_')} is missing: pip install moderngl.")
        folder = os.path.dirname(os.path.abspath(spec.origin))
        folders.append(os.path.dirname(folder) if spec.submodule_search_locations else folder)
    return list(dict.fromkeys(folders))


def _end_at_exit() -> None:
    # Without the lock: a thread in the middle of a long draw must not delay the end of the program.
    if _worker is not None:
        _worker.kill()


def _forget_in_child() -> None:
    """A forked child starts a worker of its own: two readers of one pipe would mix up their pictures."""
    global _lock, _worker
    _lock = threading.Lock()
    if _worker is not None:
        _worker.forget()
        _worker = None


atexit.register(_end_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
