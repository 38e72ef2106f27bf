"""What operators rely on: ids and lines in the log, health, figures, limits on requests, names of the host (ACCEPTANCE M1-M6)."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.harness.server import ServerProcess, free_port

pytestmark = pytest.mark.stores

DRAIN = 4.0  # seconds


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory, metrics_port: int) -> Iterator[ServerProcess]:
    server = ServerProcess(
        tmp_path_factory.mktemp("operated") / "data",
        UPLOADS_LOG="json",
        UPLOADS_METRICS_PORT=str(metrics_port),
        UPLOADS_ALLOWED_ORIGINS="https://uploads.example",
        UPLOADS_CDN_URL="https://cdn.example/files",
    )
    try:
        server.start()
        yield server
    finally:
        server.discard()


def lines(server: ServerProcess) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]


def test_every_answer_has_an_id_that_is_in_the_log(operated: ServerProcess) -> None:
    """M1."""
    with httpx.Client(base_url=operated.url) as person:
        good = person.post("/s3/multipart", json={"filename": "a", "size": 5})
        key, upload_id = good.json()["key"], good.json()["uploadId"]
        path = f"/s3/multipart/{upload_id}"
        bad = person.get(f"{path}/7", params={"key": key})
        odd = person.get("/s3/nothing", headers={"X-Request-Id": "two\twords"})
        told = person.get("/nothing", headers={"X-Request-Id": "balancer-7"})
    assert re.fullmatch(r"[0-9a-f]{32}", good.headers["X-Request-Id"])
    assert bad.json()["requestId"] == bad.headers["X-Request-Id"]
    assert odd.json()["requestId"] == odd.headers["X-Request-Id"] != "two\twords"
    assert told.json()["requestId"] == told.headers["X-Request-Id"] == "balancer-7"
    by_id = {line.get("requestId"): line for line in lines(operated)}
    line = by_id[bad.headers["X-Request-Id"]]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/s3/multipart/…/7", 422)
    assert isinstance(line["milliseconds"], float)
    assert by_id["balancer-7"]["status"] == 404
    assert key not in operated.log
    assert upload_id not in operated.log


def test_a_request_that_is_too_long_is_refused_however_it_comes(operated: ServerProcess) -> None:
    """M2."""

    def chunks() -> Iterator[bytes]:
        for _ in range(80):
            yield b" " * 65_536

    with httpx.Client(base_url=operated.url) as person:
        whole = person.post("/s3/multipart", content=b" " * (4 * 1024 * 1024 + 1))
        chunked = person.post("/s3/multipart", content=chunks(), headers={"Content-Type": "application/json"})
        for answer in (whole, chunked):
            assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")
            assert answer.headers["x-content-type-options"] == "nosniff"
        parts = [{"PartNumber": number, "ETag": f'"{number:0190}"'} for number in range(1, 10_001)]
        answer = person.post("/s3/multipart/x/complete", params={"key": "k"}, json={"parts": parts})
        assert answer.json()["code"] == "NoSuchUpload", "the longest list of parts is taken"


def test_a_name_of_somebody_elses_does_not_lead_here(operated: ServerProcess) -> None:
    """M3: his page would be one of our own origin (DNS rebinding)."""
    with httpx.Client(base_url=operated.url) as person:
        for host, status in (
            ("evil.example", 403),
            (f"evil.example:{operated.port}", 403),
            (f"localhost:{operated.port}", 200),
            ("127.0.0.1:1234", 200),
            ("uploads.example", 200),
        ):
            answer = person.get("/s3/uploads", headers={"Host": host})
            assert answer.status_code == status, host
            if status == 403:
                assert answer.json()["code"] == "HostNotAllowed"


def test_the_figures_say_what_was_done_and_name_nobody(operated: ServerProcess, metrics_port: int) -> None:
    """M4, Q3."""

    def figures() -> dict[str, float]:
        text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").text
        assert "guest-" not in text
        rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in rows}

    before = figures()
    with httpx.Client(base_url=operated.url) as person:
        created = person.post("/s3/multipart", json={"filename": "a", "size": 5}).json()
        etag = httpx.put(created["urls"]["1"], content=b"12345").headers["etag"]
        done = person.post(
            f"/s3/multipart/{created['uploadId']}/complete",
            params={"key": created["key"]},
            json={"parts": [{"PartNumber": 1, "ETag": etag}]},
        )
        assert done.status_code == 200
        assert done.json()["deliveryUrl"] == f"https://cdn.example/files/{created['key']}"
        assert person.get(done.json()["location"]).headers["Location"] == done.json()["deliveryUrl"]
        person.get("/made/up/by/somebody")
    after = figures()

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more('uploads_uploads_total{event="created"}') == 1
    assert more('uploads_uploads_total{event="completed"}') == 1
    assert more("uploads_completed_bytes_total") == 5
    assert more("uploads_signatures_total") == 1
    assert more('uploads_answers_total{method="POST",route="/s3/multipart",status="200"}') == 1
    assert more('uploads_store_calls_total{operation="CreateMultipartUpload",outcome="200"}') == 1
    assert created["key"] not in "".join(after)
    assert not any("made/up" in name for name in after)
    with closing(socket.socket()) as other:
        assert other.connect_ex(("127.0.0.1", operated.port)) == 0
    assert httpx.get(f"{operated.url}/metrics").status_code == 404, "it is nobody's business on the web"


def test_a_server_that_is_told_to_end_says_so_first_and_finishes(own_server: ServerProcess) -> None:
    """M5."""
    own_server.set(UPLOADS_DRAIN=str(DRAIN))
    own_server.start()
    with httpx.Client(base_url=own_server.url) as person:
        assert person.get("/readyz").json() == {"status": "ready"}
        os.kill(own_server.pid, signal.SIGTERM)
        while (answer := person.get("/readyz")).status_code == 200:
            time.sleep(0.05)
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        assert person.get("/healthz").status_code == 200
        assert person.post("/s3/multipart", json={"filename": "a", "size": 5}).status_code == 200
    assert own_server.wait() == 130, "as after Ctrl-C"


@pytest.mark.long
def test_a_connection_that_says_nothing_sensible_is_closed(operated: ServerProcess) -> None:
    """M6: by one that sends a header a second, and by one whose second request never comes to an end."""
    ready = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
    with (
        closing(socket.create_connection(("127.0.0.1", operated.port))) as slow,
        closing(socket.create_connection(("127.0.0.1", operated.port))) as second,
    ):
        second.sendall(ready + b"\r\n")
        assert second.recv(65_536).startswith(b"HTTP/1.1 200")
        for each in (slow, second):
            each.sendall(ready)
        for number in range(120):
            time.sleep(1)
            try:
                for each in (slow, second):
                    each.sendall(f"X-{number}: x\r\n".encode())
            except OSError:
                break
        else:
            pytest.fail("it waits for ever")
    assert httpx.get(f"{operated.url}/readyz").status_code == 200
