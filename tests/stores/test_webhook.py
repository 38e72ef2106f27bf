"""The operator's own server is told of every completed upload, whatever happens on the way (ACCEPTANCE Q1, Q2)."""

from __future__ import annotations

import base64
import hmac
import http.server
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from uploads.server.outbox import pause
from uploads.server.webhooks import signature

from tests.harness.server import ServerProcess, free_port

pytestmark = pytest.mark.stores

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


@dataclass
class Receiver:
    """The operator's server. statuses: what it answers, one after the other, then 204; told: what it has heard."""

    port: int
    statuses: list[int] = field(default_factory=list)
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/uploads/"

    def start(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append(
                    ({"path": self.path, **{n.lower(): v for n, v in self.headers.items()}}, body)
                )
                if receiver.hold:
                    receiver.hold.wait(30)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self._host = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._host.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._host.shutdown()
        self._host.server_close()

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, self.told
            time.sleep(0.05)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(free_port())


@pytest.fixture
def telling(own_server: ServerProcess, receiver: Receiver) -> ServerProcess:
    own_server.set(UPLOADS_WEBHOOK_URL=receiver.url, UPLOADS_WEBHOOK_SECRET=SECRET)
    own_server.start()
    return own_server


def complete(server: ServerProcess, name: str = "Grüße.txt", times: int = 1) -> dict[str, Any]:
    with httpx.Client(base_url=server.url, timeout=60) as person:
        wanted = {"filename": name, "type": "text/plain", "size": 5, "projectId": "holiday"}
        created: dict[str, Any] = person.post("/s3/multipart", json=wanted).json()
        etag = httpx.put(created["urls"]["1"], content=b"hello").headers["etag"]
        for _ in range(times):
            answer = person.post(
                f"/s3/multipart/{created['uploadId']}/complete",
                params={"key": created["key"]},
                json={"parts": [{"PartNumber": 1, "ETag": etag}]},
            )
            assert answer.status_code == 200, answer.text
    return created


def outbox(server: ServerProcess) -> list[str]:
    found = server.s3.list_objects_v2(Bucket=server.bucket, Prefix="uploads/.outbox/").get("Contents", [])
    return [one["Key"] for one in found]


def test_it_is_signed_and_tried_until_it_is_taken(telling: ServerProcess, receiver: Receiver) -> None:
    """Q1: refused, sent elsewhere, then taken; each time the same message."""
    receiver.statuses = [500, 302]
    receiver.start()
    created = complete(telling)
    receiver.until(lambda: len(receiver.told) == 3 and not outbox(telling))
    assert {headers["path"] for headers, _ in receiver.told} == {"/hooks/uploads/"}, "it goes nowhere else"
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1
    assert len({body for _, body in receiver.told}) == 1
    for headers, body in receiver.told:
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mark = hmac.digest(b"a secret of thirty-two bytes ...", text, "sha256")
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(mark).decode()}"
    told = json.loads(body)
    assert told["type"] == "upload.completed"
    assert told["data"] == {
        "user": created["userId"],
        "bucket": telling.bucket,
        "key": created["key"],
        "filename": "Grüße.txt",
        "projectId": "holiday",
        "contentType": "text/plain",
        "size": 5,
        "etag": told["data"]["etag"],
    }
    receiver.stop()


def test_an_answer_waits_for_nobody_and_the_same_upload_has_the_same_id(
    telling: ServerProcess, receiver: Receiver
) -> None:
    """Q1."""
    receiver.hold = threading.Event()
    receiver.start()
    complete(telling, times=2)
    receiver.until(lambda: len(receiver.told) == 1)
    receiver.hold.set()
    receiver.until(lambda: not outbox(telling))
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1
    receiver.stop()


@pytest.mark.long
def test_what_was_not_told_before_a_crash_is_told_after_it(
    telling: ServerProcess, receiver: Receiver
) -> None:
    """Q2: the receiver is down, the server is killed, both come back."""
    created = complete(telling)
    assert len(outbox(telling)) == 1
    telling.kill()
    receiver.start()
    telling.start()
    receiver.until(lambda: len(receiver.told) >= 1 and not outbox(telling))
    assert json.loads(receiver.told[0][1])["data"]["key"] == created["key"]
    receiver.stop()


def test_a_receiver_that_is_gone_for_good_is_left_alone(telling: ServerProcess, receiver: Receiver) -> None:
    """Q1."""
    receiver.statuses = [410]
    receiver.start()
    complete(telling)
    receiver.until(lambda: len(receiver.told) == 1 and not outbox(telling))
    assert "is given up: status 410" in telling.log
    receiver.stop()


def test_the_published_signature_comes_out() -> None:
    """Of the reference libraries' own tests (Standard Webhooks)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    mark = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert mark == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_pauses_grow_to_hours_and_the_receivers_wish_counts() -> None:
    dice = random.Random(1)
    pauses = [pause(tries, dice) for tries in range(12)]
    assert 0.8 <= pauses[0] <= 1.2
    assert all(later > earlier for earlier, later in itertools.pairwise(pauses[:8]))
    assert max(pauses) <= 6 * 3600 * 1.2
    assert pause(0, dice, "60") == 60
    assert pause(0, dice, "999999") == 6 * 3600
    assert pause(0, dice, "Wed, 21 Oct 2015 07:28:00 GMT") < 2
