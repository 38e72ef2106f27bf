"""The fake store and SeaweedFS keep the same expectations, with botocore as their client (ACCEPTANCE F3).

Where the two differ, the fake one follows its ``Dialect``, and the test says what SeaweedFS does.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.fakes.s3_bucket import crc64nvme
from tests.stores.conftest import BUCKET, ORIGIN, AnyStore

pytestmark = pytest.mark.stores
MIB = 1024 * 1024


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    """Whoever has nothing but a URL."""
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture
def key() -> str:
    return f"a key/{secrets.token_hex(4)} é+&.bin"


@contextmanager
def refused(*codes: str, status: int = 0) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] in codes
    assert status in (0, answer["ResponseMetadata"]["HTTPStatusCode"])


def create(store: AnyStore, key: str, **more: Any) -> str:
    return store.client.create_multipart_upload(Bucket=BUCKET, Key=key, **more)["UploadId"]


def put(store: AnyStore, key: str, upload_id: str, number: int, body: bytes, **more: Any) -> str:
    return store.client.upload_part(
        Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=body, **more
    )["ETag"]


def complete(store: AnyStore, key: str, upload_id: str, etags: dict[int, str], **more: Any) -> Any:
    parts: Any = [{"PartNumber": number, "ETag": etag} for number, etag in etags.items()]
    return store.client.complete_multipart_upload(
        Bucket=BUCKET, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def content_of(store: AnyStore, key: str) -> bytes:
    body = store.client.get_object(Bucket=BUCKET, Key=key)["Body"]
    try:
        return bytes(body.read())
    finally:
        body.close()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def sign_put(store: AnyStore, key: str, *, expires: int = 60, **more: Any) -> str:
    params = {"Bucket": BUCKET, "Key": key, **more}
    return store.client.generate_presigned_url("put_object", Params=params, ExpiresIn=expires)


def code_of(answer: httpx.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


# Signatures.


def test_a_wrong_secret_is_refused(any_store: AnyStore) -> None:
    with refused("SignatureDoesNotMatch", status=403):
        any_store.make_client("wrong").list_objects_v2(Bucket=BUCKET)


def test_nobody_gets_in_without_a_signature(any_store: AnyStore, web: httpx.Client) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = web.request(method, f"{any_store.url}/{BUCKET}/x")
        assert (answer.status_code, code_of(answer)) == (403, "AccessDenied")


def test_a_signed_url_is_good_for_its_own_key_alone(any_store: AnyStore, web: httpx.Client, key: str) -> None:
    url = sign_put(any_store, key)
    changed = web.put(url.replace("/a%20key/", "/b%20key/"), content=b"x")
    assert (changed.status_code, code_of(changed)) == (403, "SignatureDoesNotMatch")
    longer = web.put(f"{url}&tagging", content=b"x")
    assert longer.status_code == 403
    assert web.put(url, content=b"x").status_code == 200
    assert content_of(any_store, key) == b"x"


def test_a_signed_url_expires(any_store: AnyStore, web: httpx.Client, key: str) -> None:
    """Fault 38."""
    url = sign_put(any_store, key, expires=1)
    time.sleep(2.1)
    answer = web.put(url, content=b"x")
    assert answer.status_code == 403
    assert code_of(answer) in {"AccessDenied", "ExpiredToken"}


def test_a_url_good_for_more_than_a_week_is_refused(any_store: AnyStore, web: httpx.Client, key: str) -> None:
    answer = web.put(sign_put(any_store, key, expires=8 * 86_400), content=b"x")
    assert answer.status_code in {400, 403}


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_is_told(
    any_store: AnyStore, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Fault 45."""
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda remove_tzinfo=True: datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=hours),
    )
    with refused("RequestTimeTooSkewed", status=403):
        any_store.client.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize("length", [9, 11])
def test_a_signed_content_length_is_kept(
    any_store: AnyStore, web: httpx.Client, key: str, length: int
) -> None:
    url = sign_put(any_store, key, ContentLength=10)
    assert web.put(url, content=b"x" * length).status_code == 403
    assert web.put(url, content=b"x" * 10).status_code == 200


