"""The same upload into every real store, and what must never become an object there (ACCEPTANCE N1-N3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.any_store import AnyStore, open_any_store
from tests.browser.uploads_page import FORGETFUL, UploadsPage, random_file, sha256
from tests.harness.browser import Visitor
from tests.harness.rigs import Rig, open_ceph, open_swift
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.browser

MIB = 1024 * 1024
BUCKET = "any-store"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("seaweedfs", marks=pytest.mark.long),
        pytest.param("ceph", marks=pytest.mark.ceph),
        pytest.param("swift", marks=pytest.mark.swift),
    ],
)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyStore]:
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "seaweedfs":
            embedded: ServerProcess = request.getfixturevalue("server")
            keys = embedded.admin_keys
            rig = Rig("seaweedfs", embedded.store_url, (keys["access_key"], keys["secret_key"]))
        else:
            rig = stack.enter_context({"ceph": open_ceph, "swift": open_swift}[request.param](folder / "rig"))
        yield stack.enter_context(open_any_store(rig, folder, BUCKET))


def test_200_mb_paused_reloaded_and_exact(store: AnyStore, visitor: Visitor, tmp_path: Path) -> None:
    """N1."""
    film = random_file(tmp_path / "film.bin", 200_000_000)
    before = set(store.stored())
    page = UploadsPage(visitor, store.server, FORGETFUL)
    page.send_with_interruptions(film, store.limit, pause_at=20, reload_at=40)
    (key,) = set(store.stored()) - before
    assert sha256(store.object_bytes(key)) == sha256(film)
    assert store.open_uploads() == []


ALL = {
    "lengths",
    "md5",
    "checksums",
    "wholeChecksums",
    "checksumExposed",
    "etagsAreMd5",
    "etagExposed",
    "conditionalPut",
    "conditionalComplete",
    "repeatedComplete",
    "forms",
}
LACKS = {
    "seaweedfs": set(),
    "ceph": {"checksums", "wholeChecksums", "checksumExposed", "conditionalComplete"},
    "swift": {"wholeChecksums", "checksumExposed", "forms"},
}
"""As measured; see the stores' table in README."""


def test_what_it_can_do_is_found_out(store: AnyStore, person: httpx.Client) -> None:
    """N5, N6."""
    told = person.get("/healthz").json()
    assert told["profile"] == store.rig.name
    assert {name for name, found in told["abilities"].items() if found is False} == LACKS[store.rig.name]
    assert {name for name, found in told["abilities"].items() if found is True} == ALL - LACKS[store.rig.name]


def test_a_store_without_forms_says_so(store: AnyStore, person: httpx.Client) -> None:
    """N7."""
    answer = person.get("/s3/params", params={"filename": "a", "size": 5})
    if "forms" in LACKS[store.rig.name]:
        assert (answer.status_code, answer.json()["code"]) == (501, "NoForms")
    else:
        form = answer.json()
        posted = httpx.post(form["url"], data=form["fields"], files={"file": b"12345"})
        assert posted.status_code == 201


def etag_of(answer: httpx.Response) -> str:
    """Ceph tells the ETag of what came by a form in the answer's XML alone."""
    told = re.search(r"<ETag>(?:&quot;|\")?([0-9a-f]{32})", answer.text)
    return answer.headers.get("etag") or (told[1] if told else "")


def test_small_files_are_sent_by_the_request_that_the_store_takes(
    store: AnyStore, person: httpx.Client
) -> None:
    """N7: a form, or a PUT."""
    files = [{"filename": f"{number}.txt", "type": "text/plain", "size": 5} for number in range(3)]
    uploads = person.post("/s3/objects", json={"files": files}).json()["uploads"]
    rows = []
    for created in uploads:
        if created["method"] == "POST":
            answer = httpx.post(created["url"], data=created["fields"], files={"file": ("blob", b"12345")})
        else:
            answer = httpx.put(created["url"], headers=created["headers"], content=b"12345")
        assert answer.is_success, answer.text
        rows.append({"uploadId": created["uploadId"], "key": created["key"], "etag": etag_of(answer)})
    assert {created["method"] for created in uploads} == {
        "PUT" if "forms" in LACKS[store.rig.name] else "POST"
    }
    done = person.post("/s3/objects/complete", json={"uploads": rows}).json()["uploads"]
    assert [found.get("proof") for found in done] == [True] * 3, done


