"""The language over many random programs: round trips, damaged texts, and how long the slowest took.

    python benchmarks/language.py                    # 100,000 round trips and 20,000 damaged texts
    python benchmarks/language.py --programs 1000 --damaged 500

Every program has to read back as itself, every damaged text to give a program or a DslError; the first that does not
is printed and ends the run with status 1, as does a text that takes over 0.1 s. Times are of this process alone, so
that other work on the machine counts little, and Python's collector of cycles runs between the texts: how long it takes
depends on all that is alive, here thousands of remembered structures (the result says how long it took at most).
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import data
from benchmarks import common
from data.damage import damaged
from shaderdsl import DslError, format, parse

LONGEST = 0.1
COLLECT_EVERY = 1000


class Timer:
    """Times of many calls, and what the slowest was given."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.worst = 0.0
        self.slowest = ""
        self.longest_collection = 0.0
        self._start = 0.0

    def start(self) -> None:
        self._start = time.process_time()

    def stop(self, text: str) -> None:
        taken = time.process_time() - self._start
        self.times.append(taken)
        if taken > self.worst:
            self.worst, self.slowest = taken, text
        if len(self.times) % COLLECT_EVERY == 0:
            start = time.process_time()
            gc.collect()
            self.longest_collection = max(self.longest_collection, time.process_time() - start)


def round_trips(count: int, seed: int) -> Timer:
    """parse -> format -> parse of texts as the sampler wrote them; raises AssertionError where one differs."""
    timer = Timer()
    for index in range(count):
        text = data.sample_text(seed * 1_000_003 + index, level=3 if index % 4 else 2)
        timer.start()
        program = parse(text)
        printed = format(program)
        again = parse(printed)
        timer.stop(text)
        if again != program or format(again) != printed:
            raise AssertionError(f"this program does not read back as itself:\n{text}\n--- printed as\n{printed}")
        _progress("round trips", index + 1, count, timer)
    return timer


def damages(count: int, seed: int) -> tuple[Timer, int]:
    """Texts with random changes; the timer, and how many were refused. Anything but a DslError is raised."""
    timer = Timer()
    refused = 0
    for index in range(count):
        text = damaged(data.sample_text(seed * 1_000_003 + index), Random(index))
        timer.start()
        try:
            parse(text)
        except DslError:
            refused += 1
        timer.stop(text)
        _progress("damaged texts", index + 1, count, timer)
    return timer, refused


def _progress(what: str, done: int, count: int, timer: Timer) -> None:
    if done % 10_000 == 0 and done < count:
        print(f"  {done:,} of {count:,} {what}, worst {1e3 * timer.worst:.1f} ms", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--damaged", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parse(data.sample_text(0))  # imports and the parser's tables
    gc.disable()
    results: dict[str, object] = {"seed": options.seed, "limit": LONGEST}
    status = 0
    trips = round_trips(options.programs, options.seed)
    broken, refused = damages(options.damaged, options.seed + 1)
    for name, timer in (("round trips", trips), ("damaged texts", broken)):
        if not timer.times:
            continue
        found = common.summary(timer.times)
        results[name] = {**found, "longest collection": timer.longest_collection, "slowest text": timer.slowest if timer.worst > LONGEST else ""}
        print(
            f"{len(timer.times):,} {name}: median {1e3 * found['median']:.2f} ms, 99 % under {1e3 * found['p99']:.1f} ms, "
            f"worst {1e3 * timer.worst:.1f} ms"
        )
        if timer.worst > LONGEST:
            status = 1
            print(f"over {LONGEST} s:\n{timer.slowest}")
    results["refused"] = refused
    print(f"{refused:,} of the damaged texts gave a DslError, the others are programs; nothing else happened")
    print(f"kept in {common.save('language', results).name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