def test_an_amz_header_that_was_not_signed_is_refused(
    any_store: AnyStore, web: httpx.Client, key: str
) -> None:
    answer = web.put(sign_put(any_store, key), content=b"x", headers={"x-amz-meta-more": "1"})
    assert answer.status_code == 403


# The life of an upload.


def test_an_upload_becomes_an_object(any_store: AnyStore, key: str) -> None:
    bodies = [secrets.token_bytes(5 * MIB), secrets.token_bytes(7)]
    metadata = {"upload-proof": "token", "name": "=?utf-8?q?gr=C3=BCn?="}
    upload_id = create(any_store, key, Metadata=metadata, ContentType="a/b", ContentDisposition="attachment")
    etags = {number: put(any_store, key, upload_id, number, body) for number, body in enumerate(bodies, 1)}
    assert etags == {number: f'"{md5(body)}"' for number, body in enumerate(bodies, 1)}
    assert [upload["UploadId"] for upload in _open(any_store, key)] == [upload_id]
    done = complete(any_store, key, upload_id, etags)
    assert _open(any_store, key) == []
    together = md5(b"".join(bytes.fromhex(md5(body)) for body in bodies))
    head = any_store.client.head_object(Bucket=BUCKET, Key=key)
    assert done["ETag"] == head["ETag"] == f'"{together}-2"'
    assert head["ContentLength"] == 5 * MIB + 7
    assert head["Metadata"] == metadata
    assert (head["ContentType"], head["ContentDisposition"]) == ("a/b", "attachment")
    assert content_of(any_store, key) == b"".join(bodies)
    ranged = any_store.client.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={5 * MIB - 1}-{5 * MIB}")
    assert ranged["Body"].read() == bodies[0][-1:] + bodies[1][:1]
    ranged["Body"].close()
    again = complete(any_store, key, upload_id, etags)
    assert again["ETag"] == done["ETag"], "a second Complete is harmless"
    with refused("NoSuchUpload", status=404):
        any_store.client.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)


def _open(store: AnyStore, key: str) -> list[Any]:
    return list(store.client.list_multipart_uploads(Bucket=BUCKET, Prefix=key).get("Uploads", []))


def test_a_part_that_is_sent_twice(any_store: AnyStore, key: str) -> None:
    """Fault 71. S3 keeps the last; SeaweedFS lists both, and Complete builds the object from either."""
    upload_id = create(any_store, key)
    old = put(any_store, key, upload_id, 1, b"old")
    new = put(any_store, key, upload_id, 1, b"new")
    listed = any_store.client.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)["Parts"]
    both = any_store.dialect.keeps_copies
    assert sorted(part["ETag"] for part in listed) == sorted([old, new] if both else [new])
    if both:
        complete(any_store, key, upload_id, {1: old})
        assert content_of(any_store, key) == b"old"
        return
    with refused("InvalidPart", status=400):
        complete(any_store, key, upload_id, {1: old})
    complete(any_store, key, upload_id, {1: new})
    assert content_of(any_store, key) == b"new"


def test_a_subset_of_the_parts_is_enough(any_store: AnyStore, key: str) -> None:
    upload_id = create(any_store, key)
    etags = {number: put(any_store, key, upload_id, number, bytes([number]) * 5) for number in (2, 4, 7)}
    complete(any_store, key, upload_id, {4: etags[4]})
    assert content_of(any_store, key) == b"\4" * 5


def test_parts_that_do_not_fit_are_refused(any_store: AnyStore, key: str) -> None:
    """Fault 28."""
    upload_id = create(any_store, key)
    etags = {number: put(any_store, key, upload_id, number, b"small") for number in (1, 2)}
    with refused("InvalidPart", status=400):
        complete(any_store, key, upload_id, {1: md5(b"other")})
    with refused("InvalidPart", status=400):
        complete(any_store, key, upload_id, {3: etags[1]})
    with refused("InvalidPartOrder", status=400):
        complete(any_store, key, upload_id, {2: etags[2], 1: etags[1]})
    with refused("EntityTooSmall", status=400):
        complete(any_store, key, upload_id, etags)
    with refused("MalformedXML", "NoSuchUpload"):  # S3's answer and SeaweedFS's
        complete(any_store, key, upload_id, {})
    assert any_store.client.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)["Parts"]
    any_store.client.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload_id)


