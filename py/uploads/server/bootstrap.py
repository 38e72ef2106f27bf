"""From a bare Python to a ready `.venv`: the first thing `serve.py` does. Standard library only.

It may create and change `.venv` (never anything outside it), ask the package index, and replace this process by the
same command inside `.venv`. What is fresh is not done again: `.venv/set-up.json` holds the hash of the requirements
and the Python that installed them, written last, so that an interrupted set-up is redone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from uploads.server import options
from uploads.server.console import one_at_a_time, run_visibly, say
from uploads.server.errors import SetUpError, UserError
from uploads.server.paths import ROOT, VENV

RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"  # a superset of RUNTIME
_WINDOWS = os.name == "nt"


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
        # Without --no-deps, pip 23 asks for a hash of the newest release when a package wants another one's extra
        # ("coverage[toml]>=7"), as soon as that is newer than the pinned one. The lists are complete.
        run_visibly(
            [
                *pip,
                "install",
                "--no-deps",
                "--require-hashes",
                "--only-binary",
                ":all:",
                "--no-input",
                "--retries",
                "2",
            ]
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
        ensure_environment(DEVELOPMENT if wanted.command in ("test", "bench") else RUNTIME)
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
