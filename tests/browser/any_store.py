"""A server over a store of whatever make, and the line between browsers and that store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.background import Background
from tests.fakes.tcp_proxy import TcpProxy
from tests.harness.rigs import Rig
from tests.harness.server import ServerProcess

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class AnyStore:
    """All three, with what the store has below the server's prefix."""

    rig: Rig
    server: ServerProcess
    line: TcpProxy

    @property
    def s3(self) -> S3Client:
        return self.rig.s3

    def limit(self, bytes_per_second: float | None) -> None:
        self.line.bandwidth = bytes_per_second

    def stored(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.server.bucket, Prefix="uploads/").get("Contents", [])
        return [one["Key"] for one in found]

    def open_uploads(self) -> list[tuple[str, str]]:
        place = {"Bucket": self.server.bucket, "Prefix": "uploads/"}
        found = self.s3.list_multipart_uploads(**place).get("Uploads", [])  # type: ignore[arg-type]
        return [(one["Key"], one["UploadId"]) for one in found]

    def object_bytes(self, key: str) -> bytes:
        return self.rig.object_bytes(self.server.bucket, key)


@contextmanager
def open_any_store(rig: Rig, folder: Path, bucket: str) -> Iterator[AnyStore]:
    """A server over the store of ``rig``, started, with its data in ``folder``."""
    with Background() as background, ExitStack() as stack:
        line = background.run(TcpProxy("127.0.0.1", int(rig.url.rpartition(":")[2])).__aenter__())
        stack.callback(lambda: background.run(line.__aexit__()))
        server = ServerProcess(
            folder / "data",
            port=None,
            **rig.settings,
            UPLOADS_BUCKET=bucket,
            UPLOADS_PUBLIC_ENDPOINT=line.url,
        )
        stack.callback(server.discard)
        server.start()
        yield AnyStore(rig, server, line)
