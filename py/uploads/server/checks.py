"""`serve.py test`: the linters, the type checker and the tests, in one command; and `serve.py bench`.

May run them, and install a browser where there is none. Without arguments the whole suite runs, and the coverage of
the engine's core and of the protocol must be complete; with arguments, only what they select.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from uploads.server import assets, site
from uploads.server.console import say
from uploads.server.errors import SetUpError
from uploads.server.paths import DIST, ROOT

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_LEFT_OUT = "not firefox and not webkit and not ceph and not swift and not peers and not bench and not long"
_LANES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""Two files of tests at a time: those with a browser mostly wait."""
_MEASURED = ("worker/upload_engine/core", "py/uploads/protocol")


def find_chromium() -> str | None:
    """A Chromium's path: the environment's `CHROMIUM`, one on PATH, or Playwright's own; `None` without any."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not shutil.which(named):
            raise SetUpError(f"CHROMIUM names {named}, which cannot be run.")
        return named
    for name in _CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


def ensure_chromium() -> str:
    """A Chromium to test with, installed when there is none. Raises `SetUpError` when that fails."""
    found = find_chromium()
    if found:
        return found
    say("Installing Chromium for the tests")
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], env=quiet, check=False, stdout=subprocess.DEVNULL)  # noqa: S607
    if not find_chromium():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    found = find_chromium()
    if not found:
        raise SetUpError(
            "There is no Chromium and none could be installed: install one, or name it with CHROMIUM."
        )
    return found


def bench(arguments: Sequence[str]) -> int:
    """Run `tests.bench.upload` with these arguments; its exit status."""
    os.environ["CHROMIUM"] = ensure_chromium()
    command = [sys.executable, "-m", "tests.bench.upload", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(pytest_args: Sequence[str]) -> int:
    """Run all checks; the first failure's exit status, or 0."""
    assets.ensure_node_modules()
    site.build(DIST)
    os.environ["CHROMIUM"] = ensure_chromium()
    python = [sys.executable, "-m"]
    folders = ["serve.py", "py", "worker", "tests"]
    steps = [
        ("ruff check", [*python, "ruff", "check", *folders]),
        ("ruff format", [*python, "ruff", "format", "--check", *folders]),
        ("mypy", [*python, "mypy"]),
    ]
    if pytest_args:
        marks = [] if "-m" in pytest_args else ["-m", _LEFT_OUT]
        steps.append(("pytest", [*python, "pytest", *marks, *pytest_args]))
    else:
        measured = [f"--cov={folder}" for folder in _MEASURED]
        steps.append(
            (
                "pytest",
                [*python, "pytest", *_LANES, "-m", _LEFT_OUT, *measured, "--cov-report=term:skip-covered"],
            )
        )
    for name, command in steps:
        say(f"\n== {name}")
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status:
            say(f"serve.py test: {name} failed")
            return status
    return 0
