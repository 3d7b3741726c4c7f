"""The process that owns OpenGL: it draws fragment shaders that it is sent through a pipe.

`render.gl_backend` starts this file as a program of its own and is the only one who talks to it. So a
driver that crashes, a shader that never ends or a leak of the driver's costs this process, never the user's.

Messages, both ways, are a fixed-size prefix (two lengths), a JSON header and raw bytes; `pack`, `PREFIX`
and `split_prefix` define them for both sides. One request is one picture::

    -> {"size": [w, h], "source": bytes of source, "vectors": n or null, "time": t}  source, then n x 4 float32
    <- {"started": true}                      the request was read; from here on a death is a draw's death
    <- {"tile": [x, y, w, h]} pixels          float32 RGBA, rows upwards, (x, y) from the lower left corner
    <- {"done": true, "compiled": n, "resident": bytes}
    or {"error": "shader" | "parameters" | "driver", "message": text}

This module imports only the standard library, so that the caller's side can share the framing; moderngl
is imported by the worker alone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

PREFIX = struct.Struct("<IQ")
TILE = 1024  # pixels; 16 MiB of float RGBA, and a piece of work that a driver finishes before any watchdog
CACHED_PROGRAMS = 64

VERTEX_SHADER = """#version 330
void main() {
    gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}
"""
SELF_TEST = """#version 330
uniform vec2 resolution;
out vec4 color;
void main() { color = vec4(gl_FragCoord.xy / resolution, -3.0, 1e6); }
"""
VERSION_LINE = re.compile(r"^[ \t]*#[ \t]*version\b[^\n]*\n", re.MULTILINE)


def pack(header: dict[str, Any], payload_bytes: int = 0) -> bytes:
    """The first bytes of a message whose payload of `payload_bytes` bytes follows."""
    text = json.dumps(header).encode()
    return PREFIX.pack(len(text), payload_bytes) + text


def split_prefix(prefix: bytes | bytearray) -> tuple[int, int]:
    """The lengths (header, payload), in bytes, that a message's prefix announces."""
    header_bytes, payload_bytes = PREFIX.unpack(prefix)
    return header_bytes, payload_bytes


