"""A real server over the fake store, with a script in front of each: what goes wrong is up to the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.background import Background
from tests.fakes.fault_server import FaultServer
from tests.fakes.forward import Forward
from tests.fakes.s3_bucket import AMAZON, Bucket
from tests.fakes.s3_store import KEYS, FakeStore
from tests.harness.secrets import EVIDENCE
from tests.harness.server import ServerProcess, free_port


class FakeServer(ServerProcess):
    """``serve.py`` with the fake store instead of its own."""

    def __init__(self, data_dir: Path, store: FakeStore, *, port: int, **settings: str) -> None:
        ((access_key, secret_key),) = KEYS.items()
        EVIDENCE.keep_secret("key of the store", access_key, secret_key)
        super().__init__(
            data_dir,
            port=port,
            AWS_ENDPOINT_URL_S3=store.url,
            AWS_ACCESS_KEY_ID=access_key,
            AWS_SECRET_ACCESS_KEY=secret_key,
            **settings,
        )
        self._store = store

    @property
    def content(self) -> Bucket:
        """What the store holds, to be looked at and meddled with."""
        return self._store.store.buckets[self.bucket]

    def object_bytes(self, key: str) -> bytes:
        return self.content.objects[key].bytes()

    def open_uploads(self) -> list[tuple[str, str]]:
        return [(upload.key, upload.upload_id) for upload in self.content.open_uploads()]


@dataclass
class FakeLine:
    """store: the fake store and its script; front: what stands between the page and the signing server.

    In front of the signing server operations are ``Unknown`` and keys are the paths below ``/s3/``.
    """

    server: FakeServer
    store: FakeStore
    front: FaultServer
    background: Background

    def clear(self) -> None:
        """Forget what the last test has set and seen, and what it has left open."""
        for one in (self.store, self.front):
            one.rules.clear()
            one.exchanges.clear()
        self.server.content.uploads.clear()
        self.server.content.dialect = AMAZON


@contextmanager
def open_fake_line(data_dir: Path, **settings: str) -> Iterator[FakeLine]:
    """``settings``: the server's environment; origins that it names are allowed beside the front's."""
    with Background() as background:
        port = free_port()
        store = background.run(FakeStore().__aenter__())
        front = background.run(FaultServer(Forward("127.0.0.1", port)).__aenter__())
        origins = [front.url, *filter(None, [settings.pop("UPLOADS_ALLOWED_ORIGINS", "")])]
        server = FakeServer(data_dir, store, port=port, UPLOADS_ALLOWED_ORIGINS=",".join(origins), **settings)
        try:
            server.start()
            yield FakeLine(server, store, front, background)
        finally:
            server.stop()
            for one in (front, store):
                background.run(one.__aexit__(None, None, None))
