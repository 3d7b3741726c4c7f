"""Segmentation of an image into regions of one smooth colour each.

The steps are: undo antialiasing, so that edges do not become regions of their own; join equal neighbours;
then merge the pair of neighbouring regions whose union raises the squared error least for the boundary it
saves (Koepfler, Lopez and Morel 1994), each region being described by a colour that may vary linearly over
it. Merging works on the graph of regions and does every merge that cannot interfere with another in one
vectorised round.

Images are float arrays (height, width, channels) in [0, 1]; any number of channels works, so that a picture
with alpha is segmented in premultiplied colour and alpha together. Label maps are int arrays (height, width)
with labels 0, 1, 2, ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse

MOMENT_UNIT = 8.0
"""Pixels per unit of the moments' coordinates: keeps the ridge below on the scale of a small region."""
SLOPE_RIDGE = 2.0
"""Added to the second moments, so that a region of a few pixels cannot explain noise by a steep colour slope."""


def undo_antialiasing(image: np.ndarray, *, radius: int = 1, passes: int = 2, contrast: float = 0.06) -> np.ndarray:
    """Replace pixels that are a blend of two neighbours by the neighbour that they are nearer to.

    In each window the colour q1 farthest from the pixel and the colour q2 farthest from q1 are the
    candidates; a pixel near the line between them, and beyond its middle, becomes q2. Edges closer in colour
    than ``contrast`` stay.
    """
    result = image
    for _ in range(passes):
        first, second = _extremes(result, radius, None)
        position, residual, length = _blend(result, first, second)
        blended = (length > contrast**2) & (residual < 0.04 * length + 1e-4) & (position > 0.5) & (position < 1.01)
        result = np.where(blended[..., None], second, result)
    return result


