"""Real stores of other makers, on loopback, each started by a script of its own (``tests/stores/rigs``)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ROOT, free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCRIPTS = ROOT / "tests" / "stores" / "rigs"
SWIFT = "swift==2.38.0"


@dataclass(frozen=True)
class Rig:
    """A store that runs. url: its S3 address; keys: access key and secret key of who may do everything."""

    name: str
    url: str
    keys: tuple[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """A server's, to use it."""
        access_key, secret_key = self.keys
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
        }

    @property
    def s3(self) -> S3Client:
        """A client that may do everything."""
        session: Any = boto3.session.Session(*self.keys, region_name="us-east-1")
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return session.client("s3", endpoint_url=self.url, config=config)  # type: ignore[no-any-return]

    def object_bytes(self, bucket: str, key: str) -> bytes:
        """The object's content."""
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"]
        try:
            return bytes(body.read())
        finally:
            body.close()


@contextmanager
def open_ceph(folder: Path) -> Iterator[Rig]:
    """A Ceph object gateway that keeps everything in memory. Debian has it: see ``.ci/run``."""
    if not shutil.which("radosgw"):
        raise AssertionError("install ceph-mon ceph-osd radosgw ceph-common")
    port = free_port()
    keys = ("AKofCeph", "the-secret-key-of-ceph")
    more = {
        "CEPH_DIR": str(folder),
        "RGW_PORT": str(port),
        "MON_PORT": str(free_port()),
        "STORE": "memstore",
        "SIZE": "4G",
    }
    with _running("ceph-rgw.sh", more, keys):
        yield Rig("ceph", f"http://127.0.0.1:{port}", keys)


@contextmanager
def open_swift(folder: Path) -> Iterator[Rig]:
    """OpenStack Swift with its S3 API, in an environment of its own beside ``.venv``, made at the first time."""
    home = ROOT / ".venv" / "swift"
    if not (home / "bin" / "swift-proxy-server").exists():
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", SWIFT], check=True)
    port = free_port()
    keys = ("test:dev", "the-secret-key-of-swift")
    more = {
        "SWIFT_VENV": str(home),
        "SWIFT_DIR": str(folder),
        "S3_PORT": str(port),
        "BASE_PORT": str(free_port()),
    }
    with _running("swift-s3.sh", more, keys):
        yield Rig("swift", f"http://127.0.0.1:{port}", keys)


@contextmanager
def _running(script: str, more: dict[str, str], keys: tuple[str, str]) -> Iterator[None]:
    EVIDENCE.keep_secret("key of the store", keys[1])
    environment = {**os.environ, **more, "AK": keys[0], "SK": keys[1]}

    def run(word: str) -> None:
        subprocess.run(
            ["bash", SCRIPTS / script, word], env=environment, check=True, stdout=sys.stderr, timeout=300
        )

    try:
        run("start")
        yield
    finally:
        run("wipe")
