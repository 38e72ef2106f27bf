"""Time in a worker. Unlike a page's, a worker's timers are not throttled in the background."""

from __future__ import annotations

import asyncio
import time

LONGEST_TIMEOUT = 86_400.0
"""Seconds asked of one ``setTimeout``. It counts milliseconds in 32 bits: 25 days and more would return at once."""


class BrowserClock:
    """Clock by Python's own, which ask ``performance.now`` and ``Date.now``: to ask them by way of ``js`` costs forty times as much."""

    def now(self) -> float:
        """See ``Clock.now``. Counted from the worker's start."""
        return time.monotonic()

    def wall_time(self) -> float:
        """See ``Clock.wall_time``."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """See ``Clock.sleep``. 0 or less lets others run once."""
        while seconds > LONGEST_TIMEOUT:
            await asyncio.sleep(LONGEST_TIMEOUT)
            seconds -= LONGEST_TIMEOUT
        await asyncio.sleep(max(seconds, 0))
