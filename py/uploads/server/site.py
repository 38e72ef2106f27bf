"""The static site: one directory that any host can serve, with everything it loads, by relative addresses only.

    index.html                  the page; asks for everything else
    manifest.webmanifest        what it is called, and looks like, as an installed application
    service_worker.js           keeps the files for when there is no network
    config.json                 PyScript's configuration; its `uploads` may be changed where the site is published
    embed.js                    the widget as one tag, for pages of others
    upload_worker.js            the worker's script under an address that stays, for pages of others
    wheels/…, examples/…        the hook as a wheel, and pages that show how to use it
    assets/NAME-HASH/…          all the rest, which never changes under its address: page, worker, pyodide, pyscript, micropython

Beside what shrinks lie a .br and a .gz of it. Reads the repository and `node_modules`, writes the one directory.
"""

from __future__ import annotations

import base64
import email
import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from uploads.server import assets, bundle, installable, page_bundle
from uploads.server.compressing import compress
from uploads.server.console import one_at_a_time, say
from uploads.server.errors import SetUpError
from uploads.server.layout import STAMP, Content, Layout, stamp_of
from uploads.server.paths import NODE_MODULES, ROOT
from uploads.server.romfs import make_romfs
from uploads.server.snapshot import make_snapshot
from uploads.server.wasm import assemble
from uploads.server.wheel import make_wheel, wheel_name, wheel_sources

WORKER = ROOT / "worker" / "upload_worker.js"
CHECKSUMS = ROOT / "worker" / "crc64.wat"
_UI = ROOT / "py" / "uploads" / "ui"
EMBED = _UI / "embed.js"
_COMMENTS = re.compile(r"^\s*(//.*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/)\n", re.MULTILINE)
"""Comments that have lines of their own: every visitor would fetch them."""
EXAMPLES = sorted((ROOT / "examples").glob("*.html"))
_UPLOT_FILES = ("uPlot.iife.min.js", "uPlot.min.css")
_PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
_PYSCRIPT_START = ("core", "deprecations-manager", "donkey", "error", "py-editor", "py-game", "py-terminal")
_UP = "../../"  # from a folder of assets to the site's own


def engine_sources() -> dict[str, Path]:
    """The modules that the worker imports, by path in the zip: the engine, the protocol, and `uploads` itself."""
    return _modules_of(
        (ROOT / "worker", "upload_engine"), (ROOT / "py", "uploads/protocol"), (ROOT / "py", "uploads/client")
    )


def inspector_sources() -> dict[str, Path]:
    """The same of the worker that runs inspectors: those that come along, and the protocol."""
    return _modules_of((ROOT / "worker", "upload_inspectors"), (ROOT / "py", "uploads/protocol"))


def _modules_of(*roots: tuple[Path, str]) -> dict[str, Path]:
    found = {
        path.relative_to(base).as_posix(): path
        for base, folder in roots
        for path in sorted((base / folder).rglob("*.py"))
    }
    package = ROOT / "py" / "uploads" / "__init__.py"
    return found | ({"uploads/__init__.py": package} if package.exists() else {})


def _page_assets() -> dict[str, Path]:
    """What the page shows besides its Python, by name."""
    found = [path for path in _UI.iterdir() if path.suffix in {".css", ".svg", ".png"}]
    found += [_UI / "before_words.js", *(_UI / "languages").iterdir()]
    return {path.relative_to(_UI).as_posix(): path for path in sorted(found)}


def _inputs() -> Iterator[Path]:
    yield from (ROOT / "index.html", ROOT / "pyscript.toml", WORKER, CHECKSUMS)
    yield from (installable.MANIFEST, installable.SERVICE_WORKER, EMBED)
    yield from page_bundle.page_modules().values()
    yield from _page_assets().values()
    yield from engine_sources().values()
    yield from (*wheel_sources().values(), *EXAMPLES, ROOT / "pyproject.toml")
    yield from inspector_sources().values()
    yield from page_bundle.inspector_files().values()
    yield from (ROOT / "package-lock.json", assets.BROWSER_REQUIREMENTS, assets.INSPECTOR_REQUIREMENTS)
    builders = (
        "assets",
        "bundle",
        "compressing",
        "installable",
        "layout",
        "page_bundle",
        "pyodide_node",
        "romfs",
        "snapshot",
        "wasm",
        "wheel",
    )
    yield from (Path(__file__).with_name(f"{name}.py") for name in builders)
    yield Path(__file__)


