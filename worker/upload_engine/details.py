"""What happens to an upload, part by part, for the pages that want to see it: they say which one they watch.

Told once a second while anybody watches, and whole each time: losing any but the last is harmless.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from uploads import protocol as p

from upload_engine.core.session import Session
from upload_engine.core.states import ENDED, Phase, status_of
from upload_engine.dispatcher import Dispatcher
from upload_engine.interfaces import Clock, Port

INTERVAL = 1.0
"""Seconds."""


class Details:
    """wall_ms: the date, milliseconds since 1970."""

    def __init__(self, dispatcher: Dispatcher, clock: Clock, wall_ms: Callable[[], int]) -> None:
        self._dispatcher = dispatcher
        self._sessions = dispatcher.queue.sessions
        self._clock = clock
        self._wall_ms = wall_ms
        self._watched: dict[Port, str] = {}
        self._wake = asyncio.Event()

    def watch(self, port: Port, upload_id: str | None) -> None:
        """This page watches this upload from now on, or none."""
        self._watched.pop(port, None)
        if upload_id is not None:
            self._watched[port] = upload_id
            self._tell(port, upload_id)
            self._wake.set()

    async def run(self) -> None:
        """Tell those who watch, for ever."""
        while True:
            if not self._watched:
                self._wake.clear()
                await self._wake.wait()
            await self._clock.sleep(INTERVAL)
            for port, upload_id in list(self._watched.items()):
                self._tell(port, upload_id)

    def _tell(self, port: Port, upload_id: str) -> None:
        if session := self._sessions.get(upload_id):
            self._dispatcher.outbox.send(self._message(session), port)

    def _message(self, session: Session) -> dict[str, Any]:
        now = self._clock.now()
        if session.phase is Phase.UPLOADING:
            session.figures.look(now)
        samples = [
            [round(at, 1), round(speed), requests, retries]
            for at, speed, requests, retries in session.figures.samples
        ]
        return {
            "type": p.UPLOAD_DETAILS,
            "upload_id": session.upload_id,
            "figures": session.figures.summary(now),
            "requests": session.transfer.requests,
            "window": self._dispatcher.policy.window.size,
            "parts": _parts(session),
            "samples": json.dumps(samples),
            "story": json.dumps(list(self._story(session, now))),
        }

    def _story(self, session: Session, now: float) -> Iterator[list[Any]]:
        wall = self._wall_ms()
        for at, event in session.events:
            number = getattr(event, "part_number", 0)
            fault = getattr(event, "fault", None)
            wrong = (getattr(fault, "code", "") or fault.message) if fault is not None else ""
            yield [wall - round((now - at) * 1000), type(event).__name__, number, wrong[:200]]

    def figures(self) -> dict[str, Any]:
        """What all uploads took, for ``ASK_FIGURES``."""
        now = self._clock.now()
        rows = []
        for session in self._sessions.values():
            facts = session.facts
            rows.append(
                {
                    "uploadId": facts.upload_id,
                    "fileName": facts.fingerprint.name,
                    "fileSize": facts.fingerprint.size,
                    "status": str(status_of(session.phase)),
                    "startedAt": facts.started_at,
                    "endedAt": session.last_activity if session.phase in ENDED else None,
                    **{_camel(name): value for name, value in session.figures.summary(now).items()},
                }
            )
        return {"type": p.UPLOAD_FIGURES, "figures": json.dumps(rows)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _parts(session: Session) -> str:
    """``PART_STATES`` of every part, each letter behind how often it stands."""
    if not session.is_cut_known:
        return ""
    states = map(session.transfer.state_of, range(1, session.transfer.total_parts + 1))
    return "".join(f"{len(list(run))}{state}" for state, run in groupby(states))
