"""What is done about faults that are nobody's in particular: try again, wait, ask the person, or give up."""

from __future__ import annotations

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import ServiceFault, UploadFault
from upload_engine.core.explain import NETWORK_ERROR, explain, must_sign_in, unreadable_file
from upload_engine.core.retry import Verdict, judge
from upload_engine.core.session_state import Effects, SessionState
from upload_engine.core.states import Phase

AGAIN = (Verdict.TRANSIENT, Verdict.DAMAGED, Verdict.THROTTLED, Verdict.NETWORK)
"""Verdicts under which the same request may simply be made once more."""


def retry_after(fault: UploadFault) -> float | None:
    return fault.retry_after if isinstance(fault, ServiceFault) else None


def again_or_give_up(session: SessionState, event: e.Event, fault: UploadFault, error_type: str) -> Effects:
    """The control request failed: make it once more after a while, as often as is allowed."""
    verdict = judge(fault)
    if verdict is Verdict.SIGN_ANEW:
        verdict = Verdict.TRANSIENT  # the server signs its calls itself, anew with every try
    session.control_tries += 1
    if session.policy.allows(verdict, session.control_tries):
        return [session.arm(session.policy.delay(verdict, session.control_tries, retry_after(fault)))]
    return give_up(session, event, fault, verdict, error_type)


def give_up(
    session: SessionState, event: e.Event, fault: UploadFault, verdict: Verdict, error_type: str
) -> Effects:
    """Retries are used up, or of no use. The upload in the store is kept, whatever happens: it can be resumed."""
    session.error = explain(fault, error_type)
    if verdict is Verdict.NETWORK:
        session.error = explain(fault, NETWORK_ERROR)
        session.move(event, Phase.WAITING_FOR_NETWORK)
        stop = session.stop()
        session.control_kind = fx.ProbeNetwork
        return [stop, session.saved(), *session.kept(), session.arm(next_probe_delay(session))]
    if verdict is Verdict.SIGN_IN:
        session.move(event, Phase.WAITING_FOR_SIGN_IN)
        session.error = must_sign_in()
    elif verdict is Verdict.FILE_UNREADABLE:
        session.move(event, Phase.WAITING_FOR_FILE)
        session.has_file = False
        session.error = unreadable_file()
    else:
        session.move(event, Phase.FAILED)
    return [session.stop(), session.saved()]


def next_probe_delay(session: SessionState) -> float:
    session.probes += 1
    return session.policy.probe_delay(session.probes - 1)
