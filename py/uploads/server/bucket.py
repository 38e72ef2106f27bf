"""The bucket's own rules: made if it is missing, CORS for the page's origins, and an end for abandoned uploads.

Rules that a bucket has already stay beside ours. What a store lacks is tolerated and said. May talk to the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from uploads.server.diagnosis import check_preflight, look_closer, why
from uploads.server.errors import UserError
from uploads.server.identity import OPAQUE
from uploads.server.settings import Settings
from uploads.server.store import Credentials, make_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("uploads.store")


@dataclass(frozen=True)
class Rules:
    """What came of setting a bucket's rules: "set", or the store's own code for refusing.

    `preflight`: whether browsers may upload: "allowed", "refused" or "unreachable".
    """

    cors: str
    lifecycle: str
    preflight: str = ""


def make_ready(settings: Settings, endpoint: str | None, credentials: Credentials | None) -> Rules:
    """The bucket, there and with its rules. Raises `UserError` with the reason why it cannot be used.

    Whether browsers may upload to it is tried out as well; if not, that is logged, since it may be mended meanwhile.
    """
    client = make_client(settings, endpoint, credentials)
    try:
        _ensure_bucket(client, settings)
        rules = _set_rules(client, settings)
        if not settings.embedded:
            _try_to_write(client, settings)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        reason = why(error, settings, endpoint)
        raise UserError(f"The bucket {settings.bucket!r} cannot be used: {reason}.") from None
    browsers = make_client(settings, settings.public_endpoint or endpoint, credentials)
    place = {"Bucket": settings.bucket, "Key": _probe_key(settings), "UploadId": "none", "PartNumber": 1}
    url = browsers.generate_presigned_url("upload_part", Params=place, ExpiresIn=60)
    return replace(rules, preflight=check_preflight(url, settings, _cors_rule(settings)))


def _ensure_bucket(client: S3Client, settings: Settings) -> None:
    bucket = settings.bucket
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            look_closer(client, bucket)
            raise
        elsewhere: Any = {}
        if settings.region != "us-east-1" and settings.endpoint is None:
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": settings.region}}
        try:
            client.create_bucket(Bucket=bucket, **elsewhere)
        except ClientError as refused:
            if refused.response["Error"].get("Code") == "AccessDenied":
                refused.response["Error"]["Code"] = "NoSuchBucket"  # that is what has to be mended
            raise


def _try_to_write(client: S3Client, settings: Settings) -> None:
    """Raises botocore's errors where these credentials may not."""
    place: Any = {"Bucket": settings.bucket, "Key": _probe_key(settings)}
    client.put_object(**place, Body=b"can this be written?")
    client.delete_object(**place)


def _probe_key(settings: Settings) -> str:
    return f"{settings.prefix}/.start-probe"


def _cors_rule(settings: Settings) -> Any:
    return {
        "ID": "upload-worker",
        "AllowedOrigins": [*settings.page_origins, OPAQUE],  # a signed URL is all the right that it needs
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": [
            "ETag",
            "Location",
            "x-amz-checksum-crc64nvme",
            "x-amz-request-id",
            "x-amz-version-id",
            "Retry-After",
        ],
        "MaxAgeSeconds": 3600,
    }


def _lifecycle_rule(settings: Settings) -> Any:
    return {
        "ID": "abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{settings.prefix}/"},
        "AbortIncompleteMultipartUpload": {
            "DaysAfterInitiation": max(1, -(-settings.upload_expiry // 86_400) + 1)
        },
    }


def _set_rules(client: S3Client, settings: Settings) -> Rules:
    """Set CORS for the page's origins and the rule that clears abandoned uploads. A store may lack either (501 and the like)."""
    return Rules(
        cors=_set_cors(client, settings.bucket, _cors_rule(settings)),
        lifecycle=_set_lifecycle(client, settings.bucket, _lifecycle_rule(settings)),
    )


def _set_cors(client: S3Client, bucket: str, ours: Any) -> str:
    """Set our CORS rule before whatever rules the bucket has already: the first that fits an origin counts."""

    def put() -> None:
        rules: Any = [
            ours,
            *_others(lambda: client.get_bucket_cors(Bucket=bucket).get("CORSRules", []), ours),
        ]
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})

    return _attempt("CORS", put)


def _set_lifecycle(client: S3Client, bucket: str, ours: Any) -> str:
    """Set our lifecycle rule beside whatever rules the bucket has already."""

    def put() -> None:
        rules: Any = [
            *_others(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", []), ours),
            ours,
        ]
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    return _attempt("the lifecycle rule for abandoned uploads", put)


def _others(read: Callable[[], Sequence[Any]], ours: Any) -> list[Any]:
    """The rules that a bucket has, but for an earlier one of ours. None at all is a 404."""
    try:
        rules = read()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return []
    known = {name: value for name, value in ours.items() if name != "ID"}
    return [
        rule
        for rule in rules
        if rule.get("ID") != ours["ID"]
        and {name: value for name, value in rule.items() if name != "ID"} != known
    ]


def _attempt(what: str, call: Any) -> str:
    try:
        call()
    except (ClientError, BotoCoreError) as error:
        code = (
            error.response["Error"].get("Code", "refused")
            if isinstance(error, ClientError)
            else type(error).__name__
        )
        log.warning("the store does not take %s (%s): set it by its own means", what, code)
        return str(code)
    return "set"
