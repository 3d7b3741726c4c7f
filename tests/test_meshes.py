"""Meshes of programs in space: sizes against closed forms, edges, closedness, colours, files and refusals."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

import render
from render import MeshError, dual_contouring, meshes, solid_surface
from render.meshes import mesh, save_mesh
from render.solid_surface import OFFSETS, Grid
from shaderdsl import parse


def solid(text: str) -> Any:
    return parse("scene 3d()\n" + text)


def closed(made: render.Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(made.vertices, made.faces, process=False)


R, H = 0.45, 0.55


@pytest.mark.parametrize("mesher", ["dual", "cubes"])
@pytest.mark.parametrize(
    ("text", "volume", "area"),
    [
        ("sphere(0.6)", 4 / 3 * math.pi * 0.6**3, 4 * math.pi * 0.6**2),
        ("box(0.6, 0.4, 0.5).rotate(30, 20, 10)", 0.96, 8 * (0.24 + 0.3 + 0.2)),
        (f"cylinder({R}, {H}).rotate(70, 0, 20)", math.pi * R**2 * 2 * H, 2 * math.pi * R * (R + 2 * H)),
        ("torus(0.5, 0.2).rotate(20, 0, 40)", 2 * math.pi**2 * 0.5 * 0.2**2, 4 * math.pi**2 * 0.5 * 0.2),
    ],
)
def test_volume_and_area(text: str, volume: float, area: float, mesher: Any) -> None:
    found = closed(mesh(solid(text), 64, mesher=mesher))
    if mesher == "cubes":  # which cuts edges off
        in_volume, in_area = 4e-3, 2e-2
    else:
        in_volume, in_area = (1e-6, 2e-6) if text.startswith("box") else (3e-3, 2e-3)
    assert found.volume == pytest.approx(volume, rel=in_volume)
    assert found.area == pytest.approx(area, rel=in_area)


@pytest.mark.parametrize("text", ["box(0.6, 0.4, 0.5)", "box(0.6, 0.4, 0.5).rotate(30, 20, 10).move(0.1, 0.2, 0.3)"])
def test_a_box_keeps_its_edges_and_corners(text: str) -> None:
    """In its own coordinates there are vertices at all corners and all along the edges, where marching cubes has none."""
    program = solid(text)
    back = np.linalg.inv(trimesh.transformations.euler_matrix(*np.radians([30, 20, 10]), "sxyz")[:3, :3])
    half = np.array([0.6, 0.4, 0.5])
    corners = (2.0 * OFFSETS - 1.0) * half
    cell = 1.2 / 40

    def own(mesher: Any) -> Any:
        vertices = mesh(program, 40, mesher=mesher).vertices
        return (vertices - [0.1, 0.2, 0.3]) @ back.T if "rotate" in text else vertices

    def off_edge(vertices: Any, axis: int, along: Any, side: Any) -> Any:
        """How far points of an edge along an axis are from the nearest vertex's line."""
        others = [k for k in range(3) if k != axis]
        off = np.hypot(*(vertices[:, k] - side[k] for k in others))
        return np.array([off[np.abs(vertices[:, axis] - a) < 1.5 * cell].min() for a in along])

    dual, cubes = own("dual"), own("cubes")
    assert max(np.linalg.norm(dual - corner, axis=1).min() for corner in corners) < 0.01 * cell
    assert min(np.linalg.norm(cubes - corner, axis=1).min() for corner in corners) > 0.01 * cell
    for axis in range(3):
        along = np.linspace(-half[axis], half[axis], 30)
        for corner in corners:
            assert off_edge(dual, axis, along, corner).max() < 0.01 * cell
            assert off_edge(cubes, axis, along, corner).max() > 0.01 * cell


CLOSED = [
    "sphere(0.5)",
    "box(0.5, 0.3, 0.4) - sphere(0.45)",
    "box(0.5, 0.5, 0.5) ^ sphere(0.6)",
    "torus(0.5, 0.2) | torus(0.5, 0.1).rotate(90, 0, 0)",
    "cylinder(0.4, 0.6).onion(0.05) - box(1, 1, 1).move(1, 0, 0)",
    "star(5, 0.7, 0.35).extrude(0.15).rotate(10, 20, 30)",
    "box(0.15, 0.3).revolve(0.45)",
    "capsule((-0.5, -0.3, 0), (0.5, 0.4, 0.2), 0.02)",
    "sphere(0.3).move(0.4, 0.1, 0).mirror((1, 0.3, 0))",
    "union(box(0.6, 0.4, 0.6).round(0.05), sphere(0.45).move(0, 0.45, 0), smooth = 0.1)",
    "box(0.3, 0.3, 0.3).move(0.3, 0.3, 0.3) | box(0.3, 0.3, 0.3).move(-0.3, -0.3, 0.3)",
    "sphere(0.5).scale(1.4, 0.3, 1)",
    "plane(-0.3)\nsphere(0.4)",
]


@pytest.mark.parametrize("text", CLOSED)
def test_meshes_are_closed_and_manifold(text: str) -> None:
    for resolution in (9, 30):
        found = closed(mesh(solid(text), resolution))
        assert found.is_watertight and found.is_winding_consistent and found.volume > 0.0


