"""Calls about many small files: when they are made, as a worker has time for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from upload_engine.small_files import Together

BUSY = 0.3
"""Seconds that pass until whoever sleeps gets its turn: other files are being read."""


class BusyClock:
    """Clock of a worker that is busy: every sleep takes ``BUSY`` more."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def wall_time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds + BUSY
        await asyncio.sleep(0)


async def answers(asked: Sequence[str]) -> Sequence[str]:
    return [one.upper() for one in asked]


async def ask(linger: float, enough: int = 100) -> tuple[str, float]:
    """The answer for one while others keep coming, and when it was there."""
    clock, doing = BusyClock(), set[asyncio.Future[None]]()
    together = Together(
        answers,
        lambda: 1,
        clock,
        lambda work: doing.add(asyncio.ensure_future(work)),
        lambda waiting, _: waiting >= enough,
        lambda: linger,
    )
    return await together.ask("a"), clock.now()


def test_others_are_waited_for_by_the_clock_however_busy_the_worker_is() -> None:
    answer, at = asyncio.run(ask(0.05))
    assert answer == "A"
    assert at < 2 * BUSY, "it waited for as many looks as an idle worker has time for"


def test_nobody_waits_when_enough_ask() -> None:
    assert asyncio.run(ask(3.0, enough=1)) == ("A", 0.0)


def test_who_may_wait_waits_as_long_as_that() -> None:
    assert asyncio.run(ask(3.0))[1] >= 3.0