class DrawError(Exception):
    """A request that cannot be drawn; `kind` is "shader", "parameters" or "driver"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class SurfacelessContext:
    """An OpenGL 3.3 context of Mesa's surfaceless EGL platform, as moderngl wants a foreign context.

    It needs libEGL alone (no libGL, no EGL devices), so it works where moderngl's own way does not.
    """

    PLATFORM_SURFACELESS_MESA = 0x31DD
    OPENGL_API = 0x30A2
    SURFACE_TYPE, PBUFFER_BIT = 0x3033, 0x0001
    RENDERABLE_TYPE, OPENGL_BIT = 0x3040, 0x0008
    MAJOR_VERSION, MINOR_VERSION = 0x3098, 0x30FB
    PROFILE_MASK, CORE_PROFILE_BIT = 0x30FD, 0x0001
    NONE = 0x3038

    def __init__(self) -> None:
        import ctypes
        from ctypes import c_char_p, c_int, c_uint, c_void_p
        from ctypes.util import find_library

        name = os.environ.get("GLCONTEXT_LINUX_LIBEGL") or find_library("EGL") or "libEGL.so.1"
        egl = ctypes.CDLL(name)
        egl.eglGetProcAddress.restype = c_void_p
        egl.eglGetProcAddress.argtypes = [c_char_p]
        egl.eglCreateContext.restype = c_void_p
        egl.eglCreateContext.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p]
        egl.eglInitialize.argtypes = [c_void_p, c_void_p, c_void_p]
        egl.eglChooseConfig.argtypes = [c_void_p, c_void_p, c_void_p, c_int, c_void_p]
        egl.eglMakeCurrent.argtypes = [c_void_p] * 4
        self._egl = egl

        address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
        if not address:
            raise OSError("EGL has no eglGetPlatformDisplayEXT")
        get_display = ctypes.CFUNCTYPE(c_void_p, c_uint, c_void_p, c_void_p)(address)
        display = get_display(self.PLATFORM_SURFACELESS_MESA, None, None)
        if not display or not egl.eglInitialize(display, None, None):
            raise OSError("EGL has no surfaceless display")

        def attributes(*values: int) -> ctypes.Array[c_int]:
            return (c_int * (len(values) + 1))(*values, self.NONE)

        config, found = c_void_p(), c_int()
        wanted = attributes(self.SURFACE_TYPE, self.PBUFFER_BIT, self.RENDERABLE_TYPE, self.OPENGL_BIT)
        egl.eglChooseConfig(display, wanted, ctypes.byref(config), 1, ctypes.byref(found))
        version = attributes(
            self.MAJOR_VERSION, 3, self.MINOR_VERSION, 3, self.PROFILE_MASK, self.CORE_PROFILE_BIT
        )
        if not found.value or not egl.eglBindAPI(self.OPENGL_API):
            raise OSError("EGL's surfaceless display has no OpenGL")
        context = egl.eglCreateContext(display, config, None, version)
        if not context or not egl.eglMakeCurrent(display, None, None, context):
            raise OSError("EGL's surfaceless display has no OpenGL 3.3 core profile")

    def load_opengl_function(self, name: str) -> int:
        return self._egl.eglGetProcAddress(name.encode()) or 0

    def __enter__(self) -> None:
        """The context is current since it was made, and stays so: this process has no other."""

    def __exit__(self, *_: object) -> None:
        """See __enter__."""

    def release(self) -> None:
        """EGL frees the context when this process, which exists for it, ends."""


def create_context(way: str) -> Any:
    """A moderngl context made in one `way`: "device" (each EGL device in turn) or "surfaceless"."""
    import moderngl

    # moderngl's annotations know none of the settings that its documentation names.
    make: Callable[..., Any] = moderngl.create_context
    if way == "surfaceless":
        return make(standalone=True, require=330, context=SurfacelessContext())
    device, first_failure = 0, None
    while True:
        try:
            return make(standalone=True, require=330, backend="egl", device_index=device)
        except Exception as failure:
            first_failure = first_failure or failure
            # Devices that this user may not open come first, Mesa's software device last.
            device += 1
            if device == 16 or "requested device index" in str(failure) or "not loaded" in str(failure):
                raise first_failure from None


class Painter:
    """Draws fragment shaders into a float framebuffer; keeps the last programs that it compiled."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.compiled = 0
        self._programs: OrderedDict[tuple[str, bool], tuple[Any, Any]] = OrderedDict()
        self._framebuffer: Any = None
        self._pixels: Any = None

    def tile(
        self, source: str, size: tuple[int, int], tile: tuple[int, int, int, int], vectors: bytes | None, moment: float = 0.0
    ) -> bytes:
        """The pixels of one tile (x, y, w, h) of a picture of `size`: float32 RGBA, rows upwards."""
        x, y, width, height = tile
        whole = (width, height) == size
        program, triangle = self._program(source, whole)
        self._bind_framebuffer((width, height))
        if "resolution" in program:
            program["resolution"].value = size
        if "time" in program:
            program["time"].value = moment
        if "earthshader_tile" in program:
            program["earthshader_tile"].value = (float(x), float(y), 0.0, 0.0)
        texture = self._pass_parameters(program, vectors)
        try:
            self._framebuffer.clear()  # a shader may discard pixels
            triangle.render(vertices=3)
            pixels: bytes = self._framebuffer.read(components=4, dtype="f4")
        finally:
            if texture is not None:
                texture.release()
        error = self.context.error  # reading it clears it
        if error != "GL_NO_ERROR":
            raise DrawError("driver", f"{error} while drawing {width}x{height} pixels")
        return pixels

    def _program(self, source: str, whole: bool) -> tuple[Any, Any]:
        """The linked program of `source` and the triangle that covers the framebuffer with it.

        A tile of a larger picture has its own framebuffer, where gl_FragCoord starts at zero again: there
        the shader reads gl_FragCoord moved by the tile's corner (exact: both are below 2**23). A picture
        of one tile is drawn by the very text that was given.
        """
        import moderngl

        key = (source, whole)
        if key in self._programs:
            self._programs.move_to_end(key)
            return self._programs[key]
        if not whole:
            source = re.sub(r"\bgl_FragCoord\b", "(gl_FragCoord + earthshader_tile)", source)
            version = VERSION_LINE.search(source)
            after = version.end() if version else 0
            line = source.count("\n", 0, after) + 1
            declaration = f"uniform vec4 earthshader_tile;\n#line {line}\n"
            source = source[:after] + declaration + source[after:]
        while len(self._programs) >= CACHED_PROGRAMS:
            _, (old_program, old_triangle) = self._programs.popitem(last=False)
            old_triangle.release()
            old_program.release()
        self.compiled += 1
        try:
            program = self.context.program(vertex_shader=VERTEX_SHADER, fragment_shader=source)
        except moderngl.Error as failure:
            self.context.clear_errors()
            raise DrawError("shader", str(failure)) from None
        self._programs[key] = program, self.context.vertex_array(program, [], mode=moderngl.TRIANGLES)
        return self._programs[key]

    def _bind_framebuffer(self, size: tuple[int, int]) -> None:
        if self._framebuffer is not None and self._framebuffer.size == size:
            self._framebuffer.use()
            return
        old = self._framebuffer, self._pixels
        self._pixels = self.context.renderbuffer(size, components=4, dtype="f4")
        self._framebuffer = self.context.framebuffer(self._pixels)
        self._framebuffer.use()
        # Only now: moderngl binds the last framebuffer again when it makes one, an error once it is gone.
        for resource in old:
            if resource is not None:
                resource.release()

    def _pass_parameters(self, program: Any, vectors: bytes | None) -> Any:
        """Sets `params` or `params_texture`, whichever the program reads; the texture made, if any."""
        given = len(vectors) // 16 if vectors else 0
        if "params" in program:
            uniform = program["params"]
            if uniform.dimension != 4 or uniform.element_size != 16:
                raise DrawError("shader", "error: params must be declared as: uniform vec4 params[N];")
            # Drivers cut the unused end off an array, so more may be given than the program still has.
            if given < uniform.array_length:
                raise DrawError(
                    "parameters",
                    f"The shader reads {uniform.array_length} vectors of params, but {given} were given.",
                )
            uniform.write((vectors or b"")[: uniform.array_length * 16])
        if "params_texture" not in program:
            return None
        widest = self.context.info["GL_MAX_TEXTURE_SIZE"]
        if not 0 < given <= widest:
            raise DrawError(
                "parameters",
                f"The shader reads params_texture, which takes 1 to {widest} vectors, but {given} were given.",
            )
        texture = self.context.texture((given, 1), 4, vectors, dtype="f4")
        texture.filter = self.context.NEAREST, self.context.NEAREST
        texture.use(0)
        program["params_texture"].value = 0
        return texture


