"""The site's build: what is in it, when it is made anew, and that its zips work in the Pyodide that they are for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from uploads.server import assets, bundle, site
from uploads.server.errors import SetUpError

pytestmark = pytest.mark.interpreters

IMPORT_FROM_ZIP = """
const {loadPyodide} = await import(process.env.PYODIDE);
const pyodide = await loadPyodide({stdout: () => {}, ...JSON.parse(process.env.OPTIONS)});
pyodide.FS.mkdirTree("/in");
pyodide.mountNodeFS("/in", process.env.FOLDER);
console.error("RESULT " + pyodide.runPython(process.env.PROGRAM));
"""


def run_in_pyodide(folder: Path, program: str, **options: str) -> str:
    answer = subprocess.run(
        [assets.node_program(), "--input-type=module", "--eval", IMPORT_FROM_ZIP],
        env={
            **os.environ,
            "PYODIDE": (assets.ensure_node_modules() / "pyodide" / "pyodide.mjs").as_uri(),
            "OPTIONS": json.dumps(options),
            "FOLDER": str(folder),
            "PROGRAM": program,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"RESULT (.*)", answer.stderr, re.DOTALL)
    assert found, answer.stderr
    return found[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "dist"
    assert site.build(out)
    return out


def test_a_zip_is_imported_without_sources_and_its_tracebacks_name_the_module(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""Words."""\n\n\ndef fail():\n    raise ValueError("here")\n')
    (tmp_path / "b.py").write_text("")
    sources = {"package/__init__.py": tmp_path / "b.py", "package/a.py": tmp_path / "a.py"}
    for name in ("one.zip", "two.zip"):
        bundle.build_zip(sources, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["package/__init__.pyc", "package/a.pyc"]
    program = (
        "import sys, traceback; sys.path.insert(0, '/in/one.zip')\n"
        "import package.a\n"
        "try: package.a.fail()\n"
        "except ValueError: text = traceback.format_exc()\n"
        "text"
    )
    assert 'File "package/a.py", line 5, in fail' in run_in_pyodide(tmp_path, program)


def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def\n")
    with pytest.raises(SetUpError, match=r"SyntaxError in package/bad\.py"):
        bundle.build_zip({"package/bad.py": tmp_path / "bad.py"}, tmp_path / "bad.zip")


def test_the_built_library_runs_the_built_engine(built: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, '/in/worker/engine.zip')\n"
        "import upload_engine.core, uploads.protocol, asyncio, json\n"
        "json.__file__ + ' ' + upload_engine.core.__file__"
    )
    stdlib = str(built / "vendor" / "pyodide" / "python_stdlib.zip")
    answer = run_in_pyodide(built, program, stdLibURL=stdlib)
    assert re.search(
        r"python314\.zip/json/__init__\.pyc /in/worker/engine\.zip/upload_engine/core/__init__\.pyc", answer
    )


def test_micropip_is_vendored_with_the_hash_of_the_file_that_is_there(built: Path) -> None:
    folder = built / "vendor" / "pyodide"
    lock = json.loads((folder / "pyodide-lock.json").read_text())
    assert list(lock["packages"]) == ["micropip"]
    entry = lock["packages"]["micropip"]
    assert assets.hash_of(folder / entry["file_name"]) == entry["sha256"]


def test_the_site_is_made_anew_only_when_something_changed(built: Path) -> None:
    assert not site.build(built)
    assert json.loads((built / site.STAMP).read_text()) == {"inputs": site.stamp_of_inputs()}
    (built / site.STAMP).write_text(json.dumps({"inputs": "older"}))
    (built / "left-over.txt").write_text("x")
    assert site.build(built)
    assert not (built / "left-over.txt").exists()


def test_the_worker_knows_from_what_it_was_built(built: Path) -> None:
    script = (built / "worker" / "upload_worker.js").read_text()
    assert f'const BUILD = "{site.stamp_of_inputs()[:16]}";' in script


def test_the_stamp_tells_any_change_of_any_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page, engine = tmp_path / "index.html", tmp_path / "worker.py"
    page.write_text("<p>")
    engine.write_text("x = 1")
    lock = tmp_path / "lock"
    lock.write_text("{}")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "_inputs", lambda: iter([page, engine, lock]))
    stamps = [site.stamp_of_inputs()]
    for path in (page, engine, lock):
        path.write_text(path.read_text() + " ")
        stamps.append(site.stamp_of_inputs())
    assert len(set(stamps)) == 4
    engine.unlink()
    with pytest.raises(SetUpError, match=r"needs worker\.py"):
        site.stamp_of_inputs()


def test_nothing_in_the_site_is_a_map_or_hidden_and_all_addresses_of_the_page_are_relative(
    built: Path,
) -> None:
    files = [path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()]
    assert not [name for name in files if name.endswith(".map")]
    assert [name for name in files if name.startswith(".")] == [site.STAMP]
    page = (built / "index.html").read_text()
    for address in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert not re.match(r"/|[a-z]+:", address) or address.startswith("data:"), address
        assert (built / address).exists() or address.startswith("data:") or "?" in address, address


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SetUpError, match="left alone"):
        site.build(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_wheel_of_another_version_than_the_lock_s_is_refused() -> None:
    lock: dict[str, object] = {"packages": {"micropip": {"file_name": "micropip-1-py3-none-any.whl"}}}
    with pytest.raises(SetUpError, match="micropip-2"):
        site.trimmed_lock(lock, [Path("micropip-2-py3-none-any.whl")])