@pytest.mark.parametrize("number", [0, 10_001])
def test_there_are_parts_1_to_10000(any_store: AnyStore, key: str, number: int) -> None:
    upload_id = create(any_store, key)
    with refused("InvalidArgument", "InvalidPart", status=400):
        put(any_store, key, upload_id, number, b"x")


def test_after_an_abort_everything_is_gone(any_store: AnyStore, key: str) -> None:
    """Fault 26. S3 says so at a second Abort as well; SeaweedFS answers that one with 204."""
    upload_id = create(any_store, key)
    etag = put(any_store, key, upload_id, 1, b"x")
    where: dict[str, Any] = {"Bucket": BUCKET, "Key": key, "UploadId": upload_id}
    any_store.client.abort_multipart_upload(**where)
    with refused("NoSuchUpload", status=404):
        put(any_store, key, upload_id, 1, b"x")
    with refused("NoSuchUpload", status=404):
        any_store.client.list_parts(**where)
    with refused("NoSuchUpload", status=404):
        complete(any_store, key, upload_id, {1: etag})
    if any_store.dialect.abort_gone == 404:
        with refused("NoSuchUpload", status=404):
            any_store.client.abort_multipart_upload(**where)
    else:
        any_store.client.abort_multipart_upload(**where)
    with refused("404", status=404):
        any_store.client.head_object(Bucket=BUCKET, Key=key)


def test_an_upload_id_is_good_for_its_own_key_alone(any_store: AnyStore, key: str) -> None:
    upload_id = create(any_store, key)
    with refused("NoSuchUpload", status=404):
        put(any_store, f"{key}.other", upload_id, 1, b"x")


def test_complete_can_be_asked_to_overwrite_nothing(any_store: AnyStore, key: str) -> None:
    """Fault 29."""
    any_store.client.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")
    upload_id = create(any_store, key)
    etag = put(any_store, key, upload_id, 1, b"ours")
    with refused("PreconditionFailed", status=412):
        complete(any_store, key, upload_id, {1: etag}, IfNoneMatch="*")
    assert content_of(any_store, key) == b"theirs"
    complete(any_store, key, upload_id, {1: etag})
    assert content_of(any_store, key) == b"ours"


def test_all_pages_of_the_parts_are_listed(any_store: AnyStore, key: str) -> None:
    """Fault 32. SeaweedFS sorts the numbers as text, so that page follows page in another order."""
    upload_id = create(any_store, key)
    numbers = [1, 2, 3, 999, 1000, 10_000]
    for number in numbers:
        put(any_store, key, upload_id, number, b"x")
    found: list[int] = []
    where: dict[str, Any] = {"Bucket": BUCKET, "Key": key, "UploadId": upload_id}
    pages = any_store.client.get_paginator("list_parts").paginate(**where, PaginationConfig={"PageSize": 4})
    for page in pages:
        assert len(page["Parts"]) <= 4
        found += [part["PartNumber"] for part in page["Parts"]]
    if any_store.dialect.list_order == "number":
        assert found == numbers
    else:
        assert sorted(set(found)) == numbers
    any_store.client.abort_multipart_upload(**where)


# Checksums.


def test_a_wrong_checksum_is_refused(any_store: AnyStore, key: str) -> None:
    """Faults 36, 69."""
    upload_id = create(any_store, key)
    wrong_md5 = base64.b64encode(hashlib.md5(b"y", usedforsecurity=False).digest()).decode()
    with refused("BadDigest", status=400):
        put(any_store, key, upload_id, 1, b"x", ContentMD5=wrong_md5)
    for name, wrong in {
        "ChecksumCRC32": "AAAAAA==",
        "ChecksumSHA256": base64.b64encode(b"0" * 32).decode(),
    }.items():
        with refused("BadDigest", "InvalidDigest", status=400):
            put(any_store, key, upload_id, 1, b"x", **{name: wrong})
    put(any_store, key, upload_id, 1, b"x")


