"""Many seeds, over all cores: what struck how often, and which seeds broke an invariant.

The workers are fresh processes with one and the same PYTHONHASHSEED, so that a seed that fails in one of them fails in
all of them.
"""

from __future__ import annotations

import concurrent.futures
import gc
import hashlib
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.catalogue import PLAYED
from tests.simulation.drama import play
from tests.simulation.plan import plan_for
from tests.simulation.shrink import describe, explain

BLOCK = 50
"""Seeds that a worker takes at a time."""


@dataclass
class Report:
    """``failures``: what broke, by seed; ``seconds``: on the wall."""

    seeds: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, other: Report) -> None:
        self.seeds += other.seeds
        self.struck += other.struck
        self.failures |= other.failures

    def never_struck(self) -> list[str]:
        return [fault.name for fault in PLAYED if not self.struck[fault.name]]

    def table(self) -> str:
        """How often each fault really struck, with the rows of the fault matrix that it stands for."""
        width = max(len(fault.name) for fault in PLAYED)
        lines = [
            f"{fault.name:{width}}  {', '.join(map(str, fault.rows)):>16}  {self.struck[fault.name]:>9,}"
            for fault in PLAYED
        ]
        speed = self.seeds / self.seconds if self.seconds else 0.0
        total = f"{self.seeds:,} seeds in {self.seconds:.1f} s ({speed:.0f} a second), {len(self.failures)} failed"
        return "\n".join([f"{'fault':{width}}  {'rows':>16}  {'struck':>9}", *lines, total])


def play_block(first: int, count: int) -> Report:
    """Play some seeds in a row, up to the first that fails."""
    report = Report()
    for seed in range(first, first + count):
        outcome = play(plan_for(seed))
        report.seeds += 1
        report.struck += outcome.struck
        if outcome.error is not None:
            report.failures[seed] = describe(outcome)
            break
    gc.collect()
    return report


def explain_seed(seed: int, *, shrunk: bool) -> str:
    return explain(plan_for(seed), shrunk=shrunk)


def fingerprint(seed: int) -> str:
    """What happened under a seed, to the last line of its story."""
    story = "\n".join(play(plan_for(seed), tell=True).story)
    return hashlib.sha256(story.encode()).hexdigest()


def _prepare(plant: str) -> None:
    gc.disable()  # between the blocks only
    if plant:
        from tests.simulation.plants import PLANTS  # it knows the engine's inside

        PLANTS[plant]()


@contextmanager
def workers(plant: str = "", count: int | None = None, hash_seed: str = "0") -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; with ``plant``, their engine is broken."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = hash_seed
    try:
        with ProcessPoolExecutor(
            count or os.cpu_count(),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(plant,),
        ) as pool:
            yield pool
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before


def run_seeds(
    first: int,
    count: int,
    pool: ProcessPoolExecutor,
    *,
    most_failures: int = 1,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Play ``count`` seeds from ``first`` on. After so many failures what is under way is finished, and no more."""
    report, started = Report(), time.monotonic()
    blocks = iter(range(first, first + count, BLOCK))
    under_way: set[Future[Report]] = set()
    while True:
        while len(under_way) < 2 * (os.cpu_count() or 1) and len(report.failures) < most_failures:
            start = next(blocks, None)
            if start is None:
                break
            under_way.add(pool.submit(play_block, start, min(BLOCK, first + count - start)))
        if not under_way:
            report.seconds = time.monotonic() - started
            return report
        done, under_way = concurrent.futures.wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            report.add(future.result())
        report.seconds = time.monotonic() - started
        on_progress(report)
