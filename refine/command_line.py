"""The command line: `earthshader`, also as `python -m refine`."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from refine.command_input import (
    InputError,
    about,
    bounds_of,
    operations_of,
    program_of,
    sheet_of,
    size_of,
    text_of,
    title_of,
)
from refine.progress_display import CountDisplay, ProgressDisplay
from shaderdsl import DslError

if TYPE_CHECKING:
    from refine.record import Progress
    from shaderdsl import Program

INPUT_IS_WRONG = 1
INTERRUPTED = 130
MOST_NUMBERS = 400

FILM_RATE = 20
"""Pictures of a film a second."""

FILM_PIXELS = 1 << 28
"""Of all pictures of a film or a sheet."""


class _Commands(TyperGroup):
    """All commands: what users do wrong ends in one sentence on stderr and an exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if not _is_the_users(error):
                raise
            _fail(str(error), as_json=ctx.meta.get("json", False))


def _is_the_users(error: Exception) -> bool:
    if isinstance(error, (InputError, DslError)):
        return True
    from refine.options import OptionError
    from render import gl_backend
    from render.files import SaveError
    from render.images import ImageError
    from render.solid_surface import MeshError

    drawing = (gl_backend.OpenGLUnavailable, gl_backend.ShaderError, gl_backend.ShaderTimeout, gl_backend.WorkerCrashed)
    return isinstance(error, (OptionError, SaveError, ImageError, MeshError, *drawing))


def _fail(message: str, as_json: bool = False) -> NoReturn:
    if as_json:
        _print_json({"error": message})
    else:
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(message, err=True)
    raise typer.Exit(INPUT_IS_WRONG)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, allow_nan=False))


