"""How much a user may do: open uploads, bytes a day, requests a second, signatures of a part.

Nothing is counted that the store knows: it is asked for open uploads, and for what has arrived since midnight (UTC), so
that both hold over restarts and replicas. Two that end in the same moment may go beyond the limit together. Requests
and signatures are counted by each process for itself. May ask the store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from uploads.server import keys
from uploads.server.embedded import free_room
from uploads.server.problems import Problem
from uploads.server.rates import Counts, Rates
from uploads.server.settings import Settings
from uploads.server.store import Store

_BURST = 10  # seconds' worth of requests at once


class Limits:
    """`clock`: seconds, only going up; `now`: the time of day."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._now = now
        per_second = settings.max_requests_per_second
        self._requests = Rates(per_second, max(1.0, per_second * _BURST)) if per_second else None
        self._signatures = Counts() if settings.max_signatures else None

    def take_request(self, who: str) -> None:
        """Count one request of a user, or of an address. Raises `Problem` (429) with the time to wait."""
        if self._requests and (wait := self._requests.take(who, self._clock())):
            raise Problem(
                429,
                "TooManyRequests",
                "Too many requests in so short a time.",
                retryable=True,
                retry_after=math.ceil(wait),
            )

    def check_new(self, user: str, size: int | None) -> None:
        """Refuse one more upload of `size` bytes. Raises `Problem` (413, 429)."""
        most = self._settings.max_open_uploads
        if most is not None:
            prefix = keys.user_prefix(self._settings.prefix, user)
            if len(list(islice(self._store.list_uploads(prefix), most))) >= most:
                raise Problem(
                    429,
                    "TooManyOpenUploads",
                    f"You have {most} unfinished uploads, and more are not allowed: finish or cancel one.",
                )
        self.check_bytes(user, size or 0)

    def check_bytes(self, user: str, size: int) -> None:
        """Refuse `size` bytes more than a user may store in a day, or than the embedded store has room for.

        Raises `Problem` (413, 429).
        """
        self.check_day(user, size)
        if self._settings.embedded:
            check_room(self._settings.data / "store", size)

    def check_day(self, user: str, size: int) -> None:
        """Refuse `size` bytes more than a user may store in a day. Raises `Problem` (429)."""
        most = self._settings.max_bytes_per_day
        if most is None:
            return
        now = self._now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        prefix = keys.user_prefix(self._settings.prefix, user)
        if self._store.bytes_since(prefix, midnight) + size > most:
            wait = midnight + timedelta(days=1) - now
            raise Problem(
                429,
                "DailyBytesExceeded",
                f"You may upload {most:,} bytes a day, and this would be more: go on after midnight (UTC).",
                retry_after=math.ceil(wait.total_seconds()),
            )

    def take_signatures(self, s3_upload_id: str, part_numbers: Iterable[int]) -> None:
        """Count a signature for each of the parts, or for none. Raises `Problem` (429) for one that was signed too often."""
        most = self._settings.max_signatures
        if self._signatures is None or most is None:
            return
        number = self._signatures.add(s3_upload_id, part_numbers, most)
        if number is not None:
            raise Problem(
                429,
                "TooManySignatures",
                f"Part {number} was signed {most} times, and is not signed again.",
            )


def check_room(folder: Path, size: int) -> None:
    """Refuse `size` bytes that the disk of the embedded store has no room for. Raises `Problem` (413)."""
    room = free_room(folder)
    if size > room:
        raise Problem(
            413, "StorageFull", f"The store has room for {max(0, room):,} bytes, and this file is larger."
        )
