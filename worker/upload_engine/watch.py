"""Parts on the way that do not move are given up: one look at all of them, every so often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from upload_engine.core.errors import StallFault
from upload_engine.core.retry import MIN_PATIENCE
from upload_engine.interfaces import Clock, HttpResponse

WATCH_SECONDS = 15.0
"""How often. A part that does not move is given up after a number of looks, not of seconds, so that a machine that slept for
an hour has only missed one."""


class Flight:
    """One part on its way. sent: bytes so far; patience: seconds that it may stand still once it has moved."""

    def __init__(self, patience: Callable[[], float]) -> None:
        self.sent = 0
        self.is_given_up = False
        self._patience = patience
        self._seen = 0
        self._idle_looks = -1  # the first one may come at once

    def look(self) -> bool:
        """Whether it is to be given up now."""
        self._idle_looks = self._idle_looks + 1 if self.sent == self._seen else 0
        self._seen = self.sent
        limit = self._patience() if self._seen else MIN_PATIENCE
        self.is_given_up = self._idle_looks * WATCH_SECONDS >= limit
        return self.is_given_up


class Watch:
    """Over all flights, as long as there are any; ``spawn`` runs a task of the engine."""

    def __init__(self, clock: Clock, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._flights: dict[Flight, asyncio.Future[HttpResponse]] = {}
        self._is_looking = False

    async def over(self, flight: Flight, sending: Coroutine[Any, Any, HttpResponse]) -> HttpResponse:
        """The answer. Raises StallFault when it does not come, and what ``sending`` raises."""
        self._flights[flight] = doing = asyncio.ensure_future(sending)
        if not self._is_looking:
            self._is_looking = True
            self._spawn(self._look())
        try:
            return await doing
        except asyncio.CancelledError:
            if flight.is_given_up:
                raise StallFault("no answer came in time") from None
            raise
        finally:
            del self._flights[flight]

    async def _look(self) -> None:
        while self._flights:
            await self._clock.sleep(WATCH_SECONDS)
            for flight, doing in self._flights.items():
                if flight.look():
                    doing.cancel()
        self._is_looking = False
