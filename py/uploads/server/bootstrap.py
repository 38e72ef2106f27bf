"""From a bare Python to a ready `.venv`: the first thing `serve.py` does. Standard library only.

It may create and change `.venv` (never anything outside it), ask the package index, and replace this process by the
same command inside `.venv`. What is fresh is not done again: `.venv/set-up.json` holds the hash of the requirements
and the Python that installed them, written last, so that an interrupted set-up is redone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from uploads.server import options
from uploads.server.errors import SetUpError, UserError
from uploads.server.paths import ROOT, VENV

RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"  # a superset of RUNTIME
_WINDOWS = os.name == "nt"
_NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|Failed to establish a new connection|NewConnectionError|NameResolutionError"
    r"|ConnectTimeoutError|Network is unreachable|getaddrinfo failed|nodename nor servname|Max retries exceeded"
    r"|Read timed out|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ECONNRESET|ERR_SOCKET",
)


def say(text: str) -> None:
    """One line of progress for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def venv_python(where: Path = VENV) -> Path:
    """The interpreter of the environment at `where`."""
    return where / ("Scripts/python.exe" if _WINDOWS else "bin/python")


def inside(where: Path = VENV) -> bool:
    """Whether this very process runs in the environment at `where`."""
    return Path(sys.prefix).resolve() == where.resolve()


def stamp_of(*requirements: Path) -> str:
    """What `.venv` must have been made from: the requirements' bytes and this Python's version and machine."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {sys.platform} {sys.implementation.cache_tag}".encode())
    for path in requirements:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_fresh(where: Path, requirements: Path) -> bool:
    """Whether the environment at `where` already has what `requirements` names."""
    try:
        stamps = json.loads((where / "set-up.json").read_text())
    except (OSError, ValueError):
        return False
    wanted = {DEVELOPMENT} if requirements == DEVELOPMENT else {DEVELOPMENT, RUNTIME}
    known = stamps if isinstance(stamps, dict) else {}
    return venv_python(where).exists() and any(known.get(path.name) == stamp_of(path) for path in wanted)


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


def ensure_environment(requirements: Path, where: Path = VENV) -> None:
    """Make `where` an environment with `requirements` in it, unless it is one. Raises `SetUpError`."""
    if is_fresh(where, requirements):
        return
    with one_at_a_time():
        if is_fresh(where, requirements):
            return
        say(f"Setting up: Python packages into {where.name} (once; about 100 MB)")
        stamp = where / "set-up.json"
        pip = _environment_with_pip(where)
        stamp.unlink(missing_ok=True)
        run_visibly(
            [*pip, "install", "--require-hashes", "--only-binary", ":all:", "--no-input", "--retries", "2"]
            + ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(requirements)],
            "Installing the Python packages",
            r"Collecting \S+|Installing collected packages",
            env={**os.environ, "PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore"},
        )
        stamp.write_text(json.dumps({requirements.name: stamp_of(requirements)}))


def _environment_with_pip(where: Path) -> list[str]:
    """The command of a pip that installs into `where`, which is created, or made anew when it is of another Python."""
    python = venv_python(where)
    if not _same_python(python):
        try:
            shutil.rmtree(where, ignore_errors=False) if where.exists() else None
            venv.create(where, with_pip=False, symlinks=not _WINDOWS)
        except OSError as error:
            raise SetUpError(f"{where} cannot be written: {error.strerror}.") from error
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [str(python), "-m", "pip"]
    if subprocess.run([python, "-m", "ensurepip"], capture_output=True, check=False).returncode == 0:
        return [str(python), "-m", "pip"]
    outer = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
    ]  # Debian's Python has pip, but no ensurepip
    if subprocess.run([*outer, "--version"], capture_output=True, check=False).returncode == 0:
        return outer
    raise SetUpError("This Python has neither pip nor ensurepip: install them (Debian: python3-venv).")


def _same_python(python: Path) -> bool:
    """Whether `python` runs and is of this process's version."""
    try:
        answer = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def main(argv: Sequence[str]) -> int:
    """Run the command in `argv`; returns the exit status (2 with one sentence on stderr when a person must act)."""
    wanted = options.parse(argv)
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 - also for those who call this module directly
            raise SetUpError("Python 3.11 or newer is needed.")
        ensure_environment(DEVELOPMENT if wanted.command == "test" else RUNTIME)
        if not inside():
            return _again_inside(argv)
        from uploads.server import cli

        return cli.main(wanted)
    except UserError as error:
        say(f"serve.py: {error}")
        return 2
    except KeyboardInterrupt:
        return 130


def _again_inside(argv: Sequence[str]) -> int:
    """Run the same command with `.venv`'s Python, in this process's place where the platform can."""
    command = [str(venv_python()), str(ROOT / "serve.py"), *argv]
    if _WINDOWS:
        return subprocess.run(command, check=False).returncode
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606 - our own script in our own environment
