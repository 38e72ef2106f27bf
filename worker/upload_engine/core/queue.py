"""All uploads of one engine: which of them may work, and which of them may send the next part.

While the signing server is out of reach no slot is given to anybody: see ``reach``.

Fair by construction: an upload slot goes to whoever has waited longest, a request to the upload that has the fewest
under way, so a small file is never stuck behind a large one. Control requests (create, complete, abort …) do not
count: they never queue behind parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.concurrency import Window
from upload_engine.core.pacing import Pacer
from upload_engine.core.reach import is_restless
from upload_engine.core.session import Effects, Session
from upload_engine.core.states import HOLDS_SLOT, Phase

QUEUE = ""
"""The ``upload_id`` of what concerns all uploads: the queue's own timer, and the signing server's coming and going."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """max_uploads: that work at a time; max_parts: under way per upload."""

    max_uploads: int = 3
    max_parts: int = 3


class UploadQueue:
    """The sessions by upload id, in the order in which they came. Only ``add``, ``remove`` and ``handle`` change it."""

    def __init__(self, limits: QueueLimits, window: Window, pacer: Pacer) -> None:
        self.sessions: dict[str, Session] = {}
        self._limits = limits
        self._window = window
        self._pacer = pacer
        self._waiting: dict[str, None] = {}
        self._pace_attempt = 0
        self._pace_armed = False
        self._lost: e.ServerLost | None = None

    @property
    def is_cut_off(self) -> bool:
        """The signing server does not say whose uploads these are."""
        return self._lost is not None

    def add(self, session: Session, now: float) -> Effects:
        """Take up a session that is new or has been restored. Raises ValueError when its id is taken."""
        if session.upload_id in self.sessions:
            raise ValueError(f"upload {session.upload_id} exists already")
        self.sessions[session.upload_id] = session
        return self._grant(now)

    def remove(self, upload_id: str) -> None:
        """Forget a session that has ended."""
        del self.sessions[upload_id]
        self._waiting.pop(upload_id, None)

    def handle(self, event: e.Event, now: float) -> Effects:
        """What ``event`` leads to, for its upload and for those that wait.

        An event of an upload that is not here any more leads to nothing.
        """
        if event.upload_id == QUEUE:
            return self._handle_own(event, now)
        session = self.sessions.get(event.upload_id)
        if session is None:
            return []
        effects = session.handle(event, now)
        if effects and isinstance(event, e.PartUploaded):
            self._window.landed(self._goodput(now))
        if effects and isinstance(event, e.NetworkProbed) and not event.reachable:
            effects += self._lose(e.ServerLost(QUEUE), now)
        return effects if isinstance(event, e.PartProgressed) else effects + self._grant(now)

    def _handle_own(self, event: e.Event, now: float) -> Effects:
        if isinstance(event, e.ServerLost):
            return self._lose(event, now)
        effects: Effects = []
        if isinstance(event, e.TimerFired):
            self._pace_armed = False
        elif self._lost:
            self._lost = None
            for session in self.sessions.values():
                effects += session.handle(e.ServerFound(session.upload_id), now)
        return effects + self._grant(now)

    def _lose(self, event: e.ServerLost, now: float) -> Effects:
        """Tell every upload, and have the server looked for; what is under way is left alone."""
        is_known = self._lost is not None
        effects: Effects = [] if is_known else [fx.FindServer(QUEUE)]
        if self._lost != event:
            self._lost = event
            for session in self.sessions.values():
                effects += session.handle(e.ServerLost(session.upload_id, event.must_sign_in), now)
        return effects

    def _hold_back(self, lost: e.ServerLost, now: float) -> Effects:
        """What would begin by itself waits with the others."""
        effects: Effects = []
        for session in self.sessions.values():
            if is_restless(session):
                effects += session.handle(e.ServerLost(session.upload_id, lost.must_sign_in), now)
        return effects

    def _grant(self, now: float) -> Effects:
        slots = self._hold_back(self._lost, now) if self._lost else self._grant_slots(now)
        return slots + self._grant_requests(now)

    def _grant_slots(self, now: float) -> Effects:
        effects: Effects = []
        for session in self.sessions.values():
            if session.phase is Phase.QUEUED:
                self._waiting.setdefault(session.upload_id)
            else:
                self._waiting.pop(session.upload_id, None)
        free = self._limits.max_uploads - sum(
            session.phase in HOLDS_SLOT for session in self.sessions.values()
        )
        for upload_id in list(self._waiting)[: max(0, free)]:
            del self._waiting[upload_id]
            effects += self.sessions[upload_id].handle(e.SlotGranted(upload_id), now)
        return effects

    def _grant_requests(self, now: float) -> Effects:
        effects: Effects = []
        sending = [session for session in self.sessions.values() if session.phase is Phase.UPLOADING]
        under_way = sum(session.transfer.requests for session in sending)
        goodput = self._goodput(now)
        while under_way < self._window.size:
            ready = [
                session
                for session in sending
                if session.wants_part() and session.transfer.requests < self._limits.max_parts
            ]
            if not ready:
                break
            session = min(ready, key=lambda session: session.transfer.requests)
            if under_way >= self._window.allows(session.transfer.largest_part, goodput):
                break
            delay = max(self._pacer.wait(now), self._window.wait(now))
            if delay > 0:
                return effects + self._pace(delay)
            part = session.next_part(now)
            self._pacer.spend(part.size)
            under_way += 1
            effects.append(part)
        return effects

    def _goodput(self, now: float) -> float:
        """Bytes per second of all uploads together; 0.0 while unknown."""
        return sum(
            session.transfer.speed(now)
            for session in self.sessions.values()
            if session.phase is Phase.UPLOADING
        )

    def _pace(self, delay: float) -> Effects:
        if self._pace_armed:
            return []
        self._pace_armed = True
        self._pace_attempt += 1
        return [fx.ArmTimer(QUEUE, self._pace_attempt, delay)]
