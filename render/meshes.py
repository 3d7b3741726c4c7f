"""Meshes of programs in space, and their files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from render.dual_contouring import contoured
from render.files import write_whole
from render.light import light_of
from render.solid_surface import Array, Grid, Ints, MeshError, SolidSurface
from render.tapes import solid_tape_of

if TYPE_CHECKING:
    from shaderdsl import Program

Mesher = Literal["dual", "cubes"]

MAX_RESOLUTION = 1024
MAX_VOLUME = 1 << 27
"""Values that marching cubes keeps: half a gigabyte."""

FARTHEST = 16.0
"""How far from the origin, along each axis, solids are looked for when no bounds are given."""

CUT = 1.5
"""Where a solid without end is cut when no bounds are given."""

CREASE = 0.866
"""Cosine of the angle between a triangle and its vertex's normal from which on the vertex is on an edge: 30 degrees."""

FORMATS = ("glb", "obj", "ply", "stl")

_SPLITTING = ("glb",)
"""Formats that are for looking at, where a normal and a colour for each side of an edge matter."""

_BLOCK = 8


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles that enclose a solid, counter-clockwise seen from outside.

    vertices: float64 (n, 3), scene units, y up. faces: int32 (m, 3).
    colours: float64 (n, 3), the materials' own colours in sRGB, [0, 1], without light. normals: float64 (n, 3), unit.
    notes: sentences about what was left out.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    colours: npt.NDArray[np.float64]
    normals: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()


def mesh(
    program: Program,
    resolution: int = 128,
    bounds: Sequence[Sequence[float]] | None = None,
    mesher: Mesher = "dual",
    split: bool = False,
) -> Mesh:
    """The surface of a program in space as one closed mesh.

    resolution: cells along the longest side, 4 to MAX_RESOLUTION.
    bounds: both corners of a box, ((x, y, z), (x, y, z)); what reaches out of it is cut off and capped. By default they are
        found; what does not end within FARTHEST of the origin, such as a floor, is cut at CUT, and a note says so.
    mesher: "dual" keeps edges and corners (`render.dual_contouring`), and its meshes are always manifold; "cubes" is
        scikit-image's marching cubes.
    split: gives vertices on edges of the solid, and where colours meet on one, several times, once for each side with
        its own normal and colour. That is for looking at; such a mesh is closed in its places, but not in its indices.

    Raises MeshError for a program of the plane, wrong numbers, and where there is no surface.
    """
    if program.dimension != 3:
        raise MeshError("a mesh is made of a program in space: this one does not begin with `scene 3d`")
    if mesher not in ("dual", "cubes"):
        raise MeshError(f'there is no mesher {mesher!r}: choose "dual" or "cubes"')
    if not 4 <= resolution <= MAX_RESOLUTION:
        raise MeshError(f"a resolution is 4 to {MAX_RESOLUTION} cells along the longest side, not {resolution}")
    tape = solid_tape_of(program)
    slots = tape.slot_values(program.params)
    if not len(tape.instructions):
        raise MeshError("this scene has no solid, of which a mesh could be made")
    low, high = _found(SolidSurface(tape, slots, *_everywhere())) if bounds is None else _checked(bounds)
    surface = SolidSurface(tape, slots, low, high)
    cell = float((high - low).max()) / resolution
    # Half a cell of nothing around the bounds: walls run through the middle of cells.
    grid = Grid(low - 0.5 * cell, cell, np.ceil((high - low) / cell - 1e-9).astype(np.int64) + 1)
    vertices, faces = contoured(surface, grid) if mesher == "dual" else _cubes(surface, grid)
    if not len(faces):
        raise MeshError(
            "there is no surface within the bounds"
            + (", or what there is is thinner than a cell: ask for a higher resolution" if bounds is None else f" {_box(low, high)}")
        )
    made = _dressed(surface, vertices, faces, split)
    return Mesh(*made, notes=_notes(surface, made[0], cell))


def _everywhere() -> tuple[Array, Array]:
    return np.full(3, -FARTHEST), np.full(3, FARTHEST)


