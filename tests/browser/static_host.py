"""The built site on any static host: one that signs nothing and sends no header of ours."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uploads.server import site as builder
from uploads.server.paths import DIST


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any static host, asked politely."""

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def open_static_host(folder: Path) -> Iterator[str]:
    """A copy of the site in ``folder``, to be changed at will, and its address."""
    builder.build(DIST)
    shutil.copytree(DIST, folder)
    with serve(folder) as url:
        yield url


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of what lies in ``folder``."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


def set_up(folder: Path, settings: str) -> None:
    """Write settings into the copy's ``[uploads]``."""
    path = folder / "pyscript.toml"
    path.write_text(path.read_text().replace("[uploads]", f"[uploads]\n{settings}"))
