"""The built site on any static host: one that signs nothing and sends no header of ours."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uploads.server import site as builder
from uploads.server.paths import DIST


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any static host, asked politely."""

    def __init__(self, *given: Any, seen: list[str], **named: Any) -> None:
        self._seen = seen
        super().__init__(*given, **named)

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *words: object) -> None:
        if self.path != "/service_worker.js":  # a browser looks for a newer one whenever it likes
            self._seen.append(self.path)


@contextmanager
def open_static_host(folder: Path, seen: list[str] | None = None) -> Iterator[str]:
    """A copy of the site in ``folder``, to be changed at will, and its address. seen: gets the path of every request."""
    builder.build(DIST)
    shutil.copytree(DIST, folder)
    with serve(folder, seen=seen) as url:
        yield url


@contextmanager
def serve(folder: Path, port: int = 0, seen: list[str] | None = None) -> Iterator[str]:
    """The address of what lies in ``folder``; port 0 is any that is free. seen: as above."""
    handler = functools.partial(Quiet, directory=str(folder), seen=[] if seen is None else seen)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


def set_up(folder: Path, settings: str) -> None:
    """Put settings, in TOML, into the copy's configuration."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["uploads"].update(tomllib.loads(settings))
    path.write_text(json.dumps(config))