def _checked(bounds: Sequence[Sequence[float]]) -> tuple[Array, Array]:
    try:
        box = np.asarray(bounds, np.float64)
    except (TypeError, ValueError):
        box = np.zeros(0)
    if box.shape != (2, 3) or not np.isfinite(box).all() or not (box[0] < box[1]).all():
        raise MeshError("bounds are two corners, the lower before the upper: ((-1, -1, -1), (1, 1, 1))")
    return box[0], box[1]


def _box(low: Array, high: Array) -> str:
    return " to ".join("(" + ", ".join(f"{v:g}" for v in corner) + ")" for corner in (low, high))


def _found(surface: SolidSurface) -> tuple[Array, Array]:
    """The corners of a box around the solid, which is cut where it reaches the border of all that is looked at."""
    for turn in range(4):
        low, high = surface.low, surface.high
        cell = float((high - low).max()) / 64
        grid = Grid(low - 0.5 * cell, cell, np.ceil((high - low) / cell).astype(np.int64) + 1)
        cells = surface.cells_near(grid)
        if not len(cells):
            raise MeshError(f"there is no surface within {FARTHEST:g} of the origin: give the bounds of what is farther away")
        margin = 0.01 * cell
        tight_low, tight_high = grid.at(cells.min(0)) - margin, grid.at(cells.max(0) + 1) + margin
        endless_low, endless_high = tight_low <= low, tight_high >= high
        if turn == 0:
            walls_low, walls_high = endless_low, endless_high
            low = np.where(endless_low, np.minimum(-CUT, tight_high - 0.5 * CUT), tight_low)
            high = np.where(endless_high, np.maximum(CUT, tight_low + 0.5 * CUT), tight_high)
        else:
            # Walls stay: what is behind them is cut off.
            low, high = np.where(walls_low & endless_low, low, tight_low), np.where(walls_high & endless_high, high, tight_high)
        surface = SolidSurface(surface.tape, surface.slots, low, high)
    return surface.low, surface.high


def _notes(surface: SolidSurface, vertices: Array, cell: float) -> tuple[str, ...]:
    """Where the mesh is cut by the walls of its bounds."""
    near = 1e-6 * cell
    walls = [
        f"{'xyz'[axis]} = {wall[axis]:.4g}"
        for axis in range(3)
        for wall, reached in ((surface.low, vertices.min(0) <= surface.low + near), (surface.high, vertices.max(0) >= surface.high - near))
        if reached[axis]
    ]
    if not walls:
        return ()
    return (f"the solid goes on beyond {', '.join(walls)}, where it is cut: give other bounds to move the cut",)


