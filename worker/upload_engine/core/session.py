"""One upload: each event and what is done about it. The table of its phases is in ``states``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core import reach, sending, settling, wishes
from upload_engine.core.explain import UploadError
from upload_engine.core.session_state import Effects, SessionState
from upload_engine.core.states import TRANSITIONS, IllegalTransition, Phase

__all__ = ["Effects", "Session"]


class Session(SessionState):
    """The state of one upload. Only ``restore``, ``refuse``, ``own``, ``handle`` and ``next_part`` change it."""

    __slots__ = ()  # of ten thousand that wait, each would have a dictionary of more than its own size

    def wants_part(self) -> bool:
        """There is a part to send, and nothing speaks against sending it."""
        return self.phase is Phase.UPLOADING and self.transfer.has_next() and not self.suspicious

    def handle(self, event: e.Event, now: float) -> Effects:
        """What ``event`` leads to. Stale answers lead to nothing; IllegalTransition is raised for a bug."""
        if isinstance(event, e.Answer) and not self.is_current(event):
            return []
        if (self.phase, type(event)) not in TRANSITIONS:
            raise IllegalTransition(self.phase, type(event).__name__, None, self.story)
        if not isinstance(event, e.PartProgressed | e.FileProgressed):
            self.tell_story(event, now)
        return _REACTIONS[type(event)](self, event, now)

    def next_part(self, now: float, line_speed: float = 0.0) -> fx.UploadPart:
        """Start the lowest unsent part. Call only when ``wants_part``. line_speed: see ``Transfer.start_next``."""
        attempt = self.next_attempt()
        part = self.transfer.start_next(attempt, now, line_speed)
        return fx.UploadPart(
            self.upload_id,
            attempt,
            part.part_number,
            part.offset,
            part.size,
            part.step_seconds,
        )

    def restore(self, phase: Phase) -> Effects:
        """Take up a stored session, which was in ``phase`` when its engine died. Call once, before any event."""
        if phase is Phase.CANCELLING:
            self.phase = phase if self.server_upload_id else Phase.CANCELLED
            return [self.ask(fx.AbortUpload) if self.server_upload_id else fx.DeleteSession(self.upload_id)]
        if phase is Phase.FAILED and self.error and not self.error.retryable:
            self.phase = phase
        elif self.has_file or (self.server_upload_id and self.transfer.complete):
            self.phase = Phase.QUEUED
        else:
            self.phase = Phase.WAITING_FOR_FILE
        self.was_paused = phase is Phase.PAUSED
        return []

    def own(self, user_id: str) -> None:
        """It is known at last whose it is. Call only while it is nobody's."""
        self.facts = replace(self.facts, user_id=user_id)

    def refuse(self, error: UploadError) -> Effects:
        """The file breaks a rule: it is listed with the reason, and nothing is sent. Call before any event."""
        self.phase = Phase.FAILED
        self.error = error
        return []


_REACTIONS: dict[type[e.Event], Callable[[SessionState, Any, float], Effects]] = {
    e.SlotGranted: settling.on_slot_granted,
    e.UploadCreated: sending.on_upload_created,
    e.PartProgressed: sending.on_part_progressed,
    e.PartUploaded: sending.on_part_uploaded,
    e.PartFailed: sending.on_part_failed,
    e.TimerFired: sending.on_timer_fired,
    e.PartsListed: settling.on_parts_listed,
    e.FileProgressed: settling.on_file_progressed,
    e.FileChecked: settling.on_file_checked,
    e.FileHashed: settling.on_file_hashed,
    e.StatusChecked: settling.on_status_checked,
    e.UploadCompleted: settling.on_upload_completed,
    e.UploadAborted: settling.on_upload_aborted,
    e.ControlFailed: settling.on_control_failed,
    e.NetworkProbed: settling.on_network_probed,
    e.NetworkHinted: wishes.on_network_hinted,
    e.ServerLost: reach.on_server_lost,
    e.ServerFound: reach.on_server_found,
    e.FileGiven: wishes.on_file_given,
    e.PauseRequested: wishes.on_pause_requested,
    e.ResumeRequested: wishes.on_resume_requested,
    e.CancelRequested: wishes.on_cancel_requested,
}
