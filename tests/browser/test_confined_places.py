"""Places that take something away: sandboxed frames, and pages where no worker starts (ACCEPTANCE D7, D12, D13)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.other_page import STATE
from tests.browser.static_host import open_static_host, serve, set_up
from tests.browser.uploads_page import random_file, sha256
from tests.harness.server import ServerProcess
from tests.harness.tabs import AnyBrowser, Document, until

pytestmark = pytest.mark.browser

SIZE = 9_000_000
"""Bytes: two parts."""
IN_FIREFOX = 1_000_000
"""It reads no larger file that a page has made itself, once it is another thread's."""
GIVE = """
(text) => {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], "film.bin"));
  const input = document.querySelector("input[type=file]");
  input.files = given.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
"""
"""Drivers reach no file input in a frame of another origin, so the page makes the file itself."""
FACTS = """() => [origin, uploadWorker.kind, document.querySelector("#warnings").textContent]"""


@pytest.fixture
def browser(every_browser: AnyBrowser) -> AnyBrowser:
    return every_browser


def facts_of(place: Document) -> list[str]:
    """The page's origin, the kind of its worker, and its warnings, as soon as the engine is ready."""
    found = until(place, "() => document.documentElement.dataset.engine?.replace('starting', '')")
    assert found == "ready"
    facts: list[str] = place.evaluate(FACTS)
    return facts


def send(place: Document, server: ServerProcess, folder: Path) -> None:
    """Upload a file, and prove what arrived."""
    is_firefox = "Firefox/" in place.evaluate("() => navigator.userAgent")
    file = random_file(folder / "film.bin", IN_FIREFOX if is_firefox else SIZE)
    place.evaluate(GIVE, base64.b64encode(file.read_bytes()).decode())
    ended = f"(name) => {{ const now = ({STATE})(name); return now?.link || now?.words[0] === 'failed' ? now : null; }}"
    state: dict[str, Any] = until(place, ended, file.name)
    assert state["words"] == ["completed", "completed"]
    key = parse_qs(urlsplit(state["link"]).query)["key"][0]
    assert sha256(server.object_bytes(key)) == sha256(file)
    assert server.open_uploads() == []


def test_in_a_sandboxed_frame(server: ServerProcess, browser: AnyBrowser, tmp_path: Path) -> None:
    """D7, D12, E6."""
    host = tmp_path / "host"
    host.mkdir()
    frame = f'<link rel="icon" href="data:,"><iframe sandbox="allow-scripts" src="{server.url}/"></iframe>'
    (host / "index.html").write_text(frame)
    with serve(host) as url:
        browser.page.goto(url)
        place = browser.frame()
        origin, kind, warnings = facts_of(place)
        assert (origin, kind) == ("null", "dedicated")
        assert "uploads will not survive a reload" in warnings
        assert "cannot be downloaded from this page" in warnings
        send(place, server, tmp_path)
        assert not place.evaluate("() => document.documentElement.dataset.guest"), "the token is out of sight"


NO_WORKERS = {
    "none": '<script src="no_workers.js"></script>',
    "forbidden": """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">""",
}


@contextmanager
def site_without_workers(folder: Path, how: str) -> Iterator[tuple[str, ServerProcess]]:
    """A copy of the site on a static host, and its signing server."""
    site = folder / "site"
    with open_static_host(site) as url:
        server = ServerProcess(folder / "data", UPLOADS_ALLOWED_ORIGINS=url)
        (site / "no_workers.js").write_text("delete globalThis.Worker; delete globalThis.SharedWorker;")
        page = site / "index.html"
        page.write_text(page.read_text().replace("<head>", f"<head>{NO_WORKERS[how]}"))
        set_up(site, f'signer_url = "{server.url}"')
        try:
            server.start()
            yield url, server
        finally:
            server.discard()


@pytest.mark.parametrize("how", ["none", pytest.param("forbidden", marks=pytest.mark.long)])
def test_where_no_worker_starts(browser: AnyBrowser, tmp_path: Path, how: str) -> None:
    """D13."""
    with site_without_workers(tmp_path, how) as (url, server):
        browser.page.goto(f"{url}/")
        _, kind, warnings = facts_of(browser.page)
        assert kind == "page"
        assert "may be slow and has to stay open" in warnings
        assert "survive a reload" not in warnings, "its storage works"
        send(browser.page, server, tmp_path)
