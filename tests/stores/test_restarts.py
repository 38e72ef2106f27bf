"""The server and its store over restarts and kills: what was acknowledged stays, and nothing is left running."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.marks import mostly_long
from tests.harness.server import ROOT, ServerProcess, clean_environment, end_process, free_port, is_running

pytestmark = pytest.mark.stores


def start_upload(client: httpx.Client, body: bytes) -> dict[str, object]:
    client.get("/")
    created = client.post(
        "/s3/multipart", json={"filename": "x", "type": "text/plain", "size": len(body)}
    ).json()
    with httpx.Client() as store:
        created["etag"] = store.put(created["urls"]["1"], content=body).headers["etag"]
    return dict(created)


def finish_upload(client: httpx.Client, created: dict[str, object]) -> httpx.Response:
    return client.post(
        f"/s3/multipart/{created['uploadId']}/complete",
        params={"key": str(created["key"])},
        json={"parts": [{"PartNumber": 1, "ETag": created["etag"]}]},
    )


def wait_until_gone(pid: int) -> None:
    limit = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < limit, f"process {pid} still runs"
        time.sleep(0.05)


@pytest.mark.parametrize("store_too", mostly_long([True, False], {True}))
def test_after_kill_9_everything_acknowledged_is_there(own_server: ServerProcess, *, store_too: bool) -> None:
    """E4."""
    own_server.start()
    own_server.s3.put_object(Bucket=own_server.bucket, Key="kept", Body=b"kept")
    with httpx.Client(base_url=own_server.url) as client:
        created = start_upload(client, b"hello")
        old_store = own_server.store_pid
        own_server.kill(store=store_too)
        own_server.start()
        assert not is_running(old_store)
        assert own_server.object_bytes("kept") == b"kept"
        done = finish_upload(client, created)
        assert done.status_code == 200, done.text
        assert own_server.object_bytes(str(created["key"])) == b"hello"


@pytest.mark.parametrize("number", mostly_long([signal.SIGINT, signal.SIGTERM], {signal.SIGTERM}))
def test_stopping_the_server_stops_its_store(own_server: ServerProcess, number: signal.Signals) -> None:
    """E4."""
    own_server.start()
    store = own_server.store_pid
    os.kill(own_server.pid, number)
    own_server.stop()
    wait_until_gone(store)


def test_a_store_that_dies_is_started_again(own_server: ServerProcess) -> None:
    own_server.start()
    own_server.s3.put_object(Bucket=own_server.bucket, Key="kept", Body=b"kept")
    before = own_server.store_pid
    end_process(before)
    limit = time.monotonic() + 60
    while not (own_server.store_pid != before and own_server.is_healthy()):
        assert time.monotonic() < limit, own_server.log
        time.sleep(0.1)
    assert own_server.object_bytes("kept") == b"kept"


@pytest.mark.long
def test_a_bucket_keeps_the_rules_of_others(own_server: ServerProcess) -> None:
    """ACCEPTANCE E5."""
    own_server.start()
    other = {"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET"], "ID": "theirs"}
    ours = own_server.s3.get_bucket_cors(Bucket=own_server.bucket)["CORSRules"]
    rules: Any = {"CORSRules": [*ours, other]}
    own_server.s3.put_bucket_cors(Bucket=own_server.bucket, CORSConfiguration=rules)
    own_server.restart()
    after = own_server.s3.get_bucket_cors(Bucket=own_server.bucket)["CORSRules"]
    assert [rule["AllowedOrigins"] for rule in after] == [ours[0]["AllowedOrigins"], ["https://app.example"]]


def test_a_store_that_cannot_be_reached_is_one_sentence_at_the_start(tmp_path: Path) -> None:
    """A3."""
    nowhere = free_port()
    environment = clean_environment(
        AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{nowhere}", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b"
    )
    answer = run_serve(tmp_path, environment=environment)
    assert_refused(answer, "store cannot be reached")


def test_with_settings_for_another_store_nothing_embedded_starts(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    own_server.start()
    other = ServerProcess(
        tmp_path / "other",
        AWS_ENDPOINT_URL_S3=own_server.store_url,
        AWS_ACCESS_KEY_ID=str(own_server.admin_keys["access_key"]),
        AWS_SECRET_ACCESS_KEY=str(own_server.admin_keys["secret_key"]),
        UPLOADS_BUCKET="another-bucket",
    )
    try:
        other.start()
        assert not (other.data_dir / "store").exists()
        with httpx.Client(base_url=other.url) as client:
            assert client.get("/healthz").json()["store"] == "s3"
            created = start_upload(client, b"elsewhere")
            assert finish_upload(client, created).status_code == 200
            body = own_server.s3.get_object(Bucket="another-bucket", Key=str(created["key"]))["Body"]
            assert body.read() == b"elsewhere"
            body.close()
            own_server.kill()
            down = client.post("/s3/multipart", json={"filename": "x", "type": "text/plain", "size": 1})
            assert down.status_code == 503
            assert down.json()["retryable"] is True
            assert client.get("/healthz").status_code == 503
    finally:
        other.stop()


@pytest.mark.long
def test_the_keys_are_private_and_stay(own_server: ServerProcess) -> None:
    """E4."""
    own_server.start()
    data = own_server.data_dir
    keys = (data / "keys.json").read_bytes()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "store").stat().st_mode) == 0o700
    for name in ("keys.json", "store/s3.json"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    own_server.restart()
    assert (data / "keys.json").read_bytes() == keys


def test_the_store_lets_nobody_in_without_keys_and_listens_on_loopback_alone(
    own_server: ServerProcess,
) -> None:
    """E4."""
    own_server.start()
    with httpx.Client() as nobody:
        for method in ("GET", "PUT"):
            assert nobody.request(method, f"{own_server.store_url}/{own_server.bucket}/x").status_code == 403
    port = int(own_server.store_url.rpartition(":")[2])
    listening = [
        line.split()[1]
        for line in (Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()).splitlines()
        if len(line.split()) > 3 and line.split()[3] == "0A"
    ]
    ours = [address for address in listening if port <= int(address.rpartition(":")[2], 16) < port + 5]
    assert ours
    assert {address.rpartition(":")[0] for address in ours} == {"0100007F"}


def run_serve(
    data: Path, *more: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "serve.py"), "--port", str(free_port()), "--data", str(data), *more]
    return subprocess.run(
        command,
        env=environment or clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_refused(answer: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert answer.returncode == 2, answer.stderr
    assert sentence in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """A3."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run_serve(tmp_path / "data", "--port", str(taken.getsockname()[1]))
    assert_refused(answer, "is not to be had")


def test_two_servers_on_one_data_directory_are_refused(own_server: ServerProcess) -> None:
    """A3."""
    own_server.start()
    assert_refused(run_serve(own_server.data_dir), "in use by another serve.py")
    assert own_server.is_healthy()


def test_an_unwritable_data_directory_is_one_sentence(tmp_path: Path) -> None:
    """A3."""
    (tmp_path / "file").write_text("in the way")
    assert_refused(run_serve(tmp_path / "file" / "data"), "cannot be written")


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    """A3."""
    wrong = clean_environment(UPLOADS_URL_EXPIRY="soon")
    assert_refused(run_serve(tmp_path / "data", environment=wrong), "UPLOADS_URL_EXPIRY")
    unknown = clean_environment(UPLOADS_BUKET="x")
    assert_refused(run_serve(tmp_path / "data", environment=unknown), "did you mean UPLOADS_BUCKET?")
