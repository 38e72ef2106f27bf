"""An operator is told what becomes of uploads, if they want to be (ACCEPTANCE Q9, Q10)."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.static_host import open_static_host, set_up
from tests.browser.uploads_page import UploadsPage, random_file
from tests.harness.browser import Browser
from tests.harness.server import ServerProcess
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.browser


@contextmanager
def open_receiver() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """An address of another origin without a word of CORS, and what came there: the method and what was said."""
    heard: list[tuple[str, dict[str, Any]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((f"{self.command} {self.headers.get('Cookie', '')}", json.loads(body)))
            self._answer()

        def do_OPTIONS(self) -> None:
            heard.append(("OPTIONS", {"events": []}))
            self._answer()

        def _answer(self) -> None:
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}/count", heard
        host.shutdown()


@pytest.mark.long
def test_what_becomes_of_uploads_is_told_in_batches_and_at_the_end(
    chromium: Callable[[], Browser], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Q9: the rest by `sendBeacon`, when the page is closed."""
    file = random_file(tmp_path / "private name.bin", 3_000_000)
    site = tmp_path / "site"
    with open_receiver() as (url, heard), open_static_host(site) as place:
        server = ServerProcess(tmp_path / "data", UPLOADS_ALLOWED_ORIGINS=place)
        set_up(site, f'signer_url = "{server.url}"\nanalytics_url = "{url}"')
        request.addfinalizer(server.discard)
        server.start()
        browser = chromium()
        page = UploadsPage(browser, server, url=place)
        page.choose(file)
        page.until(file.name, "completed")
        wait_for(lambda: bool(heard))
        again = random_file(tmp_path / "another.bin", 1_000)
        page.choose(again)
        page.until(again.name, "completed")
        assert browser.console == []
        page.page.close()
        wait_for(lambda: sum(len(body["events"]) for _, body in heard) == 4)
        browser.close()
    assert heard[0][0] == "POST ", "no question first, and nobody's cookie"
    assert [kind.split()[0] for kind, _ in heard] == ["POST", "POST"]
    events = [event for _, body in heard for event in body["events"]]
    assert [event["type"] for event in events] == ["started", "completed"] * 2
    assert [event["size"] for event in events] == [3_000_000, 3_000_000, 1_000, 1_000]
    assert events[1]["bytesPerSecond"] > 0
    text = json.dumps(heard)
    assert "private" not in text
    assert "another" not in text


def test_nothing_is_told_unless_it_is_asked_for(chromium: Callable[[], Browser], tmp_path: Path) -> None:
    """Q10: off by default, and never in the demo."""
    file = random_file(tmp_path / "own.bin", 1_000)
    site = tmp_path / "site"
    with open_receiver() as (url, heard), open_static_host(site) as place:
        set_up(site, f'analytics_url = "{url}"')
        browser = chromium()
        browser.page.goto(f"{place}/?demo")
        browser.page.wait_for_selector("html[data-engine=ready]", timeout=240_000)
        browser.choose_files(file)
        browser.page.wait_for_selector("[data-status=completed]", timeout=240_000)
        browser.page.close()
        browser.close()
    assert heard == []
    config = json.loads((site / "config.json").read_text())
    assert config["uploads"].keys() == {"analytics_url"}, "the site as it is built names none"
