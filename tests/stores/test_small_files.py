"""Small files that go whole, end to end: the real server, the real SeaweedFS, bytes sent as the answers say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.harness.application import JWT_SECRET, new_user
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores
MIB = 1024 * 1024


@pytest.fixture
def browser(server: ServerProcess) -> Iterator[httpx.Client]:
    """A visitor with a guest's cookie."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.get("/").raise_for_status()
        yield client


def wanted(size: int, name: str = "a b.txt", **more: Any) -> dict[str, Any]:
    return {"filename": name, "type": "text/plain", "size": size, **more}


def create(browser: httpx.Client, *files: dict[str, Any]) -> list[dict[str, Any]]:
    answer = browser.post("/s3/objects", json={"files": files})
    assert answer.status_code == 200, answer.text
    uploads: list[dict[str, Any]] = answer.json()["uploads"]
    return uploads


def send(created: dict[str, Any], body: bytes) -> str:
    """By the request that it is to be sent by; its ETag."""
    if created["method"] == "POST":
        answer = httpx.post(created["url"], data=created["fields"], files={"file": ("blob", body)})
    else:
        answer = httpx.put(created["url"], headers=created["headers"], content=body)
    assert answer.is_success, answer.text
    return answer.headers["etag"]


def complete(browser: httpx.Client, *sent: tuple[dict[str, Any], str]) -> list[dict[str, Any]]:
    rows = [{"uploadId": created["uploadId"], "key": created["key"], "etag": etag} for created, etag in sent]
    answer = browser.post("/s3/objects/complete", json={"uploads": rows})
    assert answer.status_code == 200, answer.text
    uploads: list[dict[str, Any]] = answer.json()["uploads"]
    return uploads


def place(created: dict[str, Any]) -> str:
    return f"/s3/multipart/{created['uploadId']}"


def test_many_are_created_and_completed_by_one_call(server: ServerProcess, browser: httpx.Client) -> None:
    open_before = server.open_uploads()
    bodies = [f"file {number}".encode() * number for number in range(100)]
    uploads = create(browser, *(wanted(len(body), f"{number} ä.txt") for number, body in enumerate(bodies)))
    assert len({created["key"] for created in uploads}) == 100
    done = complete(
        browser, *((created, send(created, body)) for created, body in zip(uploads, bodies, strict=True))
    )
    for created, body, found in zip(uploads, bodies, done, strict=True):
        assert (found["key"], found["size"], found["proof"]) == (created["key"], len(body), True)
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        assert (found["etag"], found["checksum"]) == (md5, {"type": "md5", "value": md5})
    head = server.s3.head_object(Bucket=server.bucket, Key=uploads[7]["key"])
    assert head["ContentType"] == "text/plain"
    assert head["ContentDisposition"].endswith("filename*=UTF-8''7%20%C3%A4.txt")
    assert server.object_bytes(uploads[7]["key"]) == bodies[7]
    assert server.open_uploads() == open_before


def test_what_is_signed_anew_is_a_put_of_just_these_bytes(
    server: ServerProcess, browser: httpx.Client
) -> None:
    (created,) = create(browser, wanted(5, metadata={"tag": "é"}))
    answer = browser.get(f"{place(created)}/batch", params={"key": created["key"], "partNumbers": "1"})
    signed = answer.json()
    url, headers = signed["presignedUrls"]["1"], signed["headers"]
    assert httpx.put(url, headers=headers, content=b"hello!").status_code == 403, "another length"
    assert httpx.put(url, content=b"hello").status_code == 403, "without its headers"
    assert httpx.put(url, headers=headers, content=b"hello").status_code == 200
    one = browser.get(f"{place(created)}/1", params={"key": created["key"]}).json()
    assert one["headers"] == headers
    head = server.s3.head_object(Bucket=server.bucket, Key=created["key"])
    assert head["Metadata"]["tag"] == "=?utf-8?b?w6k=?="
    assert complete(browser, (created, hashlib.md5(b"hello", usedforsecurity=False).hexdigest()))[0]["proof"]


def test_a_form_takes_these_bytes_alone(browser: httpx.Client) -> None:
    (created,) = create(browser, wanted(5))
    for body, status in ((b"hell", 403), (b"hello!", 400), (b"hello", 201)):
        answer = httpx.post(created["url"], data=created["fields"], files={"file": ("blob", body)})
        assert answer.status_code in {status, 400, 403} if status != 201 else answer.status_code == 201