def read_exactly(stream: int, count: int) -> bytes:
    """`count` bytes of the file descriptor; EOFError when the other side is gone."""
    parts, missing = [], count
    while missing:
        part = os.read(stream, min(missing, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def write_message(stream: int, header: dict[str, Any], payload: bytes = b"") -> None:
    """Writes a whole message to the file descriptor."""
    for part in (pack(header, len(payload)), payload):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(stream, rest) :]


def resident_bytes() -> int:
    """Memory that this process holds, in bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def die_with_parent(lifeline: int) -> None:
    """Lets the kernel end this process when the parent's end of the `lifeline` pipe closes.

    A thread that waits would not do: moderngl holds Python's lock while a shader runs. Nor would
    PR_SET_PDEATHSIG: it fires when the *thread* ends that started this process, its parent alive or not.
    """
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)  # which ends the process
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_NONBLOCK | os.O_ASYNC)
    try:
        os.read(lifeline, 1)  # nothing is ever written: it has an end only if the parent is gone already
    except BlockingIOError:
        return
    raise EOFError


def widen_pipe(stream: int) -> None:
    """A picture in fewer, larger pieces, where the system allows it."""
    import fcntl

    try:
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (AttributeError, OSError):
        return


def limit_memory(software: bool) -> None:
    """No core dumps; with a software driver, at most 4 GiB of private memory.

    RLIMIT_DATA counts what is writable and private, RLIMIT_AS also what is merely reserved, which drivers
    do generously. A graphics card's driver maps device memory as it likes, so it is not limited.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if software:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = 4 << 30
        if most == resource.RLIM_INFINITY or most > limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def start_painter(way: str) -> tuple[Painter, str]:
    """A painter that has proved that it can draw, and the name of what draws."""
    context = create_context(way)
    name = f"{context.info['GL_RENDERER']}, OpenGL {context.info['GL_VERSION']}"
    limit_memory("llvmpipe" in name or "softpipe" in name)
    painter = Painter(context)
    pixels = struct.unpack("<8f", painter.tile(SELF_TEST, (2, 1), (0, 0, 2, 1), None))
    if pixels != (0.25, 0.5, -3.0, 1e6, 0.75, 0.5, -3.0, 1e6):
        raise DrawError("driver", f"{name} draws a wrong picture in a float framebuffer")
    return painter, name


def answer(painter: Painter, requests: int, replies: int) -> None:
    """Reads one request and draws it, tile by tile, from the lower left corner up."""
    header_bytes, payload_bytes = split_prefix(read_exactly(requests, PREFIX.size))
    header = json.loads(read_exactly(requests, header_bytes))
    payload = read_exactly(requests, payload_bytes)
    write_message(replies, {"started": True})
    source = payload[: header["source"]].decode()
    vectors = payload[header["source"] :] if header["vectors"] is not None else None
    width, height = header["size"]
    try:
        for y in range(0, height, TILE):
            for x in range(0, width, TILE):
                tile = x, y, min(TILE, width - x), min(TILE, height - y)
                write_message(replies, {"tile": tile}, painter.tile(source, (width, height), tile, vectors, header["time"]))
    except DrawError as failure:
        write_message(replies, {"error": failure.kind, "message": str(failure)})
        return
    write_message(replies, {"done": True, "compiled": painter.compiled, "resident": resident_bytes()})


def main(way: str, lifeline: int, import_folders: list[str]) -> None:
    """Serves requests from standard input until it ends; replies go to what was standard output."""
    # The driver may print: it gets /dev/null for 0, 1 and 2, and the stream its own descriptors.
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    widen_pipe(replies)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path += import_folders  # at the end: none of them may hide the standard library
    try:
        die_with_parent(lifeline)
        try:
            painter, name = start_painter(way)
        except Exception as failure:
            write_message(replies, {"error": "driver", "message": f"{type(failure).__name__}: {failure}"})
            return
        write_message(replies, {"ready": name})
        while True:
            answer(painter, requests, replies)
    except (EOFError, BrokenPipeError):
        return
    except Exception as failure:
        write_message(replies, {"error": "driver", "message": f"{type(failure).__name__}: {failure}"})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
