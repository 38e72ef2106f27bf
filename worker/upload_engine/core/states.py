"""The one table of a session's states.

Theory of operation
-------------------
A session is one file on its way to one object. It is always in exactly one *phase*. It changes phase only in
``session.Session.handle``, and only along a row of ``TABLE``: anything else raises ``IllegalTransition`` and changes
nothing. The documented *status* is a coarser view of the phase.

* What runs outside carries an attempt number. An answer to an attempt that was given up (paused, replaced,
  retried) is stale and is dropped before the table is asked; an answer that is not stale and not in the table is a bug.
* What a person asks for may arrive in any phase; where it makes no sense it changes nothing.
* At most one *control* request (create, list, check, status, complete, abort) is under way per session. Create and Complete are never aborted once sent: an upload id would leak, or an object appear unseen.
  A pause or a cancel in the meantime moves the phase at once and is acted upon when the answer is in.
* ``queued`` waits for one of the upload slots; all the work between ``queued`` and an end holds a slot.
* As long as the signing server does not say whose uploads these are nothing begins: ``queued`` becomes
  ``waiting-for-network``, one look serves all, and all are ``queued`` again when it has answered. See ``reach``.
* ``uploading`` has parts on the way. When one of them had no answer, the server is asked to look (a listing) before it
  counts as the network's fault; the others go on meanwhile. See ``sending``.
* ``reconciling`` takes stock: the store's list, then the file's checksums, and only then bytes. It also finds out
  what has become of an upload or an object that is not as it should be. See ``settling``.
* ``finalising`` looks at the file once more and completes; only proof leads from it to ``completed``.
* A failure never aborts the upload in S3: ``failed`` can be retried, and goes on through ``reconciling``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from upload_engine.core import events as e


class Phase(StrEnum):
    QUEUED = "queued"
    CREATING = "creating"
    UPLOADING = "uploading"
    RECONCILING = "reconciling"
    FINALISING = "finalising"
    WAITING_FOR_NETWORK = "waiting-for-network"
    WAITING_FOR_FILE = "waiting-for-file"
    WAITING_FOR_SIGN_IN = "waiting-for-sign-in"
    CANCELLING = "cancelling"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """The documented status of an upload."""

    UPLOADING = "uploading"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


P = Phase

_STATUS = {
    P.WAITING_FOR_FILE: Status.PAUSED,
    P.PAUSED: Status.PAUSED,
    P.COMPLETED: Status.COMPLETED,
    P.FAILED: Status.FAILED,
    P.CANCELLED: Status.CANCELLED,
}

HOLDS_SLOT = frozenset({P.CREATING, P.UPLOADING, P.RECONCILING, P.FINALISING})
"""The phases that occupy one of the upload slots."""
GOES_ALONG = frozenset({P.CREATING, P.UPLOADING, P.FINALISING})
"""Of these, the ones in which a small file goes along with others and needs no slot of its own."""
ENDED = frozenset({P.COMPLETED, P.CANCELLED})
"""The phases that nothing leaves."""
RESUMABLE = frozenset({P.PAUSED, P.FAILED, P.WAITING_FOR_SIGN_IN})
"""The phases in which Resume asks for a slot."""
AT_REST = RESUMABLE | {P.WAITING_FOR_FILE}
"""The phases in which nothing goes on until a person does something."""
PAUSABLE = frozenset(
    {P.QUEUED, P.CREATING, P.UPLOADING, P.RECONCILING, P.WAITING_FOR_NETWORK, P.WAITING_FOR_SIGN_IN}
)


def status_of(phase: Phase) -> Status:
    return _STATUS.get(phase, Status.UPLOADING)


@dataclass(frozen=True, slots=True)
class Row:
    """From any of ``sources``, ``event`` may lead to any of ``targets`` (or leave the phase as it is)."""

    sources: tuple[Phase, ...]
    event: type[e.Event]
    targets: tuple[Phase, ...] = ()


_ALL = tuple(Phase)
_LIVE = tuple(phase for phase in Phase if phase not in ENDED)
_PROBLEMS = (P.WAITING_FOR_NETWORK, P.WAITING_FOR_SIGN_IN, P.FAILED)
_CREATE_MAY_BE_UNDER_WAY = (P.PAUSED, P.QUEUED)
_HELD_BACK = (P.QUEUED, P.WAITING_FOR_NETWORK)

TABLE: tuple[Row, ...] = (
    Row((P.QUEUED,), e.SlotGranted, (P.CREATING, P.RECONCILING)),
    # Create's answer is taken in whenever it comes: its upload id must not leak.
    Row((P.CREATING,), e.UploadCreated, (P.UPLOADING,)),
    Row((*_CREATE_MAY_BE_UNDER_WAY, P.CANCELLING), e.UploadCreated),
    Row((P.CREATING,), e.ControlFailed, _PROBLEMS),
    Row(_CREATE_MAY_BE_UNDER_WAY, e.ControlFailed),
    Row((P.UPLOADING,), e.PartProgressed),
    Row((P.UPLOADING,), e.PartUploaded, (P.FINALISING,)),
    Row((P.UPLOADING,), e.PartFailed, (P.RECONCILING, P.WAITING_FOR_FILE, *_PROBLEMS)),
    # A look at the parts in doubt.
    Row((P.UPLOADING,), e.PartsListed, (P.FINALISING, P.WAITING_FOR_NETWORK)),
    Row((P.UPLOADING,), e.ControlFailed, (P.RECONCILING, *_PROBLEMS)),
    Row((P.RECONCILING,), e.PartsListed, (P.FINALISING, P.WAITING_FOR_FILE)),
    Row((P.RECONCILING, P.FINALISING), e.FileProgressed),
    Row((P.RECONCILING,), e.FileChecked, (P.UPLOADING, P.FINALISING)),
    Row((P.RECONCILING,), e.FileHashed, (P.COMPLETED,)),
    Row((P.RECONCILING,), e.StatusChecked, (P.COMPLETED, P.QUEUED, P.WAITING_FOR_FILE, P.FAILED)),
    Row((P.RECONCILING,), e.UploadAborted, (P.QUEUED, P.WAITING_FOR_FILE, P.FAILED)),
    Row((P.RECONCILING,), e.ControlFailed, (P.QUEUED, P.WAITING_FOR_FILE, *_PROBLEMS)),
    Row((P.FINALISING,), e.FileChecked, (P.UPLOADING, P.WAITING_FOR_NETWORK, P.FAILED)),
    # A 200 to Complete beats a cancel.
    Row((P.FINALISING,), e.UploadCompleted, (P.COMPLETED, P.RECONCILING)),
    Row((P.CANCELLING,), e.UploadCompleted, (P.COMPLETED,)),
    Row((P.FINALISING,), e.ControlFailed, (P.RECONCILING, P.WAITING_FOR_FILE, *_PROBLEMS)),
    Row((P.CANCELLING,), e.ControlFailed, (P.CANCELLED,)),
    Row((P.CANCELLING,), e.UploadAborted, (P.CANCELLED,)),
    Row((*HOLDS_SLOT, P.CANCELLING, P.WAITING_FOR_NETWORK), e.TimerFired),
    Row((P.WAITING_FOR_NETWORK,), e.NetworkProbed, (P.QUEUED,)),
    Row(_ALL, e.NetworkHinted),
    Row((P.QUEUED,), e.ServerLost, (P.WAITING_FOR_NETWORK, P.WAITING_FOR_SIGN_IN)),
    Row((P.WAITING_FOR_NETWORK,), e.ServerLost, (P.WAITING_FOR_SIGN_IN,)),
    Row(tuple(phase for phase in Phase if phase not in _HELD_BACK), e.ServerLost),
    Row((P.WAITING_FOR_NETWORK,), e.ServerFound, (P.QUEUED,)),
    Row(tuple(phase for phase in Phase if phase is not P.WAITING_FOR_NETWORK), e.ServerFound),
    Row((P.WAITING_FOR_FILE, *RESUMABLE), e.FileGiven, (P.QUEUED,)),
    Row(tuple(phase for phase in Phase if phase not in AT_REST), e.FileGiven),
    Row(tuple(PAUSABLE), e.PauseRequested, (P.PAUSED,)),
    Row(tuple(phase for phase in Phase if phase not in PAUSABLE), e.PauseRequested),
    Row(tuple(RESUMABLE), e.ResumeRequested, (P.QUEUED, P.WAITING_FOR_FILE)),
    Row(tuple(phase for phase in Phase if phase not in RESUMABLE), e.ResumeRequested),
    Row(_LIVE, e.CancelRequested, (P.CANCELLING, P.CANCELLED)),
    Row(tuple(ENDED), e.CancelRequested),
)


def _index() -> dict[tuple[Phase, type[e.Event]], frozenset[Phase]]:
    index: dict[tuple[Phase, type[e.Event]], frozenset[Phase]] = {}
    for row in TABLE:
        for source in row.sources:
            index[source, row.event] = index.get((source, row.event), frozenset()) | frozenset(row.targets)
    return index


TRANSITIONS = _index()
"""``(phase, event type)`` → the phases it may lead to. A pair that is missing is illegal."""


class IllegalTransition(Exception):
    """A bug: an event that the table does not allow. ``story`` holds what happened before, oldest first."""

    def __init__(self, phase: Phase, event: str, target: Phase | None, story: tuple[str, ...]) -> None:
        goal = f" to {target}" if target else ""
        super().__init__(
            f"{event} in phase {phase}{goal} is not in the table; before that: {' | '.join(story)}"
        )
        self.story = story
