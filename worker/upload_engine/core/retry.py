"""What is retryable, and when: the one place that says so.

Delays follow AWS's SDKs (AWS SDKs and Tools Reference Guide, "Retry behavior"): full jitter over an exponential
base, capped at 20 s, one base for transient faults, a longer one for throttling, and a budget shared by all
requests so that a broken store is not hammered.
"""

from __future__ import annotations

import random
from enum import Enum, auto

from upload_engine.core.errors import FileChanged, FileUnreadable, NetworkFault, ServiceFault, UploadFault

TRANSIENT_BASE = 0.05
"""Seconds."""
MAX_DELAY = 20.0
RETRY_AFTER_CAP = 60.0
"""Seconds; a longer Retry-After is cut to this."""
PROBE_BASE = 1.0
PROBE_MAX = 15.0


class Verdict(Enum):
    """What to do about a fault."""

    TRANSIENT = auto()
    """Try again soon; charged."""
    THROTTLED = auto()
    """Try again later; charged."""
    NETWORK = auto()
    """No answer: try again soon, charged; after that wait for the network."""
    SIGN_ANEW = auto()
    """The signed URL is no good: get another, not charged."""
    SIGN_IN = auto()
    """The person has to sign in again."""
    GONE = auto()
    """The store does not know the upload: completed, aborted or expired."""
    DIFFERENT = auto()
    """The store's parts are not what we believe: list them."""
    FILE_CHANGED = auto()
    FILE_UNREADABLE = auto()
    FATAL = auto()
    """Trying again will not help."""


_BY_CODE = {
    "RequestTimeout": Verdict.TRANSIENT,
    "IncompleteBody": Verdict.TRANSIENT,
    "BadDigest": Verdict.TRANSIENT,
    "NotFromTheStore": Verdict.TRANSIENT,
    "ProofFailed": Verdict.TRANSIENT,
    "RequestTimeTooSkewed": Verdict.SIGN_ANEW,
    "SlowDown": Verdict.THROTTLED,
    "Throttling": Verdict.THROTTLED,
    "ThrottlingException": Verdict.THROTTLED,
    "TooManyRequests": Verdict.THROTTLED,
    "NoSuchUpload": Verdict.GONE,
    "NoSuchKey": Verdict.GONE,
    "InvalidPart": Verdict.DIFFERENT,
    "InvalidPartOrder": Verdict.DIFFERENT,
    "ETagNotExposed": Verdict.FATAL,
    "NotImplemented": Verdict.FATAL,
    "QuotaExceeded": Verdict.FATAL,
}
_BY_STATUS = {
    401: Verdict.SIGN_IN,
    403: Verdict.SIGN_ANEW,
    404: Verdict.GONE,
    408: Verdict.TRANSIENT,
    425: Verdict.TRANSIENT,
    429: Verdict.THROTTLED,
    500: Verdict.TRANSIENT,
    502: Verdict.TRANSIENT,
    503: Verdict.THROTTLED,
    504: Verdict.TRANSIENT,
}


def judge(fault: UploadFault) -> Verdict:
    """What a fault asks for. S3's code goes before the HTTP status."""
    if isinstance(fault, ServiceFault):
        return _BY_CODE.get(fault.code) or _BY_STATUS.get(fault.status) or Verdict.FATAL
    if isinstance(fault, NetworkFault):
        return Verdict.NETWORK
    if isinstance(fault, FileChanged):
        return Verdict.FILE_CHANGED
    if isinstance(fault, FileUnreadable):
        return Verdict.FILE_UNREADABLE
    return Verdict.FATAL


class RetryBudget:
    """A token bucket over all retries of one engine; a success pays one token back.

    An empty bucket does not forbid a retry (an upload has hours to spare): it makes every retry wait the longest delay.
    Source of the figures: AWS SDKs' "standard" retry mode.
    """

    CAPACITY = 500
    COST = 5

    def __init__(self) -> None:
        self._tokens = self.CAPACITY

    def charge(self) -> bool:
        """Pay for one retry; False when there is nothing left."""
        if self._tokens < self.COST:
            return False
        self._tokens -= self.COST
        return True

    def refund(self) -> None:
        self._tokens = min(self._tokens + 1, self.CAPACITY)


class RetryPolicy:
    """When to try again.

    max_retries: after the first try, per part or control request; throttling_base: seconds (the documented
    ``retry_delay``).
    """

    def __init__(self, rng: random.Random, max_retries: int = 3, throttling_base: float = 1.0) -> None:
        self._rng = rng
        self.max_retries = max_retries
        self._throttling_base = throttling_base
        self._budget = RetryBudget()

    def delay(self, verdict: Verdict, tries: int, retry_after: float | None = None) -> float:
        """Seconds before retry number ``tries`` (from 1). A Retry-After is obeyed within a cap."""
        base = self._throttling_base if verdict is Verdict.THROTTLED else TRANSIENT_BASE
        delay = self._rng.random() * min(base * 2.0**tries, MAX_DELAY)
        if not self._budget.charge():
            delay = MAX_DELAY
        return delay if retry_after is None else max(delay, min(retry_after, RETRY_AFTER_CAP))

    def probe_delay(self, rounds: int) -> float:
        """Seconds before looking for the network again, after ``rounds`` looks in vain: 0.5–1 times the step."""
        return (0.5 + self._rng.random() / 2) * min(PROBE_BASE * 2.0**rounds, PROBE_MAX)

    def succeeded(self) -> None:
        """A request succeeded."""
        self._budget.refund()
