"""Mutation testing of what decides about an upload: ``.venv/bin/python -m tests.mutation [MODULE …]``.

Every small change of a target (mutmut: a comparison, a number, an argument …; and each entry of the tables) must make
a test of the core fail. Prints the changes that none noticed and the score per module; fails below ``LEAST_SCORE``.
Works on a copy in a temporary folder. Takes some minutes on two cores; ``MUTATION_JOBS`` names another number.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "worker"), str(ROOT / "py")]

from tests.mutation.broken_tables import breaks  # noqa: E402 - run as a program, the engine has to be found first

TARGETS = (
    "retry",
    "states",
    "session",
    "session_state",
    "sending",
    "settling",
    "trouble",
    "wishes",
    "transfer",
    "parts",
    "concurrency",
    "recovery",
)
"""Modules of the core: retry, reconcile and transition."""
TESTS = "tests/unit/core"
LEAST_SCORE = 85.0
"""Percent of the changes that a test notices, of all targets together."""
NOTICED = ("killed", "timeout", "segfault")
SETTINGS = """
[tool.pytest.ini_options]
pythonpath = ["src", "."]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]
filterwarnings = ["error"]
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{targets}]
also_copy = ["src/uploads"]
pytest_add_cli_args_test_selection = ["{tests}"]
"""
"""mutmut knows one layout: a folder ``src``, and the tests beside it."""
ENVIRONMENT = {**os.environ, "CI": "1"}
"""With CI set, Hypothesis tries the same examples every time."""


def main(names: list[str]) -> int:
    """0 when enough of the changes to these modules were noticed, 1 when not, 2 when they could not be made."""
    targets = [name for name in TARGETS if name in (names or TARGETS)]
    jobs = int(os.environ.get("MUTATION_JOBS", os.cpu_count() or 1))
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        room = Path(name)
        lay_out(room, targets)
        results = mutate(room, jobs) | break_tables(room, targets, jobs)
        show_unnoticed(room, results)
    return report(results)


def lay_out(room: Path, targets: list[str]) -> None:
    """The engine, the protocol and the core's tests, as mutmut wants them."""
    bare = shutil.ignore_patterns("__pycache__", "server", "ui")
    shutil.copytree(ROOT / "worker" / "upload_engine", room / "src" / "upload_engine", ignore=bare)
    shutil.copytree(ROOT / "py" / "uploads", room / "src" / "uploads", ignore=bare)
    shutil.copytree(ROOT / TESTS, room / TESTS, ignore=bare)
    for helpers in ("tests/harness", "tests/mutation"):
        shutil.copytree(ROOT / helpers, room / helpers, ignore=bare)
    paths = ", ".join(f'"src/upload_engine/core/{target}.py"' for target in targets)
    (room / "pyproject.toml").write_text(SETTINGS.format(targets=paths, tests=TESTS))


def run(room: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=room,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def mutate(room: Path, jobs: int) -> dict[str, str]:
    """What became of each of mutmut's changes, by its name: "killed", "survived", "no tests" …"""
    made = run(room, "mutmut", "run", "--max-children", str(jobs))
    told = run(room, "mutmut", "results", "--all", "true").stdout
    results = dict(re.findall(r"^ *upload_engine\.(\S+): (.+)$", told, re.MULTILINE))
    if made.returncode or not results:
        sys.stderr.write(made.stdout[-5_000:] + made.stderr)
        sys.exit(2)
    return results


def break_tables(room: Path, targets: list[str], jobs: int) -> dict[str, str]:
    """The same for the entries of the tables."""
    names = [name for name, _ in breaks()]

    def survives(index: int) -> str:
        command = ("pytest", "-x", "-q", "-p", "tests.mutation.broken_tables", TESTS)
        return "killed" if run(room, *command, BROKEN_ENTRY=str(index)).returncode else "survived"

    wanted = [
        index for index, name in enumerate(names) if name.split(":")[0].removeprefix("core.") in targets
    ]
    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip([names[index] for index in wanted], pool.map(survives, wanted), strict=True))


def show_unnoticed(room: Path, results: dict[str, str]) -> None:
    """Every change that no test noticed."""
    for name, result in sorted(results.items()):
        if result not in NOTICED:
            change = "" if ":" in name else run(room, "mutmut", "show", f"upload_engine.{name}").stdout
            lines = [line for line in change.splitlines() if re.match(r"[+-](?![+-])", line)]
            sys.stdout.write("\n  ".join([f"{name}: {result}", *lines]) + "\n")


def report(results: dict[str, str]) -> int:
    """The score per module and of all; the exit status."""
    made: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for name, result in results.items():
        for module in (re.split(r"[.:]", name)[1], "all"):
            made[module] += 1
            noticed[module] += result in NOTICED
    sys.stdout.write("\n")
    for module in sorted(made, key=lambda module: (module == "all", module)):
        score = 100 * noticed[module] / made[module]
        sys.stdout.write(f"{module:15} {noticed[module]:5} of {made[module]:5}  {score:5.1f} %\n")
    return 0 if 100 * noticed["all"] / made["all"] >= LEAST_SCORE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
