"""A site whose engine is the contracts: the real ``upload_worker.js``, with another ``main`` in its archive.

It answers with the content security policies of the real site, so that they are proved to be enough.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import threading
import zipfile
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from uploads.server.bundle import compiled_zip, zip_of
from uploads.server.site import checksum_code, engine_sources
from uploads.server.snapshot import Snapshot, make_snapshot

from tests.contracts.roles.file_source import LAST_MODIFIED

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(__file__).parent
MAIN = CONTRACTS / "worker_main.py"
PYODIDE = ROOT / "node_modules" / "pyodide"
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Contracts</title><link rel="icon" href="data:,">
<script type="module" src="worker/upload_worker.js"></script></head><body><input type="file" multiple></body></html>"""
PAGE_POLICY = "default-src 'self'; script-src 'self'; img-src 'self' data:; worker-src 'self'"
WORKER_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*"
)
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".zip": "application/zip",
}


def engine_archive(main: str | None = None) -> bytes:
    """The engine and the contracts as one zip; ``main`` replaces the text of ``upload_engine/main.py``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for base, folder in ((ROOT / "worker", "upload_engine"), (ROOT, "tests/contracts/roles")):
            for path in sorted((base / folder).rglob("*.py")):
                if path.relative_to(base).as_posix() != "upload_engine/main.py":
                    archive.write(path, path.relative_to(base).as_posix())
        text = main if main is not None else MAIN.read_text()
        archive.writestr("upload_engine/main.py", text)
        archive.writestr("tests/__init__.py", "")
        archive.writestr("tests/contracts/__init__.py", "")
    return content.getvalue()


_checksum_code = cache(checksum_code)


@cache
def snapshot_of(main: str | None = None) -> Snapshot:
    """What a worker restores instead of importing ``engine_archive(main)``: a start in a third of the time."""
    roles = {path.relative_to(ROOT).as_posix(): path for path in (CONTRACTS / "roles").glob("*.py")}
    empty = CONTRACTS / "__init__.py"
    with tempfile.TemporaryDirectory(prefix="contracts-") as folder:
        entry = Path(folder) / "main.py"
        entry.write_text(main if main is not None else MAIN.read_text())
        sources = {
            **engine_sources(),
            **roles,
            "tests/__init__.py": empty,
            "tests/contracts/__init__.py": empty,
            "upload_engine/main.py": entry,
        }
        return make_snapshot(compiled_zip(sources), seed=1)


class Site:
    """Use as a context manager. folder: of the files that tests choose and ``POST /disk`` changes.

    missing: paths that answer 404, to break the boot on purpose. build: the worker's, as the site's build writes it.
    snapshot: of the engine in ``archive``; without one the worker imports it. wasm_type: what the host calls WebAssembly.
    """

    def __init__(self, folder: Path, main: str | None = None) -> None:
        self.folder = folder
        self.archive = engine_archive(main)
        self.missing: set[str] = set()
        self.build = "unbuilt"
        self.snapshot: Snapshot | None = None
        self.wasm_type = TYPES[".wasm"]

    def __enter__(self) -> Site:
        site = self

        class Handler(_Handler):
            owner = site

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/deep/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def find(self, path: str) -> tuple[bytes, str] | None:
        """Content and type of ``path``, which is relative to the site's address."""
        if path in self.missing:
            return None
        if path == "":
            return PAGE.encode(), "text/html; charset=utf-8"
        if path == "worker/upload_worker.js":
            script = (ROOT / path).read_text().replace('BUILD = "unbuilt"', f'BUILD = "{self.build}"')
            script = script.replace('CRC64 = ""', f'CRC64 = "{_checksum_code()}"')
            if self.snapshot:
                sizes = [self.snapshot.header, self.snapshot.memory]
                script = script.replace("SNAPSHOT_SIZES = null", f"SNAPSHOT_SIZES = {sizes}")
            return script.encode(), TYPES[".js"]
        if path == "worker/engine.snapshot" and self.snapshot:
            return self.snapshot.packed, "application/octet-stream"
        if path == "worker/nothing.zip":
            return zip_of({}), TYPES[".zip"]
        if path == "worker/engine.zip":
            return self.archive, TYPES[".zip"]
        folder, _, name = path.rpartition("/")
        known = {
            "worker": ROOT / "worker",
            "vendor/pyodide": PYODIDE,
        }
        if folder in known and (file := known[folder] / name).is_file():
            kind = (
                self.wasm_type
                if file.suffix == ".wasm"
                else TYPES.get(file.suffix, "application/octet-stream")
            )
            return file.read_bytes(), kind
        return None

    def change_file(self, name: str, how: str) -> None:
        """Change a chosen file on disk: "shorten", "overwrite" (same size, new date) or "delete"."""
        path = self.folder / name
        if how == "delete":
            path.unlink()
        elif how == "shorten":
            os.truncate(path, path.stat().st_size // 2)
        elif how == "overwrite":
            path.write_bytes(bytes(path.stat().st_size))
            os.utime(path, ns=((LAST_MODIFIED + 60_000) * 1_000_000,) * 2)
        else:
            raise ValueError(f"unknown change {how!r}")


class _Handler(BaseHTTPRequestHandler):
    owner: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/deep/")
        found = self.owner.find(path)
        if path == "cookies":
            self._answer(200, self.headers.get("cookie", "").encode(), "text/plain")
        elif found is None:
            self._answer(404, b"", "text/plain")
        else:
            self._answer(200, *found)

    def do_POST(self) -> None:
        content: Any = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.owner.change_file(content["name"], content["how"])
        self._answer(200, b"{}", TYPES[".json"])

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", WORKER_POLICY if kind == TYPES[".js"] else PAGE_POLICY)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Set-Cookie", "guest=someone; Path=/; HttpOnly; SameSite=Lax")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the browser's log tells more."""
