"""What ten thousand queued files cost a browser's memory.

    .venv/bin/python -m tests.bench.queued [--files 10000] [--runs 3]

A person chooses them while the line to the store is all but shut: each is looked at, written down and queued, the first few are on
their way. Printed is by how many MB of PSS all of Chromium's processes grew, after they came to rest; beside it, in the same
run, by how many a page grows that merely holds the same files in an `input`, which is what any page pays. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright
from uploads.server import site
from uploads.server.checks import find_chromium
from uploads.server.paths import DIST

from tests.bench.figures import QUEUE_BUDGET
from tests.bench.processes import group_of, memory
from tests.bench.upload import KIB, Workload, make_files
from tests.browser.line import FarLine, open_far_line
from tests.harness.browser import Browser
from tests.harness.crashes import talking_to_worker

REST = 3.0
"""Seconds in which the memory changes by less than a megabyte: it has come to rest."""
HOLD = """() => {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, id: "held" });
  document.body.append(input);
}"""


def at_rest(browser: Browser) -> float:
    """MB of PSS, once it changes no more and what is garbage is gone."""
    before = -1.0
    while True:
        session = browser.context.new_cdp_session(browser.page)
        session.send("HeapProfiler.collectGarbage")
        session.detach()
        with talking_to_worker(browser) as call:
            call("HeapProfiler.collectGarbage")
        time.sleep(REST)
        now = memory(group_of(browser.pid))
        if abs(now - before) < 1:
            return now
        before = now


def growth(
    playwright: Playwright, profile: Path, place: FarLine, files: list[Path], *, queued: bool
) -> float:
    """MB; of the page that uploads them, or of one that only holds them."""
    program = find_chromium()
    assert program, "no Chromium is here"
    browser = Browser(playwright, program, profile)
    page = browser.page
    page.set_default_timeout(600_000)
    page.goto(f"{place.page_url}/")
    page.wait_for_selector("html[data-engine=ready]")
    page.evaluate(HOLD)
    before = at_rest(browser)
    page.set_input_files("#files" if queued else "#held", files)
    if queued:
        page.wait_for_function(
            "(count) => document.querySelector('#overview .state').textContent.replace(/\\\\D/g, '').includes(count)",
            arg=str(len(files)),
        )
    after = at_rest(browser)
    browser.close()
    return after - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    site.build(DIST)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        files = make_files(folder / "files", Workload("queued", options.files, 10 * KIB))
        grown: dict[bool, list[float]] = {True: [], False: []}
        with open_far_line(folder / "data") as place:
            place.limit(1000.0)
            for run in range(options.runs):
                for queued in (True, False):
                    profile = folder / f"profile-{run}-{queued}"
                    grown[queued].append(growth(playwright, profile, place, files, queued=queued))
                print(
                    f"run {run + 1}: {grown[True][-1]:.1f} MB queued, {grown[False][-1]:.1f} MB held",
                    flush=True,
                )
    queued_mb, held_mb = statistics.median(grown[True]), statistics.median(grown[False])
    ours = queued_mb - held_mb
    print(
        f"{options.files} files of 10 KiB: {queued_mb:.1f} MB over idle, {held_mb:.1f} MB of it the browser's own"
    )
    print(
        f"{ours:.1f} MB are ours (budget {QUEUE_BUDGET:.0f}: {'met' if ours <= QUEUE_BUDGET else 'MISSED'})"
    )


if __name__ == "__main__":
    main()