def test_completing_what_is_gone_is_not_found(store: AnyStore, person: httpx.Client) -> None:
    """N8: Ceph says 500."""
    created, etags = begin(store, person, b"12345")
    ((_, upload_id),) = [one for one in store.open_uploads() if one[0] == created["key"]]
    store.s3.abort_multipart_upload(Bucket=BUCKET, Key=created["key"], UploadId=upload_id)
    answer = finish(person, created, etags)
    assert (answer.status_code, answer.json()["code"]) == (404, "NoSuchUpload")


def begin(store: AnyStore, person: httpx.Client, *bodies: bytes) -> tuple[dict[str, Any], list[str]]:
    """An upload all of whose parts have been sent, and their ETags."""
    size = sum(map(len, bodies))
    wanted = {"filename": "a.bin", "type": "application/octet-stream", "size": size, "partSize": 5 * MIB}
    created: dict[str, Any] = person.post("/s3/multipart", json=wanted).json()
    etags = []
    for number, body in enumerate(bodies, 1):
        answer = httpx.put(created["urls"][str(number)], content=body)
        assert answer.status_code == 200, answer.text
        etags.append(answer.headers["etag"])
    return created, etags


def finish(person: httpx.Client, created: dict[str, Any], etags: list[str]) -> httpx.Response:
    return person.post(
        f"/s3/multipart/{created['uploadId']}/complete",
        params={"key": created["key"]},
        json={"parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]},
    )


@pytest.fixture
def person(store: AnyStore) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=store.server.url, timeout=60) as client:
        client.get("/")
        yield client


def test_no_url_takes_another_length(store: AnyStore, person: httpx.Client) -> None:
    """N2."""
    wanted = {"filename": "a", "size": 5}
    created = person.post("/s3/multipart", json=wanted).json()
    for body in (b"123456", b"1234", b""):
        assert httpx.put(created["urls"]["1"], content=body).status_code == 403
    assert httpx.put(created["urls"]["1"], content=b"12345").status_code == 200


@pytest.mark.parametrize("wrong", ["longer", "swapped", "other bytes"])
def test_what_is_not_the_file_is_refused(store: AnyStore, person: httpx.Client, wrong: str) -> None:
    """N3: written behind the server's back."""
    first, second = b"1" * (5 * MIB), b"2" * (5 * MIB)
    created, etags = begin(store, person, first, second)
    key = created["key"]
    ((_, upload_id),) = [one for one in store.open_uploads() if one[0] == key]

    def put(number: int, body: bytes) -> str:
        place = {"Bucket": BUCKET, "Key": key, "UploadId": upload_id}
        return str(store.s3.upload_part(**place, PartNumber=number, Body=body)["ETag"])

    told = list(etags)
    if wrong == "longer":
        told[1] = put(2, second + b"3")
    elif wrong == "swapped":
        put(1, second)
        put(2, first)
    else:
        put(2, b"3" * (5 * MIB))
    answer = finish(person, created, told)
    right = (
        store.rig.name == "seaweedfs" and wrong != "longer"
    )  # it keeps every copy, and takes the one that is named
    if right:
        assert answer.status_code == 200
        assert sha256(store.object_bytes(key)) == sha256(first + second)
    else:
        assert answer.status_code == 409, answer.text
        assert key not in store.stored()
        again = [put(1, first), put(2, second)]
        assert finish(person, created, again).status_code == 200, "sent again it is the file"