def test_any_field_makes_a_closed_mesh_with_two_triangles_at_an_edge() -> None:
    """Random values at a grid's nodes have all cases of a cell, in all neighbourhoods: also those that would join two cells
    twice. A field that is linear along the axes goes between them."""
    rng = np.random.default_rng(5)
    nodes = np.full((14, 14, 14), 1.0)
    nodes[1:-1, 1:-1, 1:-1] = rng.normal(size=(12, 12, 12))

    class Noise:
        lipschitz = 100.0

        def values(self, points: Any) -> Any:
            low = np.clip(points.astype(int), 0, 12)
            share = points - low
            result = np.zeros(len(points))
            for offset in OFFSETS:
                weight = np.where(offset, share, 1.0 - share).prod(1)
                result += weight * nodes[tuple((low + offset).T)]
            return result

        def gradients(self, points: Any) -> Any:
            step = 1e-6 * np.eye(3)
            return np.stack([(self.values(points + s) - self.values(points - s)) / 2e-6 for s in step], 1)

        cells_near = solid_surface.SolidSurface.cells_near

    grid = Grid(np.zeros(3), 1.0, np.full(3, 13))
    vertices, faces = dual_contouring.contoured(Noise(), grid)  # type: ignore[arg-type]
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 2).all()
    found = trimesh.Trimesh(vertices, faces, process=False)
    assert found.is_winding_consistent and found.volume > 0.0
    # Around each vertex the triangles are one fan.
    fans = np.concatenate([np.stack([faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]], 1) for k in range(3)])
    for vertex in range(len(vertices)):
        after = dict(fans[fans[:, 0] == vertex, 1:].tolist())
        first = here = next(iter(after))
        steps = 0
        while True:
            here, steps = after[here], steps + 1
            if here == first:
                break
        assert steps == len(after)


def test_vertices_lie_on_the_surface() -> None:
    program = solid("union(box(0.5, 0.3, 0.4).rotate(10, 20, 30), sphere(0.3).move(0.5, 0.3, 0), round = 0.1)")
    made = mesh(program, 50)
    assert np.abs(render.field(program, made.vertices)).max() < 5e-3 * 1.5 / 50
    assert made.vertices.dtype == np.float64 and made.faces.dtype == np.int32


def test_normals_point_outwards() -> None:
    made = mesh(solid("sphere(0.5).move(0.1, 0, 0)"), 30)
    outwards = (made.vertices - [0.1, 0.0, 0.0]) / 0.5
    np.testing.assert_allclose(made.normals, outwards, atol=1e-6)


def test_colours_are_the_materials() -> None:
    made = mesh(solid("sphere(0.4).move(-0.5, 0, 0).paint(#c8553d)\nbox(0.3, 0.3, 0.3).move(0.5, 0, 0).paint(linear(#000000, #ffffff))"), 40)
    left = made.vertices[:, 0] < 0.0
    np.testing.assert_allclose(made.colours[left], np.broadcast_to([200 / 255, 85 / 255, 61 / 255], (left.sum(), 3)), atol=1e-6)
    right = made.colours[~left]
    assert np.ptp(right[:, 0]) > 0.29 and (right.min(0) >= 0.0).all() and (right.max(0) <= 1.0).all()
    np.testing.assert_allclose(right[:, 0], right[:, 2], atol=1e-6)


