"""Presigned links of the demo: for one part each, good for a while, and all of no use once a person says so."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from upload_engine.interfaces import Clock

LIFETIME = 900.0
"""Seconds, as the real server's."""


class Links:
    """Signs links, and knows those that it has signed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._generation = 1

    def sign(self, upload_id: str, number: int) -> str:
        """A link to which one part may be sent."""
        query = {
            "upload": upload_id,
            "part": number,
            "until": self._clock.now() + LIFETIME,
            "generation": self._generation,
        }
        return f"demo:part?{urlencode(query)}"

    def expire(self) -> None:
        """From now on no link of before is of any use."""
        self._generation += 1

    def read(self, url: str) -> tuple[str, int]:
        """``(upload id, part number)``."""
        query = parse_qs(urlsplit(url).query)
        return query["upload"][0], int(query["part"][0])

    def is_good(self, url: str) -> bool:
        """Whether the link has not expired."""
        query = parse_qs(urlsplit(url).query)
        is_current = int(query["generation"][0]) == self._generation
        return is_current and self._clock.now() < float(query["until"][0])
