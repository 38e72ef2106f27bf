"""What an upload does about what a person asks for, which may be anything at any time."""

from __future__ import annotations

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.explain import unreadable_file, wrong_file
from upload_engine.core.session_state import Effects, SessionState
from upload_engine.core.settling import cancelled
from upload_engine.core.states import AT_REST, ENDED, PAUSABLE, RESUMABLE, Phase


def on_pause_requested(session: SessionState, event: e.PauseRequested, now: float) -> Effects:
    if session.phase not in PAUSABLE:
        return []
    session.move(event, Phase.PAUSED)
    return [session.stop(), session.saved()]


def on_resume_requested(session: SessionState, event: e.ResumeRequested, now: float) -> Effects:
    if session.phase is Phase.WAITING_FOR_NETWORK:
        return on_network_hinted(session, e.NetworkHinted(event.upload_id), now)
    is_over = session.phase is Phase.FAILED and session.error is not None and not session.error.retryable
    if session.phase not in RESUMABLE or is_over:
        return []
    return _go_on(session, event, Phase.QUEUED if session.has_file else Phase.WAITING_FOR_FILE)


def _go_on(session: SessionState, event: e.Event, target: Phase) -> Effects:
    session.move(event, target)
    session.error = session.contradiction = None
    session.doubts = session.probes = session.starts = 0
    session.transfer.forgive()
    return [session.saved()]


def on_network_hinted(session: SessionState, event: e.NetworkHinted, now: float) -> Effects:
    if session.phase is not Phase.WAITING_FOR_NETWORK or session.control is not None:
        return []
    session.timers.clear()
    return [session.ask(fx.ProbeNetwork)]


def on_file_given(session: SessionState, event: e.FileGiven, now: float) -> Effects:
    if not event.fingerprint.is_known:
        if not session.has_file:
            session.error = unreadable_file()
        return []
    difference = session.facts.fingerprint.difference(event.fingerprint)
    if difference:
        if not session.has_file:
            session.error = wrong_file(difference)
        return []
    if not session.facts.fingerprint.is_known:
        session.adopt(event.fingerprint)
    session.has_file = True
    session.transfer.doubt_all()
    if session.phase in AT_REST:
        return _go_on(session, event, Phase.QUEUED)
    return []


def on_cancel_requested(session: SessionState, event: e.CancelRequested, now: float) -> Effects:
    if session.phase in ENDED or session.phase is Phase.CANCELLING:
        return []
    stop = session.stop()
    if session.control is None and not session.server_upload_id:
        return [stop, *cancelled(session, event)]
    session.move(event, Phase.CANCELLING)
    if session.control is not None:
        return [stop, session.saved()]
    return [stop, session.saved(), session.ask_first(fx.AbortUpload)]
