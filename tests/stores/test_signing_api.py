"""The signing API end to end: the real server, the real SeaweedFS, bytes sent with the URLs it signs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator
from email.header import decode_header, make_header
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from uploads.server.layout import folders_of
from uploads.server.paths import DIST

from tests.fakes.s3_bucket import crc64nvme
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores
MIB = 1024 * 1024


@pytest.fixture
def browser(server: ServerProcess) -> Iterator[httpx.Client]:
    """A visitor with a guest's cookie."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.get("/").raise_for_status()
        yield client


@pytest.fixture
def store() -> Iterator[httpx.Client]:
    """What sends bytes to the store, with no cookie of ours."""
    with httpx.Client(timeout=60) as client:
        yield client


def create(browser: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = browser.post(
        "/s3/multipart", json={"filename": "a b.bin", "type": "application/x-test", **wanted}
    )
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def put(store: httpx.Client, url: str, body: bytes) -> str:
    answer = store.put(url, content=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def complete(
    browser: httpx.Client, created: dict[str, Any], etags: dict[int, str], **more: object
) -> httpx.Response:
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in etags.items()]
    return browser.post(
        f"/s3/multipart/{created['uploadId']}/complete",
        params={"key": created["key"]},
        json={"parts": parts, **more},
    )


def send(
    browser: httpx.Client, store: httpx.Client, body: bytes, **wanted: Any
) -> tuple[dict[str, Any], httpx.Response]:
    created = create(browser, size=len(body), **wanted)
    size = created["partSize"]
    etags = {
        int(number): put(store, url, body[(int(number) - 1) * size : int(number) * size])
        for number, url in created["urls"].items()
    }
    return created, complete(browser, created, etags)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code
    assert set(body) == {"error", "message", "code", "retryable", "requestId"}


@pytest.mark.parametrize("size", [0, 1, 5 * MIB - 1, 8 * MIB, 8 * MIB + 1])
def test_a_file_of_any_size_arrives_exactly(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client, size: int
) -> None:
    """B5, E1, E3; fault 63."""
    body = secrets.token_bytes(size)
    created, answer = send(browser, store, body)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["size"] == size
    assert done["proof"] is True
    assert done["bucket"] == server.bucket
    stored = server.object_bytes(created["key"])
    assert stored == body
    assert created["checksumAlgorithm"] == "CRC64NVME"
    assert done["checksum"] == {"type": "CRC64NVME", "value": crc64nvme(stored)}


def test_the_store_compares_the_whole_with_the_checksum_that_is_told(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """V2; faults 69, 70: what it refuses stays open, and can be mended."""
    body = secrets.token_bytes(8 * MIB + 5)
    created = create(browser, size=len(body))
    wrong = bytes([body[0] ^ 1]) + body[1 : 8 * MIB]
    etags = {1: put(store, created["urls"]["1"], wrong), 2: put(store, created["urls"]["2"], body[8 * MIB :])}
    checksum = {"type": "CRC64NVME", "value": crc64nvme(body)}
    answer = complete(browser, created, etags, checksum=checksum)
    assert_problem(answer, 409, "BadDigest")
    assert server.s3.list_objects_v2(Bucket=server.bucket, Prefix=created["key"]).get("KeyCount") == 0
    etags[1] = put(store, created["urls"]["1"], body[: 8 * MIB])
    answer = complete(browser, created, etags, checksum=checksum)
    assert answer.status_code == 200, answer.text
    assert answer.json()["checksum"] == checksum
    assert server.object_bytes(created["key"]) == body


def test_the_store_tells_pages_the_checksum_of_what_has_arrived(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """V2; fault 69."""
    created = create(browser, size=5)
    answer = store.put(created["urls"]["1"], content=b"hello", headers={"Origin": server.url})
    assert answer.headers["x-amz-checksum-crc64nvme"] == crc64nvme(b"hello")
    assert "x-amz-checksum-crc64nvme" in answer.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize(
    "checksum",
    [
        {"type": "CRC64NVME", "value": "AAAA"},
        {"type": "CRC32", "value": "AAAAAAAAAAA="},
        {"type": "CRC64NVME"},
        "AAAAAAAAAAA=",
    ],
)
def test_what_is_no_checksum_is_refused(browser: httpx.Client, store: httpx.Client, checksum: object) -> None:
    created = create(browser, size=5)
    etags = {1: put(store, created["urls"]["1"], b"hello")}
    assert complete(browser, created, etags, checksum=checksum).status_code == 422


def test_the_object_is_downloaded_under_its_own_name(browser: httpx.Client, store: httpx.Client) -> None:
    """B6; fault 65."""
    name = "Bericht ‮ 100% + é \U0001f680.tar.gz"
    created, answer = send(browser, store, b"hello", filename=f"../x/{name}")
    location = answer.json()["location"]
    redirect = browser.get(location)
    assert redirect.status_code == 302
    got = store.get(redirect.headers["location"])
    assert got.content == b"hello"
    assert got.headers["content-type"] == "application/x-test"
    disposition = got.headers["content-disposition"]
    assert "filename*=UTF-8''Bericht%20%20100%25%20%2B%20%C3%A9%20%F0%9F%9A%80.tar.gz" in disposition
    assert disposition.startswith('attachment; filename="')
    assert created["key"].split("/")[2] == "default"


def test_a_part_of_another_length_is_refused(browser: httpx.Client, store: httpx.Client) -> None:
    """E2."""
    created = create(browser, size=10)
    assert store.put(created["urls"]["1"], content=b"x" * 11).status_code == 403
    assert store.put(created["urls"]["1"], content=b"x" * 9).status_code == 403
    put(store, created["urls"]["1"], b"x" * 10)


def test_an_unchanged_uppy_can_use_it(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """E1."""
    created = create(browser, metadata={"name": "grün.txt", "relativePath": None})
    place = f"/s3/multipart/{created['uploadId']}"
    key = {"key": created["key"]}
    assert created["urls"] == {}
    first = browser.get(f"{place}/1", params=key).json()
    batch = browser.get(f"{place}/batch", params={**key, "partNumbers": "2,3"}).json()
    assert set(batch["presignedUrls"]) == {"2", "3"}
    bodies = {1: b"a" * (5 * MIB), 2: b"b" * 7}
    etags = {1: put(store, first["url"], bodies[1]), 2: put(store, batch["presignedUrls"]["2"], bodies[2])}
    answer = complete(browser, created, {number: etag.strip('"') for number, etag in etags.items()})
    assert answer.status_code == 200, answer.text
    assert {"location", "key", "bucket"} <= set(answer.json())
    assert server.object_bytes(created["key"]) == bodies[1] + bodies[2]
    metadata = server.s3.head_object(Bucket=server.bucket, Key=created["key"])["Metadata"]
    assert str(make_header(decode_header(metadata["name"]))) == "grün.txt"
    assert "relativepath" not in metadata


def test_parts_are_listed_sorted_and_twice_when_sent_twice(
    browser: httpx.Client, store: httpx.Client
) -> None:
    """E1; faults 33, 71."""
    created = create(browser, size=3 * 5 * MIB, partSize=5 * MIB)
    old, new = b"o" * (5 * MIB), b"n" * (5 * MIB)
    for number in ("3", "1"):
        put(store, created["urls"][number], old)
    put(store, created["urls"]["1"], new)
    listed = browser.get(f"/s3/multipart/{created['uploadId']}", params={"key": created["key"]}).json()
    assert [part["PartNumber"] for part in listed] == sorted(part["PartNumber"] for part in listed)
    assert hashlib.md5(new, usedforsecurity=False).hexdigest() in {
        part["ETag"].strip('"') for part in listed if part["PartNumber"] == 1
    }
    assert all(part["Size"] == 5 * MIB and part["LastModified"] for part in listed)


def test_all_pages_of_many_parts_are_listed(server: ServerProcess, browser: httpx.Client) -> None:
    """E1; fault 32."""
    created = create(browser, size=5 * MIB * 1100, partSize=5 * MIB)
    place, key = f"/s3/multipart/{created['uploadId']}", created["key"]
    assert len(created["urls"]) == 100
    s3_upload_id = dict(server.open_uploads())[key]
    for number in range(1, 1101):
        server.s3.upload_part(
            Bucket=server.bucket, Key=key, UploadId=s3_upload_id, PartNumber=number, Body=b"x"
        )
    listed = browser.get(place, params={"key": key}).json()
    assert [part["PartNumber"] for part in listed] == list(range(1, 1101))
    browser.delete(place, params={"key": key}).raise_for_status()


def test_a_stranger_and_a_wrong_key_find_nothing(server: ServerProcess, browser: httpx.Client) -> None:
    """E2."""
    created = create(browser, size=10)
    place, key = f"/s3/multipart/{created['uploadId']}", created["key"]
    with httpx.Client(base_url=server.url) as stranger:
        stranger.get("/")
        for method, path, body in (
            ("GET", place, None),
            ("GET", f"{place}/1", None),
            ("GET", f"{place}/status", None),
            ("DELETE", place, None),
            ("POST", f"{place}/complete", {"parts": [{"PartNumber": 1, "ETag": "x"}]}),
        ):
            assert_problem(
                stranger.request(method, path, params={"key": key}, json=body), 404, "NoSuchUpload"
            )
        assert_problem(stranger.get("/s3/object", params={"key": key}), 404, "NoSuchKey")
    assert_problem(browser.get(place, params={"key": key + "x"}), 404, "NoSuchUpload")
    assert_problem(browser.get("/s3/multipart/nonsense", params={"key": key}), 404, "NoSuchUpload")
    assert browser.get(f"{place}/status", params={"key": key}).json()["state"] == "open"


def test_parts_that_the_upload_does_not_have_are_not_signed(browser: httpx.Client) -> None:
    """E2."""
    sized = create(browser, size=10)
    free = create(browser)
    for created, number in ((sized, 0), (sized, 2), (free, 0), (free, 10_001)):
        place = f"/s3/multipart/{created['uploadId']}"
        assert_problem(browser.get(f"{place}/{number}", params={"key": created["key"]}), 422, "BadPartNumber")
    many = ",".join(str(number) for number in range(1, 1002))
    answer = browser.get(
        f"/s3/multipart/{free['uploadId']}/batch", params={"key": free["key"], "partNumbers": many}
    )
    assert_problem(answer, 422, "TooManyParts")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"size": 10 * MIB, "partSize": MIB}, "BadPartSize"),
        ({"size": 5 * MIB * 10_001, "partSize": 5 * MIB}, "BadPartSize"),
        ({"size": -1}, "ValidationError"),
        ({"key": "../x"}, "BadKey"),
        ({"metadata": {"upload-proof": "mine"}}, "ValidationError"),
    ],
)
def test_what_cannot_be_is_refused_before_it_begins(
    browser: httpx.Client, wanted: dict[str, Any], code: str
) -> None:
    answer = browser.post("/s3/multipart", json={"filename": "x", "type": "text/plain", **wanted})
    assert_problem(answer, 422, code)


