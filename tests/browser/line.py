"""A real server whose store stands behind a line that can be slow, cut, silent or refused.

``open_line`` gives the line alone, ``open_far_line`` one to the signing server as well. ``open_bad_line`` puts a server between line and store that goes wrong by script,
and a second line in front of the signing server: browser → line → script → SeaweedFS, and browser → line → serve.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from uploads.server.embedded import choose_block

from tests.fakes.background import Background
from tests.fakes.fault_server import FaultServer
from tests.fakes.forward import Forward
from tests.fakes.tcp_proxy import TcpProxy
from tests.harness.server import ServerProcess, free_port


@dataclass
class Line:
    """The server, the line in front of its store, and the loop that the line runs on."""

    server: ServerProcess
    proxy: TcpProxy
    background: Background

    def limit(self, bytes_per_second: float | None) -> None:
        self.proxy.bandwidth = bytes_per_second


@dataclass
class FarLine(Line):
    """page_line: to the signing server; page_url: where the page is to be opened, so that it can lose its server as well."""

    page_line: TcpProxy

    @property
    def page_url(self) -> str:
        return self.page_line.url

    async def go_offline(self, seconds: float) -> None:
        """Neither the store nor the signing server can be reached, for so long."""
        await self.page_line.refuse()
        await self.proxy.refuse_for(seconds)
        await self.page_line.accept()


@dataclass
class BadLine(FarLine):
    """script: what goes wrong in front of the store, and the log of all that came."""

    script: FaultServer


def store_port(data_dir: Path) -> int:
    """Where the server's store will listen: it takes the port of last time, also the first time."""
    port = choose_block(None)
    folder = data_dir / "store"
    folder.mkdir(parents=True)
    (folder / "ports.json").write_text(json.dumps({"s3": port}))
    return port


@contextmanager
def open_line(data_dir: Path, **settings: str) -> Iterator[Line]:
    """A line for a server on an empty data directory; ``settings`` are the server's environment."""
    port = store_port(data_dir)
    with Background() as background:
        proxy = background.run(TcpProxy("127.0.0.1", port).__aenter__())
        server = ServerProcess(data_dir, port=free_port(), UPLOADS_PUBLIC_ENDPOINT=proxy.url, **settings)
        try:
            server.start()
            assert urlsplit(server.store_url).port == port
            yield Line(server, proxy, background)
        finally:
            server.discard()
            background.run(proxy.__aexit__(None, None, None))


@contextmanager
def open_far_line(data_dir: Path, **settings: str) -> Iterator[FarLine]:
    """Lines to store and signing server, for a server on an empty data directory; ``settings`` are its environment."""
    port = store_port(data_dir)
    with Background() as background, _two_lines(data_dir, background, port, port, settings) as line:
        yield line


@contextmanager
def open_bad_line(data_dir: Path, **settings: str) -> Iterator[BadLine]:
    """A bad line for a server on an empty data directory; ``settings`` are the server's environment."""
    port = store_port(data_dir)
    with Background() as background:
        script = background.run(FaultServer(Forward("127.0.0.1", port)).__aenter__())
        try:
            with _two_lines(data_dir, background, port, script.port, settings) as far:
                yield BadLine(far.server, far.proxy, background, far.page_line, script)
        finally:
            background.run(script.__aexit__(None, None, None))


@contextmanager
def _two_lines(
    data_dir: Path, background: Background, port: int, target: int, settings: dict[str, str]
) -> Iterator[FarLine]:
    """port: the store's own; target: the one that its line leads to."""
    page_port = free_port()
    proxy = background.run(TcpProxy("127.0.0.1", target).__aenter__())
    page_line = background.run(TcpProxy("127.0.0.1", page_port).__aenter__())
    settings = settings | {"UPLOADS_PUBLIC_ENDPOINT": proxy.url, "UPLOADS_ALLOWED_ORIGINS": page_line.url}
    server = ServerProcess(data_dir, port=page_port, **settings)
    try:
        server.start()
        assert urlsplit(server.store_url).port == port
        yield FarLine(server, proxy, background, page_line)
    finally:
        server.discard()
        for one in (page_line, proxy):
            background.run(one.__aexit__(None, None, None))
