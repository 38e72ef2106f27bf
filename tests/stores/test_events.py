"""Who watches uploads is told how they stand, and nothing of anybody else's (ACCEPTANCE Q4-Q6)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.harness.server import ServerProcess
from tests.stores.test_identity import JWT_SECRET, complete, token, upload, visitor

pytestmark = pytest.mark.stores

PATIENCE = 60.0
"""Seconds; only what never comes takes longer."""
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("watched") / "data", UPLOADS_JWT_SECRET=JWT_SECRET)
    server.start()
    yield server
    server.discard()


class Watching:
    """A connection, and what it has been told."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.told: list[dict[str, Any]] = []

    def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        limit = time.monotonic() + PATIENCE
        while True:
            event: dict[str, Any] = json.loads(self._connection.recv(max(0.1, limit - time.monotonic())))
            self.told.append(event)
            if is_it(event):
                return event

    def until_type(self, kind: str, key: str = "") -> dict[str, Any]:
        return self.until(lambda event: event["type"] == kind and (not key or event["upload"]["key"] == key))

    def closed(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed) as caught:
            self.until(lambda _: False)
        closing_frame = caught.value.rcvd
        assert closing_frame is not None
        return closing_frame.code, closing_frame.reason


def watching(server: ServerProcess, query: str = "", bearer: str = "", **headers: str) -> Any:
    """A browser's way: the token among the subprotocols, the cookie by itself."""
    protocols = ["uploads.v1", *([f"bearer.{bearer}"] if bearer else [])]
    return connect(
        f"{server.url.replace('http', 'ws', 1)}/events{query}",
        subprotocols=protocols,  # type: ignore[arg-type]
        additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
        proxy=None,
    )


def bearer_of(user: str, **claims: Any) -> str:
    return token(user, **claims)["Authorization"].removeprefix("Bearer ")


def test_a_persons_pages_are_told_from_create_to_complete(watched: ServerProcess) -> None:
    """Q4: by the cookie, with the numbers of bytes that are stored; nothing of another person's."""
    with visitor(watched.url) as me, visitor(watched.url) as other:
        me.get("/s3/uploads")
        other.get("/s3/uploads")
        cookie = "; ".join(f"{name}={value}" for name, value in me.cookies.items())
        with watching(watched, Cookie=cookie, Origin=watched.url) as connection:
            assert connection.subprotocol == "uploads.v1"
            page = Watching(connection)
            assert page.until_type("snapshot")["uploads"] == []
            theirs = upload(other)
            wanted = {"filename": "é.bin", "size": 5 * MIB + 3, "partSize": 5 * MIB, "projectId": "p"}
            mine = me.post("/s3/multipart", json=wanted).json()
            begun = page.until_type("created", mine["key"])["upload"]
            assert (begun["size"], begun["stored"], begun["projectId"]) == (5 * MIB + 3, 0, "p")
            first = httpx.put(mine["urls"]["1"], content=b"1" * 5 * MIB).headers["etag"]
            stored = page.until(lambda event: event["type"] == "progress" and event["upload"]["stored"] > 0)
            assert (stored["upload"]["stored"], stored["upload"]["parts"]) == (5 * MIB, 1)
            second = httpx.put(mine["urls"]["2"], content=b"222").headers["etag"]
            parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
            path = f"/s3/multipart/{mine['uploadId']}/complete"
            answer = me.post(path, params={"key": mine["key"]}, json={"parts": parts})
            assert answer.status_code == 200
            done = page.until_type("completed", mine["key"])
            assert (done["size"], done["etag"]) == (5 * MIB + 3, answer.json()["etag"])
            assert abs(done["serverTime"] - time.time() * 1000) < PATIENCE * 1000
            lost = upload(me)
            page.until_type("created", lost["key"])
            me.delete(f"/s3/multipart/{lost['uploadId']}", params={"key": lost["key"]})
            page.until_type("aborted", lost["key"])
        text = json.dumps(page.told)
        assert theirs["key"] not in text
        assert mine["uploadId"] not in text, "nothing by which it could be touched"
        others = [s3_id for key, s3_id in watched.open_uploads() if key == theirs["key"]]
        assert others
        assert others[0] not in text


def test_a_back_office_sees_everybody_with_the_right_scope_alone(watched: ServerProcess) -> None:
    """Q5."""
    office = bearer_of("office", scope="email uploads:watch")
    with watching(watched, "?all", office) as connection:
        screen = Watching(connection)
        screen.until_type("snapshot")
        for user in ("ann", "bob"):
            with visitor(watched.url, user) as person:
                created = upload(person)
                assert screen.until_type("created", created["key"])["upload"]["user"] == user
                complete(person, created)
                screen.until_type("completed", created["key"])
    for bearer in (bearer_of("ann"), bearer_of("ann", scope="uploads:watchers")):
        with watching(watched, "?all", bearer) as connection:
            assert Watching(connection).closed() == (4403, "ScopeNeeded")
    with closing(httpx.Client(base_url=watched.url)) as guest:
        guest.get("/s3/uploads")
        cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
        with watching(watched, "?all", Cookie=cookie) as connection:
            assert Watching(connection).closed() == (4403, "ScopeNeeded")


