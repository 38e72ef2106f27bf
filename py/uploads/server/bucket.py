"""The bucket's own rules: made if it is missing, CORS for the page's origins, and an end for abandoned uploads.

Rules that a bucket has already stay beside ours. What a store lacks is tolerated and said. May talk to the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from uploads.server.errors import UserError
from uploads.server.identity import OPAQUE
from uploads.server.problems import from_s3
from uploads.server.settings import Settings
from uploads.server.store import Credentials, make_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("uploads.store")


@dataclass(frozen=True)
class Rules:
    """What came of setting a bucket's rules: "set", or the store's own code for refusing."""

    cors: str
    lifecycle: str


def make_ready(settings: Settings, endpoint: str | None, credentials: Credentials | None) -> Rules:
    """The bucket, there and with its rules. Raises `UserError` with the reason why it cannot be used."""
    try:
        return prepare_bucket(make_client(settings, endpoint, credentials), settings)
    except (ClientError, BotoCoreError) as error:
        raise UserError(f"The bucket {settings.bucket!r} cannot be used: {from_s3(error).message}") from None


def prepare_bucket(client: S3Client, settings: Settings) -> Rules:
    """Make the bucket if it is missing; set CORS for the page's origins and the rule that clears abandoned uploads.

    A store that lacks a rule (501 and the like) is tolerated and said. Raises botocore's errors for the bucket itself.
    """
    bucket = settings.bucket
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        elsewhere: Any = {}
        if settings.region != "us-east-1" and settings.endpoint is None:
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": settings.region}}
        client.create_bucket(Bucket=bucket, **elsewhere)
    cors: Any = {
        "ID": "upload-worker",
        "AllowedOrigins": [*settings.page_origins, OPAQUE],  # a signed URL is all the right that it needs
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "x-amz-request-id", "x-amz-version-id", "Retry-After"],
        "MaxAgeSeconds": 3600,
    }
    days = max(1, -(-settings.upload_expiry // 86_400) + 1)
    lifecycle: Any = {
        "ID": "abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{settings.prefix}/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }
    return Rules(cors=_set_cors(client, bucket, cors), lifecycle=_set_lifecycle(client, bucket, lifecycle))


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
