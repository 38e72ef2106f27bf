"""The presigned URLs that are at hand: which may still be used, and which to ask for next."""

from __future__ import annotations

from collections.abc import Iterable

from upload_engine.core.requests import SignedParts

AHEAD = 8
"""So many parts before it is needed a URL is asked for."""
BATCH = 100
"""Part numbers per signing call: fewer calls cost less, but URLs must not expire in the queue."""
MARGIN = 30.0
"""Seconds of validity a URL must have left when its PUT starts; the store checks it when the request arrives.

Of URLs that live less than a minute and a half, a third of their life.
"""


class UrlBook:
    """The signed parts of one upload; ``headers`` go with each PUT, ``fields`` with the one form in its place. Times are seconds on the engine's own clock, so that a wrong or jumping

    wall clock has no effect: the server says how long a URL lives, not until when.
    """

    def __init__(self) -> None:
        self._urls: dict[int, tuple[str, float]] = {}
        self._margin = MARGIN
        self.headers: dict[str, str] = {}
        self.fields: dict[str, str] | None = None

    def add(self, signed: SignedParts, asked_at: float) -> None:
        """Take in an answer to a call made at ``asked_at``."""
        self.headers = dict(signed.headers)
        self.fields = None if signed.fields is None else dict(signed.fields)
        self._margin = min(MARGIN, signed.expires_in / 3)
        for number, url in signed.urls.items():
            self._urls[number] = (url, asked_at + signed.expires_in)

    def clear(self) -> None:
        """None of the URLs is of use any more."""
        self._urls.clear()
        self.headers = {}

    def take(self, part_number: int, now: float) -> str | None:
        """The URL of a part, for one use: a part that is tried again gets a fresh one."""
        url, expires_at = self._urls.pop(part_number, ("", 0.0))
        return url if url and expires_at - now >= self._margin else None

    def is_short_of(self, part_number: int, now: float) -> bool:
        """Whether a part that is to be sent soon has no URL that could still be used then."""
        return self._urls.get(part_number, ("", 0.0))[1] - now < 2 * self._margin

    def wanted(self, part_number: int, unsent: Iterable[int], now: float) -> list[int]:
        """The numbers to ask for in one call: ``part_number`` and those unsent parts that have no fresh URL."""
        numbers = [part_number]
        for number in unsent:
            if len(numbers) == BATCH:
                break
            if number != part_number and self._urls.get(number, ("", 0.0))[1] - now < self._margin:
                numbers.append(number)
        return numbers