def stamp_of_inputs(signer_url: str | None = None) -> str:
    """A hash over the name and the bytes of everything that the site is made from. Raises `SetUpError` by name."""
    digest = hashlib.sha256((signer_url or "").encode())
    for path in _inputs():
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SetUpError(f"The site needs {os.path.relpath(path, ROOT)}: {error.strerror}.") from error
        digest.update(f"{Path(os.path.relpath(path, ROOT)).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def build(out: Path, signer_url: str | None = None) -> bool:
    """Make `out` the site, unless it is fresh; whether anything was done.

    signer_url: where the signing API is, if not at the site's own origin. The folders of the site that was in `out`
    before stay for one more build, for pages that are open. Raises `SetUpError` when `out` holds files that no build
    wrote, cannot be written, or an input is missing.
    """
    out = out.resolve()
    assets.ensure_node_modules()
    stamp = stamp_of_inputs(signer_url)
    if stamp_of(out) == stamp:
        return False
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / STAMP).exists())):
        raise SetUpError(
            f"{out} is not a site that was built here, so it is left alone: name another directory."
        )
    with one_at_a_time():
        if stamp_of(out) == stamp:  # by another serve.py, while this one waited
            return False
        say(f"Building the site into {out}")
        partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            layout = Layout(partial)
            _write(layout, stamp, signer_url)
            layout.keep_folders_of(out)
            layout.write_stamp(stamp)
            if out.exists():
                shutil.rmtree(out)
            partial.rename(out)
        except OSError as error:
            raise SetUpError(f"The site cannot be written to {out}: {error.strerror}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return True


def _write(layout: Layout, stamp: str, signer_url: str | None) -> None:
    say("    vendored: PyScript, MicroPython, Pyodide with a precompiled standard library")
    pyscript = layout.add_folder("pyscript", _pyscript())
    micropython = layout.add_folder("micropython", _micropython())
    layout.add_folder("swagger-ui", _swagger())
    plots = layout.add_folder("uplot", _uplot())
    pyodide = layout.add_folder("pyodide", _pyodide())
    say("    worker: the engine, precompiled, and a snapshot with it imported")
    packages = layout.add_folder("packages", vendored_packages())
    worker = layout.add_folder("worker", _worker(stamp, pyodide, packages))
    say("    page")
    shown = layout.add_folder(
        "page",
        {
            **_page_assets(),
            **{
                name: _COMMENTS.sub("", (_UI / name).read_text(encoding="utf-8")).encode()
                for name in ("page.css", "before_words.js")
            },
            "start.py": page_bundle.START.encode(),
            "page.romfs": make_romfs(page_bundle.start_modules()),
            "later.romfs": make_romfs(page_bundle.later_modules()),
        },
    )
    interpreter = f"{micropython}micropython.mjs"
    addresses = {
        "worker/upload_worker.js": f"{worker}upload_worker.js",
        "vendor/pyscript/core.js": f"{pyscript}core.js",
        **{f"vendor/uplot/{name}": f"{plots}{name}" for name in _UPLOT_FILES},
        "py/uploads/ui/main.py": f"{shown}start.py",
        "pyscript.toml": "config.json",
        "py/uploads/ui/manifest.webmanifest": "manifest.webmanifest",
        **{f"py/uploads/ui/{name}": f"{shown}{name}" for name in _page_assets()},
    }
    preloads = {
        **{pyscript + chunk: "modulepreload" for chunk in _pyscript_chunks()},
        interpreter: "modulepreload",
        f"{micropython}micropython.wasm": "fetch",
        "config.json": "fetch",
        f"{shown}start.py": "fetch",
        f"{shown}page.romfs": "fetch",
    }
    layout.add_file("config.json", page_bundle.configuration(interpreter, f"{shown}page.romfs", signer_url))
    layout.add_file("index.html", page_bundle.page(addresses, preloads))
    say("    for pages of others: the widget's tag, the hook as a wheel, examples")
    layout.add_file("embed.js", EMBED)
    layout.add_file("upload_worker.js", f'import "./{worker}upload_worker.js";\n'.encode())
    layout.add_file(f"wheels/{wheel_name()}", make_wheel())
    for path in EXAMPLES:
        named = {
            "vendor/pyodide/": pyodide,
            "vendor/micropython/": micropython,
            "vendor/pyscript/": pyscript,
            "uploads.whl": wheel_name(),
        }
        layout.add_file(f"examples/{path.name}", page_bundle.example(path, named))
    for address, path in page_bundle.inspector_files().items():
        layout.add_file(address, path)
    layout.add_file("manifest.webmanifest", installable.manifest(shown))
    layout.add_file("service_worker.js", installable.service_worker(stamp[:16], layout.addresses()))
    say("    compressed: .br and .gz")
    compress(layout.out)


def _pyscript() -> dict[str, Content]:
    package = NODE_MODULES / "@pyscript" / "core"
    found = {path.name: path for path in (package / "dist").iterdir() if path.suffix != ".map"}
    return {**found, "LICENSE": package / "LICENSE"}


def _pyscript_chunks() -> list[str]:
    """What PyScript's entry asks for as it starts: the file that it consists of, and its plugins, whether used or not."""
    files = [path.name for path in (NODE_MODULES / "@pyscript" / "core" / "dist").iterdir()]
    found = []
    for name in _PYSCRIPT_START:
        chunks = [file for file in files if re.fullmatch(name + r"-[\w-]{8}\.js", file)]
        if len(chunks) != 1:
            raise SetUpError(f"PyScript was expected to have one file {name}-….js, and has {len(chunks)}.")
        found += chunks
    return found


def _micropython() -> dict[str, Content]:
    package = NODE_MODULES / "@micropython" / "micropython-webassembly-pyscript"
    return {name: package / name for name in ("micropython.mjs", "micropython.wasm")}


def _uplot() -> dict[str, Content]:
    package = NODE_MODULES / "uplot"
    return {**{name: package / "dist" / name for name in _UPLOT_FILES}, "LICENSE": package / "LICENSE"}


def _swagger() -> dict[str, Content]:
    names = ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE")
    return {name: NODE_MODULES / "swagger-ui-dist" / name for name in names}


def _pyodide() -> dict[str, Content]:
    package = NODE_MODULES / "pyodide"
    wheels = assets.ensure_wheels(assets.BROWSER_REQUIREMENTS)
    lock = trimmed_lock(json.loads((package / "pyodide-lock.json").read_text()), wheels)
    return {
        **{name: package / name for name in _PYODIDE_FILES},
        **{wheel.name: wheel for wheel in wheels},
        "python_stdlib.zip": bundle.precompiled_stdlib(),
        "pyodide-lock.json": json.dumps(lock, sort_keys=True).encode() + b"\n",
    }


def checksum_code() -> str:
    """The WebAssembly of the parts' checksums in base64, as the worker's script has it. Raises `SetUpError`."""
    return base64.b64encode(assemble(CHECKSUMS)).decode()


def _worker(stamp: str, pyodide: str, packages: str) -> Mapping[str, Content]:
    """The worker's script with the site's own names in it, and beside it what it starts from."""
    engine = bundle.compiled_zip(engine_sources())
    snapshot = make_snapshot(engine, seed=int(stamp[:8], 16))
    script = _COMMENTS.sub("", WORKER.read_text(encoding="utf-8"))
    for name, unbuilt, built in (
        ("BUILD", '"unbuilt"', json.dumps(stamp[:16])),
        ("SITE", 'new URL("../", SCRIPT)', f'new URL("{_UP}", SCRIPT)'),
        ("PYODIDE", 'new URL("../vendor/pyodide/", SCRIPT)', f'new URL("{_UP}{pyodide}", SCRIPT)'),
        ("PACKAGES", 'new URL("../vendor/packages/", SCRIPT)', f'new URL("{_UP}{packages}", SCRIPT)'),
        ("STANDARD_LIBRARY", "null", 'new URL("stdlib.zip", SCRIPT)'),
        ("CRC64", '""', json.dumps(checksum_code())),
        ("SNAPSHOT_SIZES", "null", json.dumps([snapshot.header, snapshot.memory])),
    ):
        before, after = f"const {name} = {unbuilt};", f"const {name} = {built};"
        if before not in script:
            raise SetUpError(f"{WORKER.name} has no line {before}")
        script = script.replace(before, after)
    return {
        "upload_worker.js": script.encode(),
        "engine.zip": engine,
        "inspectors.zip": bundle.compiled_zip(inspector_sources()),
        "stdlib.zip": bundle.part_of_stdlib(snapshot.modules),
        "nothing.zip": bundle.zip_of({}),
        "engine.snapshot": snapshot.packed,
    }


def vendored_packages() -> dict[str, Content]:
    """The wheels of requirements-inspectors.txt, and index.json: by each package's name, its wheel and those that it needs."""
    wheels = {
        canonicalize_name(wheel.name.split("-")[0]): wheel
        for wheel in assets.ensure_wheels(assets.INSPECTOR_REQUIREMENTS)
    }
    index = {name: [wheels[needed].name for needed in sorted(_needed(name, wheels))] for name in wheels}
    return {
        **{wheel.name: wheel for wheel in wheels.values()},
        "index.json": json.dumps(index, sort_keys=True).encode() + b"\n",
    }


def _needed(name: NormalizedName, wheels: Mapping[NormalizedName, Path]) -> set[NormalizedName]:
    """The package and all that it requires, as far as they are here."""
    needed: set[NormalizedName] = set()
    ahead = [name]
    while ahead:
        package = ahead.pop()
        if package in needed or package not in wheels:
            continue
        needed.add(package)
        with zipfile.ZipFile(wheels[package]) as archive:
            (told,) = [entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA")]
            metadata = email.message_from_bytes(archive.read(told))
        required = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
        ahead += [canonicalize_name(one.name) for one in required]
    return needed


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
