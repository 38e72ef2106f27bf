"""All uploads of one engine: which of them may work, and which of them may send the next part.

While the signing server is out of reach no slot is given to anybody: see ``reach``.

Fair by construction: an upload slot goes to whoever has waited longest, a request to the upload that has the fewest
under way, so a small file is never stuck behind a large one. Control requests (create, complete, abort …) do not
count: they never queue behind parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.concurrency import Window
from upload_engine.core.limits import LITTLE, MIB
from upload_engine.core.order import move
from upload_engine.core.pacing import Pacer
from upload_engine.core.progress import SpeedMeter
from upload_engine.core.reach import is_restless
from upload_engine.core.session import Effects, Session
from upload_engine.core.states import GOES_ALONG, HOLDS_SLOT, Phase

QUEUE = ""
"""The ``upload_id`` of what concerns all uploads: the queue's own timer, and the signing server's coming and going."""

AHEAD = 200
"""Small files that are created ahead of need, many by one call; the next ones when ``TOO_FEW_AHEAD`` are left …"""
TOO_FEW_AHEAD = 50
BYTES_AHEAD = 64 * MIB
"""… and bytes of them at the most: what was signed has to be sent before it expires."""

UNNAMED = ""
"""What those sessions are filed under that were found again on the server alone, and have only a key's last step."""


def _called(session: Session) -> str:
    fingerprint = session.facts.fingerprint
    return fingerprint.name if fingerprint.is_known else UNNAMED


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """max_uploads: that work at a time; max_parts: under way per upload."""

    max_uploads: int = 3
    max_parts: int = 3


