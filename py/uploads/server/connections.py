"""The web server itself: how it ends, and how long a connection may say nothing sensible.

A request's headers have to arrive within some seconds, or its connection is closed: uvicorn would wait for ever, and so
many connections would be held by whoever likes to.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from uploads.server.health import Drain

HEADER_PATIENCE = 15.0
"""Seconds."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1, as long as requests begin in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A browser has connected."""
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Something of a request has arrived: the clock runs until its headers are complete."""
        super().data_received(data)
        if self._is_answering():
            self._disarm()
        elif self._timer is None:
            self._arm()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """It has become something else, which looks after itself."""
        self._disarm()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._timer = self.loop.call_later(HEADER_PATIENCE, self._give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # there is none before the first request
        return cycle is not None and not cycle.response_complete


class Server(uvicorn.Server):
    """On SIGTERM it says for `seconds` that it is about to end, and ends then; on a second one, and on Ctrl-C, at once."""

    def __init__(self, config: uvicorn.Config, drain: Drain, seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._seconds = seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal has come."""
        if sig != signal.SIGTERM or not self._seconds or self._drain.has_begun:
            super().handle_exit(sig, frame)
            return
        self._drain.has_begun = True
        timer = threading.Timer(self._seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()
