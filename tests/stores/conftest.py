"""The stores that are held to the same expectations: the fake one, the fake one as SeaweedFS is, and SeaweedFS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes.background import Background
from tests.fakes.s3_bucket import AMAZON, SEAWEEDFS, Dialect
from tests.fakes.s3_store import KEYS, FakeStore
from tests.harness.server import ServerProcess

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "same-for-all"
ORIGIN = "https://page.example"


@dataclass(frozen=True)
class AnyStore:
    """A store that runs. client: may do everything; dialect: how it is known to differ."""

    url: str
    keys: tuple[str, str]
    dialect: Dialect
    client: S3Client
    bucket: str = BUCKET

    def make_client(self, secret: str = "", **config: Any) -> S3Client:
        """Another client, with another secret key or other settings."""
        return make_client(self.url, (self.keys[0], secret or self.keys[1]), **config)


def make_client(url: str, keys: tuple[str, str], **config: Any) -> S3Client:
    settings: dict[str, Any] = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        **config,
    }
    return boto3.session.Session(*keys, region_name="us-east-1").client(
        "s3",
        endpoint_url=url,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1, "mode": "standard"},
            **settings,
        ),
    )


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


@pytest.fixture(scope="session", params=["fake", "fake as SeaweedFS", "SeaweedFS"])
def any_store(
    request: pytest.FixtureRequest, background: Background, server: ServerProcess
) -> Iterator[AnyStore]:
    """One of them, with a bucket whose CORS rule lets ``ORIGIN`` in."""
    if request.param == "SeaweedFS":
        keys = server.admin_keys["access_key"], server.admin_keys["secret_key"]
        yield _prepared(AnyStore(server.store_url, keys, SEAWEEDFS, make_client(server.store_url, keys)))
        return
    dialect = AMAZON if request.param == "fake" else SEAWEEDFS
    fake = background.run(FakeStore(dialect).__aenter__())
    keys = next(iter(KEYS.items()))
    yield _prepared(AnyStore(fake.url, keys, dialect, make_client(fake.url, keys)))
    background.run(fake.__aexit__())


def _prepared(store: AnyStore) -> AnyStore:
    store.client.create_bucket(Bucket=BUCKET)
    rule: Any = {
        "AllowedOrigins": [ORIGIN],
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "x-amz-request-id"],
        "MaxAgeSeconds": 3600,
    }
    store.client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    return store
