"""What is known of one upload, and the few moves that all its reactions are made of.

The reactions themselves are in ``sending``, ``settling``, ``trouble`` and ``wishes``; ``session`` puts them together.
"""

from __future__ import annotations

from dataclasses import replace

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.checksums import parts_told_by
from upload_engine.core.errors import UploadFault
from upload_engine.core.explain import UploadError
from upload_engine.core.facts import UploadFacts
from upload_engine.core.figures import Figures
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import choose_part_size, part_size_for
from upload_engine.core.progress import Progress
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.states import TRANSITIONS, IllegalTransition, Phase
from upload_engine.core.transfer import Transfer

STORY_LENGTH = 200

CONTROL = 0
"""What a timer is for, where it is not a part's number: the control request's next try …"""
LAST_PARTS = -1
"""… or a look at the last parts on the way."""

Effects = list[fx.Effect]


class SessionState:
    """One upload. ``control``: the attempt of the one control request under way, of the kind ``control_kind``;

    ``timers``: armed, by attempt, and what for; ``suspicious``: a part had no answer, and nothing has shown since that
    the line works; ``was_paused``: when its engine died; ``contradiction``: why the object was looked at; ``report``: of an object that the file is hashed for;
    ``is_cut_known``: the part size is that of the upload in the store; ``is_checked``: the file was compared with all its parts when they were stored; ``doubts``, ``probes``, ``starts``: how often in a row the store
    contradicted itself, the network was looked for, and the upload began anew; ``rank``: its place in the list and in the queue;
    ``is_small``: it is to be sent whole, as long as nothing of it was created.
    """

    __slots__ = (
        "_attempts",
        "_share_checked",
        "_story",
        "bucket",
        "checksum",
        "contradiction",
        "control",
        "control_kind",
        "control_tries",
        "doubts",
        "error",
        "etag",
        "facts",
        "figures",
        "has_file",
        "is_checked",
        "is_cut_known",
        "is_small",
        "key",
        "last_activity",
        "phase",
        "policy",
        "probes",
        "rank",
        "report",
        "sending_since",
        "server_upload_id",
        "starts",
        "suspicious",
        "timers",
        "transfer",
        "was_paused",
    )

    def __init__(self, facts: UploadFacts, part_size: int, policy: RetryPolicy, *, has_file: bool) -> None:
        self.facts = facts
        self.transfer = Transfer(facts.fingerprint.size, part_size)
        self.policy = policy
        self.has_file = has_file
        self.was_paused = False
        self.phase = Phase.QUEUED
        self.server_upload_id = ""
        self.key = ""
        self.bucket = ""
        self.etag = ""
        self.checksum = ""
        self.error: UploadError | None = None
        self.contradiction: UploadFault | None = None
        self.report: e.ObjectReport | None = None
        self.is_cut_known = True
        self.is_checked = False
        self.is_small = False
        self.sending_since = 0.0
        self.suspicious = False
        self.last_activity = facts.started_at
        self.rank = float(facts.started_at)
        self.figures = Figures()
        self._share_checked: float | None = None
        self.control: int | None = None
        self.control_kind: type[fx.Request] = fx.CreateUpload
        self.control_tries = 0
        self.timers: dict[int, int] = {}
        self.doubts = 0
        self.probes = 0
        self.starts = 0
        self._attempts = 0
        self._story: list[tuple[float, Phase, e.Event]] = []

    @property
    def upload_id(self) -> str:
        return self.facts.upload_id

    @property
    def events(self) -> tuple[tuple[float, e.Event], ...]:
        """The last events, oldest first, with their seconds on the engine's clock."""
        return tuple((now, event) for now, _, event in self._story)

    @property
    def story(self) -> tuple[str, ...]:
        """The last events, oldest first, for developers: seconds on the engine's clock, the phase, what happened."""
        return tuple(f"{now:.3f} {phase}: {e.describe(event)}" for now, phase, event in self._story)

    def progress(self, now: float) -> Progress:
        """For people: see ``Transfer.progress``."""
        return self.transfer.progress(
            now, sending=self.phase is Phase.UPLOADING, completed=self.phase is Phase.COMPLETED
        )

    def is_current(self, event: e.Answer) -> bool:
        """The answer is to something that was not given up since."""
        if isinstance(event, e.PartProgressed | e.PartUploaded | e.PartFailed):
            return self.transfer.is_current(event.part_number, event.attempt)
        if isinstance(event, e.TimerFired):
            return event.attempt in self.timers
        return event.attempt == self.control

    @property
    def waits_for_its_turn(self) -> bool:
        """To people: nothing of it is on its way. A small file may have been created with others long before."""
        is_ahead = self.is_small and self.phase in (Phase.CREATING, Phase.UPLOADING)
        return self.phase is Phase.QUEUED or (
            is_ahead and not self.transfer.in_flight and not self.transfer.was_sent
        )

    @property
    def share_checked(self) -> float | None:
        """How much has been compared with the file, from 0 to 1, while that is what is going on."""
        return None if self.control is None else self._share_checked

    def check_went_on(self, checked: int, total: int) -> None:
        self._share_checked = checked / max(1, total)

    def under_way(self, kind: type[fx.Request]) -> bool:
        return self.control is not None and self.control_kind is kind

    # Moves.

    def tell_story(self, event: e.Event, now: float) -> None:
        self._story.append((now, self.phase, event))
        if len(self._story) > STORY_LENGTH:
            del self._story[0]

    def next_attempt(self) -> int:
        self._attempts += 1
        return self._attempts

    def move(self, event: e.Event, target: Phase) -> None:
        """Change the phase, along a row of the table."""
        if target not in TRANSITIONS[self.phase, type(event)]:
            raise IllegalTransition(self.phase, type(event).__name__, target, self.story)
        self.phase = target

    def adopt(self, fingerprint: Fingerprint) -> None:
        """The file of an upload of which only the name was known. How it was cut, the store's list will show."""
        self.facts = replace(self.facts, fingerprint=fingerprint)
        self.is_cut_known = False
        self.transfer = Transfer(fingerprint.size, choose_part_size(fingerprint.size))

    def ask(self, kind: type[fx.Request]) -> fx.Effect:
        """Start a control request; at most one is under way."""
        self.control = attempt = self.next_attempt()
        self.control_kind = kind
        self._share_checked = None
        if kind is fx.CreateUpload:
            return fx.CreateUpload(self.upload_id, attempt, self.is_small)
        if kind is fx.CompleteUpload:
            parts = tuple(self.transfer.stored.items())
            checksum = self.transfer.checksum if self.transfer.keeps_checksum else ""
            return fx.CompleteUpload(self.upload_id, attempt, parts, checksum)
        if kind is fx.CheckFile:
            return fx.CheckFile(self.upload_id, attempt, self.transfer.unverified())
        if kind is fx.HashFile:
            assert self.report is not None, "the file is hashed for an object's sake"
            believed, total_parts = self.transfer.part_size, parts_told_by(self.report.etag)
            part_size = part_size_for(total_parts, self.transfer.file_size, believed)
            return fx.HashFile(self.upload_id, attempt, part_size, md5=not self.report.checksum)
        return kind(self.upload_id, attempt)

    def ask_first(self, kind: type[fx.Request]) -> fx.Effect:
        """Start a control request that has not failed yet."""
        self.control_tries = 0
        return self.ask(kind)

    def arm(self, delay: float, purpose: int = CONTROL) -> fx.Effect:
        """Wake up after ``delay`` seconds: for a part's number, for ``CONTROL`` or for ``LAST_PARTS``."""
        attempt = self.next_attempt()
        self.timers[attempt] = purpose
        return fx.ArmTimer(self.upload_id, attempt, delay)

    def saved(self) -> fx.Effect:
        return fx.SaveSession(self.upload_id)

    def kept(self) -> Effects:
        """Keep the file over a restart, as long as nothing of it is in the store."""
        return [fx.KeepFile(self.upload_id)] if self.has_file and not self.server_upload_id else []

    def stop(self) -> fx.Effect:
        """Give up what is under way, but for Create and Complete."""
        self.transfer.stop()
        self.suspicious = False
        self.timers.clear()
        if self.control_kind not in (fx.CreateUpload, fx.CompleteUpload):
            self.control = None
        return fx.AbortRequests(self.upload_id)
