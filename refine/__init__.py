"""From a picture to a program: `fit` finds one, `fit_texture` that of a texture, `optimize` refines the numbers of one.

    import refine

    fit = refine.fit("logo.png", seconds=10)
    print(fit.psnr, fit.program)
    fit.save("out/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from earthshader_packages import check_siblings, lazy_exports

check_siblings(__file__)

if TYPE_CHECKING:
    from refine.fitting import fit as fit
    from refine.front import ParetoPoint as ParetoPoint
    from refine.optimization import optimize as optimize
    from refine.proposer import Proposer as Proposer
    from refine.record import Progress as Progress
    from refine.result import Fit as Fit
    from refine.textures import fit_texture as fit_texture
    from render.files import SaveError as SaveError

_HOMES = {
    "fit": "fitting", "Progress": "record", "optimize": "optimization", "Fit": "result", "ParetoPoint": "front",
    "SaveError": "result", "Proposer": "proposer", "fit_texture": "textures",
}  # fmt: skip
__getattr__, __all__ = lazy_exports(__name__, _HOMES)
