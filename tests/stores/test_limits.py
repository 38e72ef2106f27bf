"""How much a user may do and what with, end to end: the real server and the real store (ACCEPTANCE L1-L4)."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import zstandard

from tests.harness.application import JWT_SECRET, new_user
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores

MIB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(
        tmp_path_factory.mktemp("limits") / "data",
        UPLOADS_JWT_SECRET=JWT_SECRET,
        UPLOADS_MIN_FILE_SIZE="2",
        UPLOADS_MAX_FILE_SIZE=str(6 * MIB),
        UPLOADS_ALLOWED_TYPES="image/*,text/plain",
        UPLOADS_ALLOWED_NAMES=r"[\w .-]{1,40}",
        UPLOADS_MAX_OPEN_UPLOADS="3",
        UPLOADS_MAX_BYTES_PER_DAY=str(10 * MIB),
        UPLOADS_MAX_SIGNATURES="3",
        UPLOADS_MAX_REQUESTS_PER_SECOND="4",
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


def start(
    person: httpx.Client, size: int | None = 5, name: str = "a.txt", kind: str = "text/plain", **more: Any
) -> httpx.Response:
    return person.post("/s3/multipart", json={"filename": name, "type": kind, "size": size, **more})


def created(person: httpx.Client, *given: Any, **named: Any) -> dict[str, Any]:
    answer = start(person, *given, **named)
    assert answer.status_code == 200, answer.text
    upload: dict[str, Any] = answer.json()
    return upload


def url_of(person: httpx.Client, upload: dict[str, Any], number: int) -> httpx.Response:
    return person.get(f"/s3/multipart/{upload['uploadId']}/{number}", params={"key": upload["key"]})


def send(person: httpx.Client, upload: dict[str, Any], number: int, body: bytes) -> str:
    url = upload["urls"].get(str(number)) or url_of(person, upload, number).json()["url"]
    answer = httpx.put(url, content=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def finish(person: httpx.Client, upload: dict[str, Any], *etags: str) -> httpx.Response:
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    return person.post(
        f"/s3/multipart/{upload['uploadId']}/complete", params={"key": upload["key"]}, json={"parts": parts}
    )


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def keys_in(server: ServerProcess, upload: dict[str, Any]) -> list[str]:
    found = server.s3.list_objects_v2(Bucket=server.bucket, Prefix=upload["key"]).get("Contents", [])
    return [one["Key"] for one in found]


def test_what_the_rules_are_against_is_refused_before_anything_is_created(
    person: httpx.Client, strict: ServerProcess
) -> None:
    """L1."""
    before = strict.open_uploads()
    for status, code, named in (
        (413, "EntityTooLarge", {"size": 6 * MIB + 1}),
        (422, "FileTooSmall", {"size": 1}),
        (422, "TypeNotAllowed", {"kind": "application/pdf"}),
        (422, "NameNotAllowed", {"name": "a<b>.txt"}),
    ):
        answer = start(person, **dict[str, Any](named))
        assert refused(answer) == (status, code)
        assert answer.json()["retryable"] is False
        forms = {"filename": named.get("name", "a.txt"), "type": named.get("kind", "text/plain")}
        answer = person.post("/s3/params", json={"files": [forms | {"size": named.get("size", 5)}]})
        assert refused(answer) == (status, code)
    assert strict.open_uploads() == before


def test_a_form_takes_no_more_and_no_less_than_is_allowed(person: httpx.Client) -> None:
    """L1."""
    form = person.get("/s3/params", params={"filename": "a.txt", "type": "text/plain"}).json()
    for body, good in ((b"x", False), (b"xx", True), (bytes(6 * MIB + 1), False)):
        answer = httpx.post(form["url"], data=form["fields"], files={"file": ("a.txt", body)})
        assert answer.is_success is good, answer.text


def test_a_size_that_was_not_told_is_counted_before_completion(
    person: httpx.Client, strict: ServerProcess
) -> None:
    """L2."""
    upload = created(person, None)
    etags = [send(person, upload, 1, bytes(5 * MIB)), send(person, upload, 2, bytes(MIB + 1))]
    assert refused(finish(person, upload, *etags)) == (413, "EntityTooLarge")
    assert keys_in(strict, upload) == []
    assert upload["key"] not in [key for key, _ in strict.open_uploads()], "it can never be completed"
    upload = created(person, None)
    assert finish(person, upload, send(person, upload, 1, b"small")).status_code == 200


def test_parts_that_do_not_make_up_the_file_are_not_assembled(
    person: httpx.Client, strict: ServerProcess
) -> None:
    """L2: written behind our back, since no URL takes another length."""
    upload = created(person, 5 * MIB + 5, partSize=5 * MIB)
    first = send(person, upload, 1, bytes(5 * MIB))
    ((_, s3_upload_id),) = [one for one in strict.open_uploads() if one[0] == upload["key"]]
    longer = strict.s3.upload_part(
        Bucket=strict.bucket, Key=upload["key"], UploadId=s3_upload_id, PartNumber=2, Body=b"longer"
    )
    answer = finish(person, upload, first, longer["ETag"])
    assert refused(answer) == (409, "InvalidPart")
    assert "5,242,886" in answer.json()["message"]
    assert keys_in(strict, upload) == []
    right = send(person, upload, 2, b"right")
    assert finish(person, upload, first, right).status_code == 200


def test_a_file_that_is_not_what_it_is_called_is_removed(person: httpx.Client, strict: ServerProcess) -> None:
    """L3."""
    program, picture = b"MZ" + bytes(100), PNG
    upload = created(person, len(program), "a.png", "image/png")
    answer = finish(person, upload, send(person, upload, 1, program))
    assert refused(answer) == (422, "ContentMismatch")
    assert keys_in(strict, upload) == []
    upload = created(person, len(picture), "a.png", "image/png")
    assert finish(person, upload, send(person, upload, 1, picture)).status_code == 200


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_packed_file_is_looked_at_as_whoever_fetches_it_sees_it(
    person: httpx.Client, strict: ServerProcess, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """L3, X7: packed or not, a program is no picture."""
    noise = os.urandom(500_000)  # of which no block fits into the first few bytes
    for content, status in ((PNG + noise, 200), (b"MZ" + noise, 422), (PNG, 200)):
        packed = pack(content)
        upload = created(person, len(packed), "a.png", "image/png", encoding=encoding)
        assert finish(person, upload, send(person, upload, 1, packed)).status_code == status
        if status == 200:
            head = strict.s3.head_object(Bucket=strict.bucket, Key=upload["key"])
            assert (head["ContentEncoding"], head["ContentType"]) == (encoding, "image/png")
    upload = created(person, len(PNG), "a.png", "image/png", encoding=encoding)
    assert finish(person, upload, send(person, upload, 1, PNG)).status_code == 200, "it is not even packed"


def test_so_many_uploads_may_be_open(person: httpx.Client) -> None:
    """L4."""
    uploads = [created(person) for _ in range(3)]
    answer = start(person)
    assert refused(answer) == (429, "TooManyOpenUploads")
    assert "finish or cancel one" in answer.json()["message"]
    assert finish(person, uploads[0], send(person, uploads[0], 1, b"12345")).status_code == 200
    created(person)


def test_so_many_bytes_may_be_stored_in_a_day(person: httpx.Client) -> None:
    """L4."""
    first, second = created(person, 5 * MIB), created(person, 5 * MIB + 1)
    etag = send(person, second, 1, bytes(5 * MIB + 1))
    assert finish(person, first, send(person, first, 1, bytes(5 * MIB))).status_code == 200
    answer = finish(person, second, etag)
    assert refused(answer) == (429, "DailyBytesExceeded"), "counted when it ends, whatever was begun before"
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert refused(start(person, 5 * MIB + 1)) == (429, "DailyBytesExceeded")
    listed = person.get(f"/s3/multipart/{second['uploadId']}", params={"key": second["key"]})
    assert [part["Size"] for part in listed.json()] == [5 * MIB + 1], "nothing is lost: it can end tomorrow"
    forms = {"files": [{"filename": "a.txt", "type": "text/plain", "size": 3 * MIB}] * 2}
    assert refused(person.post("/s3/params", json=forms)) == (429, "DailyBytesExceeded"), (
        "all of them together"
    )
    third = created(person, 5 * MIB)
    sent = send(person, third, 1, bytes(5 * MIB))
    assert finish(person, third, sent).status_code == 200
    assert finish(person, third, sent).status_code == 200, "an answer that was lost is given again"


def test_a_part_is_signed_so_often(person: httpx.Client) -> None:
    """L4: the URL that came with the upload counts; what is refused does not, for no part."""
    upload = created(person, 5 * MIB + 5, partSize=5 * MIB)

    def batch(numbers: str) -> httpx.Response:
        params = {"key": upload["key"], "partNumbers": numbers}
        return person.get(f"/s3/multipart/{upload['uploadId']}/batch", params=params)

    for _ in range(3):
        assert refused(batch("2,10001")) == (422, "BadPartNumber")
    for _ in range(2):
        assert url_of(person, upload, 1).status_code == 200
    assert refused(url_of(person, upload, 1)) == (429, "TooManySignatures")
    for _ in range(3):
        assert refused(batch("1,2")) == (429, "TooManySignatures")
    assert batch("2").status_code == 200
    assert url_of(person, upload, 2).status_code == 200
    assert refused(batch("2")) == (429, "TooManySignatures")


def test_so_many_requests_may_come_in_a_second(person: httpx.Client, strict: ServerProcess) -> None:
    """L4: for a user, and for all newcomers of one address."""
    with httpx.Client(base_url=strict.url) as newcomers:
        for client, cookies in ((person, True), (newcomers, False)):
            answers = []
            for _ in range(80):
                answers.append(client.get("/s3/guest/challenge"))
                if not cookies:
                    client.cookies.clear()
                if answers[-1].status_code == 429:
                    break
            assert len(answers) > 30
            assert refused(answers[-1]) == (429, "TooManyRequests")
            assert int(answers[-1].headers["Retry-After"]) >= 1
            assert answers[-1].json()["retryable"] is True


LARGEST_FORM = 5 * 1024**3


def test_forms_for_more_than_the_disk_has_room_for_are_refused(server: ServerProcess) -> None:
    """L4: all forms of a call together."""
    with httpx.Client(base_url=server.url) as person:
        count = shutil.disk_usage(server.data_dir).free // LARGEST_FORM + 1
        files = [{"filename": f"{number}", "size": LARGEST_FORM} for number in range(count)]
        answer = person.post("/s3/params", json={"files": files})
        assert (answer.status_code, answer.json()["code"]) == (413, "StorageFull")
        assert person.post("/s3/params", json={"files": files[:1]}).status_code == 200