def test_its_only_part_is_there_once_the_object_is(browser: httpx.Client) -> None:
    """What an engine that was killed in between goes on with."""
    (created,) = create(browser, wanted(5))
    key = {"key": created["key"]}
    assert browser.get(place(created), params=key).json() == []
    assert browser.get(f"{place(created)}/status", params=key).json()["state"] == "missing"
    etag = send(created, b"hello")
    (part,) = browser.get(place(created), params=key).json()
    assert (part["PartNumber"], part["Size"], part["ETag"]) == (1, 5, etag)
    status = browser.get(f"{place(created)}/status", params=key).json()
    assert (status["state"], status["proof"], status["size"]) == ("completed", True, 5)
    alone = browser.post(
        f"{place(created)}/complete", params=key, json={"parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    assert alone.json()["proof"] is True


def test_one_that_is_aborted_is_removed(server: ServerProcess, browser: httpx.Client) -> None:
    (created,) = create(browser, wanted(5))
    send(created, b"hello")
    for _ in range(2):
        assert browser.delete(place(created), params={"key": created["key"]}).status_code == 200
    found = server.s3.list_objects_v2(Bucket=server.bucket, Prefix=created["key"])
    assert found["KeyCount"] == 0
    (answer,) = complete(browser, (created, "0" * 32))
    assert (answer["status"], answer["code"]) == (404, "NoSuchUpload")


def test_other_bytes_of_the_right_length_are_not_believed(browser: httpx.Client) -> None:
    """Fault 69."""
    right, wrong = create(browser, wanted(5), wanted(5))
    etag = send(right, b"hello")
    send(wrong, b"hallo")
    good, bad = complete(browser, (right, etag), (wrong, etag))
    assert good["proof"] is True
    assert (bad["status"], bad["code"], bad["retryable"]) == (409, "ProofFailed", True)


def test_another_users_are_nobodys(server: ServerProcess, browser: httpx.Client) -> None:
    (created,) = create(browser, wanted(5))
    etag = send(created, b"hello")
    with httpx.Client(base_url=server.url) as stranger:
        stranger.get("/").raise_for_status()
        (answer,) = complete(stranger, (created, etag))
        assert (answer["status"], answer["code"]) == (404, "NoSuchUpload")
        assert stranger.delete(place(created), params={"key": created["key"]}).status_code == 404
    forged = {**created, "uploadId": created["uploadId"][:-2] + "AA"}
    assert complete(browser, (forged, etag))[0]["status"] == 404


def test_bad_calls_are_refused(browser: httpx.Client) -> None:
    for path, body in (
        ("objects", {"files": []}),
        ("objects", {"files": [{"filename": "a"}]}),
        ("objects", {"files": [wanted(1)] * 1001}),
        ("objects/complete", {"uploads": []}),
        ("objects/complete", {"uploads": [{"uploadId": "x", "key": "k", "etag": "a b"}]}),
    ):
        answer = browser.post(f"/s3/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "ValidationError"), body


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(
        tmp_path_factory.mktemp("small") / "data",
        UPLOADS_JWT_SECRET=JWT_SECRET,
        UPLOADS_MIN_FILE_SIZE="2",
        UPLOADS_SMALL_FILE_SIZE=str(MIB),
        UPLOADS_ALLOWED_NAMES=r"[\w .-]{1,40}",
        UPLOADS_MAX_BYTES_PER_DAY=str(3 * MIB),
        UPLOADS_MAX_SIGNATURES="2",
    )
    try:
        server.start()
        yield server
    finally:
        server.discard()


@pytest.fixture
def person(strict: ServerProcess, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with new_user(strict, request.node.name) as client:
        yield client


def test_one_that_is_refused_keeps_no_other_back(person: httpx.Client) -> None:
    """L1, and each with the answer that it would have had alone."""
    answers = create(
        person, wanted(5), wanted(1), wanted(5, "a<b>.txt"), wanted(MIB + 1), wanted(5, key="../x"), wanted(5)
    )
    found = [answer.get("code", "created") for answer in answers]
    assert found == ["created", "FileTooSmall", "NameNotAllowed", "EntityTooLarge", "BadKey", "created"]
    assert {answer["status"] for answer in answers if "code" in answer} == {422, 413}


def test_a_days_bytes_are_given_to_those_who_came_first(person: httpx.Client) -> None:
    """L2."""
    answers = create(person, *[wanted(MIB)] * 2, wanted(MIB - 5), wanted(6), wanted(5))
    found = [answer.get("code", "created") for answer in answers]
    assert found == ["created", "created", "created", "DailyBytesExceeded", "created"]
    assert answers[3]["retryAfter"] > 0


def test_one_is_signed_no_oftener_than_allowed(person: httpx.Client) -> None:
    (created,) = create(person, wanted(5))
    place_of = {"key": created["key"], "partNumbers": "1"}
    assert person.get(f"{place(created)}/batch", params=place_of).status_code == 200
    assert person.get(f"{place(created)}/batch", params=place_of).json()["code"] == "TooManySignatures"
    assert person.get(f"{place(created)}/2", params=place_of).json()["code"] == "BadPartNumber"


@pytest.mark.long
def test_whoever_asks_is_told_what_goes_whole(
    browser: httpx.Client, person: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert browser.get("/s3/uploads").json()["smallFiles"] == {"maxSize": 8 * MIB, "maxCount": 1000}
    assert person.get("/s3/uploads").json()["smallFiles"]["maxSize"] == MIB
    for name, value in (("UPLOADS_SMALL_FILE_SIZE", "0"), ("UPLOADS_ALLOWED_TYPES", "image/*")):
        server = ServerProcess(tmp_path_factory.mktemp("none") / "data", **dict[str, Any]({name: value}))
        try:
            server.start()
            assert httpx.get(f"{server.url}/s3/uploads").json()["smallFiles"] is None
        finally:
            server.discard()
