"""Sites whose engine is `scripted_engine.js`: the built one, whose page starts as people's does, and the repository as it is.

Both under a path of their own, under a content security policy like that of `serve.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page
from uploads.server import site
from uploads.server.paths import DIST, ROOT

from tests.harness.browser import wait_until

ENGINE = "upload_worker.js"
SERVICE_WORKER = "service_worker.js"
_VENDOR = {
    "vendor/pyscript/": ROOT / "node_modules/@pyscript/core/dist",
    "vendor/uplot/": ROOT / "node_modules/uplot/dist",
    "vendor/micropython/": ROOT / "node_modules/@micropython/micropython-webassembly-pyscript",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'"
)


class BuiltSite(BaseHTTPRequestHandler):
    """`dist`; its service worker keeps nothing, so that no test meets what another has left."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        file = self._find(self.path.partition("?")[0].removeprefix("/deep/") or "index.html")
        content = file.read_bytes() if file.is_file() else b""
        self.send_response(200 if file.is_file() else 404)
        self.send_header("Content-Type", _TYPES.get(file.suffix, "text/plain; charset=utf-8"))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        self.wfile.write(content)

    def _find(self, path: str) -> Path:
        name = path.rpartition("/")[2]
        if name == ENGINE:
            return Path(__file__).with_name("scripted_engine.js")
        if path == SERVICE_WORKER:  # as it is before the site's build tells it what to keep
            return ROOT / "worker" / path
        return self._elsewhere(path)

    def _elsewhere(self, path: str) -> Path:
        return DIST / path

    def log_message(self, *_: object) -> None:
        """Nothing: the browser's log tells more."""


class Repository(BuiltSite):
    """No build: the page compiles its modules itself, and loads them one by one."""

    def _elsewhere(self, path: str) -> Path:
        for prefix, folder in _VENDOR.items():
            if path.startswith(prefix):
                return folder / path.removeprefix(prefix)
        return ROOT / path


@contextmanager
def serve(kind: type[BuiltSite] = BuiltSite) -> Iterator[str]:
    """The page's address."""
    site.build(DIST)
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/deep/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def open_page(page: Page, url: str) -> None:
    """Returns when its engine is ready."""
    page.goto(url)
    page.wait_for_selector("html[data-page=ready]")
    page.evaluate("engine.ready()")
    wait_until(page, "document.documentElement.dataset.engine === 'ready'")
