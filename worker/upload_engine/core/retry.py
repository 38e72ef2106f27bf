"""What is retryable, and when: the one place that says so.

Delays follow AWS's SDKs (AWS SDKs and Tools Reference Guide, "Retry behavior"): full jitter over an exponential
base, capped at 20 s, one base for transient faults, a longer one for throttling, and a budget shared by all
requests so that a broken store is not hammered.
"""

from __future__ import annotations

import random
from enum import Enum, auto

from upload_engine.core.concurrency import Window
from upload_engine.core.errors import FileChanged, FileUnreadable, NetworkFault, ServiceFault, UploadFault

TRANSIENT_BASE = 0.05
"""Seconds."""
MAX_DELAY = 20.0
RETRY_AFTER_CAP = 60.0
"""Seconds; a longer Retry-After is cut to this."""
PROBE_BASE = 1.0
PROBE_MAX = 15.0
LONG_PROBE_MAX = 60.0
LONG_ROUNDS = 40
"""After so many looks in vain, about eight minutes, there are fewer: a page tells when the browser is online again."""
MAX_THROTTLED = 240
"""How often a throttled request is tried: a store may be busy for the better part of an hour."""
MAX_DAMAGED = 1
"""How often a part that arrived damaged is sent again: twice in a row is no accident of a line."""
MIN_PATIENCE = 60.0
MAX_PATIENCE = 1800.0
"""Seconds without a byte moving after which a request is dead, at the least and at the most."""
AHEAD_OF_THE_WIRE = 5_000_000
"""Bytes that may wait in the socket's buffers: nothing is seen to move while they drain (measured: 1–5 MB)."""
SLOWEST = 10_000
"""Bytes per second of the slowest line that is left alone."""


class Verdict(Enum):
    """What to do about a fault."""

    TRANSIENT = auto()
    """Try again soon; charged."""
    DAMAGED = auto()
    """What arrived was not what was sent: send it again, once."""
    THROTTLED = auto()
    """Try again later; charged."""
    NETWORK = auto()
    """No answer, or none from the other end: let the server look; after that wait for the network."""
    SIGN_ANEW = auto()
    """The signed URL is no good: get another, not charged."""
    SIGN_IN = auto()
    """The person has to sign in again."""
    GONE = auto()
    """The store does not know the upload: completed, aborted or expired."""
    DIFFERENT = auto()
    """The store's parts are not what we believe: list them."""
    UNPROVED = auto()
    """The object is not shown to be the file: look again."""
    TAKEN = auto()
    """An object stands at the key already: our own, or somebody's."""
    CONFLICT = auto()
    """The upload has met another one: it has to begin anew."""
    FILE_CHANGED = auto()
    FILE_UNREADABLE = auto()
    FATAL = auto()
    """Trying again will not help."""


REFUSED = frozenset(
    {"NotAllowed", "EntityTooLarge", "FileTooSmall", "TypeNotAllowed", "NameNotAllowed", "ContentMismatch"}
)
"""The server's rules are against this file, and always will be."""
LIMITED = frozenset(
    {"TooManyOpenUploads", "DailyBytesExceeded", "TooManySignatures", "StorageFull", "SignerMisconfigured"}
)
"""The server cannot take it as things are: it may be tried again once that has changed, which a person knows best."""
_BY_CODE = dict.fromkeys(REFUSED | LIMITED, Verdict.FATAL) | {
    "RequestTimeout": Verdict.TRANSIENT,
    "IncompleteBody": Verdict.TRANSIENT,
    "BadDigest": Verdict.DAMAGED,
    "InternalError": Verdict.TRANSIENT,
    "OperationAborted": Verdict.TRANSIENT,
    "NotFromTheStore": Verdict.NETWORK,
    "RequestTimeTooSkewed": Verdict.SIGN_ANEW,
    "ExpiredToken": Verdict.SIGN_ANEW,
    "TokenRefreshRequired": Verdict.SIGN_ANEW,
    "ChecksumRefused": Verdict.SIGN_ANEW,
    "SlowDown": Verdict.THROTTLED,
    "Throttling": Verdict.THROTTLED,
    "ThrottlingException": Verdict.THROTTLED,
    "TooManyRequests": Verdict.THROTTLED,
    "ServiceUnavailable": Verdict.THROTTLED,
    "NoSuchUpload": Verdict.GONE,
    "NoSuchKey": Verdict.GONE,
    "InvalidPart": Verdict.DIFFERENT,
    "InvalidPartOrder": Verdict.DIFFERENT,
    "EntityTooSmall": Verdict.DIFFERENT,
    "ProofFailed": Verdict.UNPROVED,
    "PreconditionFailed": Verdict.TAKEN,
    "ConditionalRequestConflict": Verdict.CONFLICT,
    "ETagNotExposed": Verdict.FATAL,
    "RefusedOnTheWay": Verdict.FATAL,
    "NotImplemented": Verdict.FATAL,
    "QuotaExceeded": Verdict.FATAL,
    "BrowserStorageFull": Verdict.FATAL,
}
_BY_STATUS = {
    401: Verdict.SIGN_IN,
    403: Verdict.SIGN_ANEW,
    404: Verdict.GONE,
    408: Verdict.TRANSIENT,
    409: Verdict.CONFLICT,
    412: Verdict.TAKEN,
    425: Verdict.TRANSIENT,
    429: Verdict.THROTTLED,
    500: Verdict.TRANSIENT,
    502: Verdict.NETWORK,  # a gateway that cannot reach the other end; our own server's 502 has a code
    503: Verdict.THROTTLED,
    504: Verdict.NETWORK,
}