class UploadQueue:
    """The sessions by upload id, in the order in which they came. Only ``add``, ``remove`` and ``handle`` change it.

    request_speed: bytes per second that one request of several has had lately; 0.0 while unknown.
    """

    def __init__(self, limits: QueueLimits, window: Window, pacer: Pacer) -> None:
        self.sessions: dict[str, Session] = {}
        self._limits = limits
        self._window = window
        self._pacer = pacer
        self.request_speed = 0.0
        self._small_size = 0
        self._small_meter = SpeedMeter()
        self._small_bytes = 0
        # By what they do, so that an event costs the same among ten thousand uploads as among ten.
        self._waiting: dict[str, None] = {}
        self._waiting_small: dict[str, None] = {}
        self._working: dict[str, None] = {}
        self._ahead: dict[str, None] = {}
        self._sending: dict[str, None] = {}
        self._flying: dict[str, None] = {}
        self._ready: dict[str, None] = {}
        self._ready_small: dict[str, None] = {}
        self._restless: dict[str, None] = {}
        self._named: dict[str, dict[str, None]] = {}
        self._pace_attempt = 0
        self._pace_armed = False
        self._lost: e.ServerLost | None = None

    @property
    def is_cut_off(self) -> bool:
        """The signing server does not say whose uploads these are."""
        return self._lost is not None

    @property
    def small_left(self) -> int:
        """How many small files are being created or sent, together, or wait for that."""
        return len(self._ahead) + len(self._waiting_small)

    @property
    def small_ready(self) -> int:
        """How many of these are created, and wait for a request."""
        return len(self._ready_small)

    def add(self, session: Session, now: float) -> Effects:
        """Take up a session that is new or has been restored. Raises ValueError when its id is taken."""
        if session.upload_id in self.sessions:
            raise ValueError(f"upload {session.upload_id} exists already")
        self.sessions[session.upload_id] = session
        self._named.setdefault(_called(session), {})[session.upload_id] = None
        self._sort(session)
        return self._grant(now)

    def remove(self, upload_id: str) -> None:
        """Forget a session that has ended."""
        session = self.sessions.pop(upload_id)
        for name in (session.facts.fingerprint.name, UNNAMED):
            named = self._named.get(name, {})
            if named.pop(upload_id, "") is None and not named:
                del self._named[name]
        for group in self._groups():
            group.pop(upload_id, None)

    def _groups(self) -> tuple[dict[str, None], ...]:
        waiting = (self._waiting, self._waiting_small, self._restless)
        return (
            *waiting,
            self._working,
            self._ahead,
            self._sending,
            self._flying,
            self._ready,
            self._ready_small,
        )

    def send_whole(self, small_size: int) -> None:
        """From now on files of at most so many bytes are sent whole, unless they were begun otherwise; 0: none."""
        if small_size != self._small_size:
            self._small_size = small_size
            for session in self.sessions.values():
                self._sort(session)

    def limit(self, limits: QueueLimits, rate: float | None, now: float) -> Effects:
        """Other limits from now on. What is under way is left alone. rate: see ``Pacer``."""
        self._limits = limits
        self._pacer.rate = rate
        return self._grant(now)

    def move(self, upload_id: str, before: str | None) -> list[str]:
        """Put an upload before another one, in the list and among those that wait; None: at the end.

        Returns the uploads that have another rank.
        """
        ranks = {name: session.rank for name, session in self.sessions.items()}
        changed = move(ranks, upload_id, before)
        for name, rank in changed.items():
            self.sessions[name].rank = rank
        for group in (self._waiting, self._waiting_small):
            if upload_id in group:
                inside = sorted(group, key=lambda name: self.sessions[name].rank)
                group.clear()
                group.update(dict.fromkeys(inside))
        return list(changed)

    def called(self, name: str) -> list[Session]:
        """The sessions whose file has this name, and those of which only the key is known, which may be of such a file."""
        found = [*self._named.get(name, ()), *self._named.get(UNNAMED, ())]
        return [self.sessions[upload_id] for upload_id in found]

    def handle(self, event: e.Event, now: float) -> Effects:
        """What ``event`` leads to, for its upload and for those that wait.

        An event of an upload that is not here any more leads to nothing.
        """
        if event.upload_id == QUEUE:
            return self._handle_own(event, now)
        session = self.sessions.get(event.upload_id)
        if session is None:
            return []
        effects = self._tell(session, event, now)
        if effects and isinstance(event, e.PartUploaded):
            if session.is_small:
                self._small_bytes += session.transfer.file_size
                self._small_meter.add(now, self._small_bytes)
            is_little = session.transfer.largest_part <= LITTLE  # and says nothing of what the line takes
            goodput = 0.0 if is_little else self._goodput(now)
            if goodput:
                self.request_speed = goodput / max(1, self._count_requests()[0])
            self._window.landed(goodput)
        if effects and isinstance(event, e.NetworkProbed) and not event.reachable:
            effects += self._lose(e.ServerLost(QUEUE), now)
        return (
            effects if isinstance(event, e.PartProgressed | e.FileProgressed) else effects + self._grant(now)
        )

    def _tell(self, session: Session, event: e.Event, now: float) -> Effects:
        effects = session.handle(event, now)
        self._sort(session)
        return effects

    def _sort(self, session: Session) -> None:
        """Put it where its phase belongs; whoever waits keeps the place that it has."""
        phase, upload_id, transfer = session.phase, session.upload_id, session.transfer
        if phase is Phase.QUEUED:
            session.is_small = self._is_small(session)
        is_small, waits = session.is_small, phase is Phase.QUEUED
        # What was created with many others takes no slot from larger files, unless it has to be looked after.
        goes_along = is_small and phase in GOES_ALONG
        wants_part = session.wants_part()
        groups = (
            (self._waiting, waits and not is_small),
            (self._waiting_small, waits and is_small),
            (self._working, phase in HOLDS_SLOT and not goes_along),
            (self._ahead, goes_along and phase is not Phase.FINALISING),
            (self._sending, phase is Phase.UPLOADING and not goes_along),
            (self._flying, bool(transfer.in_flight)),
            (self._ready, wants_part and not is_small),
            (self._ready_small, wants_part and is_small),
            (self._restless, is_restless(session)),
        )
        for group, belongs in groups:
            if belongs:
                group.setdefault(upload_id)
            else:
                group.pop(upload_id, None)

    def _is_small(self, session: Session) -> bool:
        """It is to be sent whole: a file of one part, of which nothing was created yet.

        Not an empty one: Chromium takes a file that was deleted for empty, and only sending it as it is shows that.
        """
        transfer = session.transfer
        fits = 0 < transfer.file_size <= self._small_size and transfer.total_parts == 1
        return fits and not session.server_upload_id

    def _handle_own(self, event: e.Event, now: float) -> Effects:
        if isinstance(event, e.ServerLost):
            return self._lose(event, now)
        effects: Effects = []
        if isinstance(event, e.TimerFired):
            self._pace_armed = False
        elif self._lost:
            self._lost = None
            for session in self.sessions.values():
                effects += self._tell(session, e.ServerFound(session.upload_id), now)
        return effects + self._grant(now)

    def _lose(self, event: e.ServerLost, now: float) -> Effects:
        """Tell every upload, and have the server looked for; what is under way is left alone."""
        is_known = self._lost is not None
        effects: Effects = [] if is_known else [fx.FindServer(QUEUE)]
        if self._lost != event:
            self._lost = event
            for session in self.sessions.values():
                effects += self._tell(session, e.ServerLost(session.upload_id, event.must_sign_in), now)
        return effects

    def _hold_back(self, lost: e.ServerLost, now: float) -> Effects:
        """What would begin by itself waits with the others."""
        effects: Effects = []
        for upload_id in list(self._restless):
            effects += self._tell(self.sessions[upload_id], e.ServerLost(upload_id, lost.must_sign_in), now)
        return effects

    def _grant(self, now: float) -> Effects:
        slots = self._hold_back(self._lost, now) if self._lost else self._grant_slots(now)
        return slots + self._grant_requests(now)

    def _grant_slots(self, now: float) -> Effects:
        effects: Effects = []
        free = max(0, self._limits.max_uploads - len(self._working))
        for upload_id in list(islice(self._waiting, free)):
            effects += self._tell(self.sessions[upload_id], e.SlotGranted(upload_id), now)
        if self._waiting_small and len(self._ahead) <= TOO_FEW_AHEAD:
            effects += self._grant_ahead(now)
        return effects

    def _grant_ahead(self, now: float) -> Effects:
        effects: Effects = []
        if not self._ahead:
            self._small_meter.reset()
            self._small_meter.add(now, self._small_bytes)
        bytes_ahead = sum(self.sessions[upload_id].transfer.file_size for upload_id in self._ahead)
        for upload_id in list(islice(self._waiting_small, AHEAD - len(self._ahead))):
            if self._ahead and bytes_ahead >= BYTES_AHEAD:
                break
            session = self.sessions[upload_id]
            bytes_ahead += session.transfer.file_size
            effects += self._tell(session, e.SlotGranted(upload_id), now)
        return effects

    def _grant_requests(self, now: float) -> Effects:
        effects: Effects = []
        if not self._ready and not self._ready_small:
            return effects
        goodput = self._goodput(now)
        under_way, small = self._count_requests()
        while (session := self._next_to_send(under_way, small, goodput)) is not None:
            delay = max(self._pacer.wait(now), self._window.wait(now))
            if delay > 0:
                return effects + self._pace(delay)
            part = session.next_part(now, goodput / (under_way + 1))
            self._sort(session)
            self._pacer.spend(part.size)
            under_way += 1
            small += session.is_small
            effects.append(part)
        return effects

    def _count_requests(self) -> tuple[int, int]:
        """How many parts are under way, and how many of these are small files."""
        flying = [self.sessions[upload_id] for upload_id in self._flying]
        requests = [(session.transfer.requests, session.is_small) for session in flying]
        return sum([count for count, _ in requests]), sum([count for count, is_small in requests if is_small])

    def _next_to_send(self, under_way: int, small_under_way: int, goodput: float) -> Session | None:
        """The upload that has the fewest requests under way, of those that may have another one.

        All small files together count as one of them.
        """
        large = min(
            (
                session
                for session in map(self.sessions.__getitem__, self._ready)
                if session.transfer.requests < self._limits.max_parts
            ),
            key=lambda session: session.transfer.requests,
            default=None,
        )
        small = next(map(self.sessions.__getitem__, self._ready_small), None)
        is_turn_of_small = not large or small_under_way <= large.transfer.requests
        for session in (small, large) if is_turn_of_small else (large, small):
            if session is None:
                continue
            size, is_small_file = session.transfer.largest_part, session is small and not large
            if under_way < self._window.allows(size, goodput, is_small_file=is_small_file):
                return session
        return None

    def _goodput(self, now: float) -> float:
        """Bytes per second of all uploads together; 0.0 while unknown."""
        large = sum(self.sessions[upload_id].transfer.speed(now) for upload_id in self._sending)
        return large + (self._small_meter.speed(now) if self._ahead else 0.0)

    def _pace(self, delay: float) -> Effects:
        if self._pace_armed:
            return []
        self._pace_armed = True
        self._pace_attempt += 1
        return [fx.ArmTimer(QUEUE, self._pace_attempt, delay)]
