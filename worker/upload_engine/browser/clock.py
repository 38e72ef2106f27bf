"""Time in a worker. Unlike a page's, a worker's timers are not throttled in the background."""

from __future__ import annotations

import asyncio

import js

LONGEST_TIMEOUT = 86_400.0
"""Seconds asked of one ``setTimeout``. It counts milliseconds in 32 bits: 25 days and more would return at once."""


class BrowserClock:
    """Clock: ``performance.now`` for intervals, ``Date`` for dates."""

    def now(self) -> float:
        """See ``Clock.now``. Counted from the worker's start."""
        return float(js.performance.now()) / 1000

    def wall_time(self) -> float:
        """See ``Clock.wall_time``."""
        return float(js.Date.now()) / 1000

    async def sleep(self, seconds: float) -> None:
        """See ``Clock.sleep``. 0 or less lets others run once."""
        while seconds > LONGEST_TIMEOUT:
            await asyncio.sleep(LONGEST_TIMEOUT)
            seconds -= LONGEST_TIMEOUT
        await asyncio.sleep(max(seconds, 0))