def judge(fault: UploadFault) -> Verdict:
    """What a fault asks for. S3's code goes before the HTTP status."""
    if isinstance(fault, ServiceFault):
        if known := _BY_CODE.get(fault.code):
            return known
        if fault.is_final and fault.status >= 500:
            return Verdict.FATAL
        if fault.code and fault.status in (502, 504):
            return Verdict.TRANSIENT
        return _BY_STATUS.get(fault.status, Verdict.FATAL)
    if isinstance(fault, NetworkFault):
        return Verdict.NETWORK
    if isinstance(fault, FileChanged):
        return Verdict.FILE_CHANGED
    if isinstance(fault, FileUnreadable):
        return Verdict.FILE_UNREADABLE
    return Verdict.FATAL


def patience(size: int, speed: float, at_least: float = MIN_PATIENCE) -> float:
    """Seconds that a part may show no movement: twice as long as the buffers take to drain.

    ``size`` in bytes; ``speed``: bytes per second at which the last part arrived, 0.0 while none has.
    """
    return min(max(2 * min(size, AHEAD_OF_THE_WIRE) / (speed or SLOWEST), at_least), MAX_PATIENCE)


class RetryBudget:
    """A token bucket over all retries of one engine; a success pays one token back.

    An empty bucket does not forbid a retry (an upload has hours to spare): it makes every retry wait the longest delay.
    Source of the figures: AWS SDKs' "standard" retry mode.
    """

    CAPACITY = 500
    COST = 5

    def __init__(self) -> None:
        self._tokens = self.CAPACITY
        self.charged = 0

    def charge(self) -> bool:
        """Pay for one retry; False when there is nothing left. ``charged`` counts them all."""
        self.charged += 1
        if self._tokens < self.COST:
            return False
        self._tokens -= self.COST
        return True

    def refund(self) -> None:
        self._tokens = min(self._tokens + 1, self.CAPACITY)


class RetryPolicy:
    """When to try again.

    max_retries: after the first try, per part or control request; throttling_base: seconds (the documented
    ``retry_delay``); max_requests: parts under way over all uploads. One policy serves all uploads of an engine.
    """

    def __init__(
        self,
        rng: random.Random,
        max_retries: int = 3,
        throttling_base: float = 1.0,
        max_requests: int = 5,
    ) -> None:
        self._rng = rng
        self.max_retries = max_retries
        self._throttling_base = throttling_base
        self.budget = RetryBudget()
        self.window = Window(max_requests)

    def allows(self, verdict: Verdict, tries: int) -> bool:
        """Whether retry number ``tries`` (from 1) is still made."""
        if verdict is Verdict.THROTTLED:
            return tries <= MAX_THROTTLED
        if verdict is Verdict.DAMAGED:
            return tries <= MAX_DAMAGED
        return verdict in (Verdict.TRANSIENT, Verdict.NETWORK) and tries <= self.max_retries

    def delay(self, verdict: Verdict, tries: int, retry_after: float | None = None) -> float:
        """Seconds before retry number ``tries`` (from 1). A Retry-After is obeyed within a cap.

        Being offline is not charged to the budget.
        """
        base = self._throttling_base if verdict is Verdict.THROTTLED else TRANSIENT_BASE
        delay = self._rng.random() * min(base * 2.0 ** min(tries, 20), MAX_DELAY)
        if verdict is not Verdict.NETWORK and not self.budget.charge():
            delay = MAX_DELAY
        return delay if retry_after is None else max(delay, min(retry_after, RETRY_AFTER_CAP))

    def probe_delay(self, rounds: int) -> float:
        """Seconds before looking for the network again, after ``rounds`` looks in vain: 0.5–1 times the step."""
        most = PROBE_MAX if rounds < LONG_ROUNDS else LONG_PROBE_MAX
        return (0.5 + self._rng.random() / 2) * min(PROBE_BASE * 2.0 ** min(rounds, 20), most)

    def succeeded(self) -> None:
        """A request succeeded."""
        self.budget.refund()
