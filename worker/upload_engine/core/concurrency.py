"""How many parts are under way at once, over all uploads: as many as help, and fewer as soon as they hurt.

AIMD on goodput, as TCP does it for packets (Chiu and Jain 1989; AWS SDKs, "adaptive" retry mode): throttling and
stalls halve the window, a round without trouble widens it by one, and a step that made nothing faster is taken back.
On a slow line more requests only make each of them last longer, and a broken one cost more: there the window shrinks
until a part takes no longer than ``LONG_PART_SECONDS``.
"""

from __future__ import annotations

START = 3
LONG_PART_SECONDS = 30.0
WORTHWHILE = 0.9
"""A wider window is kept when the goodput is at least this much of what it was before."""
HOLD_ROUNDS = 8
"""Rounds without another try after a step that did not help."""


class Window:
    """Goodput is bytes per second. ``limit``: the most requests that the host is given."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = min(START, limit)
        self._landed = 0
        self._hold = 0
        self._before = 0.0
        self._narrowed_at = float("-inf")
        self._closed_until = 0.0

    def allows(self, part_size: int, goodput: float) -> int:
        """How many parts of this size may be under way now; ``goodput`` is 0.0 while it is unknown."""
        if goodput <= 0:
            return self.size
        return max(1, min(self.size, int(goodput * LONG_PART_SECONDS / max(1, part_size))))

    def close(self, until: float) -> None:
        """The store asks for a pause: no part is started before then, whoever's it is."""
        self._closed_until = max(self._closed_until, until)

    def wait(self, now: float) -> float:
        """Seconds until a part may start; 0.0 when one may start at once."""
        return max(0.0, self._closed_until - now)

    def landed(self, goodput: float) -> None:
        """A part has arrived. A round is as many of them as the window is wide."""
        self._landed += 1
        if self._landed < self.size:
            return
        self._landed = 0
        if self._hold:
            self._hold -= 1
        elif self._before and goodput < self._before * WORTHWHILE and self.size > 1:
            self.size -= 1
            self._before = 0.0
            self._hold = HOLD_ROUNDS
        elif self.size < self.limit:
            self.size += 1
            self._before = goodput

    def trouble(self, started_at: float, now: float) -> None:
        """A request that began at ``started_at`` was throttled or stalled. One bad round counts once."""
        if started_at <= self._narrowed_at:
            return
        self._narrowed_at = now
        self.size = max(1, self.size // 2)
        self._landed = self._hold = 0
        self._before = 0.0
