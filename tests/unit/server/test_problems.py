"""What a failed S3 call means for the caller, and what goes into the log."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from uploads.server import logs, problems, store


def s3_error(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "secret-message"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SomeCall")


@pytest.mark.parametrize(
    ("error", "status", "code", "retryable"),
    [
        (s3_error("NoSuchUpload", 404), 404, "NoSuchUpload", False),
        (s3_error("NoSuchKey", 404), 404, "NoSuchUpload", False),
        (s3_error("NoSuchBucket", 404), 502, "NoSuchBucket", False),
        (s3_error("SlowDown", 503), 503, "SlowDown", True),
        (s3_error("TooManyRequests", 429), 503, "TooManyRequests", True),
        (s3_error("InvalidPart", 400), 409, "InvalidPart", False),
        (s3_error("EntityTooSmall", 400), 409, "EntityTooSmall", False),
        (s3_error("RequestTimeout", 400), 502, "RequestTimeout", True),
        (s3_error("InternalError", 200), 502, "InternalError", True),
        (s3_error("", 500), 502, "StoreError", True),
        (s3_error("PermanentRedirect", 301), 502, "PermanentRedirect", False),
        (s3_error("OperationAborted", 409), 502, "OperationAborted", True),
        (s3_error("ConditionalRequestConflict", 409), 409, "ConditionalRequestConflict", False),
        (s3_error("AccessDenied", 403), 502, "AccessDenied", False),
        (EndpointConnectionError(endpoint_url="http://secret"), 503, "StoreUnavailable", True),
        (ReadTimeoutError(endpoint_url="http://secret"), 503, "StoreUnavailable", True),
        (NoCredentialsError(), 502, "NoCredentials", False),
        (BotoCoreError(), 502, "StoreError", True),
    ],
)
def test_each_failure_has_its_answer(
    error: ClientError | BotoCoreError, status: int, code: str, *, retryable: bool
) -> None:
    problem = problems.from_s3(error)
    assert (problem.status, problem.code, problem.retryable) == (status, code, retryable)
    assert "secret" not in str(problem.body())
    assert ("Retry-After" in problem.headers()) == (status == 503)


def test_the_assembled_etag_is_the_md5_of_the_md5s() -> None:
    etags = [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in (b"a", b"b")]
    together = hashlib.md5(bytes.fromhex("".join(etags)), usedforsecurity=False).hexdigest()
    assert store.assembled_etag(etags) == f"{together}-2"
    assert store.assembled_etag([*etags, "not-an-md5"]) is None


def test_only_an_etag_of_the_same_kind_contradicts() -> None:
    expected = f"{'a' * 32}-2"
    assert not store.contradicts(expected, expected)
    assert store.contradicts(f"{'b' * 32}-2", expected)
    assert store.contradicts("b" * 32, expected)
    assert not store.contradicts("encrypted-etag", expected)
    assert not store.contradicts(expected, None)


def test_metadata_is_what_s3_takes() -> None:
    assert store.as_metadata({"Name": "plain", "x": "zwei\nzeilen"}) == {"name": "plain", "x": "zwei zeilen"}
    assert all(value.isascii() for value in store.as_metadata({"name": "grün \U0001f680"}).values())
    for wrong in ({"a b": "x"}, {store.PROOF: "x"}, {"x": "y" * 2000}):
        with pytest.raises(problems.Problem, match="metadata"):
            store.as_metadata(wrong)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/s3/multipart/SECRET/1", "/s3/multipart/…/1"),
        ("/s3/multipart/SECRET", "/s3/multipart/…"),
        ("/a\nINFO forged", "/a\\nINFO forged"),
    ],
)
def test_a_logged_path_tells_no_upload_and_forges_no_line(path: str, shown: str) -> None:
    assert logs.redact(path) == shown
