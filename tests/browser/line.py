"""A real server whose store stands behind a line that can be slow, cut, silent or refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.background import Background
from tests.fakes.tcp_proxy import TcpProxy
from tests.harness.server import ServerProcess


@dataclass
class Line:
    """The server, the line in front of its store, and the loop that the line runs on."""

    server: ServerProcess
    proxy: TcpProxy
    background: Background

    def limit(self, bytes_per_second: float | None) -> None:
        self.proxy.bandwidth = bytes_per_second


@contextmanager
def open_line(data_dir: Path) -> Iterator[Line]:
    """The store's port is kept in the data directory: a first start finds it, a second one signs for the line."""
    first = ServerProcess(data_dir)
    first.start()
    store = urlsplit(first.store_url)
    first.stop()
    assert store.hostname is not None
    assert store.port is not None
    with Background() as background:
        proxy = background.run(TcpProxy(store.hostname, store.port).__aenter__())
        server = ServerProcess(data_dir, port=first.port, UPLOADS_PUBLIC_ENDPOINT=proxy.url)
        try:
            server.start()
            assert urlsplit(server.store_url).port == store.port
            yield Line(server, proxy, background)
        finally:
            server.stop()
            background.run(proxy.__aexit__(None, None, None))
