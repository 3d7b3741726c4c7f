"""Patches of a picture that show one thing each, and close views of them.

A close view is what the same camera would see if it turned to a patch and narrowed its angle: the picture is resampled exactly,
and shapes that are fitted there stand where they belong in the whole scene. The rest of the scenery is cut away, so that a
shape has a silhouette to fill; what other patches hide does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.solid_model import CAMERA_DISTANCE, CAMERA_FOV, Numbers, Thing, camera_frame
from render.light import light_of
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import Program, parse
from shaderdsl.printer import number_text
from shaderdsl.solid_tape import SolidTape

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TINTS = 8
"""Tints that a picture is cut by at most."""

SMALLEST_PATCH = 0.0015
"""The share of the picture that a patch must have to be looked at."""

GAP = 5
"""Pixels that parts of one thing may be apart, where its shade is that of what is behind it."""

NEAR_BACKGROUND = 0.05
"""Colours that differ less from the scenery are the scenery."""

MARGIN = 1.3
"""How much further than the patch a close view reaches."""

SILHOUETTE = 0.8
"""How much a difference of alpha counts, beside one of a colour."""

ROBUST = 0.3
"""Residuals longer than this count by their length, not its square: what is not there yet must not bend what is."""

SETTING = 12
"""Parameters of a close view's program before its thing's: camera 7, light 4, ambient 1."""

LIGHT = slice(7, 10)
"""Where a light's direction is among them. How strong it is a thing's colour tells as well; and that the ambient one is not free
keeps shapes that are wrong from shining flat."""


def scenery_of(colours: Array) -> Array:
    """A smooth background (h, w, 3) of a picture (h, w, 3): a quadratic in x and y through most of what lies at its edge."""
    height, width = colours.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
    edge = np.zeros((height, width), bool)
    rim = max(1, min(height, width) // 20)
    edge[:rim], edge[-rim:], edge[:, :rim], edge[:, -rim:] = True, True, True, True
    common = np.median(colours[edge], 0)
    # The constant first, then what bends away from it, as far as it is followed step by step.
    scenery = np.broadcast_to(common, colours.shape)
    for limit, terms in ((0.08, 1), (0.06, 3), (0.05, 6), (0.04, 6)):
        near = np.abs(colours - scenery).max(2) < limit
        if near.sum() < 0.1 * near.size:
            break
        weights = np.linalg.lstsq(basis[near][:, :terms], colours[near], rcond=None)[0]
        scenery = basis[..., :terms] @ weights
    return scenery


def horizon_of(colours: Array, upper: Numbers, lower: Numbers) -> float | None:
    """How far a picture's (h, w, 3) border between two colours is above its middle, in halves of the shorter side; None where
    there is no level one."""
    height, width = colours.shape[:2]
    below = np.linalg.norm(colours - lower, axis=2) < np.linalg.norm(colours - upper, axis=2)
    # Pixels on the wrong side of a border above each row.
    wrong = np.zeros((height + 1, width))
    wrong[1:] += np.cumsum(below, 0)
    wrong[:-1] += np.cumsum(~below[::-1], 0)[::-1]
    rows = wrong.argmin(0)
    row = float(np.median(rows))
    if not 0.0 < row < height or (np.abs(rows - row) <= 1.0).mean() < 0.4:
        return None
    return float((0.5 * height - row) * 2.0 / min(height, width))


def beneath(parts: Sequence[Mask], number: int) -> int | None:
    """The patch that lies below the lowest part of a patch; None where none does."""
    part = parts[number]
    rows = np.arange(part.shape[0])[:, None]
    lowest = np.where(part, rows, -1).max(0)
    height = np.ptp(np.flatnonzero(part.any(1))) + 1
    columns = np.flatnonzero(lowest >= lowest.max() - 0.12 * height)
    found = np.zeros(len(parts), int)
    for column in columns:
        for k, other in enumerate(parts):
            found[k] += k != number and bool(other[lowest[column] + 1 : lowest[column] + 2 + GAP, column].any())
    return int(found.argmax()) if found.max() > 0.5 * len(columns) else None


def patches(colours: Array, mask: Mask, seed: int) -> list[Mask]:
    """Connected parts of a mask that have one tint each, largest first; every pixel of the mask that is near one is in one."""
    from scipy.cluster.vq import kmeans2

    least = max(6, int(SMALLEST_PATCH * mask.size))
    if mask.sum() < least:
        return []
    linear = np.maximum(colours, 1e-3) ** 2.2
    level = linear.sum(2, keepdims=True)
    # What a light changes is the level; the tint says what belongs together, less so in the dark.
    tint = np.concatenate([linear / level * 3.0 * np.minimum(level / 0.15, 1.0), 0.12 * level ** (1 / 2.2)], 2)
    inner = ndimage.binary_erosion(mask, border_value=1)
    inner = inner if inner.sum() >= least else mask
    points = tint[inner]
    best, spread = np.zeros(len(points), np.int32), float(((points - points.mean(0)) ** 2).sum(1).mean())
    for count in range(2, TINTS + 1):
        if spread < 0.004:
            break
        centres, labels = kmeans2(points, count, minit="++", seed=seed, iter=20)
        within = float(((points - centres[labels]) ** 2).sum(1).mean())
        if within > 0.6 * spread and count > 3:
            break
        best, spread = labels, within
    seeds = np.zeros(mask.shape, np.int32)
    found = 0
    for label in np.unique(best):
        own = np.zeros(mask.shape, bool)
        own[inner] = best == label
        own = ndimage.binary_opening(own)
        parts, count = ndimage.label(own)
        for k in range(1, count + 1):
            if (parts == k).sum() >= least:
                found += 1
                seeds[parts == k] = found
    if not found:
        return []
    distance, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    grown = np.where(mask & (distance < 4.0), seeds[tuple(nearest)], 0)
    result = _mended(_melted([grown == k for k in range(1, found + 1)], linear), linear)
    # What is thin all along is the rim of something else.
    result = [part for part in result if ndimage.binary_erosion(part, iterations=2, border_value=1).any()]
    return sorted(result, key=lambda part: -int(part.sum()))


def _melted(parts: list[Mask], linear: Array) -> list[Mask]:
    """Patches with those together that touch and look like one surface in more and in less light, or its highlight."""
    parts = sorted(parts, key=lambda part: -int(part.sum()))
    changed = True
    while changed:
        changed = False
        for a, b in touching(parts):
            if _alike(parts[a], parts[b], linear):
                parts[a] = parts[a] | parts[b]
                del parts[b]
                changed = True
                break
    return parts


def _mended(parts: Sequence[Mask], linear: Array) -> list[Mask]:
    """Patches with the gaps in them filled where their shade is that of the background by chance."""
    taken = np.any(parts, 0)
    tint = linear / linear.sum(2, keepdims=True)
    result = []
    for part in parts:
        gaps = ndimage.binary_closing(np.pad(part, GAP), iterations=GAP)[GAP:-GAP, GAP:-GAP] & ~taken
        gaps &= np.abs(tint - np.median(tint[part], 0)).max(2) < 0.06
        result.append(part | gaps)
    return result


def _alike(large: Mask, small: Mask, linear: Array) -> bool:
    one, two = np.median(linear[large], 0), np.median(linear[small], 0)
    vivid = [1.0 - c.min() / c.max() for c in (one, two)]
    if min(vivid) > 0.35:
        hues = [(c - c.min()) / np.linalg.norm(c - c.min()) for c in (one, two)]
        return bool(hues[0] @ hues[1] > 0.965)
    ratio = one.sum() / two.sum()
    if max(vivid) <= 0.5:
        return bool(0.25 < ratio < 4.0 and np.abs(one / one.sum() - two / two.sum()).max() < 0.06)
    ring = ndimage.binary_dilation(small, iterations=2) & ~small
    enclosed = (ring & large).sum() > 0.8 * ring.sum()
    return bool(enclosed and vivid[1] < vivid[0] and ratio < 1.0 and small.sum() < 0.15 * large.sum())


def _lit(picture: Array) -> Array:
    """A premultiplied picture (h, w, 4) of sRGB as one of light."""
    alpha = picture[..., 3:]
    return np.concatenate([light_of(np.clip(picture[..., :3] / np.maximum(alpha, 1e-6), 0.0, 1.0)) * alpha, alpha], 2)


@dataclass(frozen=True, eq=False)
class Weighted:
    """A target (h, w, 4), premultiplied, whose pixels count by weights (h, w)."""

    image: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]

    @cached_property
    def roots(self) -> npt.NDArray[np.float32]:
        """Of the weights of each value (h, w, 4)."""
        channels = np.array([1.0, 1.0, 1.0, SILHOUETTE], np.float32)
        return np.sqrt(self.weights)[..., None] * np.sqrt(channels)

    def errors(self, images: npt.NDArray[np.float32]) -> Array:
        """Squared errors (n,) of pictures (n, h, w, 4)."""
        return robust((images - self.image) * self.roots, ROBUST)[0]


def robust(residuals: npt.NDArray[np.float32], huber: float) -> tuple[Array, npt.NDArray[np.float32]]:
    """Huber's errors (n,), twice, of residuals (n, h, w, 4), and his weights (n, h, w)."""
    squares = np.einsum("nhwc,nhwc->nhw", residuals, residuals)
    lengths = np.sqrt(squares)
    far = lengths > huber
    errors = np.where(far, 2.0 * huber * lengths - huber * huber, squares).sum((1, 2), dtype=np.float64)
    return errors, np.where(far, huber / np.maximum(lengths, 1e-9), 1.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class WeightedBatch:
    """A batch of programs whose normal equations are those of a weighted target."""

    batch: SolidBatch

    def normal_equations(self, target: Weighted, blur: float, huber: float) -> tuple[Array, Array, Array]:
        """As those of `SolidBatch`."""
        images, jacobians = self.batch.jacobians(target.size, blur)
        n, count = self.batch.parameters.shape
        gradients, matrices = np.empty((n, count)), np.empty((n, count, count))
        residuals = (images - target.image) * target.roots
        errors, weights = robust(residuals, huber)
        for k in range(n):
            seen = (images[k, ..., 3] > 0.0) & (target.weights > 0.0)
            rows = (jacobians[k][seen] * target.roots[seen][..., None]).reshape(-1, count)
            weighted = rows * np.repeat(weights[k][seen], 4)[:, None]
            matrices[k] = weighted.T @ rows
            gradients[k] = weighted.T @ residuals[k][seen].reshape(-1)
        return errors, gradients, matrices


@dataclass(frozen=True, eq=False)
class WeightedTape:
    """What `refine.descents.least_squares` takes for a tape, where targets are weighted."""

    tape: SolidTape

    def batch(self, parameters: Array) -> WeightedBatch:
        which = np.zeros(len(parameters), np.int32)
        return WeightedBatch(SolidBatch([self.tape], which, np.ascontiguousarray(parameters, np.float64)))


@dataclass(frozen=True, eq=False)
class Closeup:
    """A close view of a patch: `centre` is the direction to it, `spread` the tangent of half the angle that is seen.

    sheet: (h, w, 5), premultiplied RGBA of the patch alone, and its weight.
    """

    elevation: float
    eye: Array
    centre: Array
    spread: float
    sheet: Array
    mask: Mask

    @classmethod
    def of(cls, mask: Mask, others: Mask, picture: Array, scenery: Array, elevation: float) -> Closeup:
        """mask, others (h, w): pixels of the patch, and of other patches, which do not count. picture, scenery (h, w, 4): what is
        seen, and what there is without any patch, both premultiplied."""
        eye, right, up, forward = camera_frame(elevation)
        height, width = mask.shape
        inner = ndimage.binary_erosion(mask, border_value=1)
        if not inner.any():
            inner = mask
        # At its rim a patch is mixed with what is behind.
        nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
        own = picture[tuple(nearest)]
        rim = ndimage.binary_dilation(mask) & ~inner & ~(others & ~mask)
        # Light mixes, not what a screen is told of it.
        mixed, surface, behind = (_lit(layer) for layer in (picture, own, scenery))
        across = surface - behind
        share = ((mixed - behind) * across).sum(2) / np.maximum((across * across).sum(2), 1e-4)
        alpha = np.where(rim, np.clip(share, 0.0, 1.0), mask)
        weight = np.where(others & ~mask, 0.0, 1.0)
        sheet = np.concatenate([own[..., :3] * alpha[..., None], alpha[..., None], weight[..., None]], 2)
        rows, columns = np.nonzero(mask)
        pixel = 2.0 / min(width, height)
        reach = np.tan(np.radians(CAMERA_FOV / 2))
        x = (np.array([columns.min(), columns.max() + 1.0]) - 0.5 * width) * pixel * reach
        y = (0.5 * height - np.array([rows.min(), rows.max() + 1.0])) * pixel * reach
        centre = forward + right * x.mean() + up * y.mean()
        centre /= np.linalg.norm(centre)
        view = cls(elevation, eye, centre, 1.0, sheet, mask)
        across, above, ahead = view.axes
        corners = np.array([forward + right * a + up * b for a in x for b in y])
        extent = max(np.abs(corners @ across / (corners @ ahead)).max(), np.abs(corners @ above / (corners @ ahead)).max())
        return cls(elevation, eye, centre, float(max(MARGIN * extent, extent + 2.0 * pixel * reach)), sheet, mask)

    @cached_property
    def axes(self) -> tuple[Array, Array, Array]:
        """Right, up and forward."""
        right = np.cross(self.centre, np.array([0.0, 1.0, 0.0]))
        right /= np.linalg.norm(right)
        return right, np.cross(right, self.centre), self.centre

    def target(self, side: int) -> Weighted:
        """The close view, square, of so many pixels a side."""
        kept = self.__dict__.setdefault("_targets", {})
        if side not in kept:
            kept[side] = self._resampled(side)
        return kept[side]  # type: ignore[no-any-return]

    def _resampled(self, side: int) -> Weighted:
        _, right, up, forward = camera_frame(self.elevation)
        height, width = self.mask.shape
        pixel = 2.0 / min(width, height) * np.tan(np.radians(CAMERA_FOV / 2))
        fine = 3 * side
        steps = ((np.arange(fine) + 0.5) / fine * 2.0 - 1.0) * self.spread
        across, above, ahead = self.axes
        rays = ahead + across * steps[None, :, None] - above * steps[:, None, None]
        rays = rays / (rays @ forward)[..., None]
        columns, rows = rays @ right / pixel + 0.5 * width - 0.5, 0.5 * height - rays @ up / pixel - 0.5
        values = [
            ndimage.map_coordinates(self.sheet[..., k], [rows, columns], order=1, mode="constant", cval=0.0) for k in range(5)
        ]
        averaged = np.stack(values, -1).reshape(side, 3, side, 3, 5).mean((1, 3))
        return Weighted(
            np.ascontiguousarray(averaged[..., :4], np.float32), np.ascontiguousarray(averaged[..., 4] ** 2, np.float32)
        )

    def weight(self, side: int) -> float:
        """How much a pixel of a close view of this side counts in the whole picture at 64 pixels."""
        return float((self.spread / side) / (np.tan(np.radians(CAMERA_FOV / 2)) / 64)) ** 2

    @property
    def place(self) -> Array:
        """The patch's middle, as far away as the scene's."""
        return self.eye + self.centre * CAMERA_DISTANCE

    @cached_property
    def moments(self) -> tuple[float, float, float, float]:
        """Area, and half axes (the longer first) and the angle (radians, to the view's right) of the ellipse like the patch, at
        the scene's distance."""
        target = self.target(48)
        alpha = target.image[..., 3].astype(np.float64)
        unit = 2.0 * self.spread * CAMERA_DISTANCE / 48
        y, x = np.meshgrid((23.5 - np.arange(48)) * unit, (np.arange(48) - 23.5) * unit, indexing="ij")
        mass = max(alpha.sum(), 1e-6)
        middle = (alpha * x).sum() / mass, (alpha * y).sum() / mass
        dx, dy = x - middle[0], y - middle[1]
        spread = np.array([[(alpha * dx * dx).sum(), (alpha * dx * dy).sum()], [0.0, (alpha * dy * dy).sum()]]) / mass
        values, vectors = np.linalg.eigh(spread, "U")
        long, short = 2.0 * np.sqrt(np.maximum(values[::-1], 1e-8))
        return mass * unit * unit, float(long), float(short), float(np.arctan2(vectors[1, 1], vectors[0, 1]))

    def text(self, thing: Thing, light: Numbers) -> str:
        """The program of the close view: light is a direction, an intensity and the ambient one."""
        eye, to = (", ".join(number_text(float(v), "") for v in p) for p in (self.eye, self.eye + self.centre))
        fov = number_text(float(np.degrees(2.0 * np.arctan(self.spread))), "")
        sun = ", ".join(number_text(v, "") for v in light[:3])
        return (
            f"scene 3d(background = none)\ncamera(({eye}), ({to}), fov = {fov})\n"
            f"light(({sun}), intensity = {number_text(light[3], '')})\nambient({number_text(light[4], '')})\n{thing.text()}"
        )

    def program(self, thing: Thing, light: Numbers) -> Program:
        """Raises DslError where numbers break a limit."""
        return parse(self.text(thing, light))

    def drawn(self, things: Sequence[tuple[Thing, Numbers]], side: int) -> npt.NDArray[np.float32]:
        """Pictures (n, side, side, 4) of things in their lights."""
        programs = [self.program(*each) for each in things]
        return SolidBatch.of([(solid_tape_of(p), p.params) for p in programs]).images((side, side))


def shaded(images: npt.NDArray[np.float32], albedo: float, target: Weighted) -> tuple[Array, Array]:
    """Squared errors (n,) of pictures (n, h, w, 4) of grey things of an `albedo` (sRGB), each in the colour (n, 3) that suits it.

    A surface's colour multiplies the light, so what suits best in linear light is a ratio of sums.
    """
    alpha = images[..., 3:]
    shade = (images[..., :1] / np.maximum(alpha, 1e-3)) ** 2.2 / albedo**2.2
    own = target.image[..., 3:]
    wanted = (target.image[..., :3] / np.maximum(own, 1e-3)) ** 2.2
    both = alpha * own * target.weights[..., None]
    linear = (both * shade * wanted).sum((1, 2)) / np.maximum((both * shade * shade).sum((1, 2)), 1e-6)
    linear = np.clip(linear, 1e-3, 1.0)
    coloured = np.concatenate([alpha * (shade * linear[:, None, None]) ** (1 / 2.2), alpha], 3)
    return target.errors(coloured), linear ** (1 / 2.2)


def touching(parts: Sequence[Mask]) -> Iterator[tuple[int, int]]:
    """Pairs of masks that lie beside each other."""
    wide = [ndimage.binary_dilation(p, iterations=GAP) for p in parts]
    for a in range(len(parts)):
        for b in range(a + 1, len(parts)):
            if (wide[a] & parts[b]).sum() >= 3:
                yield a, b
