"""Talking to the person who waits: progress, long commands, their failures in one sentence. Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from uploads.server.errors import SetUpError
from uploads.server.paths import ROOT

_NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|Failed to establish a new connection|NewConnectionError|NameResolutionError"
    r"|ConnectTimeoutError|Network is unreachable|getaddrinfo failed|nodename nor servname|Max retries exceeded"
    r"|Read timed out|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ECONNRESET|ERR_SOCKET",
)


def say(text: str) -> None:
    """One line of progress for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def explain(output: str, doing: str) -> str:
    """One sentence about why pip or npm failed, from what it printed."""
    missing = re.findall(r"No matching distribution found for ([A-Za-z0-9._-]+(?:==[^\s(;]+)?)", output)
    if re.search(r"SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERTIFICATE_VERIFY_FAILED", output):
        return f"{doing}: this machine does not trust the package registry's certificate."
    if _NO_NETWORK.search(output):
        return f"{doing}: the package registry cannot be reached; the first start needs the network."
    if missing:
        return f"{doing}: there is no wheel of {missing[0]} for this platform ({platform_name()})."
    if "DO NOT MATCH THE HASHES" in output or "EINTEGRITY" in output:
        return f"{doing}: a package does not match its pinned hash, so nothing was installed."
    if "No space left" in output or "ENOSPC" in output:
        return f"{doing}: the disk is full."
    told = [line.strip() for line in output.splitlines() if re.match(r"\s*(ERROR|npm error)", line)]
    last = [line for line in told if "complete log" not in line]
    return f"{doing} failed: {last[-1] if last else 'no reason was given'}."


def platform_name() -> str:
    """This platform in words, with the Python version: what decides which wheels fit."""
    import platform

    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def run_visibly(command: Sequence[str], doing: str, show: str, **more: object) -> None:
    """Run `command`, showing the lines that match `show`. Raises `SetUpError` with one sentence when it fails."""
    seen: list[str] = []
    try:
        with subprocess.Popen(
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **more,
        ) as process:  # type: ignore[call-overload]
            for line in process.stdout:
                seen = [*seen[-400:], line]
                if found := re.match(show, line):
                    say("    " + found.group())
    except OSError as error:
        raise SetUpError(f"{doing}: {command[0]} cannot be run ({error.strerror}).") from error
    if process.returncode:
        raise SetUpError(explain("".join(seen), doing))


@contextlib.contextmanager
def one_at_a_time(folder: Path = ROOT) -> Iterator[None]:
    """Let one set-up or build at a time work in this clone; others wait (where the platform has `flock`).

    Not reentrant: whoever holds it calls nothing that takes it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another serve.py that is setting up this folder …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
