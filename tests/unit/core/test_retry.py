"""What is retryable, when, and in which words it is told."""

import random

import pytest
from upload_engine.core import explain as x
from upload_engine.core.errors import (
    FileChanged,
    FileUnreadable,
    NetworkFault,
    ServiceFault,
    StallFault,
    StorageFault,
    UploadFault,
)
from upload_engine.core.retry import (
    LONG_PROBE_MAX,
    MAX_DELAY,
    PROBE_MAX,
    RETRY_AFTER_CAP,
    TRANSIENT_BASE,
    RetryBudget,
    RetryPolicy,
    Verdict,
    judge,
    patience,
)

from tests.unit.core.life import Highest


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (NetworkFault(), Verdict.NETWORK),
        (StallFault(), Verdict.NETWORK),
        (FileChanged(), Verdict.FILE_CHANGED),
        (FileUnreadable(), Verdict.FILE_UNREADABLE),
        (StorageFault(), Verdict.FATAL),
        (ServiceFault(500), Verdict.TRANSIENT),
        (ServiceFault(503, "SlowDown"), Verdict.THROTTLED),
        (ServiceFault(429), Verdict.THROTTLED),
        (ServiceFault(400, "RequestTimeout"), Verdict.TRANSIENT),
        (ServiceFault(400, "InvalidPart"), Verdict.DIFFERENT),
        (ServiceFault(400, "MalformedXML"), Verdict.FATAL),
        (ServiceFault(403, "RequestTimeTooSkewed"), Verdict.SIGN_ANEW),
        (ServiceFault(403), Verdict.SIGN_ANEW),
        (ServiceFault(401), Verdict.SIGN_IN),
        (ServiceFault(404, "NoSuchUpload"), Verdict.GONE),
        (ServiceFault(200, "NotFromTheStore"), Verdict.NETWORK),
        (ServiceFault(502), Verdict.NETWORK),
        (ServiceFault(504), Verdict.NETWORK),
        (ServiceFault(502, "StoreError"), Verdict.TRANSIENT),
        (ServiceFault(504, "Odd"), Verdict.TRANSIENT),
        (ServiceFault(502, "NoCredentials", is_final=True), Verdict.FATAL),
        (ServiceFault(404, "Odd", is_final=True), Verdict.GONE),
        (ServiceFault(500, "InternalError"), Verdict.TRANSIENT),
        (ServiceFault(400, "ExpiredToken"), Verdict.SIGN_ANEW),
        (ServiceFault(409, "ConditionalRequestConflict"), Verdict.CONFLICT),
        (ServiceFault(412), Verdict.TAKEN),
        (ServiceFault(403, "RefusedOnTheWay"), Verdict.FATAL),
        (ServiceFault(200, "ETagNotExposed"), Verdict.FATAL),
        (ServiceFault(409, "ProofFailed"), Verdict.UNPROVED),
        (ServiceFault(413), Verdict.FATAL),
        (ServiceFault(403, "NotAllowed"), Verdict.FATAL),
        (ServiceFault(429, "TooManyOpenUploads"), Verdict.FATAL),
    ],
)
def test_the_table(fault: UploadFault, verdict: Verdict) -> None:
    """Faults 1, 8, 9, 15, 16, 18-20, 41, 45."""
    assert judge(fault) is verdict


def test_delays_double_from_their_base_to_the_cap() -> None:
    policy = RetryPolicy(Highest(), throttling_base=1.0)
    assert [policy.delay(Verdict.TRANSIENT, tries) for tries in (1, 2, 3)] == [
        TRANSIENT_BASE * 2,
        TRANSIENT_BASE * 4,
        TRANSIENT_BASE * 8,
    ]
    assert policy.delay(Verdict.THROTTLED, 1) == 2.0
    assert policy.delay(Verdict.THROTTLED, 30) == MAX_DELAY


