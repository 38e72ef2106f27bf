"""Little files that were looked at and will be sent in a moment: to read one again costs as much as to send it.

What is sent is then the file as it was looked at, and what arrives is compared with just that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from upload_engine.interfaces import WholeFile

MOMENT = 10.0
"""Seconds for which little files that were read are kept …"""
MOST_KEPT = 4 * 1024 * 1024
"""… and how many bytes of them all."""


class JustRead:
    """The content of files, each by the object that stands for it. ``clock``: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Any, tuple[float, WholeFile]] = {}
        self._size = 0

    def keep(self, file: Any, whole: WholeFile) -> bool:
        """Whether there is room for it. The oldest are the next to be sent: no other makes them go."""
        self._forget_old()
        if file in self._kept or self._size + whole.body.size > MOST_KEPT:
            return False
        self._kept[file] = (self._clock(), whole)
        self._size += whole.body.size
        return True

    def take(self, file: Any) -> WholeFile | None:
        """What was kept of it, once."""
        self._forget_old()
        return self._remove(file) if file in self._kept else None

    def _forget_old(self) -> None:
        since = self._clock() - MOMENT
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest][0] >= since:
                break
            self._remove(oldest)

    def _remove(self, file: Any) -> WholeFile:
        _, whole = self._kept.pop(file)
        self._size -= whole.body.size
        return whole
