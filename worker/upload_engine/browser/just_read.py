"""Little files that were looked at and will be sent in a moment: to read one again costs as much as to send it.

What is sent is then the file as it was looked at, and what arrives is compared with just that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from upload_engine.interfaces import PartBody, WholeFile

MOMENT = 10.0
"""Seconds for which little files that were read are kept …"""
MOST_KEPT = 4 * 1024 * 1024
"""… and how many bytes of them all."""


class JustRead:
    """The content of files, each by the object that stands for it. ``clock``: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Any, tuple[float, PartBody, str]] = {}
        self._size = 0

    def keep(self, file: Any, body: PartBody, md5: str) -> bool:
        """Whether there is room for it. The oldest are the next to be sent: no other makes them go."""
        self._forget_old()
        if file in self._kept or self._size + body.size > MOST_KEPT:
            return False
        self._kept[file] = (self._clock(), body, md5)
        self._size += body.size
        return True

    def take(self, file: Any) -> WholeFile | None:
        """What was kept of it, once."""
        self._forget_old()
        if file not in self._kept:
            return None
        _, body, md5 = self._kept.pop(file)
        self._size -= body.size
        return WholeFile(body, md5)

    def _forget_old(self) -> None:
        since = self._clock() - MOMENT
        while self._kept and next(iter(self._kept.values()))[0] < since:
            _, body, _ = self._kept.pop(next(iter(self._kept)))
            self._size -= body.size
