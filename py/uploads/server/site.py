"""The static site: one directory that any host can serve, with everything it loads, by relative addresses only.

It mirrors the repository: index.html, pyscript.toml, py/uploads (what the page loads), worker/upload_worker.js; and adds
worker/engine.zip and vendor/ (Pyodide, PyScript, MicroPython, micropip, the API's viewer). Reads the repository and
`node_modules`, writes the one directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from uploads.server import assets, bundle
from uploads.server.console import one_at_a_time, say
from uploads.server.errors import SetUpError
from uploads.server.paths import NODE_MODULES, ROOT

STAMP = ".built-from.json"
_PAGE_PACKAGES = ("protocol", "client", "ui")
_PAGE_SUFFIXES = {".py", ".css", ".svg", ".js", ".png", ".ico", ".webmanifest", ".toml", ".json"}
_UNBUILT = b'const BUILD = "unbuilt";'
_PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")


def engine_sources() -> dict[str, Path]:
    """The modules that the worker imports, by path in the zip: the engine, the protocol, and `uploads` itself."""
    roots = [
        (ROOT / "worker", "upload_engine"),
        (ROOT / "py", "uploads/protocol"),
        (ROOT / "py", "uploads/client"),
    ]
    found = {
        path.relative_to(base).as_posix(): path
        for base, folder in roots
        for path in sorted((base / folder).rglob("*.py"))
    }
    package = ROOT / "py" / "uploads" / "__init__.py"
    return found | ({"uploads/__init__.py": package} if package.exists() else {})


def page_files() -> dict[str, Path]:
    """What the page loads, by path in the site, taken as it is."""
    package = ROOT / "py" / "uploads"
    found = [
        ROOT / "index.html",
        ROOT / "pyscript.toml",
        ROOT / "worker" / "upload_worker.js",
        package / "__init__.py",
    ]
    for name in _PAGE_PACKAGES:
        found += [path for path in sorted((package / name).rglob("*")) if path.suffix in _PAGE_SUFFIXES]
    return {path.relative_to(ROOT).as_posix(): path for path in found}


def _inputs() -> Iterator[Path]:
    yield from page_files().values()
    yield from engine_sources().values()
    yield from (ROOT / "package-lock.json", assets.BROWSER_REQUIREMENTS)
    yield from (Path(__file__).with_name(f"{name}.py") for name in ("assets", "bundle"))
    yield Path(__file__)


def stamp_of_inputs() -> str:
    """A hash over the name and the bytes of everything that the site is made from. Raises `SetUpError` by name."""
    digest = hashlib.sha256()
    for path in _inputs():
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SetUpError(f"The site needs {path.relative_to(ROOT)}: {error.strerror}.") from error
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _stamp_at(out: Path) -> str | None:
    try:
        return str(json.loads((out / STAMP).read_text())["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def build(out: Path) -> bool:
    """Make `out` the site, unless it is fresh; whether anything was done.

    Raises `SetUpError` when `out` holds files that no build wrote, cannot be written, or an input is missing.
    """
    out = out.resolve()
    stamp = stamp_of_inputs()
    if _stamp_at(out) == stamp:
        return False
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / STAMP).exists())):
        raise SetUpError(
            f"{out} is not a site that was built here, so it is left alone: name another directory."
        )
    assets.ensure_node_modules()
    with one_at_a_time():
        say(f"Building the site into {out}")
        partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            _write(partial, stamp)
            (partial / STAMP).write_text(json.dumps({"inputs": stamp}) + "\n")
            if out.exists():
                shutil.rmtree(out)
            partial.rename(out)
        except OSError as error:
            raise SetUpError(f"The site cannot be written to {out}: {error.strerror}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return True


def _write(out: Path, stamp: str) -> None:
    for name, path in page_files().items():
        _copy(path, out / name)
    worker = out / "worker" / "upload_worker.js"
    worker.write_bytes(worker.read_bytes().replace(_UNBUILT, f'const BUILD = "{stamp[:16]}";'.encode()))
    say("    vendored: PyScript, MicroPython, the API's viewer")
    _vendor(out / "vendor")
    say("    vendored: Pyodide, with a precompiled standard library")
    _vendor_pyodide(out / "vendor" / "pyodide")
    say("    worker: the engine, precompiled")
    bundle.build_zip(engine_sources(), out / "worker" / "engine.zip")


def _vendor(vendor: Path) -> None:
    packages = NODE_MODULES
    pyscript = packages / "@pyscript" / "core"
    for path in sorted((pyscript / "dist").iterdir()):
        if path.suffix != ".map":
            _copy(path, vendor / "pyscript" / path.name)
    _copy(pyscript / "LICENSE", vendor / "pyscript" / "LICENSE")
    micropython = packages / "@micropython" / "micropython-webassembly-pyscript"
    for name in ("micropython.mjs", "micropython.wasm"):
        _copy(micropython / name, vendor / "micropython" / name)
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"):
        _copy(packages / "swagger-ui-dist" / name, vendor / "swagger-ui" / name)


def _vendor_pyodide(folder: Path) -> None:
    package = NODE_MODULES / "pyodide"
    for name in _PYODIDE_FILES:
        _copy(package / name, folder / name)
    _copy(bundle.precompiled_stdlib(), folder / "python_stdlib.zip")
    wheels = assets.ensure_browser_wheels()
    for wheel in wheels:
        _copy(wheel, folder / wheel.name)
    lock = json.loads((package / "pyodide-lock.json").read_text())
    (folder / "pyodide-lock.json").write_text(json.dumps(trimmed_lock(lock, wheels), sort_keys=True) + "\n")


def trimmed_lock(lock: dict[str, object], wheels: list[Path]) -> dict[str, object]:
    """Pyodide's lock with only the packages whose wheels are here, each with the hash of the file that is here.

    PyPI's micropip differs from the one that the lock describes. Raises `SetUpError` for a wheel the lock lacks.
    """
    known = lock["packages"]
    if not isinstance(known, dict):
        raise SetUpError("Pyodide's lock has no packages.")
    packages = {}
    for wheel in wheels:
        name = wheel.name.split("-")[0]
        entry = known.get(name)
        if entry is None or entry["file_name"] != wheel.name:
            raise SetUpError(
                f"Pyodide's lock knows no {wheel.name}: requirements-browser.txt must name its version."
            )
        packages[name] = {**entry, "sha256": assets.hash_of(wheel)}
    return {**lock, "packages": packages}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)  # the bytes alone: rights and dates are this machine's business
