"""Why a store cannot be used, in a sentence that names what to change; and whether browsers can reach it.

Asked once, at the start. May talk to the store.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, SSLError
from botocore.parsers import ResponseParserError

from uploads.server.problems import from_s3
from uploads.server.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("uploads.store")

_PATIENCE = 5.0  # seconds
_RIGHTS = "s3:ListBucket, s3:ListBucketMultipartUploads, s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts"  # fmt: skip
_BY_CODE = {
    "InvalidAccessKeyId": "the store does not know this access key: look at AWS_ACCESS_KEY_ID (or AWS_PROFILE)",
    "SignatureDoesNotMatch": "the secret key does not go with the access key: look at AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the credentials have expired: renew AWS_SESSION_TOKEN and its keys",
    "InvalidToken": "the session's token is no good: look at AWS_SESSION_TOKEN",
    "AccessDenied": f"these credentials may not use it: they need {_RIGHTS}",
    "AllAccessDisabled": "the store has shut it: ask its operator",
    "NoSuchBucket": "it does not exist, and these credentials may not make it: make it, or look at UPLOADS_BUCKET",
    "BucketAlreadyExists": "it belongs to somebody else: choose another name with UPLOADS_BUCKET",
    "InvalidBucketName": "the store does not take this name: choose another one with UPLOADS_BUCKET",
}
_ELSEWHERE = {
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "IllegalLocationConstraintException",
    "301",
}


def why(
    error: BotoCoreError | ClientError | ResponseParserError, settings: Settings, endpoint: str | None
) -> str:
    """The reason, without a capital and without a full stop."""
    at = urlsplit(endpoint).netloc if endpoint else "AWS"
    if isinstance(error, ClientError):
        return _why_refused(error, settings, at)
    if isinstance(error, ResponseParserError):
        return f"what answers at {at} is no S3 store: look at AWS_ENDPOINT_URL_S3"
    if isinstance(error, SSLError):
        return f"{at} has no certificate that is trusted here (AWS_CA_BUNDLE names others)"
    if isinstance(error, EndpointConnectionError):
        return f"the store cannot be reached at {at}: look at AWS_ENDPOINT_URL_S3, the network, and whether it runs"
    message = from_s3(error).message.rstrip(".")
    if "credentials" in message:
        return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return f"{message[0].lower()}{message[1:]} ({at})"


def _why_refused(error: ClientError, settings: Settings, at: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    answered: Any = error.response.get("ResponseMetadata", {})
    headers = answered.get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or error.response.get("Error", {}).get("Region")
    if code in _ELSEWHERE or (region and region != settings.region):
        there = f" {region}" if region else ""
        return f"it is in another region{there}, not in {settings.region}: set AWS_REGION"
    if code == "RequestTimeTooSkewed":
        return f"this machine's clock is {_skew(headers.get('date', ''))}: set it"
    if code in _BY_CODE:
        return _BY_CODE[code]
    kind = headers.get("content-type", "")
    if kind.startswith("text/html"):
        return f"what answers at {at} is no S3 store: look at AWS_ENDPOINT_URL_S3"
    message = from_s3(error).message.rstrip(".")
    return f"{message[0].lower()}{message[1:]} ({code or answered.get('HTTPStatusCode', '?')})"


def _skew(date: str, now: datetime | None = None) -> str:
    """How far the clock is off, by the store's date (RFC 9110)."""
    try:
        seconds = ((now or datetime.now(UTC)) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return "too far from the store's"
    return f"{abs(seconds):,.0f} seconds {'ahead of' if seconds > 0 else 'behind'} the store's"


def look_closer(client: S3Client, bucket: str) -> None:
    """Ask for what has a body to its refusal, since HEAD's has none. Raises botocore's errors."""
    client.list_objects_v2(Bucket=bucket, MaxKeys=1)


def check_preflight(url: str, settings: Settings, cors: object) -> str:
    """Whether a browser may PUT to a signed URL: "allowed", "refused", or "unreachable"; what is amiss is logged.

    `cors` is the rule that the bucket should have, told where the store does not apply it.
    """
    origin = settings.page_origins[0]
    asking = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    where = urlsplit(url).netloc
    try:
        with urllib.request.urlopen(  # noqa: S310 - an address of the settings
            urllib.request.Request(url, headers=asking, method="OPTIONS"),  # noqa: S310
            timeout=_PATIENCE,
        ) as answer:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
    except urllib.error.HTTPError as error:
        allowed = error.headers.get("Access-Control-Allow-Origin") if error.code < 400 else None
        error.close()
    except OSError:
        log.warning(
            "the store does not answer at %s, where browsers are to reach it: look at UPLOADS_PUBLIC_ENDPOINT",
            where,
        )
        return "unreachable"
    if allowed in {origin, "*"}:
        return "allowed"
    log.warning(
        "the store at %s does not let pages of %s upload: give the bucket this CORS rule: %s",
        where,
        origin,
        json.dumps({"CORSRules": [cors]}),
    )
    return "refused"