def test_the_checksum_of_the_whole_is_kept_told_and_compared(any_store: AnyStore, key: str) -> None:
    """Faults 69, 70."""
    place: Any = {"Bucket": BUCKET, "Key": key}
    wanted: Any = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
    upload: Any = {
        **place,
        "UploadId": any_store.client.create_multipart_upload(**place, **wanted)["UploadId"],
    }
    part = any_store.client.upload_part(**upload, PartNumber=1, Body=b"hello")
    assert part["ChecksumCRC64NVME"] == crc64nvme(b"hello")
    done: Any = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    with refused("BadDigest", status=400):
        any_store.client.complete_multipart_upload(
            **upload, **done, ChecksumCRC64NVME=crc64nvme(b"other"), ChecksumType="FULL_OBJECT"
        )
    any_store.client.complete_multipart_upload(
        **upload, **done, ChecksumCRC64NVME=crc64nvme(b"hello"), ChecksumType="FULL_OBJECT"
    )
    assert "ChecksumCRC64NVME" not in any_store.client.head_object(**place)
    found = any_store.client.head_object(**place, ChecksumMode="ENABLED")
    assert found["ChecksumCRC64NVME"] == crc64nvme(b"hello")


def test_botocore_as_it_comes_is_understood(any_store: AnyStore, key: str) -> None:
    """With the checksums that it computes unless told otherwise."""
    client = any_store.make_client(
        request_checksum_calculation="when_supported", response_checksum_validation="when_supported"
    )
    client.put_object(Bucket=BUCKET, Key=key, Body=b"hello")
    assert content_of(any_store, key) == b"hello"


# Objects and the bucket.


def test_objects_come_and_go(any_store: AnyStore) -> None:
    folder = f"{secrets.token_hex(4)}/ü &+"
    keys = sorted(f"{folder}{number}" for number in range(5))
    for key in keys:
        any_store.client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    pages = any_store.client.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=folder, PaginationConfig={"PageSize": 2}
    )
    found = [entry for page in pages for entry in page["Contents"]]
    assert [(entry["Key"], entry["Size"]) for entry in found] == [(key, len(key.encode())) for key in keys]
    any_store.client.delete_object(Bucket=BUCKET, Key=keys[0])
    with refused("NoSuchKey", status=404):
        content_of(any_store, keys[0])
    any_store.client.delete_object(Bucket=BUCKET, Key=keys[0])
    with refused("404", status=404):
        any_store.client.head_object(Bucket=BUCKET, Key=keys[0])


def test_a_bucket_that_is_not_there(any_store: AnyStore) -> None:
    with refused("404", status=404):
        any_store.client.head_bucket(Bucket="no-such-bucket")
    any_store.client.head_bucket(Bucket=BUCKET)


def test_a_lifecycle_rule_is_kept(any_store: AnyStore) -> None:
    rule: Any = {
        "ID": "abandoned",
        "Status": "Enabled",
        "Filter": {"Prefix": "a/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 8},
    }
    any_store.client.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]}
    )
    kept = any_store.client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [entry["ID"] for entry in kept] == ["abandoned"]


# CORS.


def test_a_preflight_is_answered_by_the_rule(any_store: AnyStore, web: httpx.Client, key: str) -> None:
    url = sign_put(any_store, key)
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    ours = web.options(url, headers={"Origin": ORIGIN, **asked})
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert "PUT" in ours.headers["access-control-allow-methods"]
    assert ours.headers["access-control-allow-headers"] == "content-type"
    foreign = web.options(url, headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in foreign.headers
    patch = web.options(url, headers={"Origin": ORIGIN, **asked, "Access-Control-Request-Method": "PATCH"})
    assert "PATCH" not in patch.headers.get("access-control-allow-methods", "")


def test_a_page_may_read_answers_and_errors(any_store: AnyStore, web: httpx.Client, key: str) -> None:
    """Fault 20, turned round."""
    url = sign_put(any_store, key)
    for address, status in ((url, 200), (url.replace("/a%20key/", "/b%20key/"), 403)):
        answer = web.put(address, content=b"x", headers={"Origin": ORIGIN})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert {"etag", "x-amz-request-id"} <= {name.strip() for name in exposed.split(",")}
    foreign = web.put(url, content=b"x", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