def _extremes(image: np.ndarray, radius: int, usable: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the colour farthest from it in its window, and the colour farthest from that one."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    side = range(2 * radius + 1)
    window = np.stack([padded[dy : dy + height, dx : dx + width] for dy in side for dx in side])
    penalty = np.zeros(window.shape[:3])
    if usable is not None:
        mask = np.pad(usable, radius, mode="edge")
        allowed = np.stack([mask[dy : dy + height, dx : dx + width] for dy in side for dx in side])
        penalty = np.where(allowed, 0.0, -1e3)
    chosen = []
    reference = image
    for _ in range(2):
        farthest = (((window - reference) ** 2).sum(-1) + penalty).argmax(0)
        reference = np.take_along_axis(window, farthest[None, ..., None], 0)[0]
        chosen.append(reference)
    return chosen[0], chosen[1]


def _blend(image: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position on the line first -> second, squared distance from it, and the line's squared length."""
    direction = second - first
    length = (direction**2).sum(-1)
    position = ((image - first) * direction).sum(-1) / np.maximum(length, 1e-9)
    residual = ((image - first - position[..., None] * direction) ** 2).sum(-1)
    return position, residual, length


@dataclass
class RegionGraph:
    """Regions with their colour moments, and the lengths of the boundaries between neighbours."""

    labels: np.ndarray
    moments: np.ndarray
    edges: np.ndarray
    lengths: np.ndarray


def equal_colour_regions(image: np.ndarray, levels: int = 255) -> np.ndarray:
    """Label map of the connected regions of equal colour, after rounding to ``levels`` steps."""
    quantised = np.clip(np.rint(image * levels), 0, levels).astype(np.int64)
    key = np.zeros(image.shape[:2], np.int64)
    for channel in range(image.shape[2]):
        key = key * (levels + 1) + quantised[..., channel]
    key = np.unique(key, return_inverse=True)[1].reshape(key.shape)
    return _connected(key)


def _connected(labels: np.ndarray) -> np.ndarray:
    """Labels 0, 1, 2, ... of the connected parts (along rows and columns) of equal label."""
    height, width = labels.shape
    index = np.arange(labels.size).reshape(labels.shape)
    across, down = labels[:, 1:] == labels[:, :-1], labels[1:] == labels[:-1]
    first = np.concatenate([index[:, 1:][across], index[1:][down]])
    second = np.concatenate([index[:, :-1][across], index[:-1][down]])
    links = sparse.coo_matrix((np.ones(len(first)), (first, second)), (labels.size, labels.size))
    _, parts = sparse.csgraph.connected_components(links, directed=False)
    return np.asarray(parts, np.int64).reshape(height, width)


def region_moments(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Moments (regions, 7 + 3 channels): n, x, y, xx, xy, yy, sum of squares, then sums of c, of c x and of c y."""
    height, width, channels = image.shape
    y, x = np.mgrid[:height, :width]
    x = ((x + 0.5 - width / 2) / MOMENT_UNIT).ravel()
    y = ((y + 0.5 - height / 2) / MOMENT_UNIT).ravel()
    colours = image.reshape(-1, channels).T
    flat = labels.ravel()
    weights = [
        np.ones_like(x),
        x,
        y,
        x * x,
        x * y,
        y * y,
        (colours**2).sum(0),
        *colours,
        *(colours * x),
        *(colours * y),
    ]
    count = int(flat.max()) + 1
    return np.stack([np.bincount(flat, weight, count) for weight in weights], 1)


def affine_error(moments: np.ndarray, ridge: float = SLOPE_RIDGE) -> np.ndarray:
    """Squared error left in each region by its best ridge-regularised affine colour; shape (regions,)."""
    channels = (moments.shape[1] - 7) // 3
    n, x, y, xx, xy, yy, squares = moments[:, :7].T
    colour, colour_x, colour_y = (moments[:, 7 + i * channels : 7 + (i + 1) * channels].T for i in range(3))
    safe = np.maximum(n, 1.0)
    variance_x, variance_y, covariance = (
        xx - x * x / safe + ridge,
        yy - y * y / safe + ridge,
        xy - x * y / safe,
    )
    determinant = variance_x * variance_y - covariance**2
    slope_x, slope_y = colour_x - x * colour / safe, colour_y - y * colour / safe
    gain = (variance_y * slope_x**2 - 2 * covariance * slope_x * slope_y + variance_x * slope_y**2).sum(0) / determinant
    return np.asarray(np.maximum(squares - (colour**2).sum(0) / safe - gain, 0.0))


def affine_colours(moments: np.ndarray, size: tuple[int, int], ridge: float = SLOPE_RIDGE) -> np.ndarray:
    """Coefficients (regions, 3, channels) of colour = c0 + cx * x + cy * y, x and y in pixel coordinates."""
    channels = (moments.shape[1] - 7) // 3
    n, x, y, xx, xy, yy = moments[:, :6].T
    colour, colour_x, colour_y = (moments[:, 7 + i * channels : 7 + (i + 1) * channels] for i in range(3))
    safe = np.maximum(n, 1.0)
    variance_x, variance_y, covariance = (
        xx - x * x / safe + ridge,
        yy - y * y / safe + ridge,
        xy - x * y / safe,
    )
    determinant = (variance_x * variance_y - covariance**2)[:, None]
    right_x, right_y = colour_x - (x / safe)[:, None] * colour, colour_y - (y / safe)[:, None] * colour
    slope_x = (variance_y[:, None] * right_x - covariance[:, None] * right_y) / determinant / MOMENT_UNIT
    slope_y = (variance_x[:, None] * right_y - covariance[:, None] * right_x) / determinant / MOMENT_UNIT
    center_x, center_y = x / safe * MOMENT_UNIT + size[1] / 2, y / safe * MOMENT_UNIT + size[0] / 2
    constant = colour / safe[:, None] - slope_x * center_x[:, None] - slope_y * center_y[:, None]
    return np.stack([constant, slope_x, slope_y], 1)


def region_graph(image: np.ndarray, labels: np.ndarray) -> RegionGraph:
    """The graph of neighbouring regions of a label map."""
    pairs = np.concatenate(
        [
            np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1),
            np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1),
        ]
    )
    edges, lengths = _unique_edges(pairs, np.ones(len(pairs)))
    return RegionGraph(labels, region_moments(image, labels), edges, lengths)


def _unique_edges(pairs: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = pairs[:, 0] != pairs[:, 1]
    pairs, lengths = np.sort(pairs[kept], 1), lengths[kept]
    if not len(pairs):
        return np.zeros((0, 2), np.int64), np.zeros(0)
    base = int(pairs.max()) + 1
    keys, inverse = np.unique(pairs[:, 0] * base + pairs[:, 1], return_inverse=True)
    return np.stack([keys // base, keys % base], 1), np.bincount(inverse.ravel(), lengths)


def merge_regions(image: np.ndarray, labels: np.ndarray, thresholds: Iterable[float]) -> Iterator[np.ndarray]:
    """Merge regions and yield the label map reached at each of the rising ``thresholds``.

    A threshold is the increase of squared error (summed over channels) that a pixel of boundary is worth.
    Towards the first threshold cheap merges are done first, as in a strict greedy order.
    """
    graph = region_graph(image, labels)
    reached = 1e-5
    for threshold in thresholds:
        while reached < threshold:
            reached = min(2.0 * reached, threshold)
            while _merge_round(graph, reached):
                pass
        yield graph.labels


def _merge_round(graph: RegionGraph, threshold: float) -> bool:
    """Merge each region into its cheapest neighbour, where that one is larger and stays; False where none is left."""
    if not len(graph.edges):
        return False
    u, v = graph.edges.T
    error = affine_error(graph.moments)
    increase = np.maximum(affine_error(graph.moments[u] + graph.moments[v]) - error[u] - error[v], 0.0)
    order = np.argsort(increase / graph.lengths, kind="stable")
    count = len(graph.moments)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(count, len(order), np.int64)
    np.minimum.at(best, u, rank)
    np.minimum.at(best, v, rank)
    connected = best < len(order)
    edge = order[np.where(connected, best, 0)]
    region = np.arange(count)
    target = np.where(u[edge] == region, v[edge], u[edge])
    cheap = connected & ((increase / graph.lengths)[edge] <= threshold)
    area = graph.moments[:, 0]
    larger = (area[target] > area) | ((area[target] == area) & (target > region))
    moving = cheap & larger
    # The cheapest edge of all is the best of both its ends and one of them stays, so every round makes
    # progress.
    moving &= ~moving[target]
    if not moving.any():
        return False
    parent = np.where(moving, target, region)
    names, renamed = np.unique(parent, return_inverse=True)
    renamed = renamed.ravel()
    moments = np.zeros((len(names), graph.moments.shape[1]))
    np.add.at(moments, renamed, graph.moments)
    graph.moments = moments
    graph.edges, graph.lengths = _unique_edges(renamed[graph.edges], graph.lengths)
    graph.labels = renamed[graph.labels]
    return True


def dissolve_blends(image: np.ndarray, labels: np.ndarray, threshold: float) -> np.ndarray:
    """Dissolve regions at most two pixels thick that are only the blend of the solid regions on both their
    sides.

    Such regions are what is left of antialiased edges; their pixels go to the side that they are nearer to.
    """
    eroded = np.ones(labels.shape, bool)
    for axis in (0, 1):
        for shift in (1, -1):
            eroded &= np.roll(labels, shift, axis) == labels
    eroded[[0, -1]] = eroded[:, [0, -1]] = False
    count = int(labels.max()) + 1
    solid_region = np.bincount(labels.ravel(), eroded.ravel(), count) > 0
    solid = solid_region[labels]
    if solid.all() or not solid.any():
        return labels
    first, second = _extremes(image, 2, solid)
    position, residual, length = _blend(image, first, second)
    # An image's own pixel is a candidate for itself only where it is solid; a window without solid pixels
    # explains nothing.
    seen = ndimage.maximum_filter(solid, 5)
    # Resampling rings: a pixel beside an edge overshoots the colours on its sides by about a tenth of their
    # difference.
    beyond = np.maximum(np.abs(position - 0.5) - 0.5, 0.0)
    between = seen & (beyond < 0.12) & (length > 1e-3)
    unexplained = np.where(between, residual + 0.25 * beyond**2 * length, 1.0)
    nearest = np.minimum(((image - first) ** 2).sum(-1), ((image - second) ** 2).sum(-1))
    area = np.bincount(labels.ravel(), minlength=count)
    left = np.bincount(labels.ravel(), unexplained.ravel(), count)
    alone = np.bincount(labels.ravel(), nearest.ravel(), count)
    dissolved = ~solid_region & (left < np.minimum(threshold * area, 0.25 * alone + 1e-3 * area))
    if not dissolved.any():
        return labels
    loose = dissolved[labels]
    # Each loose pixel takes the label of the nearest kept pixel of the colour that it is nearer to.
    wanted = np.where((position < 0.5)[..., None], first, second)
    best = np.full(labels.shape, np.inf)
    result = labels.copy()
    height, width = labels.shape
    pad = 2
    padded_labels = np.pad(labels, pad, mode="edge")
    padded_image = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    padded_solid = np.pad(solid, pad, mode="edge")
    for dy in range(2 * pad + 1):
        for dx in range(2 * pad + 1):
            window = (slice(dy, dy + height), slice(dx, dx + width))
            distance = ((padded_image[window] - wanted) ** 2).sum(-1) + 1e-4 * ((dy - pad) ** 2 + (dx - pad) ** 2)
            better = loose & padded_solid[window] & (distance < best)
            best[better] = distance[better]
            result[better] = padded_labels[window][better]
    return _connected(result)


def segment(image: np.ndarray, thresholds: Iterable[float], *, antialiasing: bool = True) -> Iterator[np.ndarray]:
    """Label maps of an image at rising merge thresholds (see :func:`merge_regions`).

    ``antialiasing`` undoes antialiasing first: better for most drawn art, worse for some busy pictures.
    """
    image = np.asarray(image, np.float64)
    clean = undo_antialiasing(image) if antialiasing else image
    start = equal_colour_regions(clean)
    steps = list(thresholds)
    for threshold, labels in zip(steps, merge_regions(clean, start, steps)):
        yield dissolve_blends(image, labels, threshold)
