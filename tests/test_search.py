"""The search over structure: its parts against brute force, and small pictures of known programs."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from refine.assembly import Assembly, _View, pruned
from refine.cues import box_candidates, circle_candidates, find_cues
from refine.genome import Kind, Pool, Tree, kinds_for, leaves, node_at, nodes, operators_for, replaced
from refine.search import applies, search
from refine.two_colours import separate

OPERATIONS = ["circle", "box", "rotate", "move", "union", "difference"]
SIZE = 64

Predicate = Callable[[np.ndarray, np.ndarray], np.ndarray]


def disk(radius: float, cx: float, cy: float) -> Predicate:
    return lambda x, y: (x - cx) ** 2 + (y - cy) ** 2 < radius**2


def rectangle(half_width: float, half_height: float, degrees: float, cx: float, cy: float) -> Predicate:
    turn = np.deg2rad(degrees)

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        return (np.abs(u) < half_width) & (np.abs(v) < half_height)

    return inside


def coverage(inside: Predicate, size: int = SIZE) -> np.ndarray:
    """Coverage (size, size) by 8 x 8 points a pixel."""
    axis = (np.arange(8 * size) + 0.5) / (4 * size) - 1.0
    x, y = np.meshgrid(axis, -axis)
    return inside(x, y).reshape(size, 8, size, 8).mean((1, 3))


def painted(mask: np.ndarray, foreground: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0),
            background: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> np.ndarray:  # fmt: skip
    back, front = np.array(background), np.array(foreground)
    return (back + mask[..., None] * (front - back)).astype(np.float32)


def overlap(text_program: object, target: np.ndarray) -> float:
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    height, width = target.shape[:2]
    image = Batch.of([(tape_of(text_program), text_program.params)]).images((width, height))[0]  # type: ignore[attr-defined, arg-type]
    mine, true = image[..., 0] < 0.5, target[..., 0] < 0.5
    return float((mine & true).sum() / (mine | true).sum())


def primitives(text: str) -> int:
    return len(re.findall(r"(?:circle|box)\(", text))


@pytest.mark.parametrize(
    ("inside", "count"),
    [
        (disk(0.5, 0.2, -0.1), 1),
        (lambda x, y: disk(0.4, -0.35, 0.3)(x, y) | rectangle(0.5, 0.2, 30.0, 0.2, -0.3)(x, y), 2),
        (lambda x, y: rectangle(0.7, 0.45, 0.0, 0.05, 0.1)(x, y) & ~disk(0.35, 0.4, 0.4)(x, y), 2),
    ],
)
def test_recovers_known_pictures(inside: Predicate, count: int) -> None:
    target = painted(coverage(inside))
    best = search(target, OPERATIONS, seconds=60.0, generations=4)[0]
    assert overlap(best, target) > 0.99
    assert primitives(best.text) == count


def test_finds_a_shape_that_no_cue_names() -> None:
    mask = coverage(lambda x, y: ((x - 0.1) / 0.7) ** 2 + (y / 0.35) ** 2 < 1.0)
    target = painted(mask)
    best = search(target, ["ellipse", "move"], seconds=60.0, generations=3)[0]
    assert overlap(best, target) > 0.98


def test_colours_and_transparency() -> None:
    target = painted(coverage(disk(0.5, 0.0, 0.0)), (0.4, 0.2, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0))
    best = search(target, ["circle"], seconds=60.0, generations=1)[0]
    assert "background = none" in best.text and "#663300" in best.text


def test_deterministic_for_a_seed() -> None:
    target = painted(coverage(lambda x, y: disk(0.6, 0.1, 0.1)(x, y) & ~rectangle(0.3, 0.5, 20.0, 0.4, 0.3)(x, y)))
    runs = [[p.text for p in search(target, OPERATIONS, seconds=1e9, generations=3, seed=7)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_respects_operations_and_size() -> None:
    inside = lambda x, y: rectangle(0.5, 0.3, 30.0, 0.0, 0.0)(x, y) & ~disk(0.25, 0.3, 0.3)(x, y)  # noqa: E731
    target = painted(coverage(inside))
    for program in search(target, ["circle", "move", "union"], seconds=60.0, generations=2):
        assert not re.search(r"box|rotate| - | & ", program.text)
    for program in search(target, ["box", "circle", "move", "difference"], seconds=60.0, generations=2):
        assert not re.search(r"rotate| \| | & ", program.text)
    for program in search(target, OPERATIONS, seconds=60.0, generations=2, max_shapes=1):
        assert primitives(program.text) == 1


def test_without_move_all_shapes_stay_at_the_centre() -> None:
    target = painted(coverage(lambda x, y: disk(0.6, 0.0, 0.0)(x, y) & ~rectangle(0.4, 0.15, 0.0, 0.0, 0.0)(x, y)))
    best = search(target, ["circle", "box", "difference"], seconds=60.0, generations=4)[0]
    assert "move" not in best.text and overlap(best, target) > 0.98


def test_budget_and_interruption() -> None:
    target = painted(coverage(lambda x, y: disk(0.4, -0.3, 0.2)(x, y) | rectangle(0.2, 0.5, 10.0, 0.4, 0.0)(x, y)))
    assert search(target, OPERATIONS, seconds=0.0)  # no time at all still gives a program

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert search(target, OPERATIONS, seconds=60.0, on_progress=interrupt)


def test_progress_tells_of_better_programs_only() -> None:
    seen: list[float] = []
    target = painted(coverage(lambda x, y: disk(0.5, -0.3, 0.2)(x, y) & ~disk(0.3, 0.0, 0.0)(x, y)))
    search(target, OPERATIONS, seconds=60.0, generations=3, on_progress=lambda at, program, error: seen.append(error))
    assert seen and seen[-1] < 0.01


def test_applies_to_two_colours_only() -> None:
    mask = coverage(disk(0.5, 0.0, 0.0))
    three = painted(mask, (1.0, 0.0, 0.0, 1.0))
    three[:20] = (0.0, 0.0, 1.0, 1.0)
    ramp = np.repeat(np.linspace(0.0, 1.0, SIZE)[None, :, None], SIZE, 0) * np.ones(4)
    assert applies(painted(mask)) and not applies(three) and not applies(ramp) and not applies(np.ones((8, 8, 4)))
    with pytest.raises(ValueError, match="two colours"):
        search(three, OPERATIONS)
    with pytest.raises(ValueError, match="premultiplied"):
        search(mask, OPERATIONS)
    with pytest.raises(ValueError, match="no operation called 'cirle'"):
        search(painted(mask), ["cirle"])
    with pytest.raises(ValueError, match="no shape"):
        search(painted(mask), ["union", "move"])


def test_a_picture_of_one_colour_is_a_background() -> None:
    assert search(painted(np.ones((16, 16))), OPERATIONS)[0].text == "scene 2d(background = #000000)"


@pytest.mark.parametrize("mask", [coverage(disk(0.3, 0.0, 0.0)), coverage(lambda x, y: ~disk(0.3, 0.0, 0.0)(x, y))])
def test_paper_is_the_background(mask: np.ndarray) -> None:
    found = separate(painted(mask))
    assert found is not None
    assert np.allclose(found.background, 1.0) and np.allclose(found.coverage, mask, atol=0.01)


def test_cues_are_accurate() -> None:
    pixel = 2.0 / 128
    cues = find_cues(coverage(disk(0.5, 0.213, -0.1), 128))
    nearest = circle_candidates(cues, pixel) - (0.5, 0.213, -0.1)
    assert np.abs(nearest).max(1).min() < 0.1 * pixel
    cues = find_cues(coverage(rectangle(0.5, 0.21, 25.0, 0.1, 0.2), 128))
    boxes = box_candidates(cues, pixel, rotates=True, far=1.5)
    distances = np.abs(boxes - (0.5, 0.21, 25.0, 0.1, 0.2)) / (pixel, pixel, 1.0, pixel, pixel)
    assert distances.max(1).min() < 0.4


def test_kinds_know_their_symmetry_and_limits() -> None:
    by_name = {(k.operation.name, k.count): k for k in kinds_for(["circle", "box", "ring", "star", "rotate", "move"])}
    assert not by_name["circle", None].rotates and not by_name["ring", None].rotates
    assert by_name["box", None].rotates
    star = by_name["star", 5]
    assert star.legal(np.array([[0.5, 0.2, 0.0, 0.0, 0.0], [0.2, 0.5, 0.0, 0.0, 0.0]])).tolist() == [True, False]
    assert not any(k.rotates or k.moves for k in kinds_for(["box"]))


def test_leaves_cover_what_their_text_draws() -> None:
    import shaderdsl
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    axis = (np.arange(SIZE) + 0.5) / 32 - 1.0
    x, y = (a.ravel() for a in np.meshgrid(axis, -axis))
    kinds = kinds_for(["triangle", "box", "rotate", "move"])
    rows = {"triangle": [-0.3, -0.4, 0.5, 0.0, 0.0, 0.6, 40.0, 0.1, -0.2], "box": [0.5, 0.2, 30.0, 0.1, 0.3]}
    for kind in kinds:
        row = rows[kind.operation.name]
        program = shaderdsl.parse("scene 2d(background = none)\n" + kind.text(row))
        image = Batch.of([(tape_of(program), program.params)]).images((SIZE, SIZE))[0, ..., 3].ravel()
        sure = np.abs(image - 0.5) > 0.25
        inside = kind.inside(np.array([row]), x.astype(np.float32), y.astype(np.float32))[0]
        assert np.array_equal(inside[sure], image[sure] > 0.5)


def random_tree(random: np.random.Generator, count: int, size: int) -> Tree:
    if size == 1:
        return int(random.integers(count))
    left = int(random.integers(1, size))
    return str(random.choice(list("|-&"))), random_tree(random, count, left), random_tree(random, count, size - left)


def test_neighbours_are_judged_exactly() -> None:
    """What the matrix product says that a move gains is what evaluating the new tree gives."""
    random = np.random.default_rng(3)
    x, y = random.uniform(-1.0, 1.0, (2, 500))
    pool = Pool(kinds_for(["circle", "move"]), x, y)
    pool.add(0, np.stack([random.uniform(0.2, 0.8, 20), *random.uniform(-1.0, 1.0, (2, 20))], 1))
    gain = random.normal(size=500)
    assembly = Assembly(pool, gain, "|-&", price=0.0, most_leaves=9, width=4, random=random)
    everything = pool.bits(np.arange(len(pool))).astype(np.float32)
    for size in (1, 2, 4, 6):
        tree = random_tree(random, len(pool), size)
        before = assembly.candidate(tree).error
        view = _View(pool, tree, assembly.gain)
        assert view.paths == [path for path, _ in nodes(tree)]
        for path, (fill, empty), emptied in zip(view.paths, view.columns, view.emptied):
            node, leaf = node_at(tree, path), int(random.integers(len(pool)))
            filled, drained = float(everything[leaf] @ fill), float(everything[leaf] @ empty)
            expected = {
                ("|", node, leaf): filled, ("-", node, leaf): drained, ("-", leaf, node): filled + emptied,
                ("&", node, leaf): emptied - drained, leaf: filled + emptied - drained,
            }  # fmt: skip
            for new, predicted in expected.items():
                after = assembly.candidate(replaced(tree, path, new)).error
                assert after == pytest.approx(before - predicted, abs=1e-3)


def test_idle_leaves_are_pruned() -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(-1.0, 1.0, (2, 2000))
    pool = Pool(kinds_for(["circle", "move"]), x, y)
    big, inner, far = pool.add(0, [[0.6, 0.0, 0.0], [0.2, 0.1, 0.1], [0.2, 0.8, 0.8]]).tolist()
    gain = np.where(x**2 + y**2 < 0.36, 1.0, -1.0)
    assembly = Assembly(pool, gain, operators_for(OPERATIONS), price=1.0, most_leaves=8, width=4, random=random)
    assert pruned(("-", ("|", inner, big), far), assembly, 0.5) == big
    assert leaves(pruned(("|", inner, far), assembly, 0.5)) == [inner]


def test_equal_leaves_share_an_index_and_nothing_is_refused() -> None:
    pool = Pool(kinds_for(["circle", "move"]), np.linspace(-1, 1, 50), np.zeros(50))
    rows = [[0.5, 0.0, 0.0], [0.5001, 0.0, 0.0], [0.1, 9.0, 9.0], [-0.5, 0.0, 0.0]]
    assert pool.add(0, rows).tolist() == [0, 0, -1, -1]
    assert isinstance(pool.kinds[0], Kind) and len(pool) == 1
