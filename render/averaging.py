"""Pictures in space of several samples a pixel, with their Jacobians: drawn larger, and averaged as light, before tones are mapped.

One sample a pixel is what is drawn everywhere else. Where several edges cross a pixel it errs, and numbers that are fitted to a
finely sampled picture end some hundredths of a pixel off for it; with two by two or three by three samples they do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled
from render.solid_taichi import SolidBatch, blurred
from render.taichi_backend import Float
from shaderdsl import solid_dual as dual
from shaderdsl.solid_tape import SolidTape


@dataclass(frozen=True)
class Finer:
    """A tape whose batches (`render.batching.batch_of`) draw `samples` times `samples` samples a pixel; `samples` is 1 or more."""

    tape: SolidTape
    samples: int

    @cached_property
    def _light(self) -> SolidTape:
        return replace(self.tape, tone="raw")

    def batch(self, parameters: npt.NDArray[np.float64]) -> FinerBatch:
        """The tape with parameters (n, p)."""
        which = np.zeros(len(parameters), np.int32)
        return FinerBatch([self._light], which, np.ascontiguousarray(parameters, np.float64), self.samples, self.tape.tone)


@dataclass
class FinerBatch(SolidBatch):
    """A batch of tapes that give light as it is (tone "raw"), whose averages are shown by `tone`; shapes are those of `SolidBatch`."""

    samples: int = 2
    tone: str = "none"

    def images(self, size: tuple[int, int], blur: float = 0.0) -> Float:
        light = _means(super().images(self._larger(size)), self.samples)
        return blurred(_shown(light, self.tone)[0], blur)

    def jacobians(self, size: tuple[int, int], blur: float = 0.0) -> tuple[Float, Float]:
        large, jacobians = super().jacobians(self._larger(size))
        pictures, own, of_alpha = _shown(_means(large, self.samples), self.tone)
        means = _means(jacobians, self.samples)
        # A channel depends on its own light and on how much of the pixel is covered.
        means[..., :3, :] = own[..., None] * means[..., :3, :] + of_alpha[..., None] * means[..., 3:, :]
        return blurred(pictures, blur), blurred(means, blur)

    def _larger(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[0] * self.samples, size[1] * self.samples

    def _picture_bytes(self, size: tuple[int, int]) -> int:
        return super()._picture_bytes(self._larger(size))

    def _jacobian_bytes(self, size: tuple[int, int]) -> int:
        return super()._jacobian_bytes(self._larger(size))


def _means(values: Float, samples: int) -> Float:
    """Means (n, h, w, ...) over the samples of each pixel, for values (n, samples h, samples w, ...)."""
    n, height, width, *more = values.shape
    split = values.reshape(n, height // samples, samples, width // samples, samples, *more)
    return split.mean((2, 4))  # type: ignore[no-any-return]


def _shown(light: Float, tone: str) -> tuple[Float, Float, Float]:
    """What the screen shows of premultiplied light (n, h, w, 4): the same in sRGB; and the derivatives (n, h, w, 3) of its three
    channels by their own light and by alpha."""
    forward, reverse = compiled(dual.screen_rule(tone))
    channels = (*np.moveaxis(light.astype(np.float64), -1, 0), np.ones(light.shape[:-1]))
    picture = np.stack([*forward(*channels), channels[3]], -1)
    own, of_alpha = [], []
    for c in range(3):
        seeds = [np.full(light.shape[:-1], float(k == c)) for k in range(3)]
        slopes = reverse(*channels, *seeds)
        own.append(slopes[c])
        of_alpha.append(slopes[3])
    return tuple(np.asarray(x, np.float32) for x in (picture, np.stack(own, -1), np.stack(of_alpha, -1)))  # type: ignore[return-value]
