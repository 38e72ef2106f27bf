"""What an upload does while the signing server is out of reach: it waits with all others, and somebody else looks.

As long as the server has not said who is signed in, nothing begins: what is sent might be sent to another user. One
look for the server serves all uploads, however many wait.
"""

from __future__ import annotations

from upload_engine.core import events as e
from upload_engine.core.explain import must_sign_in
from upload_engine.core.session_state import Effects, SessionState
from upload_engine.core.states import Phase


def is_restless(session: SessionState) -> bool:
    """It wants to begin, or looks for the network by itself."""
    if session.phase is Phase.QUEUED:
        return session.control is None  # else Create's answer is still to come
    is_looking = session.control is not None or bool(session.timers)
    return session.phase is Phase.WAITING_FOR_NETWORK and is_looking


def on_server_lost(session: SessionState, event: e.ServerLost, now: float) -> Effects:
    waits = session.phase is Phase.WAITING_FOR_NETWORK
    if is_restless(session) or (waits and event.must_sign_in):
        if event.must_sign_in:
            session.move(event, Phase.WAITING_FOR_SIGN_IN)
            session.error = must_sign_in()
        elif not waits:
            session.move(event, Phase.WAITING_FOR_NETWORK)
        return [session.stop(), session.saved(), *session.kept()]
    return session.kept() if session.phase is Phase.CREATING else []


def on_server_found(session: SessionState, event: e.ServerFound, now: float) -> Effects:
    if session.phase is not Phase.WAITING_FOR_NETWORK:
        return []
    session.probes = 0
    session.transfer.forgive()
    session.move(event, Phase.QUEUED)
    return [session.stop()]
