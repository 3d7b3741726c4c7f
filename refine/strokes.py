"""Thin masks as strokes: the medial axis, traced into lines that run on through junctions.

Coordinates are pixels (x = column, y = row, a pixel's centre at +0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from refine.outlines import Outline, fit_curve, flatten_weights, resample
from refine.sketch import Ring, Segment, Stroke

UPSAMPLING = 2
"""The axis is found on a mask enlarged by this factor, where lines are wide enough for thinning to centre them."""
NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))

Pixel = tuple[float, float]
Line = Segment | Ring | Stroke


@dataclass
class Branch:
    """A line of axis pixels; ``ends`` name the junction at either end (None where the line ends freely)."""

    pixels: list[Pixel]
    ends: tuple[int | None, int | None]
    closed: bool = False

    def reversed(self) -> Branch:
        return Branch(self.pixels[::-1], (self.ends[1], self.ends[0]), self.closed)

    def length(self) -> float:
        return float(np.hypot(*np.diff(np.array(self.pixels), axis=0).T).sum()) if len(self.pixels) > 1 else 0.0


def thin_width(mask: np.ndarray) -> float | None:
    """The full width of a binary mask (height, width) that is a thin shape of even width, else None."""
    field = ndimage.distance_transform_edt(np.pad(mask, 1))
    axis = skeletonize(field > 0)  # type: ignore[no-untyped-call]
    radii = field[axis]
    if len(radii) < 4:
        return None
    width = 2.0 * float(np.median(radii)) - 0.5
    low, high = np.percentile(radii, [15, 90])
    even = high - low <= 0.6 + 0.15 * width
    return width if even and len(radii) > 1.8 * width else None


def trace_strokes(target: np.ndarray, outlines: list[Outline], *, tolerance: float = 0.6) -> list[tuple[Line, ...]]:
    """Ways to draw a coverage image (height, width) as strokes of one width: with round and with butt ends.

    ``outlines`` are those of ``target``. The list is empty where the shape is not thin and even.
    """
    rough = thin_width(target > 0.5)
    if rough is None:
        return []
    fine = ndimage.zoom(target, UPSAMPLING, order=1, grid_mode=True, mode="nearest") > 0.5
    fine = np.pad(fine, 1)
    axis = skeletonize(fine)  # type: ignore[no-untyped-call]
    if not axis.any():
        # A line of pixels hardly over one half is below it between them.
        return []
    radii = ndimage.distance_transform_edt(fine)
    width = (2.0 * float(np.median(radii[axis])) - 0.8) / UPSAMPLING
    branches = _join(_prune(_branches(axis, 0.8 * width * UPSAMPLING), 0.9 * width * UPSAMPLING), width * UPSAMPLING)
    if not branches or len(branches) > 24:
        return []
    drawings = []
    for caps in ("round", "butt"):
        drawn = [shape for branch in branches if (shape := _draw(branch, fine, width, caps, tolerance)) is not None]
        if drawn and (caps == "round" or any(isinstance(s, Stroke) and s.caps == "butt" for s in drawn)):
            drawings.append(_refine(tuple(drawn), outlines))
    return drawings


def _branches(axis: np.ndarray, reach: float) -> list[Branch]:
    """Cut the axis at its junctions; junctions closer than ``reach`` along a branch count as one."""
    neighbours = ndimage.convolve(axis.astype(int), np.ones((3, 3), int), mode="constant") - 1
    nodes = axis & (neighbours > 2)
    node_labels, _ = ndimage.label(nodes, np.ones((3, 3)))
    pieces, count = ndimage.label(axis & ~nodes, np.ones((3, 3)))
    branches = []
    for index, window in enumerate(ndimage.find_objects(pieces)):
        rows, columns = np.nonzero(pieces[window] == index + 1)
        pixels = set(zip((rows + window[0].start).tolist(), (columns + window[1].start).tolist()))
        branches.append(_walk(pixels, node_labels))
    # Merge junctions joined by a very short branch: a crossing thins into two forks.
    alias = {int(label): int(label) for label in np.unique(node_labels) if label}

    def resolve(label: int) -> int:
        while alias[label] != label:
            label = alias[label]
        return label

    kept = []
    for branch in branches:
        first, last = branch.ends
        if first is not None and last is not None and branch.length() < reach:
            alias[resolve(first)] = resolve(last)
        else:
            kept.append(branch)
    centers: dict[int, list[np.ndarray]] = {}
    for label in alias:
        centers.setdefault(resolve(label), []).append(np.argwhere(node_labels == label).mean(0))
    middle: dict[int, Pixel] = {}
    for label, points in centers.items():
        row, column = np.mean(points, 0).tolist()
        middle[label] = (row, column)
    result = []
    for branch in kept:
        ends = tuple(None if end is None else resolve(end) for end in branch.ends)
        line = list(branch.pixels)
        if ends[0] is not None:
            line.insert(0, middle[ends[0]])
        if ends[1] is not None:
            line.append(middle[ends[1]])
        if len(line) > 1 or branch.closed:
            result.append(Branch(line, (ends[0], ends[1]), branch.closed))
    return result


def _walk(pixels: set[Pixel], node_labels: np.ndarray) -> Branch:
    """The pixels of one branch in order, and the junctions that its ends touch."""

    def following(pixel: Pixel, left: set[Pixel]) -> Pixel | None:
        return next(
            ((pixel[0] + r, pixel[1] + c) for r, c in NEIGHBOURS if (pixel[0] + r, pixel[1] + c) in left),
            None,
        )

    def degree(pixel: Pixel) -> int:
        return sum((pixel[0] + r, pixel[1] + c) in pixels for r, c in NEIGHBOURS)

    start = min(pixels, key=lambda pixel: (degree(pixel) if len(pixels) > 1 else 0, pixel))
    ring = len(pixels) > 6 and degree(start) >= 2
    left = set(pixels)
    order = []
    pixel: Pixel | None = start
    while pixel is not None:
        order.append(pixel)
        left.discard(pixel)
        pixel = following(pixel, left)

    def touching(pixel: Pixel, other: int | None) -> int | None:
        row, column = int(pixel[0]), int(pixel[1])
        window = node_labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        found = [int(label) for label in np.unique(window) if label]
        fresh = [label for label in found if label != other]
        return (fresh or found)[0] if found else None

    if ring:
        return Branch(order, (None, None), True)
    first = touching(order[0], None)
    # A branch of one pixel between two junctions touches both; a longer one may return to the junction it
    # left.
    last = touching(order[-1], first if len(order) == 1 else None)
    if len(order) == 1 and last == first:
        last = None
    return Branch(order, (first, last))


def _prune(branches: list[Branch], shortest: float) -> list[Branch]:
    """Drop spurs: short branches with one free end, as thinning leaves them at corners and wide ends."""
    spurs = [b for b in branches if (b.ends[0] is None) != (b.ends[1] is None) and b.length() < shortest]
    if len(spurs) == len(branches):
        return branches
    return [branch for branch in branches if not any(branch is spur for spur in spurs)]


def _join(branches: list[Branch], reach: float) -> list[Branch]:
    """Join branches through junctions: the straightest pairs first, then bends, until each junction is used up."""
    branches = list(branches)
    while True:
        best: tuple[float, int, int, Branch] | None = None
        for i, first in enumerate(branches):
            for j, second in enumerate(branches[: i + 1]):
                for one in (first, first.reversed()):
                    for two in (second, second.reversed()):
                        if one.ends[1] is None or one.ends[1] != two.ends[0] or first.closed or second.closed:
                            continue
                        if i == j and (one.pixels is not two.pixels and one.pixels != two.pixels):
                            continue
                        arrive, leave = _direction(one.reversed(), reach), _direction(two, reach)
                        straight = float(-(arrive @ leave))
                        alone = sum((b.ends[0] == one.ends[1]) + (b.ends[1] == one.ends[1]) for b in branches) == 2
                        if straight > (-0.9 if alone else -0.3) and (best is None or straight > best[0]):
                            if i == j:
                                joined = Branch(one.pixels[:-1], (None, None), True)
                            else:
                                joined = Branch(one.pixels + two.pixels[1:], (one.ends[0], two.ends[1]))
                            best = (straight, i, j, joined)
        if best is None:
            return branches
        branches = [branch for k, branch in enumerate(branches) if k not in best[1:3]] + [best[3]]


def _direction(branch: Branch, reach: float) -> np.ndarray:
    """Unit vector along the branch from its first pixel, measured past the bend that thinning makes at a junction."""
    points = np.array(branch.pixels, float)
    away = np.hypot(*(points - points[0]).T)
    near = int(np.argmax(away > 0.5 * reach)) if (away > 0.5 * reach).any() else 0
    far = int(np.argmax(away > 1.6 * reach)) if (away > 1.6 * reach).any() else len(points) - 1
    step = points[far] - points[min(near, max(far - 1, 0))]
    return np.asarray(step / max(float(np.hypot(*step)), 1e-9))


def _draw(branch: Branch, fine: np.ndarray, width: float, caps: str, tolerance: float) -> Line | None:
    """One branch as a segment, a ring or a stroke."""
    points = np.array(branch.pixels, float)
    # Thinning wanders by half a pixel of the enlarged mask, and is padded by one.
    points = (points[:, ::-1] + 0.5 - 1.0) / UPSAMPLING
    if branch.closed:
        if len(points) < 8:
            return None
        points = ndimage.gaussian_filter1d(points, 1.2, axis=0, mode="wrap")
        center = points.mean(0)
        design = np.column_stack([2 * points, np.ones(len(points))])
        solution = np.linalg.lstsq(design, (points**2).sum(1), rcond=None)[0]
        center, radius = solution[:2], float(np.sqrt(max(solution[2] + solution[:2] @ solution[:2], 0.01)))
        if np.abs(np.hypot(*(points - center).T) - radius).max() < tolerance:
            return Ring((float(center[0]), float(center[1])), radius, width)
        return Stroke(fit_curve(points, closed=True, tolerance=tolerance).vertices(), width, True)
    points = _settle_ends(points, branch, fine, width, caps)
    if len(points) < 2:
        return None
    chord = points[-1] - points[0]
    length = float(np.hypot(*chord))
    across = (points - points[0]) @ np.array([-chord[1], chord[0]]) / max(length, 1e-9)
    if np.abs(across).max() < max(1.3 * tolerance, 0.2 * width):
        a, b = (float(points[0][0]), float(points[0][1])), (float(points[-1][0]), float(points[-1][1]))
        return Segment(a, b, width) if caps == "round" else Stroke(((*a, True), (*b, True)), width, False, "butt")
    if len(points) < 6:
        return None
    curve = fit_curve(resample(points, 0.6, closed=False), closed=False, tolerance=tolerance)
    return Stroke(curve.vertices(), width, False, "butt" if caps == "butt" else "round")


def _settle_ends(points: np.ndarray, branch: Branch, fine: np.ndarray, width: float, caps: str) -> np.ndarray:
    """Smooth an open line and put its free ends where the caps need them."""
    smooth = points.copy()
    if len(points) > 4:
        smooth = ndimage.gaussian_filter1d(points, 1.2, axis=0, mode="nearest")
        smooth[0], smooth[-1] = points[0], points[-1]
    for side in (0, 1):
        if branch.ends[side] is not None:
            continue
        line = smooth if side == 0 else smooth[::-1]
        away = np.hypot(*(line - line[0]).T)
        # Towards a free end the axis drifts into a corner or stops short: go back, and on along the straight
        # direction.
        back = int(np.argmax(away > 0.8 * width)) if (away > 1.6 * width).any() else 0
        far = int(np.argmax(away > 2.0 * width)) if (away > 2.0 * width).any() else len(line) - 1
        base = line[back]
        outward = base - line[max(far, min(back + 1, len(line) - 1))]
        norm = float(np.hypot(*outward))
        if norm < 1e-6:
            continue
        outward = outward / norm
        march = np.arange(0.0, 3.0 * width, 0.125)
        ray = base + march[:, None] * outward
        column, row = ((ray * UPSAMPLING) + 1.0).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < fine.shape[1]) & (row < fine.shape[0])
        inside[inside] = fine[row[inside], column[inside]]
        tip = float(march[int(np.argmin(inside))]) if not inside.all() else float(march[-1])
        end = base + (tip - (0.5 * width if caps == "round" else 0.0)) * outward
        line = np.concatenate([end[None], line[back + (1 if tip > 0 else 0) :]])
        smooth = line if side == 0 else line[::-1]
    return smooth


def _refine(shapes: tuple[Line, ...], outlines: list[Outline], iterations: int = 8) -> tuple[Line, ...]:
    """Move the strokes, all of one width, so that the edge of their union passes through the outlines'
    points.

    Levenberg-Marquardt on the signed distance to the union; a number moves only the points that its stroke is
    nearest to.
    """
    points = np.concatenate([outline.points for outline in outlines])
    weights = np.concatenate([outline.weights for outline in outlines])
    stride = max(len(points) // 400, 1)
    points, weights = points[::stride], weights[::stride]
    drawn = [_weights_along(shape) for shape in shapes]
    width, damping = shapes[0].width, 1e-2
    residual, jacobian = _union_residual(shapes, drawn, points, weights)
    for _ in range(iterations):
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + np.diag(damping * np.diag(normal) + 1e-2), -jacobian.T @ residual)
        step = np.clip(step, -1.5, 1.5)
        new_width = max(width + float(step[0]), 0.3)
        proposed, start = [], 1
        for shape in shapes:
            vector = _line_vector(shape)
            proposed.append(_line_with(shape, vector + step[start : start + len(vector)], new_width))
            start += len(vector)
        new_residual, new_jacobian = _union_residual(tuple(proposed), drawn, points, weights)
        if (new_residual**2).sum() < (residual**2).sum():
            shapes, width, damping = tuple(proposed), new_width, damping / 4
            residual, jacobian = new_residual, new_jacobian
        else:
            damping *= 8
    return shapes


def _weights_along(shape: Line) -> np.ndarray:
    """Weights of a line's points along it, the first repeated at the end where it is closed; empty for a ring."""
    if isinstance(shape, Ring):
        return np.zeros((0, 0))
    if isinstance(shape, Segment):
        return np.eye(2)
    on = np.array([flag for _, _, flag in shape.points])
    along = flatten_weights(on, closed=shape.closed, steps=5)
    return np.concatenate([along, along[:1]]) if shape.closed else along