def test_a_split_mesh_has_each_side_of_an_edge() -> None:
    program = solid("box(0.5, 0.5, 0.5).paint(#ff0000) - sphere(0.6).paint(#0000ff)")
    whole, split = mesh(program, 24), mesh(program, 24, split=True)
    assert len(split.faces) == len(whole.faces) and len(split.vertices) > len(whole.vertices)
    np.testing.assert_array_equal(split.vertices[split.faces], whole.vertices[whole.faces])
    corners = split.vertices[split.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    side = np.abs(flat).max(1) > 0.9999  # the box's own faces
    turned = np.einsum("nj,nkj->nk", flat, split.normals[split.faces])
    assert side.sum() > 1000 and np.quantile(turned[side], 0.01) > 0.999
    assert np.quantile(split.colours[split.faces][side][..., 0], 0.01) > 0.99


def test_what_has_no_end_is_cut_and_capped() -> None:
    made = mesh(solid("plane(0.1)"), 20, bounds=((-1, -0.5, -1), (1, 0.5, 1)))
    found = closed(made)
    assert found.is_watertight and found.volume == pytest.approx(2 * 2 * 0.6, rel=1e-9)
    assert len(made.notes) == 1 and "y = -0.5" in made.notes[0] and "y = 0.5" not in made.notes[0]
    assert mesh(solid("sphere(0.3)"), 20).notes == ()
    by_itself = mesh(solid("plane(-0.4)\nsphere(0.3)"), 20)
    assert closed(by_itself).is_watertight and "x = -1.5, x = 1.5" in by_itself.notes[0]
    np.testing.assert_allclose(by_itself.vertices[:, 1].max(), 0.3, atol=0.01)


def test_bounds_are_found() -> None:
    for text, low, high in (
        ("sphere(0.02).move(1, 2, 3)", (0.98, 1.98, 2.98), (1.02, 2.02, 3.02)),
        ("sphere(5)", (-5, -5, -5), (5, 5, 5)),
        ("box(0.1, 0.2, 0.3)\nsphere(0.1).move(7, 0, 0)", (-0.1, -0.2, -0.3), (7.1, 0.2, 0.3)),
    ):
        made = mesh(solid(text), 80)
        np.testing.assert_allclose([made.vertices.min(0), made.vertices.max(0)], [low, high], atol=0.02)


def test_blocks_far_from_the_surface_are_not_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [0]
    values = solid_surface.SolidSurface.values

    def counting(self: Any, points: Any) -> Any:
        counted[0] += len(points)
        return values(self, points)

    monkeypatch.setattr(solid_surface.SolidSurface, "values", counting)
    counts = []
    for resolution in (60, 120):
        counted[0] = 0
        mesh(solid("sphere(0.5)"), resolution, bounds=((-1, -1, -1), (1, 1, 1)))
        counts.append(counted[0])
    assert counts[1] < 0.25 * 120**3 and counts[1] < 5 * counts[0]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "no solid"),
        ("sphere(0.3).move(40, 0, 0)", {}, "no surface within 16"),
        ("sphere(0.5) - sphere(0.6)", {}, "no surface"),
        ("sphere(0.3)", {"bounds": ((1, 1, 1), (2, 2, 2))}, "(1, 1, 1) to (2, 2, 2)"),
        ("sphere(0.3)", {"bounds": ((1, 1, 1), (0, 2, 2))}, "lower before the upper"),
        ("sphere(0.3)", {"bounds": "here"}, "two corners"),
        ("sphere(0.3)", {"resolution": 100_000}, "4 to 1024"),
        ("sphere(0.3)", {"resolution": 2}, "4 to 1024"),
        ("sphere(0.3)", {"resolution": 1000, "mesher": "cubes"}, "lower resolution"),
        ("sphere(0.3)", {"mesher": "spheres"}, '"dual" or "cubes"'),
    ],
)
def test_what_can_not_be_is_told_in_one_sentence(text: str, options: Any, words: str) -> None:
    with pytest.raises(MeshError) as caught:
        mesh(solid(text), **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solid_surface, "MAX_CELLS", 1000)
    with pytest.raises(MeshError, match="more than 1,000 cells"):
        mesh(solid("sphere(0.5)"), 100)


def test_a_program_of_the_plane_has_no_mesh() -> None:
    with pytest.raises(MeshError, match="scene 3d"):
        mesh(parse("circle(0.5).fill(#fff)"))


# -- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", meshes.FORMATS)
def test_files_are_read_back(tmp_path: Path, ending: str) -> None:
    made = mesh(solid("box(0.5, 0.3, 0.4).paint(#c8553d)"), 10)
    path = save_mesh(tmp_path / "new" / f"box.{ending.upper()}", made)
    assert path.suffix == f".{ending.upper()}"
    (read,) = trimesh.load_scene(str(path), file_type=ending, process=False).geometry.values()
    assert len(read.faces) == len(made.faces)
    np.testing.assert_allclose(read.vertices[read.faces], made.vertices[made.faces], atol=1e-6)
    if ending == "stl":
        read.merge_vertices()
        assert read.is_watertight and read.volume == pytest.approx(0.48, rel=1e-5)
        return
    np.testing.assert_allclose(read.vertex_normals, made.normals, atol=1e-3)
    attributes = read.visual.vertex_attributes["color"] if ending == "glb" else read.visual.vertex_colors
    wanted = np.array([200, 85, 61]) / 255
    wanted = ((wanted + 0.055) / 1.055) ** 2.4 if ending == "glb" else wanted
    np.testing.assert_allclose(np.asarray(attributes, float)[:, :3] / 255, np.broadcast_to(wanted, (len(read.vertices), 3)), atol=0.003)


def test_a_glb_is_lit_as_matt_and_has_its_normals(tmp_path: Path) -> None:
    content = save_mesh(tmp_path / "a.glb", mesh(solid("sphere(0.5)"), 8, split=True)).read_bytes()
    assert content[:4] == b"glTF"
    tree = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    (primitive,) = tree["meshes"][0]["primitives"]
    assert {"POSITION", "NORMAL", "COLOR_0"} <= set(primitive["attributes"])
    assert tree["materials"][primitive["material"]]["pbrMetallicRoughness"]["metallicFactor"] == 0.0


def test_what_can_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = mesh(solid("sphere(0.5)"), 8)
    with pytest.raises(MeshError, match=r"\.glb, \.obj, \.ply or \.stl"):
        save_mesh(tmp_path / "part.step", made)
    with pytest.raises(render.SaveError, match="it is a folder"):
        (tmp_path / "part.stl").mkdir()
        save_mesh(tmp_path / "part.stl", made)
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(MeshError, match=r"earthshader\[mesh\]"):
        save_mesh(tmp_path / "part.glb", made)
    assert [p.name for p in tmp_path.iterdir()] == ["part.stl"]
