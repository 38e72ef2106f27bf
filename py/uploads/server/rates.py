"""How often somebody may do something: a token bucket each (RFC 2698 has the idea), for as many as fit into memory.

What is counted is counted by this process: N processes allow N times as much. Pure but for the time, which is an argument.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from uploads.server.latest import Latest

_MOST = 50_000  # that are remembered; whoever is forgotten begins anew


class Rates:
    """`per_second` in the long run, `burst` at once."""

    def __init__(self, per_second: float, burst: float, most: int = _MOST) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets = Latest[str, tuple[float, float]](most)
        self._lock = threading.Lock()

    def take(self, name: str, now: float) -> float:
        """Take one for `name`; seconds until there is one where there is none, else 0.0. `now` in seconds."""
        with self._lock:
            tokens, then = self._buckets.pop(name, (self._burst, now))
            tokens = min(self._burst, tokens + max(0.0, now - then) * self._per_second)
            has_one = tokens >= 1
            self._buckets[name] = (tokens - has_one, now)
        return 0.0 if has_one else (1 - tokens) / self._per_second


class Counts:
    """How often something has happened, for the latest `most` things."""

    def __init__(self, most: int = 4 * _MOST) -> None:
        self._counts = Latest[tuple[str, int], int](most)
        self._lock = threading.Lock()

    def add(self, name: str, numbers: Iterable[int], limit: int) -> int | None:
        """Count one more for each of `numbers`; or, where one has reached `limit`, for none: that one."""
        with self._lock:
            wanted = list(numbers)
            for number in wanted:
                if self._counts.get((name, number), 0) >= limit:
                    return number
            for number in wanted:
                self._counts[name, number] = self._counts.pop((name, number), 0) + 1
        return None
