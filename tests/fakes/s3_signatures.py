"""AWS Signature Version 4 from the store's side: header and presigned query, and what S3 says when one is no good.

Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from tests.fakes.http_wire import Request, query_pairs
from tests.fakes.s3_errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = 900
"""Seconds that a client's clock may be wrong."""
LONGEST = 7 * 86_400
"""Seconds that a presigned URL may be good for."""


def check(request: Request, secrets: Mapping[str, str], now: float) -> None:
    """Raise ``S3Error`` unless one of the keys has signed the request. ``secrets``: by access key."""
    query = request.query
    if "X-Amz-Signature" in query:
        _check_query(request, query, secrets, now)
    elif request.headers.get("authorization", "").startswith(ALGORITHM):
        _check_headers(request, secrets, now)
    else:
        raise S3Error(403, "AccessDenied", "Access Denied")


def _check_query(request: Request, query: dict[str, str], secrets: Mapping[str, str], now: float) -> None:
    try:
        signed_at, seconds = _time(query["X-Amz-Date"]), int(query["X-Amz-Expires"])
        credential, names = query["X-Amz-Credential"], query["X-Amz-SignedHeaders"].split(";")
    except (KeyError, ValueError):
        raise S3Error(
            400, "AuthorizationQueryParametersError", "A parameter of the signature is missing or malformed"
        ) from None
    if not 0 < seconds <= LONGEST:
        raise S3Error(
            400, "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds)"
        )
    _compare(
        request, names, "UNSIGNED-PAYLOAD", credential, query["X-Amz-Date"], query["X-Amz-Signature"], secrets
    )
    if now > signed_at + seconds:
        raise S3Error(403, "AccessDenied", "Request has expired")
    if signed_at > now + SKEW:
        raise S3Error(403, "AccessDenied", "Request is not valid yet")


def _check_headers(request: Request, secrets: Mapping[str, str], now: float) -> None:
    fields = dict(
        part.strip().partition("=")[::2]
        for part in request.headers["authorization"].removeprefix(ALGORITHM).split(",")
    )
    date, claimed = request.headers.get("x-amz-date", ""), request.headers.get("x-amz-content-sha256", "")
    try:
        signed_at, names = _time(date), fields["SignedHeaders"].split(";")
        credential, signature = fields["Credential"], fields["Signature"]
    except (KeyError, ValueError):
        raise S3Error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed") from None
    _compare(request, names, claimed, credential, date, signature, secrets)
    if abs(now - signed_at) > SKEW:
        raise S3Error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
    if len(claimed) == 64 and hashlib.sha256(request.body).hexdigest() != claimed:
        raise S3Error(
            400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match"
        )


def _compare(
    request: Request,
    names: list[str],
    payload: str,
    credential: str,
    date: str,
    signature: str,
    secrets: Mapping[str, str],
) -> None:
    access_key, _, scope = credential.partition("/")
    if access_key not in secrets:
        raise S3Error(
            403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
        )
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in names]
    if unsigned or "host" not in names:
        raise S3Error(403, "AccessDenied", "There were headers present in the request which were not signed")
    canonical = "\n".join(
        [
            request.method,
            request.target.partition("?")[0],
            _canonical_query(request.target),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            payload,
        ]
    )
    text = "\n".join([ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secrets[access_key]}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), signature):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def _canonical_query(target: str) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in query_pairs(target)
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _time(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
