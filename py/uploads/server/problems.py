"""What a request is answered when it cannot be granted: `{error, message, code, retryable}` with an honest status.

    Problem            any answer that is not a success
    from_s3(error)     what a failed S3 call means for the caller; the one table of what is retryable

No message carries a URL, a token or a credential.
"""

from __future__ import annotations

from http import HTTPStatus

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

_GONE = {"NoSuchUpload", "NoSuchKey", "404", "NotFound"}
_BUSY = {
    "SlowDown",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "RequestLimitExceeded",
}
_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}
_PASSING = {"RequestTimeout", "RequestTimeTooSkewed", "InternalError", "OperationAborted"}
_ELSEWHERE = {
    "PermanentRedirect",
    "TemporaryRedirect",
    "Redirect",
    "301",
    "307",
    "AuthorizationHeaderMalformed",
}
_GONE_STATUS, _BUSY_STATUSES = 404, {429, 503}


class Problem(Exception):
    """A request that is refused or failed."""

    def __init__(
        self, status: int, code: str, message: str, *, retryable: bool = False, retry_after: int | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after

    def body(self) -> dict[str, str | bool]:
        """The JSON of the answer."""
        return {
            "error": HTTPStatus(self.status).phrase,
            "message": self.message,
            "code": self.code,
            "retryable": self.retryable,
        }

    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def not_found(what: str = "There is no such upload.") -> Problem:
    """Gone, never there, or another user's: a caller cannot tell which."""
    return Problem(404, "NoSuchUpload", what)


def invalid(message: str, code: str = "ValidationError") -> Problem:
    """A request that makes sense to the parser and to nobody else."""
    return Problem(422, code, message)


def from_s3(error: BotoCoreError | ClientError) -> Problem:
    """The answer for a failed S3 call."""
    if isinstance(error, ClientError):
        return _from_answer(
            str(error.response.get("Error", {}).get("Code", "")),
            int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)),
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Problem(502, "NoCredentials", "The server has no credentials for its store.")
    if isinstance(error, ConnectionError | HTTPClientError):
        return Problem(503, "StoreUnavailable", "The store cannot be reached.", retryable=True, retry_after=1)
    return Problem(502, "StoreError", "The store's answer could not be understood.", retryable=True)


def _from_answer(code: str, status: int) -> Problem:
    if code in _GONE or status == _GONE_STATUS:
        return not_found() if code != "NoSuchBucket" else Problem(502, code, "The bucket does not exist.")
    if code in _BUSY or status in _BUSY_STATUSES:
        return Problem(503, code or "SlowDown", "The store is busy.", retryable=True, retry_after=1)
    if code == "BadDigest":
        return Problem(
            409,
            code,
            "The store has other bytes: compare the parts with theirs, and send again what differs.",
        )
    if code in _PARTS:
        return Problem(409, code, "The store refuses the parts: list them, and send again what differs.")
    if code in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(502, code or "StoreError", "The store failed for the moment.", retryable=True)
    if code in _ELSEWHERE:
        return Problem(
            502, code, "The bucket is in another region or at another endpoint: the server is set up wrongly."
        )
    if status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        return Problem(409, code or "Conflict", "Another object or upload is in the way.")
    return Problem(502, code or "StoreError", "The store refuses what the server asks.")
