"""One upload: what is known of it, and what it does about each event. The table of its phases is in ``states``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import ServiceFault, UploadFault
from upload_engine.core.explain import (
    CHUNK_UPLOAD_FAILED,
    UPLOAD_COMPLETE_FAILED,
    UPLOAD_INIT_FAILED,
    UploadError,
    explain,
    must_sign_in,
    started_over,
    unreadable_file,
    wrong_file,
)
from upload_engine.core.facts import UploadFacts
from upload_engine.core.progress import Progress
from upload_engine.core.retry import RetryPolicy, Verdict, judge
from upload_engine.core.states import ENDED, PAUSABLE, RESUMABLE, TRANSITIONS, IllegalTransition, Phase
from upload_engine.core.transfer import Transfer

STORY_LENGTH = 200
MAX_SIGNED_ANEW = 2
"""A part whose fresh URL is refused again after this many times is refused for good."""
MAX_DOUBTS = 3
"""How often the store may disagree about the parts at Complete before the upload fails."""

Effects = list[fx.Effect]
Verdicts = tuple[Verdict, ...]
_AGAIN: Verdicts = (Verdict.TRANSIENT, Verdict.THROTTLED, Verdict.NETWORK)


class Session:
    """The state of one upload. Only ``restore``, ``handle`` and ``next_part`` change it."""

    def __init__(self, facts: UploadFacts, part_size: int, policy: RetryPolicy, *, has_file: bool) -> None:
        self.facts = facts
        self.transfer = Transfer(facts.fingerprint.size, part_size)
        self.has_file = has_file
        self.phase = Phase.QUEUED
        self.server_upload_id = ""
        self.key = ""
        self.bucket = ""
        self.etag = ""
        self.error: UploadError | None = None
        self.last_activity = facts.started_at
        self._policy = policy
        self._attempts = 0
        self._control: int | None = None
        self._control_kind: type[fx.Request] = fx.CreateUpload
        self._control_tries = 0
        self._timers: dict[int, int | None] = {}
        self._doubts = 0
        self._probes = 0
        self._story: deque[str] = deque(maxlen=STORY_LENGTH)

    # What can be asked of it.

    @property
    def upload_id(self) -> str:
        return self.facts.upload_id

    @property
    def story(self) -> tuple[str, ...]:
        """The last events, oldest first, for developers."""
        return tuple(self._story)

    def progress(self, now: float) -> Progress:
        """For people: see ``Transfer.progress``."""
        return self.transfer.progress(
            now, sending=self.phase is Phase.UPLOADING, completed=self.phase is Phase.COMPLETED
        )

    def wants_part(self) -> bool:
        return self.phase is Phase.UPLOADING and self.transfer.has_unsent()

    # What changes it.

    def handle(self, event: e.Event, now: float) -> Effects:
        """What ``event`` leads to. Stale answers lead to nothing; IllegalTransition is raised for a bug."""
        if isinstance(event, e.Answer) and not self._is_current(event):
            return []
        if (self.phase, type(event)) not in TRANSITIONS:
            raise IllegalTransition(self.phase, type(event).__name__, None, self.story)
        if not isinstance(event, e.PartProgressed):
            self._story.append(f"{now:.3f} {self.phase}: {e.describe(event)}")
        return _HANDLERS[type(event)](self, event, now)

    def next_part(self, now: float) -> fx.UploadPart:
        """Start the lowest unsent part. Call only when ``wants_part``."""
        attempt = self._next_attempt()
        number, offset, size, expected_seconds = self.transfer.start_next(attempt, now)
        return fx.UploadPart(self.upload_id, attempt, number, offset, size, expected_seconds)

    def restore(self, phase: Phase) -> Effects:
        """Take up a stored session, which was in ``phase`` when its engine died. Call once, before any event."""
        if phase is Phase.CANCELLING:
            self.phase = phase
            return [self._ask(fx.AbortUpload)] if self.server_upload_id else self._cancelled()
        if phase is Phase.FAILED and self.error and not self.error.retryable:
            self.phase = phase
        elif self.has_file or (self.server_upload_id and self.transfer.complete):
            self.phase = Phase.QUEUED
        else:
            self.phase = Phase.WAITING_FOR_FILE
        return []

    def refuse(self, error: UploadError) -> Effects:
        """The file breaks a rule: it is listed with the reason, and nothing is sent. Call before any event."""
        self.phase = Phase.FAILED
        self.error = error
        return []

    # Helpers of the handlers.

    def _next_attempt(self) -> int:
        self._attempts += 1
        return self._attempts

    def _is_current(self, event: e.Answer) -> bool:
        if isinstance(event, e.PartProgressed | e.PartUploaded | e.PartFailed):
            return self.transfer.is_current(event.part_number, event.attempt)
        if isinstance(event, e.TimerFired):
            return event.attempt in self._timers
        return event.attempt == self._control

    def _move(self, event: e.Event, target: Phase) -> None:
        if target not in TRANSITIONS[self.phase, type(event)]:
            raise IllegalTransition(self.phase, type(event).__name__, target, self.story)
        self.phase = target

    def _ask(self, kind: type[fx.Request]) -> fx.Effect:
        """Start a control request; at most one is under way."""
        self._control = attempt = self._next_attempt()
        self._control_kind = kind
        if kind is fx.CompleteUpload:
            return fx.CompleteUpload(self.upload_id, attempt, tuple(sorted(self.transfer.stored.items())))
        return kind(self.upload_id, attempt)

    def _ask_first(self, kind: type[fx.Request]) -> fx.Effect:
        self._control_tries = 0
        return self._ask(kind)

    def _arm(self, delay: float, part_number: int | None = None) -> fx.Effect:
        attempt = self._next_attempt()
        self._timers[attempt] = part_number
        return fx.ArmTimer(self.upload_id, attempt, delay)

    def _saved(self) -> fx.Effect:
        return fx.SaveSession(self.upload_id)

    def _stop(self) -> fx.Effect:
        """Give up what is under way, but for Create and Complete."""
        self.transfer.stop()
        self._timers.clear()
        if self._control_kind not in (fx.CreateUpload, fx.CompleteUpload):
            self._control = None
        return fx.AbortRequests(self.upload_id)

    def _under_way(self, kind: type[fx.Request]) -> bool:
        return self._control is not None and self._control_kind is kind

    # Events, in the order of a life.

    def _on_slot_granted(self, event: e.SlotGranted, now: float) -> Effects:
        if self.server_upload_id:
            self._move(event, Phase.RECONCILING)
            return [self._ask_first(fx.ListParts)]
        self._move(event, Phase.CREATING)
        return [] if self._under_way(fx.CreateUpload) else [self._ask_first(fx.CreateUpload)]

    def _on_upload_created(self, event: e.UploadCreated, now: float) -> Effects:
        self._control = None
        self._policy.succeeded()
        self.server_upload_id, self.key, self.bucket = event.server_upload_id, event.key, event.bucket
        self.transfer.part_size = event.part_size or self.transfer.part_size
        self.facts = replace(self.facts, user_id=event.user_id or self.facts.user_id)
        if self.phase is Phase.CANCELLING:
            return [self._ask_first(fx.AbortUpload)]
        if self.phase is Phase.CREATING:
            self._move(event, Phase.UPLOADING)
            self.transfer.plan(now)
        return [self._saved()]

    def _on_part_progressed(self, event: e.PartProgressed, now: float) -> Effects:
        self.transfer.progressed(event.part_number, event.sent, now)
        return []

    def _on_part_uploaded(self, event: e.PartUploaded, now: float) -> Effects:
        self.transfer.landed(event.part_number, event.etag, now)
        self._probes = 0
        if self.error != started_over():  # that one has to stay long enough to be read
            self.error = None
        self._policy.succeeded()
        if not self.transfer.complete:
            return [self._saved()]
        self._move(event, Phase.FINALISING)
        return [self._saved(), self._ask_first(fx.CompleteUpload)]

    def _on_part_failed(self, event: e.PartFailed, now: float) -> Effects:
        number, verdict = event.part_number, judge(event.fault)
        if verdict in _AGAIN:
            tries = self.transfer.count_try(number)
            if tries <= self._policy.max_retries:
                self.transfer.rest(number)
                return [self._arm(self._policy.delay(verdict, tries, _retry_after(event.fault)), number)]
        if verdict is Verdict.SIGN_ANEW and self.transfer.count_signed_anew(number) <= MAX_SIGNED_ANEW:
            self.transfer.give_back(number)
            return []
        if verdict is Verdict.GONE:
            self._move(event, Phase.RECONCILING)
            return [self._stop(), self._ask_first(fx.CheckStatus)]
        if verdict is Verdict.FILE_UNREADABLE:
            self._move(event, Phase.WAITING_FOR_FILE)
            self.has_file = False
            self.error = unreadable_file()
            return [self._stop(), self._saved()]
        return self._give_up(event, event.fault, verdict, CHUNK_UPLOAD_FAILED)

    def _give_up(self, event: e.Event, fault: UploadFault, verdict: Verdict, error_type: str) -> Effects:
        """Retries are used up, or of no use."""
        if verdict is Verdict.NETWORK:
            self._move(event, Phase.WAITING_FOR_NETWORK)
            self.error = explain(fault, error_type)
            stop = self._stop()
            self._control_kind = fx.ProbeNetwork
            return [stop, self._saved(), self._arm(self._next_probe_delay())]
        if verdict is Verdict.SIGN_IN:
            self._move(event, Phase.WAITING_FOR_SIGN_IN)
            self.error = must_sign_in()
        else:
            self._move(event, Phase.FAILED)
            self.error = explain(fault, error_type)
        return [self._stop(), self._saved()]

    def _next_probe_delay(self) -> float:
        self._probes += 1
        return self._policy.probe_delay(self._probes - 1)

    def _on_parts_listed(self, event: e.PartsListed, now: float) -> Effects:
        self._control = None
        self.transfer.trust(event.parts)
        if self.transfer.complete:
            self._move(event, Phase.FINALISING)
            return [self._saved(), self._ask_first(fx.CompleteUpload)]
        if not self.has_file:
            self._move(event, Phase.WAITING_FOR_FILE)
            return [self._saved()]
        self._move(event, Phase.UPLOADING)
        self.transfer.plan(now)
        return [self._saved()]

    def _on_status_checked(self, event: e.StatusChecked, now: float) -> Effects:
        self._control = None
        if event.state == "open":
            # The store contradicts itself; its list decides, and a doubt is counted.
            return self._doubt(event, ServiceFault(404, "NoSuchUpload"))
        if event.report and self._proves(event.report):
            return self._completed(event, event.report)
        return self._start_over(event)

    def _doubt(self, event: e.Event, fault: UploadFault) -> Effects:
        self._doubts += 1
        if self._doubts > MAX_DOUBTS:
            return self._give_up(event, fault, Verdict.FATAL, UPLOAD_COMPLETE_FAILED)
        if self.phase is not Phase.RECONCILING:
            self._move(event, Phase.RECONCILING)
        return [self._ask_first(fx.ListParts)]

    def _start_over(self, event: e.Event) -> Effects:
        """The store has neither the upload nor its object: everything is sent again, and the person is told."""
        self._move(event, Phase.QUEUED if self.has_file else Phase.WAITING_FOR_FILE)
        self.transfer.forget_stored()
        self.server_upload_id = self.key = ""
        self.error = started_over()
        return [self._stop(), self._saved()]

    def _proves(self, report: e.ObjectReport) -> bool:
        """The object is this file: it carries our token, and has the right length and, where known, checksum."""
        etag = self.transfer.etag()
        right_size = report.size == self.facts.fingerprint.size
        return report.proof and right_size and (etag is None or etag == report.etag)

    def _on_upload_completed(self, event: e.UploadCompleted, now: float) -> Effects:
        self._control = None
        if self._proves(event.report):
            return self._completed(event, event.report)
        if self.phase is Phase.CANCELLING:
            return [self._ask_first(fx.AbortUpload)]
        return self._again_or_give_up(event, ServiceFault(409, "ProofFailed"), UPLOAD_COMPLETE_FAILED)

    def _completed(self, event: e.Event, report: e.ObjectReport) -> Effects:
        self._move(event, Phase.COMPLETED)
        self._policy.succeeded()
        self.etag = report.etag
        self.error = None
        return [fx.DeleteSession(self.upload_id)]

    def _on_control_failed(self, event: e.ControlFailed, now: float) -> Effects:
        self._control = None
        fault, verdict = event.fault, judge(event.fault)
        if self.phase is Phase.CANCELLING:
            return self._cancel_failed(event, verdict)
        if self.phase in (Phase.PAUSED, Phase.QUEUED):
            return []  # a Create that nobody waits for: the next slot creates anew
        if self.phase is Phase.RECONCILING and verdict is Verdict.GONE:
            if self._control_kind is fx.ListParts:
                return [self._ask_first(fx.CheckStatus)]
            return self._start_over(event)
        if self.phase is Phase.FINALISING and verdict is Verdict.GONE:
            self._move(event, Phase.RECONCILING)
            return [self._ask_first(fx.CheckStatus)]
        if self.phase is Phase.FINALISING and verdict is Verdict.DIFFERENT:
            return self._doubt(event, fault)
        return self._again_or_give_up(event, fault, _ERROR_TYPE[self.phase])

    def _again_or_give_up(self, event: e.Event, fault: UploadFault, error_type: str) -> Effects:
        verdict = judge(fault)
        self._control_tries += 1
        if verdict in _AGAIN and self._control_tries <= self._policy.max_retries:
            return [self._arm(self._policy.delay(verdict, self._control_tries, _retry_after(fault)))]
        return self._give_up(event, fault, verdict, error_type)

    def _on_timer_fired(self, event: e.TimerFired, now: float) -> Effects:
        number = self._timers.pop(event.attempt)
        if number is None:
            return [self._ask(self._control_kind)]
        self.transfer.give_back(number)
        return []

    def _on_network_probed(self, event: e.NetworkProbed, now: float) -> Effects:
        self._control = None
        if not event.reachable:
            return [self._arm(self._next_probe_delay())]
        self.transfer.forgive()
        self._move(event, Phase.QUEUED)
        return []

    def _on_network_hinted(self, event: e.NetworkHinted, now: float) -> Effects:
        if self.phase is not Phase.WAITING_FOR_NETWORK or self._control is not None:
            return []
        self._timers.clear()
        return [self._ask(fx.ProbeNetwork)]

    # What a person asks for.

    def _on_pause_requested(self, event: e.PauseRequested, now: float) -> Effects:
        if self.phase not in PAUSABLE:
            return []
        self._move(event, Phase.PAUSED)
        return [self._stop(), self._saved()]

    def _on_resume_requested(self, event: e.ResumeRequested, now: float) -> Effects:
        if self.phase is Phase.WAITING_FOR_NETWORK:
            return self._on_network_hinted(e.NetworkHinted(event.upload_id), now)
        if self.phase not in RESUMABLE or (self.error and not self.error.retryable):
            return []
        return self._go_on(event, Phase.QUEUED if self.has_file else Phase.WAITING_FOR_FILE)

    def _go_on(self, event: e.Event, target: Phase) -> Effects:
        self._move(event, target)
        self.error = None
        self._doubts = self._probes = 0
        self.transfer.forgive()
        return [self._saved()]

    def _on_file_given(self, event: e.FileGiven, now: float) -> Effects:
        difference = self.facts.fingerprint.difference(event.fingerprint)
        if difference:
            if not self.has_file:
                self.error = wrong_file(difference)
            return []
        self.has_file = True
        if self.phase is Phase.WAITING_FOR_FILE or self.phase in RESUMABLE:
            return self._go_on(event, Phase.QUEUED)
        return []

    def _on_cancel_requested(self, event: e.CancelRequested, now: float) -> Effects:
        if self.phase in ENDED or self.phase is Phase.CANCELLING:
            return []
        self._move(event, Phase.CANCELLING)
        stop = self._stop()
        if self._control is not None:
            return [stop, self._saved()]
        if not self.server_upload_id:
            return [stop, *self._cancelled()]
        return [stop, self._saved(), self._ask_first(fx.AbortUpload)]

    def _cancel_failed(self, event: e.ControlFailed, verdict: Verdict) -> Effects:
        """Abort is tried until it is heard; when it was Create or Complete that failed, Abort is next."""
        if self._control_kind is not fx.AbortUpload and self.server_upload_id:
            return [self._ask_first(fx.AbortUpload)]
        if self.server_upload_id and verdict in _AGAIN:
            return [self._arm(self._next_probe_delay())]
        return self._cancelled()

    def _on_upload_aborted(self, event: e.UploadAborted, now: float) -> Effects:
        self._control = None
        return self._cancelled()

    def _cancelled(self) -> Effects:
        self.phase = Phase.CANCELLED
        self.error = None
        return [fx.DeleteSession(self.upload_id)]


_ERROR_TYPE = {
    Phase.CREATING: UPLOAD_INIT_FAILED,
    Phase.RECONCILING: CHUNK_UPLOAD_FAILED,
    Phase.FINALISING: UPLOAD_COMPLETE_FAILED,
}

_HANDLERS: dict[type[e.Event], Callable[[Session, Any, float], Effects]] = {
    e.SlotGranted: Session._on_slot_granted,
    e.UploadCreated: Session._on_upload_created,
    e.PartProgressed: Session._on_part_progressed,
    e.PartUploaded: Session._on_part_uploaded,
    e.PartFailed: Session._on_part_failed,
    e.PartsListed: Session._on_parts_listed,
    e.StatusChecked: Session._on_status_checked,
    e.UploadCompleted: Session._on_upload_completed,
    e.UploadAborted: Session._on_upload_aborted,
    e.ControlFailed: Session._on_control_failed,
    e.TimerFired: Session._on_timer_fired,
    e.NetworkProbed: Session._on_network_probed,
    e.NetworkHinted: Session._on_network_hinted,
    e.FileGiven: Session._on_file_given,
    e.PauseRequested: Session._on_pause_requested,
    e.ResumeRequested: Session._on_resume_requested,
    e.CancelRequested: Session._on_cancel_requested,
}


def _retry_after(fault: UploadFault) -> float | None:
    return fault.retry_after if isinstance(fault, ServiceFault) else None
