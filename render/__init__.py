"""EarthShader's renderers: OpenGL (the judge), Taichi (batched, differentiable) and NumPy (the reference); pictures; SVG.

    import render, shaderdsl

    program = shaderdsl.parse("circle(0.5).fill(#e0353f)")
    picture = render.image(program, size=(640, 480))
    render.save_png("circle.png", picture)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from earthshader_packages import check_siblings, lazy_exports

check_siblings(__file__)

if TYPE_CHECKING:
    from render.field_view import field_picture as field_picture
    from render.files import SaveError as SaveError
    from render.images import (
        ImageError as ImageError,
        Picture as Picture,
        load as load,
        resized as resized,
        save_png as save_png,
    )
    from render.meshes import Mesh as Mesh, mesh as mesh, save_mesh as save_mesh
    from render.metrics import mean_squared_error as mean_squared_error, psnr as psnr
    from render.orbits import orbited as orbited
    from render.pictures import batch as batch, field as field, image as image, jacobian as jacobian
    from render.solid_surface import MeshError as MeshError
    from render.svg import svg as svg

_HOMES = {
    "image": "pictures",
    "jacobian": "pictures",
    "batch": "pictures",
    "field": "pictures",
    "field_picture": "field_view",
    "orbited": "orbits",
    "mesh": "meshes",
    "save_mesh": "meshes",
    "Mesh": "meshes",
    "MeshError": "solid_surface",
    "svg": "svg",
    "load": "images",
    "resized": "images",
    "save_png": "images",
    "Picture": "images",
    "ImageError": "images",
    "SaveError": "files",
    "psnr": "metrics",
    "mean_squared_error": "metrics",
}
__getattr__, __all__ = lazy_exports(__name__, _HOMES)
