"""Several processes behind one port, `--workers N` (ACCEPTANCE M8)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.processes import children
from tests.harness.server import ROOT, ServerProcess, clean_environment, free_port
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.stores

WORKERS = 3
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture
def crew(tmp_path: Path, metrics_port: int) -> Iterator[ServerProcess]:
    server = ServerProcess(
        tmp_path / "data",
        UPLOADS_WORKERS=str(WORKERS),
        UPLOADS_METRICS_PORT=str(metrics_port),
        UPLOADS_DRAIN="1",
    )
    try:
        server.start()
        yield server
    finally:
        server.discard()


def workers_of(server: ServerProcess) -> set[int]:
    """The ids of the processes that answer, once there are as many as there should be."""

    def all_there() -> set[int]:
        found = {pid for pid, command in children(server.pid).items() if "spawn_main" in command}
        return found if len(found) == WORKERS else set()

    return wait_for(all_there)


def answers(metrics_port: int, route: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").text
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith("uploads_answers_total")]
    return sum(float(value) for name, _, value in rows if f'route="{route}"' in name)


@pytest.mark.long
def test_an_upload_is_everybodys_and_the_figures_are_the_sum(crew: ServerProcess, metrics_port: int) -> None:
    """Each call comes over a connection of its own, to whichever process takes it."""
    workers_of(crew)
    cookies = httpx.get(f"{crew.url}/s3/uploads").cookies

    def call(method: str, path: str, **kwargs: Any) -> httpx.Response:
        with httpx.Client(base_url=crew.url, cookies=cookies) as person:
            return person.request(method, path, **kwargs)

    created = call("POST", "/s3/multipart", json={"filename": "a.bin", "size": 12 * MIB}).json()
    path, params = f"/s3/multipart/{created['uploadId']}", {"key": created["key"]}
    with ThreadPoolExecutor(12) as pool:
        signed = list(
            pool.map(lambda number: call("GET", f"{path}/{number % 2 + 1}", params=params), range(90))
        )
    assert {answer.status_code for answer in signed} == {200}
    assert answers(metrics_port, "/s3/multipart/{upload_id}/{part_number}") == 90
    bodies = {1: b"a" * 8 * MIB, 2: b"b" * 4 * MIB}
    etags = {number: httpx.put(created["urls"][str(number)], content=body) for number, body in bodies.items()}
    parts = [{"PartNumber": number, "ETag": put.headers["ETag"]} for number, put in etags.items()]
    assert call("POST", f"{path}/complete", params=params, json={"parts": parts}).json()["proof"] is True
    assert crew.object_bytes(created["key"]) == bodies[1] + bodies[2]


def test_a_process_that_is_killed_is_replaced_and_the_others_answer_meanwhile(crew: ServerProcess) -> None:
    before = workers_of(crew)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    statuses: list[int] = []
    wait_for(lambda: victim not in children(crew.pid))
    while (
        len(now := {pid for pid, command in children(crew.pid).items() if "spawn_main" in command}) < WORKERS
    ):
        with suppress(httpx.TransportError):  # the connection that went with it
            statuses.append(httpx.get(f"{crew.url}/healthz").status_code)
    assert statuses
    assert set(statuses) == {200}
    assert now > before - {victim}
    assert f"(pid {victim}) ended with status -9" in crew.log


@pytest.mark.long
def test_all_end_in_order_and_with_the_one_that_began_them(crew: ServerProcess) -> None:
    """SIGTERM drains each of them; `kill -9` of the first leaves nobody behind."""
    first = workers_of(crew)
    os.kill(crew.pid, signal.SIGTERM)
    wait_for(lambda: httpx.get(f"{crew.url}/readyz").json() == {"status": "draining"})
    assert crew.wait() == 0
    assert not [pid for pid in first if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in crew.log
    assert "is replaced" not in crew.log
    crew.start()
    second = workers_of(crew)
    crew.kill()
    wait_for(lambda: not [pid for pid in second if Path(f"/proc/{pid}").exists()])


def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "serve.py"),
        "--port",
        str(free_port()),
        "--data",
        str(tmp_path / "data"),
    ]
    environment = clean_environment(UPLOADS_AUTHORIZE="nowhere:nothing")
    ended = subprocess.run(
        [*command, "--workers", "2"], capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )
    assert ended.returncode == 2
    assert ended.stderr.count("UPLOADS_AUTHORIZE") == 1
    assert "Traceback" not in ended.stderr
    none = subprocess.run(
        [*command, "--workers", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean_environment(),
    )
    assert none.returncode == 2
    assert "'0' is no number of processes (1–64)" in none.stderr
