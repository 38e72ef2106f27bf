"""The real server as tests use it: `serve.py` in a process of its own, with a real store, on free ports of loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

from tests.harness.secrets import EVIDENCE

ROOT = Path(__file__).resolve().parents[2]
_START_LIMIT = 180.0  # seconds; only a hang takes longer


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without any setting of ours or of AWS, plus `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UPLOADS_", "AWS_"))}
    return kept | {"AWS_EC2_METADATA_DISABLED": "true"} | more


def end_process(pid: int) -> None:
    """SIGKILL one process, and wait until it is gone. One that is gone already is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    limit = time.monotonic() + 10
    while time.monotonic() < limit and is_running(pid):
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process runs: neither gone nor a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


class ServerProcess:
    """`serve.py` on one data directory. The port stays the same over restarts, so that pages can go on."""

    def __init__(self, data_dir: Path, *, port: int | None = None, **environment: str) -> None:
        """`environment`: settings of the server, such as `UPLOADS_MAX_FILE_SIZE="10"`."""
        self.data_dir = data_dir
        self.port = port or free_port()
        self.bucket = environment.get("UPLOADS_BUCKET", "uploads")
        self.log_file = data_dir.with_name(f"{data_dir.name}.log")
        self._environment = environment
        EVIDENCE.look_at_settings(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The page's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that the server has written so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """The server's process id. Raises `AssertionError` when it is not running."""
        assert self._process is not None
        return self._process.pid

    def set(self, **environment: str) -> None:
        """Other settings, from the next start on."""
        self._environment |= environment
        EVIDENCE.look_at_settings(environment)

    def unset(self, *names: str) -> None:
        """Without these settings, from the next start on."""
        for name in names:
            del self._environment[name]

    @property
    def secret_of_data(self) -> str:
        """What signs upload ids and cookies unless a setting says otherwise."""
        secret: str = json.loads((self.data_dir / "keys.json").read_text())["secret"]
        return secret

    @property
    def store_pid(self) -> int:
        """The embedded store's process id."""
        return int((self.data_dir / "store" / "weed.pid").read_text())

    @property
    def store_url(self) -> str:
        """The embedded store's S3 address."""
        return f"http://127.0.0.1:{json.loads((self.data_dir / 'store' / 'ports.json').read_text())['s3']}"

    @property
    def s3(self) -> S3Client:
        """A client of the embedded store that may do everything. The store's port may change with a restart."""
        endpoint = self.store_url
        if endpoint not in self._clients:
            self._clients[endpoint] = self._make_client(endpoint)
        return self._clients[endpoint]

    @cached_property
    def _clients(self) -> dict[str, S3Client]:
        return {}

    @property
    def admin_keys(self) -> dict[str, str]:
        """The access key and the secret key of the store's administrator."""
        keys: dict[str, str] = json.loads((self.data_dir / "keys.json").read_text())["admin"]
        return keys

    @property
    def signer_keys(self) -> dict[str, str]:
        """Those of the store's user that signs for browsers, and may do no more than that."""
        keys: dict[str, str] = json.loads((self.data_dir / "keys.json").read_text())["signer"]
        return keys

    def _make_client(self, endpoint: str) -> S3Client:
        admin = self.admin_keys
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 3, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        session: Any = boto3.session.Session(
            admin["access_key"], admin["secret_key"], region_name="us-east-1"
        )
        return session.client("s3", endpoint_url=endpoint, config=config)  # type: ignore[no-any-return]

    def start(self) -> None:
        """Start it, and wait until `/healthz` says ok. Raises `AssertionError` with its log when it does not."""
        command = [
            sys.executable,
            str(ROOT / "serve.py"),
            "--port",
            str(self.port),
            "--data",
            str(self.data_dir),
        ]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=clean_environment(**self._environment),
                cwd=ROOT,
            )
        limit = time.monotonic() + _START_LIMIT
        while (health := self._health()).get("status") != "ok" or health.get("abilities") == "probing":
            status = self._process.poll()
            assert status is None, f"serve.py ended with status {status}:\n{self.log}"
            assert time.monotonic() < limit, f"serve.py does not get ready:\n{self.log}"
            time.sleep(0.1)
        EVIDENCE.look_at_server(self.data_dir, self.log)

    def is_healthy(self) -> bool:
        """Whether `/healthz` says ok right now."""
        return self._health().get("status") == "ok"

    def _health(self) -> dict[str, Any]:
        """What `/healthz` says; nothing while it cannot be asked or is unwell.

        Tests that count uploads or calls begin when the server has found out what its store can do.
        """
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            error.close()
            return {}
        except (OSError, ValueError):
            return {}

    def stop(self) -> int | None:
        """End it as Ctrl-C does, store and all; its exit status."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"serve.py did not stop:\n{self.log}") from None
        self._process = None
        EVIDENCE.write("server log", self.log)
        return status

    def wait(self) -> int:
        """The exit status of a server that is told to end already."""
        assert self._process is not None
        status = self._process.wait(60)
        self._process = None
        EVIDENCE.write("server log", self.log)
        return status

    def discard(self) -> None:
        """End it for good, and give the disk back what its store holds: a run of all tests leaves tens of gigabytes."""
        self.kill()
        EVIDENCE.write("server log", self.log)
        shutil.rmtree(self.data_dir / "store", ignore_errors=True)

    def kill(self, *, store: bool = True) -> None:
        """`kill -9`, of its store as well unless told otherwise."""
        store_pid = self.store_pid if store and (self.data_dir / "store" / "weed.pid").exists() else None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if store_pid is not None:
            end_process(store_pid)

    def restart(self) -> None:
        """Stop it, if it runs, and start it again on the same port and data."""
        self.stop()
        self.start()

    def object_bytes(self, key: str) -> bytes:
        """The object's content, as the store has it."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"]
        try:
            return bytes(body.read())
        finally:
            body.close()

    def abort_open_uploads(self) -> None:
        """Leave none behind."""
        for key, upload_id in self.open_uploads():
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    def open_uploads(self) -> list[tuple[str, str]]:
        """Key and S3 upload id of every multipart upload that is open in the store."""
        found = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [(upload["Key"], upload["UploadId"]) for upload in found]