def test_delays_are_jittered_over_their_whole_range() -> None:
    policy = RetryPolicy(random.Random(1))
    delays = [policy.delay(Verdict.THROTTLED, 3) for _ in range(90)]
    assert min(delays) < 1.0
    assert 7.0 < max(delays) <= 8.0


def test_retry_after_is_obeyed_within_a_cap() -> None:
    """Fault 17."""
    policy = RetryPolicy(random.Random(1))
    assert policy.delay(Verdict.THROTTLED, 1, retry_after=30.0) == 30.0
    assert policy.delay(Verdict.THROTTLED, 1, retry_after=86_400.0) == RETRY_AFTER_CAP
    assert policy.delay(Verdict.THROTTLED, 4, retry_after=0.0) > 0.0


def test_a_spent_budget_makes_every_retry_wait_and_success_fills_it() -> None:
    policy = RetryPolicy(random.Random(1))
    for _ in range(RetryBudget.CAPACITY // RetryBudget.COST):
        assert policy.delay(Verdict.TRANSIENT, 1) < 1.0
    assert policy.delay(Verdict.TRANSIENT, 1) == MAX_DELAY
    for _ in range(RetryBudget.COST):
        policy.succeeded()
    assert policy.delay(Verdict.TRANSIENT, 1) < 1.0
    budget = RetryBudget()
    budget.refund()
    for _ in range(RetryBudget.CAPACITY // RetryBudget.COST):
        assert budget.charge()
    assert not budget.charge(), "a refund never goes beyond the capacity"


def test_probes_come_ever_more_seldom() -> None:
    policy = RetryPolicy(Highest())
    assert [policy.probe_delay(rounds) for rounds in (0, 1, 2, 39, 40)] == [
        1.0,
        2.0,
        4.0,
        PROBE_MAX,
        LONG_PROBE_MAX,
    ]
    assert RetryPolicy(random.Random(2)).probe_delay(0) >= 0.5


@pytest.mark.parametrize(
    ("fault", "kind", "type_", "retryable", "words"),
    [
        (
            FileChanged("the file has been changed"),
            x.CHUNK_UPLOAD_FAILED,
            x.VALIDATION_ERROR,
            False,
            "has changed",
        ),
        (NetworkFault(), x.CHUNK_UPLOAD_FAILED, x.NETWORK_ERROR, True, "connection is lost"),
        (ServiceFault(200, "ETagNotExposed"), x.CHUNK_UPLOAD_FAILED, x.CHUNK_UPLOAD_FAILED, True, "ETag"),
        (
            ServiceFault(403, "AccessDenied"),
            x.CHUNK_UPLOAD_FAILED,
            x.CHUNK_UPLOAD_FAILED,
            True,
            "refuses access",
        ),
        (
            ServiceFault(422, "BadName", "bad name"),
            x.UPLOAD_INIT_FAILED,
            x.VALIDATION_ERROR,
            False,
            "bad name",
        ),
        (ServiceFault(422, "Odd", "odd"), x.CHUNK_UPLOAD_FAILED, x.CHUNK_UPLOAD_FAILED, True, "odd"),
        (
            ServiceFault(418, "Tea", "tea"),
            x.UPLOAD_COMPLETE_FAILED,
            x.UPLOAD_COMPLETE_FAILED,
            True,
            "finished",
        ),
        (
            ServiceFault(403, "NotAllowed", "Not today."),
            x.UPLOAD_INIT_FAILED,
            x.VALIDATION_ERROR,
            False,
            "Not today.",
        ),
        (
            ServiceFault(429, "TooManyOpenUploads", "Finish some first."),
            x.UPLOAD_INIT_FAILED,
            x.UPLOAD_INIT_FAILED,
            True,
            "Finish some first.",
        ),
        (
            ServiceFault(429, "TooManySignatures", "Part 1 was signed 2 times."),
            x.CHUNK_UPLOAD_FAILED,
            x.CHUNK_UPLOAD_FAILED,
            True,
            "Part 1 was signed 2 times.",
        ),
        (
            ServiceFault(413, "EntityTooLarge", "as the store has it"),
            x.CHUNK_UPLOAD_FAILED,
            x.CHUNK_UPLOAD_FAILED,
            True,
            "larger than the store allows",
        ),
        (UploadFault("odd"), x.UPLOAD_INIT_FAILED, x.UPLOAD_INIT_FAILED, True, "odd"),
    ],
)
def test_every_fault_is_told_in_words_with_a_way_out(
    fault: UploadFault, kind: str, type_: str, retryable: bool, words: str
) -> None:
    """Faults 9, 20, 46."""
    error = x.explain(fault, kind)
    assert (error.type, error.retryable) == (type_, retryable)
    assert words in error.message
    assert error.recovery.endswith(".")


def test_an_error_carries_what_an_operator_needs() -> None:
    error = x.explain(ServiceFault(500, "InternalError", "", "req-1"), x.CHUNK_UPLOAD_FAILED)
    assert (error.status, error.code, error.request_id) == (500, "InternalError", "req-1")
    assert x.explain(ServiceFault(500), x.CHUNK_UPLOAD_FAILED).code is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ServiceFault(403, "RefusedOnTheWay"), "proxy"),
        (ServiceFault(413, "RefusedOnTheWay"), "proxy"),
        (ServiceFault(301, "PermanentRedirect"), "another region"),
        (ServiceFault(307), "another region"),
        (ServiceFault(412, "PreconditionFailed"), "under this name already"),
        (ServiceFault(403, "RequestTimeTooSkewed"), "clocks"),
        (ServiceFault(507, "QuotaExceeded"), "full"),
        (ServiceFault(502, "AuthorizationHeaderMalformed"), "another region"),
        (ServiceFault(502, "NoCredentials", "no credentials for its store"), "no credentials for its store"),
        (ServiceFault(504, "", "HTTP 504"), "gateway"),
    ],
)
def test_what_only_an_operator_can_mend_is_named(fault: ServiceFault, words: str) -> None:
    """Faults 9, 29, 37, 45, 46."""
    error = x.explain(fault, x.CHUNK_UPLOAD_FAILED)
    assert words in error.message
    assert error.retryable