def _cubes(surface: SolidSurface, grid: Grid) -> tuple[Array, Ints]:
    """Vertices and triangles by marching cubes; blocks of the grid that the surface does not touch are filled, not evaluated."""
    from skimage.measure import marching_cubes

    blocks = -(-(grid.counts + 1) // _BLOCK)
    if blocks.prod() * _BLOCK**3 > MAX_VOLUME:
        raise MeshError(f"marching cubes would need more than {MAX_VOLUME:,} values: ask for a lower resolution, or for mesher dual")
    inner = np.stack(np.meshgrid(*[np.arange(_BLOCK)] * 3, indexing="ij"), -1).reshape(-1, 3)
    first = _BLOCK * np.stack(np.meshgrid(*(np.arange(n) for n in blocks), indexing="ij"), -1).reshape(-1, 3)
    middle = surface.values(grid.at(first + 0.5 * (_BLOCK - 1)))
    volume = np.repeat(middle.astype(np.float32)[:, None], _BLOCK**3, 1)
    # As far as the next block's nodes.
    near = np.flatnonzero(np.abs(middle) <= 0.5 * 3.0**0.5 * (_BLOCK + 1) * grid.cell * surface.lipschitz)
    for k in range(0, len(near), 1024):
        some = near[k : k + 1024]
        volume[some] = surface.values(grid.at((first[some, None] + inner).reshape(-1, 3))).reshape(len(some), -1)
    shape = (*blocks, _BLOCK, _BLOCK, _BLOCK)
    volume = volume.reshape(shape).transpose(0, 3, 1, 4, 2, 5).reshape(_BLOCK * blocks)
    if not (volume <= 0.0).any():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    vertices, faces, _, _ = marching_cubes(volume, 0.0, gradient_direction="descent")  # type: ignore[no-untyped-call]
    return grid.at(vertices.astype(np.float64)), faces.astype(np.int64)


# -- normals and colours ---------------------------------------------------------------------------------------


def _dressed(surface: SolidSurface, vertices: Array, faces: Ints, split: bool) -> tuple[Array, npt.NDArray[np.int32], Array, Array]:
    """(vertices, faces, colours, normals): the gradient's direction, on edges the mean of the triangles'."""
    corners = vertices[faces]
    flat: Any = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = [np.bincount(faces.ravel(), np.repeat(flat[:, k], 3), len(vertices)) for k in range(3)]
    mean, flat = _unit(np.stack(sums, 1)), _unit(flat)
    steep = _unit(surface.gradients(vertices))
    normals = np.where(((steep * mean).sum(1) > CREASE)[:, None], steep, mean)
    colours = surface.colours(vertices)
    if split:
        sharp = (flat[:, None] * normals[faces]).sum(2) < CREASE
        # Each side as it is a little way into the triangle.
        centre = corners.mean(1)
        face, corner = np.nonzero(sharp)
        beside = corners[face, corner] + 0.25 * (centre[face] - corners[face, corner])
        own = np.concatenate([_unit(surface.gradients(beside)), surface.colours(beside)], 1)
        rows = np.concatenate([faces[face, corner][:, None], np.rint(50.0 * own)], 1)
        _, where, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        faces = faces.copy()
        faces[face, corner] = len(vertices) + back.ravel()
        vertices = np.concatenate([vertices, corners[face, corner][where]])
        normals, colours = np.concatenate([normals, own[where, :3]]), np.concatenate([colours, own[where, 3:]])
        kept, faces = np.unique(faces, return_inverse=True)
        vertices, normals, colours, faces = vertices[kept], normals[kept], colours[kept], faces.reshape(-1, 3)
    return vertices, faces.astype(np.int32), np.clip(colours, 0.0, 1.0), normals


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30)  # type: ignore[no-any-return]


# -- files -----------------------------------------------------------------------------------------------------


def mesh_format(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for, one of FORMATS; raises MeshError for another."""
    ending = Path(path).suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise MeshError(f"{path} names no format for meshes: let it end in " + ", ".join("." + f for f in FORMATS[:-1]) + f" or .{FORMATS[-1]}")
    return ending


def splits(path: str | os.PathLike[str]) -> bool:
    """Whether a file's format shows meshes at their best with `split`."""
    return mesh_format(path) in _SPLITTING


def save_mesh(path: str | os.PathLike[str], mesh: Mesh) -> Path:
    """Writes a mesh as GLB, OBJ, PLY or STL, which the name's ending decides, whole or not at all, by way of trimesh.

    STL keeps places alone; the others have vertex colours (in GLB linear light, as glTF wants) and normals. Raises MeshError
    for another ending and where trimesh is missing, and `render.SaveError`.
    """
    ending = mesh_format(path)
    try:
        import trimesh
    except ImportError:
        raise MeshError('files of meshes are written by trimesh, which is not installed: pip install "earthshader[mesh]"') from None
    colours = mesh.colours
    if ending == "glb":
        colours = light_of(colours)
    made = trimesh.Trimesh(
        mesh.vertices,
        mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=np.rint(255.0 * np.concatenate([colours, np.ones((len(colours), 1))], 1)).astype(np.uint8),
        process=False,
    )
    options: dict[str, Any] = {}
    if ending == "glb":
        options = {"include_normals": True, "tree_postprocessor": _matt}
    elif ending in ("obj", "ply"):
        options = {"include_normals" if ending == "obj" else "vertex_normal": True}
    content: Any = made.export(file_type=ending, **options)
    return write_whole(path, content)


def _matt(tree: dict[str, Any]) -> None:
    """Gives glTF's meshes a matt material; without one they are metal, and dark."""
    tree["materials"] = [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.6}}]
    for entry in tree["meshes"]:
        for primitive in entry["primitives"]:
            primitive["material"] = 0
