"""Several servers behind a balancer that share nothing but a secret (``-m long``; ACCEPTANCE M7)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.browser.line import Line
from tests.browser.uploads_page import UploadsPage, random_file, sha256
from tests.harness.browser import Visitor
from tests.harness.server import ROOT, ServerProcess, end_process, free_port

pytestmark = [pytest.mark.browser, pytest.mark.long]

REPLICAS = 4


@contextmanager
def open_nginx(folder: Path, port: int, replicas: list[int]) -> Iterator[str]:
    """nginx with the documented configuration, but for its ports."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    text = (ROOT / "docs" / "nginx.conf").read_text()
    ports = dict(zip(re.findall(r"127\.0\.0\.1:(800\d)", text), replicas, strict=True)) | {"8080": port}
    for documented, ours in ports.items():
        text = text.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{ours}")
    folder.mkdir()
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(
        [program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"]
    )
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/readyz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def replicated(line: Line, tmp_path: Path) -> Iterator[tuple[str, list[ServerProcess]]]:
    """The balancer's address, and the replicas behind it, over the store of ``line``."""
    port, keys = free_port(), line.server.admin_keys
    with ExitStack() as stack:
        replicas = []
        for number in range(REPLICAS):
            replica = ServerProcess(
                tmp_path / f"data{number}",
                AWS_ENDPOINT_URL_S3=line.server.store_url,
                AWS_ACCESS_KEY_ID=keys["access_key"],
                AWS_SECRET_ACCESS_KEY=keys["secret_key"],
                UPLOADS_PUBLIC_ENDPOINT=line.proxy.url,
                UPLOADS_SECRET="the secret of all the replicas",
                UPLOADS_ALLOWED_ORIGINS=f"http://127.0.0.1:{port}",
                UPLOADS_URL_EXPIRY="10",
            )
            stack.callback(replica.discard)
            replica.start()
            replicas.append(replica)
        yield (
            stack.enter_context(open_nginx(tmp_path / "nginx", port, [one.port for one in replicas])),
            replicas,
        )


def test_one_of_four_replicas_is_killed_and_nothing_notices(
    visitor: Visitor, line: Line, replicated: tuple[str, list[ServerProcess]], tmp_path: Path
) -> None:
    """M7."""
    url, replicas = replicated
    film = random_file(tmp_path / "film.bin", 200_000_000)
    line.limit(5_000_000)
    page = UploadsPage(visitor, replicas[0], url=url)
    watched = httpx.get(f"{url}/s3/uploads").cookies
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in watched.items())}
    with connect(f"{url.replace('http', 'ws', 1)}/events", additional_headers=cookie, proxy=None) as events:
        assert json.loads(events.recv(60))["type"] == "snapshot"
    page.choose(film)
    page.until_percent(film.name, 30)
    busiest = max(replicas, key=lambda replica: replica.log.count("/s3/"))
    end_process(busiest.pid)
    assert {httpx.get(f"{url}/readyz").status_code for _ in range(8)} == {200}
    before = [replica.log.count("/s3/") for replica in replicas]
    page.until_percent(film.name, 60)
    line.limit(None)
    page.until(film.name, "completed")
    ((_, key),) = [
        (one["Size"], one["Key"])
        for one in line.server.s3.list_objects_v2(Bucket=line.server.bucket, Prefix="uploads/")["Contents"]
    ]
    assert sha256(line.server.object_bytes(key)) == sha256(film)
    assert visitor.console == []
    after = [replica.log.count("/s3/") for replica in replicas]
    assert sum(more > had for had, more in zip(before, after, strict=True)) >= 2, "the others went on"
    assert before[replicas.index(busiest)] == after[replicas.index(busiest)] > 0
    assert f"127.0.0.1:{busiest.port}" in (tmp_path / "nginx" / "error.log").read_text(), (
        "the log has noticed"
    )
