"""Zips of precompiled modules for Pyodide: the engine's own, and Pyodide's standard library packed anew.

The code is compiled by Pyodide itself, run in Node, since `.pyc` files belong to one exact CPython. In the zip lie
`name.pyc` without sources, which zipimport takes as they are (unchecked hashes: no dates, no look at a source).
May run Node, and read and write the files it is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from uploads.server.assets import CACHE, ensure_node_modules, hash_of, node_program
from uploads.server.errors import SetUpError

_LAUNCH = """
const {loadPyodide} = await import(process.env.BUNDLE_PYODIDE);
const pyodide = await loadPyodide({stdout: () => {}});
pyodide.FS.mkdirTree("/work");
pyodide.mountNodeFS("/work", process.env.BUNDLE_FOLDER);
pyodide.runPython(process.env.BUNDLE_PROGRAM);
"""

_LINE = 300  # characters; a longer line of what Node says is a piece of a program

_COMPILE = """
import importlib.util, json, pathlib
from importlib._bootstrap_external import _code_to_hash_pyc
work = pathlib.Path("/work")
for number, name in enumerate(json.loads((work / "names.json").read_text())):
    source = (work / f"{number}.py").read_bytes()
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        (work / "complaint.txt").write_text(f"{type(error).__name__} in {name}: {error}")
        break
    (work / f"{number}.pyc").write_bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))
"""


def compile_for_pyodide(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """`.pyc` contents by module path for `.py` contents by module path (`package/module.py`), for vendored Pyodide.

    The path is also what tracebacks show. Raises `SetUpError` with the compiler's complaint for a source it refuses.
    """
    names = sorted(sources)
    pyodide = ensure_node_modules() / "pyodide" / "pyodide.mjs"
    with tempfile.TemporaryDirectory(prefix="upload-worker-") as folder:
        work = Path(folder)
        (work / "names.json").write_text(json.dumps(names))
        for number, name in enumerate(names):
            (work / f"{number}.py").write_bytes(sources[name])
        answer = subprocess.run(
            [node_program(), "--input-type=module", "--eval", _LAUNCH],
            env={
                **os.environ,
                "BUNDLE_PYODIDE": pyodide.as_uri(),
                "BUNDLE_FOLDER": str(work),
                "BUNDLE_PROGRAM": _COMPILE,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        complaint = work / "complaint.txt"
        if complaint.exists():
            raise SetUpError(f"Compiling for the browser failed: {complaint.read_text()}.")
        if answer.returncode:
            told = [line for line in answer.stderr.splitlines() if "Error: " in line and len(line) < _LINE]
            raise SetUpError(
                f"Pyodide did not run in Node: {told[-1].strip() if told else 'no reason given'}."
            )
        return {
            name.removesuffix(".py") + ".pyc": (work / f"{number}.pyc").read_bytes()
            for number, name in enumerate(names)
        }


def write_zip(files: Mapping[str, bytes], out: Path, *, compress: bool = True) -> None:
    """Write `files` (contents by path) to the zip `out`; the same files give the same bytes."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", method, compresslevel=9 if compress else None) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])


def build_zip(sources: Mapping[str, Path], out: Path) -> None:
    """A zip `out` of precompiled modules: files on disk by module path (`package/module.py`). Raises `SetUpError`."""
    write_zip(compile_for_pyodide({name: path.read_bytes() for name, path in sources.items()}), out)


def precompiled_stdlib() -> Path:
    """Pyodide's python_stdlib.zip with `.pyc` in place of `.py`, made once (it halves the start of the worker)."""
    original = ensure_node_modules() / "pyodide" / "python_stdlib.zip"
    done = CACHE / f"python_stdlib-{hash_of(original, Path(__file__))[:16]}.zip"
    if not done.exists():
        with zipfile.ZipFile(original) as archive:
            files = {
                entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()
            }
        modules = {name: content for name, content in files.items() if name.endswith(".py")}
        others = {name: content for name, content in files.items() if name not in modules}
        partial = done.with_name(f"{done.name}.{os.getpid()}")
        write_zip(others | compile_for_pyodide(modules), partial)
        partial.replace(done)
    return done
