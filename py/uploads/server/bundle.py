"""Zips of precompiled modules for Pyodide: the engine's own, and Pyodide's standard library packed anew.

The code is compiled by Pyodide itself, run in Node, since `.pyc` files belong to one exact CPython. In the zip lie
`name.pyc` without sources, which zipimport takes as they are (unchecked hashes: no dates, no look at a source).
May run Node, and read and write the files it is given.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from uploads.server.assets import CACHE, hash_of
from uploads.server.errors import SetUpError
from uploads.server.pyodide_node import pyodide_folder, run_in_node

_LAUNCH = """
const {loadPyodide} = await import(`${process.env.PYODIDE}/pyodide.mjs`);
const pyodide = await loadPyodide({stdout: () => {}});
pyodide.FS.mkdirTree("/work");
pyodide.mountNodeFS("/work", process.env.WORK);
pyodide.runPython(process.env.PROGRAM);
"""

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
    with tempfile.TemporaryDirectory(prefix="upload-worker-") as folder:
        work = Path(folder)
        (work / "names.json").write_text(json.dumps(names))
        for number, name in enumerate(names):
            (work / f"{number}.py").write_bytes(sources[name])
        run_in_node(_LAUNCH, work, PROGRAM=_COMPILE)
        complaint = work / "complaint.txt"
        if complaint.exists():
            raise SetUpError(f"Compiling for the browser failed: {complaint.read_text()}.")
        return {
            name.removesuffix(".py") + ".pyc": (work / f"{number}.pyc").read_bytes()
            for number, name in enumerate(names)
        }


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files` (contents by path); the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return content.getvalue()


def compiled_zip(sources: Mapping[str, Path]) -> bytes:
    """A zip of precompiled modules: files on disk by module path (`package/module.py`). Raises `SetUpError`."""
    return zip_of(compile_for_pyodide({name: path.read_bytes() for name, path in sources.items()}))


def precompiled_stdlib() -> Path:
    """Pyodide's python_stdlib.zip with `.pyc` in place of `.py`, made once (it halves the start of the worker)."""
    original = pyodide_folder() / "python_stdlib.zip"
    done = CACHE / f"python_stdlib-{hash_of(original, Path(__file__))[:16]}.zip"
    if not done.exists():
        with zipfile.ZipFile(original) as archive:
            files = {
                entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()
            }
        modules = {name: content for name, content in files.items() if name.endswith(".py")}
        others = {name: content for name, content in files.items() if name not in modules}
        partial = done.with_name(f"{done.name}.{os.getpid()}")
        partial.write_bytes(zip_of(others | compile_for_pyodide(modules)))
        partial.replace(done)
    return done


def part_of_stdlib(modules: Collection[str]) -> bytes:
    """The precompiled standard library with nothing but some modules, named by their path without a suffix."""
    with zipfile.ZipFile(precompiled_stdlib()) as archive:
        return zip_of(
            {name: archive.read(name) for name in archive.namelist() if name.rpartition(".")[0] in modules}
        )
