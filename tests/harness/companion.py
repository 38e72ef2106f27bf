"""An unchanged Uppy Companion from npm, as a process of its own on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from uploads.server.assets import npm_command, npm_environment

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ROOT, free_port

HERE = ROOT / "tests" / "peers" / "companion"
_START_LIMIT = 60.0


def install(folder: Path) -> None:
    """What the folder's ``package-lock.json`` names, unless it is there."""
    if not (folder / "node_modules").exists():
        command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        subprocess.run(command, cwd=folder, env=npm_environment(), check=True, stdout=sys.stderr)


@contextmanager
def open_companion(
    folder: Path,
    store_url: str,
    bucket: str,
    keys: tuple[str, str],
    origins: tuple[str, ...] = (),
    *,
    signs_checksums: bool = False,
) -> Iterator[str]:
    """Its address. ``keys``: access key and secret key of the store; ``origins``: pages of others that may call it.

    signs_checksums: leave it to its SDK, which signs the checksum of an empty body into every URL then.
    """
    install(HERE)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    secret = "the secret of a Companion in tests"
    EVIDENCE.keep_secret("secret of the Companion", secret)
    options = {
        "port": port,
        "secret": secret,
        "filePath": str(folder),
        "server": {"host": f"127.0.0.1:{port}", "protocol": "http"},
        "uploadUrls": [store_url],
        "corsOrigins": list(origins) or True,
        "s3": {
            "key": keys[0],
            "secret": keys[1],
            "bucket": bucket,
            "region": "us-east-1",
            "endpoint": store_url,
            "forcePathStyle": True,
            "expires": 300,
            "awsClientOptions": {
                "requestChecksumCalculation": "WHEN_SUPPORTED" if signs_checksums else "WHEN_REQUIRED"
            },
        },
    }
    # In production it is faster, and hides the reasons of its errors.
    more = {"NODE_ENV": "production", "COMPANION_FOR_TESTS": json.dumps(options)}
    environment = {**os.environ, **npm_environment(), **more}
    log_file = folder / "companion.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            ["node", "main.js"],
            cwd=HERE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url, limit = f"http://127.0.0.1:{port}", time.monotonic() + _START_LIMIT
        while True:
            try:
                httpx.get(f"{url}/s3/params")
                break
            except httpx.TransportError:
                assert process.poll() is None, log_file.read_text(errors="replace")
                assert time.monotonic() < limit, log_file.read_text(errors="replace")
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)