def test_an_application_names_its_own_key_under_the_user(browser: httpx.Client, store: httpx.Client) -> None:
    created, answer = send(browser, store, b"mine", key="reports/2026/june.csv")
    assert answer.status_code == 200
    assert created["key"] == f"uploads/{created['userId']}/reports/2026/june.csv"


def test_completing_twice_is_one_success(browser: httpx.Client, store: httpx.Client) -> None:
    """E3; faults 22, 25."""
    created = create(browser, size=5)
    etag = put(store, created["urls"]["1"], b"hello")
    first, second = (complete(browser, created, {1: etag}) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    status = browser.get(f"/s3/multipart/{created['uploadId']}/status", params={"key": created["key"]}).json()
    assert (status["state"], status["proof"], status["size"]) == ("completed", True, 5)


def test_a_foreign_object_at_the_key_is_never_claimed(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """E3; fault 27."""
    created = create(browser, size=5)
    etag = put(store, created["urls"]["1"], b"hello")
    browser.delete(f"/s3/multipart/{created['uploadId']}", params={"key": created["key"]}).raise_for_status()
    server.s3.put_object(Bucket=server.bucket, Key=created["key"], Body=b"HELLO")
    assert_problem(complete(browser, created, {1: etag}), 404, "NoSuchUpload")
    status = browser.get(f"/s3/multipart/{created['uploadId']}/status", params={"key": created["key"]}).json()
    assert (status["state"], status["proof"]) == ("missing", False)


def test_parts_that_are_not_all_there_are_not_assembled(browser: httpx.Client, store: httpx.Client) -> None:
    created = create(browser, size=10 * MIB, partSize=5 * MIB)
    etag = put(store, created["urls"]["1"], b"x" * (5 * MIB))
    assert_problem(complete(browser, created, {1: etag}), 422, "BadParts")
    wrong = complete(browser, created, {1: etag, 2: "0" * 32})
    assert wrong.status_code == 409
    assert wrong.json()["code"] == "InvalidPart"


def test_a_wrong_etag_of_a_part_that_is_there_is_no_success(
    browser: httpx.Client, store: httpx.Client
) -> None:
    """E3; fault 71."""
    created = create(browser, size=5)
    put(store, created["urls"]["1"], b"hello")
    assert complete(browser, created, {1: "0" * 32}).status_code == 409


def test_abort_leaves_nothing_and_is_harmless_twice(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """E1, I5."""
    created = create(browser, size=5)
    place, key = f"/s3/multipart/{created['uploadId']}", {"key": created["key"]}
    assert created["key"] in {key for key, _ in server.open_uploads()}
    assert browser.delete(place, params=key).json() == {}
    assert browser.delete(place, params=key).status_code == 200
    assert created["key"] not in {key for key, _ in server.open_uploads()}
    assert_problem(browser.get(place, params=key), 404, "NoSuchUpload")
    assert store.put(created["urls"]["1"], content=b"hello").status_code == 404


def test_an_object_that_is_not_the_file_is_told_and_goes_with_the_abort(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """E3; Faults 70, 72; I1: the upload's object, but of another length than it was to have."""
    created = create(browser, size=5)
    place, key = f"/s3/multipart/{created['uploadId']}", {"key": created["key"]}
    put(store, created["urls"]["1"], b"hello")
    head = {"Bucket": server.bucket, "Key": created["key"]}
    proof = browser_completes(browser, place, key, b"hello")
    assert proof["proof"] is True
    metadata = server.s3.head_object(**head)["Metadata"]
    server.s3.put_object(**head, Body=b"hell", Metadata=metadata)
    status = browser.get(f"{place}/status", params=key).json()
    assert (status["state"], status["size"], status["proof"]) == ("completed", 4, False)
    server.s3.put_object(**head, Body=b"hell")
    assert browser.get(f"{place}/status", params=key).json()["state"] == "missing"
    assert browser.delete(place, params=key).status_code == 200
    assert server.s3.head_object(**head)["ContentLength"] == 4, "somebody else's object stays"
    server.s3.put_object(**head, Body=b"hell", Metadata=metadata)
    assert browser.delete(place, params=key).status_code == 200
    with pytest.raises(ClientError, match="404"):
        server.s3.head_object(**head)


def browser_completes(browser: httpx.Client, place: str, key: dict[str, str], content: bytes) -> Any:
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    body = {"parts": [{"PartNumber": 1, "ETag": etag}]}
    return browser.post(f"{place}/complete", params=key, json=body).json()


def test_open_uploads_are_listed_and_can_be_taken_up(browser: httpx.Client, store: httpx.Client) -> None:
    created = create(browser, size=5, filename="open.bin")
    put(store, created["urls"]["1"], b"hello")
    answer = browser.get("/s3/uploads").json()
    assert answer["userId"] == created["userId"]
    assert abs(answer["serverTime"] / 1000 - time.time()) < 60
    found = {upload["key"]: upload for upload in answer["uploads"]}
    again = {**created, "uploadId": found[created["key"]]["uploadId"]}
    assert found[created["key"]]["filename"] == "open.bin"
    assert found[created["key"]]["projectId"] == "default"
    assert found[created["key"]]["startedAt"]
    listed = browser.get(f"/s3/multipart/{again['uploadId']}", params={"key": again["key"]}).json()
    done = complete(browser, again, {part["PartNumber"]: part["ETag"] for part in listed})
    assert done.status_code == 200, done.text


def test_a_guest_is_known_by_the_cookie_alone(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url) as client:
        page = client.get("/")
        cookie = page.headers["set-cookie"].lower()
        assert all(mark in cookie for mark in ("httponly", "samesite=lax", "path=/"))
        assert "set-cookie" not in client.get("/").headers
        users = {client.get("/s3/uploads").json()["userId"] for _ in range(2)}
        assert len(users) == 1
    with httpx.Client(base_url=server.url) as client:
        user = client.get("/s3/uploads").json()["userId"]
        assert client.get("/s3/uploads").json()["userId"] == user not in users
        client.cookies.set("uploads_guest", "forged.cookie", domain="127.0.0.1")


@pytest.mark.parametrize("form", ["one", "batch"])
def test_a_small_file_goes_by_one_post(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client, form: str
) -> None:
    wanted: dict[str, Any] = {"filename": "klein é.txt", "type": "text/plain", "size": 5}
    if form == "one":
        signed = browser.get("/s3/params", params={"metadata[tag]": "é"} | wanted).json()
    else:
        answer = browser.post("/s3/params", json={"files": [{**wanted, "metadata": {"tag": "é"}}] * 3}).json()
        assert len({upload["fields"]["key"] for upload in answer["uploads"]}) == 3
        signed = answer["uploads"][0]
    assert signed["method"] == "POST"
    long = store.post(signed["url"], data=signed["fields"], files={"file": b"hello!"})
    assert long.status_code in {400, 403}
    answer = store.post(signed["url"], data=signed["fields"], files={"file": b"hello"})
    assert answer.status_code == 201, answer.text
    head = server.s3.head_object(Bucket=server.bucket, Key=signed["fields"]["key"])
    assert head["ContentDisposition"].endswith("filename*=UTF-8''klein%20%C3%A9.txt")
    assert head["ContentType"] == "text/plain"
    assert server.object_bytes(signed["fields"]["key"]) == b"hello"


def test_the_store_answers_a_preflight_of_our_page_and_of_no_other(
    server: ServerProcess, browser: httpx.Client, store: httpx.Client
) -> None:
    """E5."""
    url = create(browser, size=5)["urls"]["1"]
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    ours = store.options(url, headers={"Origin": server.url, **asked})
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == server.url
    foreign = store.options(url, headers={"Origin": "http://evil.example", **asked})
    assert "access-control-allow-origin" not in foreign.headers
    sent = store.put(url, content=b"hello", headers={"Origin": server.url})
    assert "etag" in sent.headers["access-control-expose-headers"].lower()


def test_pages_of_other_sites_may_not_call(browser: httpx.Client, server: ServerProcess) -> None:
    wanted = {"filename": "x", "type": "text/plain"}
    answer = browser.post("/s3/multipart", json=wanted, headers={"Origin": "http://evil.example"})
    assert_problem(answer, 403, "OriginNotAllowed")
    assert "access-control-allow-origin" not in answer.headers
    assert browser.post("/s3/multipart", json=wanted, headers={"Origin": server.url}).status_code == 200


OPAQUE = {"Origin": "null"}
"""What a sandboxed frame sends, whosever it is."""


def worker_script(browser: httpx.Client) -> str:
    """The address of the worker's script, as the page has it."""
    found = re.search(r'src="(assets/worker-[^"]+)"', browser.get("/").text)
    assert found
    return f"/{found[1]}"


def token_of(page: httpx.Response) -> str:
    """The guest's token that a page brings, or ""."""
    found = re.search(r'<html data-guest="([^"]+)"', page.text)
    return found[1] if found else ""


def as_guest(token: str) -> dict[str, str]:
    return {**OPAQUE, "Authorization": f"Bearer {token}"}


def test_an_opaque_origin_is_let_in_by_its_token_and_never_by_a_cookie(browser: httpx.Client) -> None:
    """E6."""
    owner = browser.get("/s3/uploads").json()["userId"]
    created = create(browser, size=5)
    assert_problem(browser.get("/s3/uploads", headers=OPAQUE), 403, "OriginNotAllowed")
    for forged in ("made up", browser.cookies["uploads_guest"]):
        assert_problem(browser.get("/s3/uploads", headers=as_guest(forged)), 401, "BadToken")
    token = token_of(browser.get("/", headers={"Sec-Fetch-Dest": "iframe"}))
    guests = [browser.get("/s3/uploads", headers=as_guest(token)).json() for _ in range(2)]
    assert guests[0]["userId"] == guests[1]["userId"] != owner
    assert guests[0]["uploads"] == []
    foreign = f"/s3/multipart/{created['uploadId']}"
    answer = browser.get(foreign, params={"key": created["key"]}, headers=as_guest(token))
    assert_problem(answer, 404, "NoSuchUpload")
    assert browser.get(foreign, params={"key": created["key"]}).status_code == 200


def test_an_opaque_origin_reads_the_api_without_credentials_and_not_the_page(
    browser: httpx.Client, store: httpx.Client, server: ServerProcess
) -> None:
    """E5, E6: the page brings a token, so a sandboxed frame of another site must not read it."""
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    url = create(browser, size=5)["urls"]["1"]
    for answer in (
        browser.options("/s3/uploads", headers={**OPAQUE, **asked}),
        browser.get("/s3/uploads", headers=as_guest("forged")),
        browser.get("/healthz", headers=OPAQUE),
    ):
        assert answer.headers["access-control-allow-origin"] == "null"
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
    sent = store.put(url, content=b"hello", headers=OPAQUE)
    assert sent.headers["access-control-allow-origin"] in {"null", "*"}
    for path in ("/", "/index.html"):
        assert "access-control-allow-origin" not in browser.get(path, headers=OPAQUE).headers
    script = browser.get(worker_script(browser), headers=OPAQUE)
    assert script.headers["access-control-allow-origin"] == "*"
    assert script.headers.get("set-cookie") is None


def test_a_page_brings_a_token_where_no_cookie_may_come_back(server: ServerProcess) -> None:
    """E6: to a newcomer and into a frame, another one every time; a guest's own page brings none."""
    with httpx.Client(base_url=server.url) as client:
        first = client.get("/")
        known = client.get("/", headers={"Sec-Fetch-Dest": "document"})
        framed = [client.get("/", headers={"Sec-Fetch-Dest": "iframe"}) for _ in range(2)]
    assert token_of(known) == ""
    assert "etag" in known.headers
    tokens = {token_of(page) for page in (first, *framed)}
    assert len(tokens - {""}) == 3
    assert [page.headers["cache-control"] for page in framed] == ["no-store"] * 2
    assert "no-cache" in first.headers["cache-control"]
    assert "etag" not in first.headers, "it would be taken for the page of a guest who is known"
    assert "set-cookie" not in framed[0].headers


def test_mistakes_are_answered_in_one_shape(browser: httpx.Client) -> None:
    assert_problem(browser.get("/s3/nothing"), 404, "NoSuchCall")
    assert_problem(
        browser.post("/s3/multipart", content=b"{", headers={"Content-Type": "application/json"}),
        400,
        "ValidationError",
    )
    assert_problem(browser.get("/s3/multipart/x"), 422, "ValidationError")
    assert_problem(browser.post("/s3/params", json={"files": []}), 422, "ValidationError")
    assert_problem(browser.get("/nothing"), 404, "NotFound")


def test_the_page_and_its_parts_carry_their_headers(browser: httpx.Client, server: ServerProcess) -> None:
    """E5."""
    wasm_path = f"/{folders_of(DIST)['micropython']}micropython.wasm"
    page, worker, wasm = (browser.get(path) for path in ("/", worker_script(browser), wasm_path))
    assert f"connect-src 'self' {server.url} {server.store_url}" in page.headers["content-security-policy"]
    assert "'unsafe-eval'" in page.headers["content-security-policy"]
    assert "'unsafe-eval'" not in worker.headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")
    assert wasm.headers["content-type"] == "application/wasm"
    assert worker.headers["content-type"].startswith("text/javascript")
    for answer in (page, worker, wasm):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        lasting = "no-cache" if answer is page else "public, max-age=31536000, immutable"
        assert answer.headers["cache-control"] == lasting
        again = browser.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    assert browser.get("/.built-from.json").status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("identity", None)]
)
def test_files_are_sent_as_small_as_the_browser_takes_them(
    browser: httpx.Client, accepted: str, encoding: str | None
) -> None:
    """The same bytes, kind and rights, whatever the encoding; caches are told that there are several."""
    path = f"/{folders_of(DIST)['micropython']}micropython.mjs"
    with browser.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(sent)
    if encoding == "gzip":
        sent = gzip.decompress(sent)
    elif encoding == "br":
        assert len(sent) < 30_000
        return
    assert sent == (DIST / path.removeprefix("/")).read_bytes()


def test_the_api_describes_itself_from_this_host_alone(browser: httpx.Client) -> None:
    page = browser.get("/docs")
    assert "//" not in page.text
    viewer = folders_of(DIST)["swagger-ui"]
    for path in (f"{viewer}swagger-ui-bundle.js", f"{viewer}swagger-ui.css", "docs/start.js"):
        assert path in page.text
        assert browser.get(f"/{path}").status_code == 200
    described = browser.get("/openapi.json").json()
    assert "/s3/multipart/{upload_id}/complete" in described["paths"]


def test_the_log_holds_no_secret(server: ServerProcess, browser: httpx.Client, store: httpx.Client) -> None:
    """I7."""
    created, _ = send(browser, store, b"hello")
    browser.get(f"/s3/multipart/{created['uploadId']}/1", params={"key": created["key"]})
    log = server.log
    assert "/s3/multipart/…/1" in log
    for secret in (created["uploadId"], "X-Amz-Signature", browser.cookies["uploads_guest"], created["key"]):
        assert secret not in log


def test_a_guest_who_lost_the_cookie_comes_back_with_the_key(
    browser: httpx.Client, server: ServerProcess
) -> None:
    """ACCEPTANCE D3, E2."""
    created = create(browser, size=1)
    given = browser.post("/s3/guest/key").json()
    with httpx.Client(base_url=server.url) as later:
        assert later.get("/s3/uploads").json()["isNewGuest"] is True
        challenge = later.get("/s3/guest/challenge").json()["challenge"]
        proof = hmac.digest(base64.b64decode(given["key"]), challenge.encode(), "sha256").hex()
        claim = {"userId": given["userId"], "challenge": challenge, "proof": proof}
        wrong = later.post("/s3/guest/return", json={**claim, "proof": "0" * 64})
        assert_problem(wrong, 403, "WrongProof")
        listed = later.get(f"/s3/multipart/{created['uploadId']}", params={"key": created["key"]})
        assert_problem(listed, 404, "NoSuchUpload")
        assert later.post("/s3/guest/return", json=claim).json() == {"userId": given["userId"]}
        listed = later.get(f"/s3/multipart/{created['uploadId']}", params={"key": created["key"]})
        assert listed.json() == []