app = typer.Typer(
    name="earthshader",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Turns a picture into a short, readable shader program.

    earthshader fit logo.png --seconds 10 --out out/

    earthshader view out/program.sdf --image logo.png --open

    Each command has its own examples: earthshader fit --help.
    """,
)


class Backend(str, Enum):
    """What draws."""

    auto = "auto"
    gl = "gl"
    taichi = "taichi"
    numpy = "numpy"


class Style(str, Enum):
    """What a fit makes programs of."""

    auto = "auto"
    shapes = "shapes"
    paths = "paths"


class Target(str, Enum):
    """The GLSL's dialect."""

    desktop = "330"
    web = "es300"
    shadertoy = "shadertoy"


class Mesher(str, Enum):
    """What makes meshes."""

    dual = "dual"
    cubes = "cubes"


ProgramFile = Annotated[str, typer.Argument(metavar="PROGRAM", help="A program's file, or - for standard input.")]
ProgramFiles = Annotated[list[str], typer.Argument(metavar="PROGRAM...", help="Programs' files, or - for standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@app.command()
def fit(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture: PNG, JPEG, WebP, GIF and others.")],
    out: Annotated[Path, typer.Option(help="The folder for what is found.")] = Path("out"),
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to look.")] = 10.0,
    max_shapes: Annotated[int | None, typer.Option(min=1, help="At most so many shapes.")] = None,
    max_numbers: Annotated[int, typer.Option(min=3, help="At most so many numbers; a colour counts as three.")] = MOST_NUMBERS,
    target_psnr: Annotated[
        float | None, typer.Option(min=0.1, max=99.9, metavar="DB", help="End at so many decibels, with as few numbers as have them.")
    ] = None,
    style: Annotated[Style, typer.Option(help="Named shapes alone, outlines and strokes alone, or whatever suits.")] = Style.auto,
    operations: Annotated[str | None, typer.Option(help="Use these operations alone, as in circle,box,union.")] = None,
    dimension: Annotated[int, typer.Option(min=2, max=3, help="3 looks for solids, a camera and a light.")] = 2,
    seed: Annotated[int, typer.Option(help="Another seed takes other random turns.")] = 0,
    start: Annotated[str | None, typer.Option(metavar="PROGRAM", help="A program to begin with.")] = None,
    texture: Annotated[bool, typer.Option("--texture", help="The picture is of a texture: find which, by its statistics.")] = False,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Where to show the picture as it forms; by default preview.png in the folder."),
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Find a program that draws a picture.

    Leaves in a folder: program.sdf; shader.glsl and shadertoy.glsl; drawing.svg; preview.png, the picture beside what the program
    draws; viewer.html, with a slider for each number; fit.json; and pareto.json and pareto.png, the best program found
    at each count of numbers. Ctrl-C ends the search early and keeps the best so far.

    While it runs, preview.png shows the picture as it forms, about twice a second: open it in something that notices
    when a file changes. With --json or --quiet only a file given by --preview does.

    earthshader fit logo.png

    earthshader fit photo.jpg --seconds 30 --max-numbers 200 --out photo/

    earthshader fit sketch.png --target-psnr 30 --style shapes

    earthshader fit mug.png --dimension 3 --seconds 20

    earthshader fit mask.png --operations circle,box,rotate,move,union,difference

    earthshader fit logo.png --start out/program.sdf --json

    earthshader fit logo.png --preview /tmp/now.png

    earthshader fit bark.png --texture
    """
    context.meta["json"] = as_json
    if texture and (start or target_psnr or max_shapes or max_numbers != MOST_NUMBERS or style is not Style.auto):
        raise InputError("--texture goes with --seconds, --operations and --seed alone: its program is one box, matched in statistics.")
    chosen = operations_of(operations)
    begin = None if start is None else program_of(start)
    from refine.preview import Live
    from render.images import load, save_png

    picture = load(image)
    from refine import fit as find, fit_texture  # heavy: a picture that can not be used is told before

    shown = not (quiet or as_json)
    live = Live(preview or out / "preview.png", picture) if shown or preview else None
    if live is not None and shown:
        typer.echo(f"{live.path} shows the picture as it forms", err=True)
    with ProgressDisplay(seconds, shown) as display:

        def tell(progress: Progress) -> None:
            if live is not None:
                live.show(progress.program)
            display.update(progress)

        if texture:
            found = fit_texture(picture, seconds=seconds, operations=chosen, seed=seed, on_progress=tell)
        else:
            found = find(
                picture,
                seconds=seconds,
                max_shapes=max_shapes,
                max_numbers=max_numbers,
                target_psnr=target_psnr,
                style=style.value,
                operations=chosen,
                dimension=dimension,
                seed=seed,
                start=begin,
                on_progress=tell,
            )
    files = found.save(out)
    if preview is not None:
        files.append(save_png(preview, found.preview()))
    if as_json:
        _print_json({**found.summary(), "files": [str(path) for path in files]})
    else:
        for note in found.notes:
            typer.echo(f"note: {note}", err=True)
        typer.echo(f"{image.name}: {found.psnr:.2f} dB with {found.numbers} numbers in {found.seconds:.1f} s")
        for path in files:
            typer.echo(f"  {path}")
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)


@app.command()
def render(
    program: ProgramFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file to write; of a film a GIF or MP4 file.")] = Path(
        "picture.png"
    ),
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="In pixels; one number for a square.")] = "512x512",
    backend: Annotated[Backend, typer.Option(help="What draws; auto is gl where there is an OpenGL.")] = Backend.auto,
    azimuth: Annotated[float | None, typer.Option(help="In space: the camera's angle around y, in degrees.")] = None,
    elevation: Annotated[float | None, typer.Option(help="In space: the camera's angle above its target, in degrees.")] = None,
    distance: Annotated[float | None, typer.Option(help="In space: the camera's distance from its target.")] = None,
    turntable: Annotated[
        int | None, typer.Option(min=2, max=1000, metavar="N", help="In space: a film of N pictures once around the target.")
    ] = None,
    animate: Annotated[
        float | None, typer.Option(min=0.05, max=600.0, metavar="SECONDS", help="A film of the program's time, from 0 on.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="COLUMNSxROWS", help="Pictures from all around, or of a film's time, in one, each of the size.")
    ] = None,
) -> None:
    """Draw a program as a PNG file; a transparent background stays transparent.

    A program with a `time` becomes a film by --animate, a GIF or an MP4 (for which earthshader[video] has to be
    installed), or a sheet of pictures. A program in space may be seen from elsewhere, and from all around: as a film or a sheet.

    earthshader render out/program.sdf -o logo.png --size 1920x1080

    echo 'circle(0.5).fill(#e0353f)' | earthshader render - --size 64

    earthshader render part.sdf -o part.png --azimuth 120 --elevation 10

    earthshader render part.sdf -o part.gif --turntable 48 --size 320

    earthshader render part.sdf -o part.png --sheet 4x3 --size 256

    echo 'circle(0.5 + 0.2 * sin(time * 90))' | earthshader render - -o pulse.gif --animate 4 --size 256
    """
    from render.images import save_png
    from render.pictures import image

    pixels = size_of(size)
    columns, rows = (0, 0) if sheet is None else sheet_of(sheet)
    if turntable is not None and sheet is not None:
        raise typer.BadParameter("a turntable is a film and a sheet one picture: choose one", param_hint="--sheet")
    if turntable is not None and animate is not None:
        raise typer.BadParameter("a film turns the camera or lets the time pass: choose one", param_hint="--animate")
    if (turntable or animate) and sheet is None and output.suffix.lower() not in (".gif", ".mp4"):
        raise typer.BadParameter(f"a film is a .gif or .mp4 file, not {output.name}", param_hint="--output")
    value = program_of(program)
    around = turntable is not None or (sheet is not None and animate is None)
    if around or any(given is not None for given in (azimuth, elevation, distance)):
        value = _seen_from(value, azimuth, elevation, distance)
    if turntable is None and sheet is None and animate is None:
        picture = image(value, pixels, backend.value, alpha=value.scene.background is None)
        typer.echo(f"{save_png(output, picture)}")
        return
    from render import animation
    from render.files import write_whole

    count = turntable or columns * rows or max(1, round((animate or 0.0) * FILM_RATE))
    _check_pixels(count, pixels)
    pictures = _pictures(_around(value, count) if animate is None else _moments(value, animate, count), pixels, backend)
    if sheet is not None:
        typer.echo(f"{save_png(output, animation.sheet(pictures, columns))}")
    else:
        film = animation.gif if output.suffix.lower() == ".gif" else animation.mp4
        typer.echo(f"{write_whole(output, film(pictures, FILM_RATE))}")


@app.command()
def glsl(
    program: ProgramFile,
    target: Annotated[Target, typer.Option(help="330: desktop; es300: WebGL2; or shadertoy.")] = Target.desktop,
    live: Annotated[bool, typer.Option("--live", help="Numbers as uniforms and not as constants.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
) -> None:
    """Print the GLSL of a program.

    earthshader glsl out/program.sdf --target shadertoy

    earthshader glsl out/program.sdf --live -o logo.frag
    """
    from shaderdsl import to_glsl

    _deliver(to_glsl(program_of(program), target=target.value, live=live), output)


@app.command()
def svg(
    program: ProgramFile,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="In pixels; one number for a square.")] = "512x512",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
) -> None:
    """Print a program as an SVG drawing, for browsers and drawing programs.

    A shape is written as itself, a circle as a circle; what SVG has no words for is traced. The size is the drawing's
    proportions, and how large it is shown.

    earthshader svg out/program.sdf -o logo.svg

    earthshader svg examples/hills.sdf --size 1600x900 -o hills.svg

    echo 'circle(0.5).fill(#e0353f)' | earthshader svg -
    """
    from render.svg import svg as drawing

    pixels = size_of(size)
    value = program_of(program)
    try:
        text = drawing(value, pixels)
    except ValueError as error:
        raise InputError(str(error)) from None
    _deliver(text, output)


@app.command()
def mesh(
    context: typer.Context,
    program: ProgramFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .glb, .obj, .ply or .stl.")] = Path("mesh.glb"),
    resolution: Annotated[int, typer.Option(help="Cells along the longest side.")] = 128,
    bounds: Annotated[
        str | None, typer.Option(metavar="X,Y,Z,X,Y,Z", help="The box that is looked at, as in --bounds=-1,-1,-1,1,1,1; by default all.")
    ] = None,
    mesher: Annotated[Mesher, typer.Option(help="dual keeps edges; cubes is marching cubes.")] = Mesher.dual,
    as_json: AsJson = False,
) -> None:
    """Make a mesh of a program in space, with a colour at each vertex.

    What has no end, such as a floor, is cut and closed. For this earthshader[mesh] has to be installed.

    earthshader mesh part.sdf -o part.glb

    earthshader mesh part.sdf -o part.stl --resolution 256

    earthshader mesh scene.sdf -o scene.ply --bounds=-1,-0.5,-1,1,1,1
    """
    context.meta["json"] = as_json
    from render.meshes import mesh as made, save_mesh, splits

    box = bounds_of(bounds)
    split = splits(output)
    found = made(program_of(program), resolution, box, mesher.value, split)
    path = save_mesh(output, found)
    vertices, faces = len(found.vertices), len(found.faces)
    if as_json:
        corners = [found.vertices.min(0).tolist(), found.vertices.max(0).tolist()]
        facts = {"vertices": vertices, "faces": faces, "bounds": corners, "notes": list(found.notes)}
        _print_json({**facts, "files": [str(path)]})
        return
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{path}: {vertices} vertices, {faces} triangles")


@app.command()
def field(
    program: ProgramFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file to write.")] = Path("field.png"),
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="In pixels; one number for a square.")] = "512x512",
    slice_: Annotated[
        str | None, typer.Option("--slice", metavar="AXIS=PLACE", help="In space: the plane that is shown; by default z=0.")
    ] = None,
    extent: Annotated[float, typer.Option(help="Half of what the shorter side shows, in scene units.")] = 1.25,
) -> None:
    """Draw a program's distances: lines of equal distance, inside and outside, and where the slope is not 1.

    A distance's slope is 1; where a field's is less, rays take more steps and lines of equal width do not look so.

    earthshader field logo.sdf -o field.png

    earthshader field part.sdf --slice y=0.2 --extent 0.8
    """
    from render.field_view import field_picture
    from render.images import save_png

    pixels = size_of(size)
    value = program_of(program)
    try:
        picture = field_picture(value, pixels, slice_, extent)
    except ValueError as error:
        raise InputError(str(error)) from None
    typer.echo(f"{save_png(output, picture)}")


@app.command(name="format")
def format_(
    programs: ProgramFiles,
    write: Annotated[bool, typer.Option("--write", "-w", help="Rewrite the files.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if a file would change.")] = False,
) -> None:
    """Print programs in their canonical form, comments kept.

    earthshader format logo.sdf

    earthshader format --write examples/*.sdf
    """
    from render.files import write_whole
    from shaderdsl import format_text

    changed = False
    for name in programs:
        text = text_of(name)
        formatted = about(name, format_text, text)
        differs = formatted.encode() != text
        changed |= differs
        if check and differs:
            typer.echo(f"{title_of(name)} would change")
        elif write and differs and name != "-":
            write_whole(name, formatted)
            typer.echo(f"{name} rewritten")
        elif not write and not check or name == "-":
            typer.echo(formatted, nl=False)
    if check and changed:
        raise typer.Exit(INPUT_IS_WRONG)


@app.command()
def check(context: typer.Context, programs: ProgramFiles, as_json: AsJson = False) -> None:
    """Say whether programs are valid, and what is wrong with those that are not.

    earthshader check examples/*.sdf

    earthshader check --json logo.sdf
    """
    from shaderdsl import number_count, parse

    context.meta["json"] = as_json
    results: list[dict[str, Any]] = []
    for name in programs:
        text = text_of(name)
        try:
            value = parse(text)
        except DslError as error:
            place = {"message": error.message, "line": error.line, "column": error.column}
            advice = {"expected": error.expected, "suggestion": error.suggestion}
            results.append({"file": name, "valid": False, "error": {**place, **advice}})
            if not as_json:
                typer.echo(f"{title_of(name)}, {error}", err=True)
        else:
            part, count = _parts(value)
            numbers = number_count(value)
            results.append({"file": name, "valid": True, part + "s": count, "numbers": numbers})
            if not as_json:
                typer.echo(f"{title_of(name)}: valid, {_counted(count, part)}, {_counted(numbers, 'number')}")
    if as_json:
        _print_json({"programs": results})
    if not all(result["valid"] for result in results):
        raise typer.Exit(INPUT_IS_WRONG)


@app.command()
def view(
    program: ProgramFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("viewer.html"),
    image: Annotated[Path | None, typer.Option(help="A picture to show beside it.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a page that shows a program live, with a slider for each number; it needs no network.

    earthshader view out/program.sdf --image logo.png --open
    """
    from render.files import write_whole
    from render.images import load
    from render.viewer import page

    value = program_of(program)
    title = "EarthShader" if program == "-" else Path(program).stem
    written = write_whole(output, page(value, None if image is None else load(image).rgba, title=title))
    typer.echo(f"{written}")
    if open_:
        import webbrowser

        if not webbrowser.open(written.resolve().as_uri()):
            raise InputError(f"No browser could be started: open {written} in one.")


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="Which; without it they are listed.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Its own arguments, behind --.")] = None,
) -> None:
    """Run one of the benchmarks of the source tree.

    earthshader bench

    earthshader bench batch -- --help
    """
    root = Path(__file__).resolve().parent.parent
    scripts = [p.stem for p in sorted((root / "benchmarks").glob("*.py")) if '__name__ == "__main__"' in p.read_text("utf-8")]
    if not scripts:
        raise InputError("The benchmarks are in the folder benchmarks/ of EarthShader's source: run this from a checkout.")
    if name is None:
        typer.echo("\n".join(scripts))
        return
    if name not in scripts:
        raise InputError(f"There is no benchmark '{name}': choose one of {', '.join(scripts)}.")
    # As a module, so that the checkout, and not benchmarks/, is where its imports are looked for.
    ended = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *(arguments or [])], cwd=root, check=False)
    raise typer.Exit(ended.returncode if ended.returncode >= 0 else 128 - ended.returncode)


# -- what the commands share ------------------------------------------------------------------------------------


def _deliver(text: str, output: Path | None) -> None:
    """Text to a file, or to standard output."""
    if output is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        from render.files import write_whole

        typer.echo(f"{write_whole(output, text)}")


def _parts(program: Program) -> tuple[str, int]:
    """What a program draws, and how many."""
    scene: Any = program.scene
    return ("solid", len(scene.surfaces)) if program.dimension == 3 else ("layer", len(scene.layers))


def _seen_from(program: Program, azimuth: float | None, elevation: float | None, distance: float | None) -> Program:
    """The program in space with its camera elsewhere on its orbit."""
    from render.orbits import orbited

    try:
        return orbited(program, azimuth, elevation, distance)
    except ValueError as error:
        raise InputError(str(error)) from None


def _check_pixels(count: int, size: tuple[int, int]) -> None:
    width, height = size
    if count * width * height > FILM_PIXELS:
        raise InputError(f"{count} pictures of {width}x{height} have more than {FILM_PIXELS} pixels in all: ask for fewer or smaller ones.")


def _around(program: Program, count: int) -> list[Program]:
    """The program in space from `count` places around its camera's target."""
    from render.orbits import turntable

    return turntable(program, count)


def _moments(program: Program, seconds: float, count: int) -> list[Program]:
    """The program at `count` moments, evenly from 0 on; the next one would be at `seconds`."""
    try:
        return [program.at(seconds * k / count) for k in range(count)]
    except ValueError as error:
        raise InputError(str(error)) from None


def _pictures(programs: list[Program], size: tuple[int, int], backend: Backend) -> list[Any]:
    """The pictures (h, w, 3) of programs, as bytes, with a bar on stderr."""
    import numpy as np

    from render.pictures import batch, image

    by_one = backend in (Backend.gl, Backend.numpy)
    step = 1 if by_one else max(1, (1 << 19) // (size[0] * size[1]))
    pictures: list[Any] = []
    with CountDisplay(len(programs), "pictures") as display:
        for first in range(0, len(programs), step):
            some = programs[first : first + step]
            drawn = [image(p, size, backend.value) for p in some] if by_one else batch(some, size)
            pictures += [np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8) for picture in drawn]
            display.update(len(pictures))
    return pictures


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def main() -> None:
    """The console script."""
    app(prog_name="earthshader")
