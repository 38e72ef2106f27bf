"""Pyodide run in Node, for what only it can make: byte code and memory images of its own exact build.

Starts Node, and reads and writes the folder it is given.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from uploads.server.assets import ensure_node_modules, node_program
from uploads.server.errors import SetUpError

_LINE = 300  # characters; a longer line of what Node says is a piece of a program


def pyodide_folder() -> Path:
    """Where npm has put Pyodide."""
    return ensure_node_modules() / "pyodide"


def run_in_node(script: str, work: Path, **environment: str) -> None:
    """Run a JavaScript module. It finds Pyodide's folder (a URL) and `work` in `process.env` as PYODIDE and WORK.

    Raises `SetUpError` when it fails.
    """
    answer = subprocess.run(
        [node_program(), "--input-type=module", "--eval", script],
        env={
            **os.environ,
            "TZ": "UTC",
            "PYODIDE": pyodide_folder().as_uri(),
            "WORK": str(work),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        told = [line for line in answer.stderr.splitlines() if "Error: " in line and len(line) < _LINE]
        raise SetUpError(f"What is built in Node was not: {told[-1].strip() if told else 'no reason given'}.")
