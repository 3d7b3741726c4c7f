"""Programs in quantity: random ones over everything that the language has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earthshader_packages import check_siblings, lazy_exports

check_siblings(__file__)

if TYPE_CHECKING:
    from data.coverage import Coverage as Coverage, coverage_report as coverage_report
    from data.sample import generate as generate, is_visible as is_visible, sample as sample, sample_text as sample_text

_HOMES = {
    "Coverage": "coverage",
    "coverage_report": "coverage",
    "generate": "sample",
    "is_visible": "sample",
    "sample": "sample",
    "sample_text": "sample",
}
__getattr__, __all__ = lazy_exports(__name__, _HOMES)
