"""How many parts are under way at once, over all uploads: as many as help, and fewer as soon as they hurt.

AIMD on goodput, as TCP does it for packets (Chiu and Jain 1989; AWS SDKs, "adaptive" retry mode): throttling and
stalls halve the window, a round without trouble widens it by one, and a step that made nothing faster is taken back.
On a slow line more requests only make each of them last longer, and a broken one cost more: there the window shrinks
until a part takes no longer than ``LONG_PART_SECONDS``.
"""

from __future__ import annotations

from upload_engine.core.limits import LITTLE

START = 3
LONG_PART_SECONDS = 30.0
WORTHWHILE = 0.9
"""A wider window is kept when the goodput is at least this much of what it was before."""
BROWSERS_LIMIT = 6
"""Requests that a browser has under way at one host; what it is given beyond that waits within it."""
HANDED_AHEAD = 3
"""So many little bodies more: the next one leaves in the moment in which an answer comes in, and no round trip is idle."""
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
        """How many parts of this size may be under way now; ``goodput`` is 0.0 while it is unknown.

        A few more where each is gone in about one round trip, while nothing is amiss and the host may be given all that a
        browser would.
        """
        is_wide = self.size == self.limit >= BROWSERS_LIMIT - 1
        size = self.size + HANDED_AHEAD if part_size <= LITTLE and is_wide else self.size
        if goodput <= 0:
            return size
        return max(1, min(size, int(goodput * LONG_PART_SECONDS / max(1, part_size))))

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
