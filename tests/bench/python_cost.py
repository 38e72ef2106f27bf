"""What Python itself costs the worker: for a part, and for a small file.

    .venv/bin/python -m tests.bench.python_cost [--runs 3]

The worker's thread is asked how much of a processor it took (the kernel's ``schedstat``), and V8's sampling profiler, which looks at
it every half millisecond, for what: the share of looks at Pyodide's WebAssembly or its glue, of all that did not find it idle, is
Python's, snapshots included, and what it calls of the browser. (The profiler alone counts by the clock on the wall, and so what
other processes took in between.) It is divided by the files, or by the parts. WebAssembly that has hardly run yet is slow, so parts
of the first hundred and further ones are told apart: the latter are what an upload of four times as many parts takes more. Printed
are medians, in milliseconds, with the budgets; nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from uploads.server import site
from uploads.server.checks import find_chromium
from uploads.server.paths import DIST

from tests.bench.contestants import open_page, send_ours
from tests.bench.processes import group_of, thread_seconds
from tests.bench.upload import MIB, make_files
from tests.bench.upload import Workload as Work
from tests.browser.line import FarLine, open_far_line
from tests.harness.browser import Browser
from tests.harness.crashes import talking_to_worker

SMALL, SMALL_SIZE = 300, 10 * 1024
PART = 5 * MIB
PARTS = 100
TIMES = 4
"""So many times as many parts has the larger one of two files."""
FILE_BUDGET, PART_BUDGET = 5.0, 3.0
"""Milliseconds."""
THREAD = "SharedWorker th"
"""As the kernel knows it."""
INTERVAL = 500
"""Microseconds between two looks of the profiler."""


def python_seconds(place: FarLine, profile: Path, files: list[Path], part_size: int | None) -> float:
    """Of the processor time that the worker takes to upload these files, what is Pyodide's."""
    program = find_chromium()
    assert program, "no Chromium is here"
    with sync_playwright() as playwright:
        browser = Browser(playwright, program, profile)
        page = browser.page
        page.set_default_timeout(900_000)
        open_page(page, place, {"chunk_size": part_size} if part_size else {})
        send = send_ours(page, place, files)
        page.wait_for_timeout(2000)
        with talking_to_worker(browser) as call:
            call("Profiler.enable")
            call("Profiler.setSamplingInterval", {"interval": INTERVAL})
            before = thread_seconds(group_of(browser.pid), THREAD)
            call("Profiler.start")
            send()
            found = call("Profiler.stop")["profile"]
            taken = thread_seconds(group_of(browser.pid), THREAD) - before
        browser.close()
    frames = {node["id"]: node["callFrame"] for node in found["nodes"]}
    looks = [frames[node] for node in found["samples"]]
    busy = [frame for frame in looks if frame["functionName"] != "(idle)"]
    return taken * sum("pyodide.asm" in frame["url"] for frame in busy) / len(busy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    site.build(DIST)
    per_file, first, further = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        small = make_files(folder / "small", Work("small", SMALL, SMALL_SIZE))
        large = make_files(folder / "large", Work("large", 1, PARTS * PART))
        larger = make_files(folder / "larger", Work("larger", 1, TIMES * PARTS * PART))
        with open_far_line(folder / "data") as place:
            for run in range(options.runs):
                seconds = python_seconds(place, folder / f"small-{run}", small, None)
                per_file.append(seconds * 1000 / SMALL)
                short = python_seconds(place, folder / f"large-{run}", large, PART)
                long = python_seconds(place, folder / f"larger-{run}", larger, PART)
                first.append(short * 1000 / PARTS)
                further.append((long - short) * 1000 / ((TIMES - 1) * PARTS))
                print(
                    f"run {run + 1}: {per_file[-1]:.2f} ms a small file, {first[-1]:.2f} ms a part of the first {PARTS}, "
                    f"{further[-1]:.2f} ms a further one",
                    flush=True,
                )
    for what, found, budget in (
        ("a small file", per_file, FILE_BUDGET),
        (f"a part of the first {PARTS}", first, PART_BUDGET),
        ("a further part", further, PART_BUDGET),
    ):
        value = statistics.median(found)
        print(f"{value:.2f} ms {what} (budget {budget:.0f}: {'met' if value <= budget else 'MISSED'})")


if __name__ == "__main__":
    main()
