"""How many parts are under way at once, over all uploads: as many as help, and fewer as soon as they hurt.

AIMD on goodput, as TCP does it for packets (Chiu and Jain 1989; AWS SDKs, "adaptive" retry mode): throttling and
stalls halve the window, a round without trouble widens it by one, and a step that made nothing faster is taken back.
On a slow line more requests only make each of them last longer, and a broken one cost more: there the window shrinks
until a part takes no longer than ``LONG_PART_SECONDS``.

Little files are another matter: of each the round trip takes longer than its bytes. They begin with as many as the host may
be given.
"""

from __future__ import annotations

from upload_engine.core.limits import LITTLE, READ_AT_ONCE

START = 3
LONG_PART_SECONDS = 30.0
WORTHWHILE = 0.9
"""A wider window is kept when the goodput is at least this much of what it was before."""
BROWSERS_LIMIT = 6
"""Requests that a browser has under way at one host; what it is given beyond that waits within it."""
HANDED_AHEAD = 3
"""So many little bodies more: the next one leaves in the moment in which an answer comes in, and no round trip is idle."""
QUICK_SECONDS = 0.5
"""A body that is gone as quickly is mostly a round trip, too."""
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

    def allows(self, part_size: int, goodput: float, *, is_small_file: bool = False) -> int:
        """How many parts of this size may be under way now; ``goodput`` is 0.0 while it is unknown. ``is_small_file``: it is a

        file that goes whole, and no larger one wants to send.

        Of little files all that the host may be given, while nothing is amiss; and a few more where each is gone in about one
        round trip, and the host may be given all that a browser would.
        """
        is_little = is_small_file and part_size <= READ_AT_ONCE
        size = self.limit if is_little and self._is_calm else self.size
        is_quick = part_size <= LITTLE or part_size * size <= goodput * QUICK_SECONDS
        if is_little and is_quick and size == self.limit >= BROWSERS_LIMIT - 1:
            size += HANDED_AHEAD
        if goodput <= 0:
            return size
        return max(1, min(size, int(goodput * LONG_PART_SECONDS / max(1, part_size))))

    @property
    def _is_calm(self) -> bool:
        """Nothing was throttled, and nothing has stalled."""
        return self._narrowed_at == float("-inf")

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
