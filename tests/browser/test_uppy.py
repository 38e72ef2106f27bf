"""Unchanged Uppys, of both kinds that people use, against our server (``-m peers``; ACCEPTANCE P1, P2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.line import Line
from tests.browser.static_host import serve
from tests.browser.uploads_page import LIMIT, random_file, sha256
from tests.harness.browser import Visitor, wait_until
from tests.peers.bundles import start_uppy

pytestmark = [pytest.mark.browser, pytest.mark.peers]

MIB = 1024 * 1024


class Peer:
    """One Uppy in a page."""

    def __init__(self, visitor: Visitor, version: str, address: str, server: str) -> None:
        self.page = visitor.page
        self.page.goto(address)
        start_uppy(self.page, version, server)

    def upload(self, *files: Path) -> None:
        self.page.set_input_files("#peer", [str(file) for file in files])
        self.page.evaluate("() => peer.upload()")

    def until(self, name: str, sent: int) -> None:
        wait_until(self.page, "([name, sent]) => (peer.progress[name] ?? 0) >= sent", [name, sent])

    def do(self, what: str) -> None:
        self.page.evaluate(f"() => {{ peer.uppy.{what}(); }}")

    def result(self) -> dict[str, str]:
        """The key of each file. None may have failed."""
        self.page.wait_for_function("() => peer.done", timeout=LIMIT)
        done: dict[str, Any] = self.page.evaluate("() => peer.done")
        assert done["failed"] == [], self.page.evaluate("() => peer.failures")
        return dict(done["successful"])


@pytest.fixture
def other_origin(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>A page of somebody else's</title><body>")
    with serve(folder) as url:
        yield url


@pytest.fixture(params=["uppy5", "uppy6", "uppy5 elsewhere"])
def peer(request: pytest.FixtureRequest, visitor: Visitor, line: Line, other_origin: str) -> Iterator[Peer]:
    version, _, elsewhere = request.param.partition(" ")
    if elsewhere:
        line.server.stop()
        line.server.set(UPLOADS_ALLOWED_ORIGINS=other_origin)
        line.server.start()
    yield Peer(visitor, version, f"{other_origin if elsewhere else line.server.url}/", line.server.url)
    line.limit(None)
    line.server.abort_open_uploads()


def assert_arrived(line: Line, files: list[Path], keys: dict[str, str]) -> None:
    assert set(keys) == {file.name for file in files}
    for file in files:
        assert sha256(line.server.object_bytes(keys[file.name])) == sha256(file)


def test_50_mb_in_parts_paused_and_resumed(peer: Peer, line: Line, tmp_path: Path) -> None:
    """P1."""
    file = random_file(tmp_path / "fifty (1) é.bin", 50_000_000)
    line.limit(20e6)
    peer.upload(file)
    peer.until(file.name, 15_000_000)
    peer.do("pauseAll")
    peer.page.wait_for_timeout(500)
    peer.do("resumeAll")
    assert_arrived(line, [file], peer.result())
    assert line.server.open_uploads() == []


def test_100_small_files(peer: Peer, line: Line, tmp_path: Path) -> None:
    """P1."""
    files = [random_file(tmp_path / f"{number}.bin", 10_000 + number) for number in range(100)]
    peer.upload(*files)
    assert_arrived(line, files, peer.result())


def test_what_is_cancelled_is_aborted(peer: Peer, line: Line, tmp_path: Path) -> None:
    """P2."""
    file = random_file(tmp_path / "cancelled.bin", 50_000_000)
    line.limit(10e6)
    peer.upload(file)
    peer.until(file.name, 12_000_000)
    assert len(line.server.open_uploads()) == 1
    peer.do("cancelAll")
    line.limit(None)
    for _ in range(100):
        if not line.server.open_uploads():
            return
        peer.page.wait_for_timeout(100)
    raise AssertionError(json.dumps(line.server.open_uploads()))
