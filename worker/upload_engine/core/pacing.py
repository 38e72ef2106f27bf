"""A bandwidth limit, kept by pacing the starts of parts."""

from __future__ import annotations

import math


class Pacer:
    """A token bucket that may go into debt: a part starts while the bucket is not in debt, and then pays its size.

    rate: bytes per second, or None for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._tokens = 0.0
        self._filled_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds, in whole milliseconds, until the next part may start; 0.0 when it may start at once."""
        if self.rate is None:
            return 0.0
        # At most one second of unused bandwidth is carried over.
        self._tokens = min(self._tokens + (now - self._filled_at) * self.rate, self.rate)
        self._filled_at = now
        return max(0, math.ceil(-self._tokens / self.rate * 1000)) / 1000

    def spend(self, size: int) -> None:
        """A part of ``size`` bytes has started."""
        self._tokens -= size
