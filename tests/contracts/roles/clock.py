"""Clock: never backwards, never early."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from upload_engine.interfaces import Clock

GRAIN = 0.005
"""Seconds by which timers and clocks of one machine may disagree (browsers blur both)."""


@dataclass
class Bench:
    """clock: under test."""

    clock: Clock


async def never_goes_back(bench: Bench) -> None:
    seen = [bench.clock.now() for _ in range(1000)]
    assert seen == sorted(seen)


async def sleeps_no_less_than_asked(bench: Bench) -> None:
    for seconds in (0.001, 0.02, 0.1):
        start = bench.clock.now()
        await bench.clock.sleep(seconds)
        assert bench.clock.now() - start >= seconds - GRAIN, (seconds, bench.clock.now() - start)


async def sleeping_nothing_lets_others_run(bench: Bench) -> None:
    for seconds in (0.0, -1.0):
        ran: list[float] = []
        asyncio.get_running_loop().call_soon(ran.append, seconds)
        await bench.clock.sleep(seconds)
        assert ran == [seconds], ran


async def a_month_does_not_pass_at_once(bench: Bench) -> None:
    task = asyncio.ensure_future(bench.clock.sleep(40 * 86_400))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def wall_time_is_in_seconds_since_1970(bench: Bench) -> None:
    assert 1_600_000_000 < bench.clock.wall_time() < 10_000_000_000, bench.clock.wall_time()