def test_who_is_not_known_or_comes_from_another_page_is_told_nothing(watched: ServerProcess) -> None:
    """Q5: a page of another site brings the cookie along, and may not."""
    with watching(watched) as connection:
        assert Watching(connection).closed() == (4401, "SignInNeeded")
    with watching(watched, bearer="no.token.atall") as connection:
        assert Watching(connection).closed() == (4401, "BadToken")
    with visitor(watched.url) as me:
        me.get("/s3/uploads")
        cookie = "; ".join(f"{name}={value}" for name, value in me.cookies.items())
        for origin in ("https://elsewhere.example", "null"):
            with watching(watched, Cookie=cookie, Origin=origin) as connection:
                assert Watching(connection).closed() == (4403, "OriginNotAllowed")
    with watching(watched, bearer=bearer_of("ann", exp=time.time() + 1.5)) as connection:
        assert Watching(connection).closed() == (4401, "TokenExpired")


def test_what_ends_elsewhere_is_told_as_well(watched: ServerProcess) -> None:
    """Q6: by another replica, or by the store itself: the store is what is looked at."""
    with visitor(watched.url, "ann") as ann:
        gone, made = upload(ann), upload(ann, name="made.txt")
        with watching(watched, bearer=bearer_of("ann")) as connection:
            page = Watching(connection)
            known = {one["key"] for one in page.until_type("snapshot")["uploads"]}
            assert known >= {gone["key"], made["key"]}
            ids = dict(watched.open_uploads())
            place: Any = {"Bucket": watched.bucket}
            watched.s3.abort_multipart_upload(**place, Key=gone["key"], UploadId=ids[gone["key"]])
            page.until_type("aborted", gone["key"])
            parts: Any = {"Parts": [{"PartNumber": 1, "ETag": made["etag"]}]}
            watched.s3.complete_multipart_upload(
                **place, Key=made["key"], UploadId=ids[made["key"]], MultipartUpload=parts
            )
            assert page.until_type("completed", made["key"])["size"] == 5


@pytest.mark.long
def test_what_stood_at_a_key_before_is_not_taken_for_the_upload(watched: ServerProcess) -> None:
    """Q6: a key that the application chose has an object of last week; both who watch it and a back office are told."""
    office = bearer_of("office", scope="uploads:watch")
    with visitor(watched.url, "ann") as ann:
        old = upload(ann, key="chosen.txt")
        assert complete(ann, old).status_code == 200
        time.sleep(2.5)  # the store's dates have whole seconds
        new = upload(ann, b"never completed", key="chosen.txt")
        with (
            watching(watched, bearer=bearer_of("ann")) as mine,
            watching(watched, "?all", office) as all_of_them,
        ):
            page, screen = Watching(mine), Watching(all_of_them)
            for one in (page, screen):
                assert new["key"] in [found["key"] for found in one.until_type("snapshot")["uploads"]]
            watched.s3.abort_multipart_upload(
                Bucket=watched.bucket, Key=new["key"], UploadId=dict(watched.open_uploads())[new["key"]]
            )
            for one in (page, screen):
                one.until_type("aborted", new["key"])
                assert "completed" not in [event["type"] for event in one.told]


def test_watchers_are_let_go_when_the_server_ends(own_server: ServerProcess) -> None:
    """Q6: and the server does not wait for them."""
    own_server.start()
    with visitor(own_server.url) as me:
        me.get("/s3/uploads")
        cookie = "; ".join(f"{name}={value}" for name, value in me.cookies.items())
    with watching(own_server, Cookie=cookie) as connection:
        page = Watching(connection)
        page.until_type("snapshot")
        assert own_server.stop() == 130
        with pytest.raises(ConnectionClosed):
            page.until(lambda _: False)
    assert "Traceback" not in own_server.log
    own_server.discard()


def test_too_many_watchers_of_one_person_are_asked_to_come_later(watched: ServerProcess) -> None:
    bearer = bearer_of("crowd")
    with ExitStack() as stack:
        for _ in range(20):
            Watching(stack.enter_context(watching(watched, bearer=bearer))).until_type("snapshot")
        with watching(watched, bearer=bearer) as one_more:
            assert Watching(one_more).closed() == (1013, "TooManyWatchers")
