"""What a store can do is found out at the start, told, and acted on (ACCEPTANCE N5-N8). Ceph and Swift: ``browser/test_any_store``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from uploads.server.profiles import PROFILES, recognise

from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores


def test_the_embedded_store_can_do_all_of_it(server: ServerProcess) -> None:
    """N5."""
    told = httpx.get(f"{server.url}/healthz").json()
    assert told["profile"] == "seaweedfs"
    assert told["abilities"] == {
        "lengths": True,
        "md5": True,
        "checksums": True,
        "wholeChecksums": True,
        "checksumExposed": True,
        "etagsAreMd5": True,
        "etagExposed": True,
        "conditionalPut": True,
        "conditionalComplete": True,
        "repeatedComplete": True,
        "forms": True,
    }
    left = server.s3.list_objects_v2(Bucket=server.bucket, Prefix="uploads/.probe/").get("Contents", [])
    assert left == [], "nothing of the probe's is left"
    assert not [key for key, _ in server.open_uploads() if "/.probe/" in key]


@pytest.fixture
def over_itself(server: ServerProcess, tmp_path: Path) -> Iterator[ServerProcess]:
    """Another server over the same store, as over anybody's."""
    keys = server.signer_keys
    other = ServerProcess(
        tmp_path / "other",
        AWS_ENDPOINT_URL_S3=server.store_url,
        AWS_ACCESS_KEY_ID=keys["access_key"],
        AWS_SECRET_ACCESS_KEY=keys["secret_key"],
        UPLOADS_ALLOWED_ORIGINS=server.url,
    )
    yield other
    other.discard()


def test_a_store_is_recognised_by_its_answers(over_itself: ServerProcess) -> None:
    """N6: what the probe finds goes before what is set: this is no R2, and takes forms."""
    over_itself.start()
    assert httpx.get(f"{over_itself.url}/healthz").json()["profile"] == "seaweedfs"
    over_itself.set(UPLOADS_PROFILE="r2")
    over_itself.restart()
    told = httpx.get(f"{over_itself.url}/healthz").json()
    assert (told["profile"], told["abilities"]["forms"]) == ("r2", True)
    assert httpx.get(f"{over_itself.url}/s3/params", params={"filename": "a"}).status_code == 200


def test_an_unknown_kind_is_refused_by_name(over_itself: ServerProcess) -> None:
    over_itself.set(UPLOADS_PROFILE="r3")
    with pytest.raises(AssertionError, match="UPLOADS_PROFILE"):
        over_itself.start()


def test_readiness_does_not_wait_for_the_probe(over_itself: ServerProcess) -> None:
    """N5."""
    over_itself.start()
    text = over_itself.log
    assert "could not be found out" not in text
    time.sleep(0.1)
    assert httpx.get(f"{over_itself.url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "headers", "name"),
    [
        (None, {}, "aws"),
        ("https://s3.eu-central-1.amazonaws.com", {}, "aws"),
        ("https://0123.r2.cloudflarestorage.com", {"server": "cloudflare"}, "r2"),
        ("https://s3.us-west-004.backblazeb2.com", {}, "b2"),
        ("https://backblazeb2.com.example", {}, "unknown"),
        ("http://store:9000", {"server": "MinIO"}, "minio"),
        ("http://store:9000", {"server": "SeaweedFS 30GB 4.48"}, "seaweedfs"),
        ("http://store:9000", {"x-amz-request-id": "tx00000f-0065-1234-default"}, "ceph"),
        ("http://store:9000", {"x-trans-id": "tx12-34", "x-amz-request-id": "tx12-34"}, "swift"),
        ("http://store:9000", {"server": "nginx"}, "unknown"),
    ],
)
def test_kinds_are_told_by_address_and_answers(
    endpoint: str | None, headers: dict[str, str], name: str
) -> None:
    """N6."""
    assert recognise(endpoint, headers) is PROFILES[name]