def test_being_offline_is_not_charged() -> None:
    """Faults 5, 6."""
    policy = RetryPolicy(random.Random(1))
    policy.delay(Verdict.NETWORK, 1)
    assert policy.budget.charged == 0
    policy.delay(Verdict.TRANSIENT, 1)
    assert policy.budget.charged == 1


def test_how_often_a_retry_is_allowed() -> None:
    """Fault 16: a store that is busy is waited for; one that is broken is not."""
    policy = RetryPolicy(random.Random(1), max_retries=2)
    for verdict in (Verdict.TRANSIENT, Verdict.NETWORK):
        assert [policy.allows(verdict, tries) for tries in (1, 2, 3)] == [True, True, False]
    assert policy.allows(Verdict.THROTTLED, 240)
    assert not policy.allows(Verdict.THROTTLED, 241)
    assert not policy.allows(Verdict.FATAL, 1)


@pytest.mark.parametrize(
    ("size", "speed", "seconds"),
    [
        (8_000_000, 80e6, 60.0),  # fast: what is in the buffers is gone at once
        (8_000_000, 100e3, 100.0),  # five megabytes take 50 s
        (8_000_000, 0.0, 1000.0),  # not known yet: it may be 10 KB/s
        (1_000_000, 0.0, 200.0),
        (8_000_000, 100.0, 1800.0),
        (0, 0.0, 60.0),
        (0, 1e6, 60.0),
    ],
)
def test_a_slow_line_is_not_a_dead_one(size: int, speed: float, seconds: float) -> None:
    """Faults 3, 4."""
    assert patience(size, speed) == seconds
    assert patience(8_000_000, 80e6, at_least=15.0) == 15.0
