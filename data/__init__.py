"""Programs in quantity: random ones over everything that the language has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earthshader_packages import check_siblings, lazy_exports

check_siblings(__file__)

if TYPE_CHECKING:
    from data.sample import generate as generate, sample as sample

_HOMES = {"generate": "sample", "sample": "sample"}
__getattr__, __all__ = lazy_exports(__name__, _HOMES)