def _union_residual(
    shapes: tuple[Line, ...], drawn: list[np.ndarray], points: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted distance of each point to the union's edge, and its derivative by the width and then all
    lines' numbers."""
    best = np.full(len(points), np.inf)
    owner = np.zeros(len(points), int)
    gradients = []
    for i, (shape, along) in enumerate(zip(shapes, drawn)):
        field, gradient = _ring_field(shape, points) if isinstance(shape, Ring) else _line_field(shape, along, points)
        owner[field < best] = i
        best = np.minimum(best, field)
        gradients.append(gradient)
    blocks = [np.where(owner == i, 1.0, 0.0)[:, None] * gradient for i, gradient in enumerate(gradients)]
    # A line's first derivative is by its width, which all share.
    by_width = sum(block[:, :1] for block in blocks)
    jacobian = np.concatenate([by_width, *(block[:, 1:] for block in blocks)], 1)
    return np.clip(best, -2.0, 2.0) * weights, jacobian * weights[:, None]


def _ring_field(ring: Ring, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    offset = points - np.array(ring.center)
    away = np.maximum(np.hypot(*offset.T), 1e-6)
    side = np.sign(away - ring.radius)
    field = np.abs(away - ring.radius) - 0.5 * ring.width
    toward = -side[:, None] * offset / away[:, None]
    return field, np.column_stack([np.full(len(points), -0.5), toward, -side])


def _line_field(shape: Segment | Stroke, along: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance of points to a stroked line, and its derivative by the width and the line's points."""
    control = _line_vector(shape).reshape(-1, 2)
    line = along @ control
    start, step = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((step**2).sum(1), 1e-12)
    offset = points[:, None] - start[None]
    share = np.clip((offset * step).sum(2) / squared, 0.0, 1.0)
    distances = ((offset - share[..., None] * step) ** 2).sum(2)
    rows = np.arange(len(points))
    piece = distances.argmin(1)
    share = share[rows, piece]
    weight = (1 - share)[:, None] * along[piece] + share[:, None] * along[piece + 1]
    vector = points - weight @ control
    length = np.maximum(np.hypot(*vector.T), 1e-6)
    field = length - 0.5 * shape.width
    direction = -vector / length[:, None]
    by_width = np.full(len(points), -0.5)
    if isinstance(shape, Stroke) and shape.caps == "butt":
        for end, before in ((0, 1), (-1, -2)):
            outward = (line[end] - line[before]) / max(float(np.hypot(*(line[end] - line[before]))), 1e-9)
            beyond = (points - line[end]) @ outward
            cut = (beyond > field) & (np.hypot(*(points - line[end]).T) < shape.width)
            field, by_width = np.where(cut, beyond, field), np.where(cut, 0.0, by_width)
            direction = np.where(cut[:, None], -outward, direction)
            weight = np.where(cut[:, None], along[end], weight)
    gradient = (weight[:, :, None] * direction[:, None, :]).reshape(len(points), -1)
    return field, np.column_stack([by_width, gradient])


def _line_vector(shape: Line) -> np.ndarray:
    """A line's numbers, all but its width."""
    if isinstance(shape, Ring):
        return np.array([*shape.center, shape.radius])
    if isinstance(shape, Segment):
        return np.array([*shape.a, *shape.b])
    return np.array([value for x, y, _ in shape.points for value in (x, y)])


def _line_with(shape: Line, vector: np.ndarray, width: float) -> Line:
    """The same kind of line with other numbers."""
    numbers = [float(value) for value in vector]
    if isinstance(shape, Ring):
        return Ring((numbers[0], numbers[1]), abs(numbers[2]), width)
    if isinstance(shape, Segment):
        return Segment((numbers[0], numbers[1]), (numbers[2], numbers[3]), width)
    points = tuple((numbers[2 * i], numbers[2 * i + 1], on) for i, (_, _, on) in enumerate(shape.points))
    return replace(shape, points=points, width=width)
