"""How long uploads take, beside Uppy 5 and 6, AWS's lib-storage and a bare loop of `fetch`, over lines of several lengths.

    python serve.py bench [--quick] [--runs 5] [--only TEXT] [--out figures.json] [--svg chart.svg]

All send the same files from the same Chromium, through the same signing server, into the same store, one after the other in each
run, each with a browser and a profile of its own; the order changes from run to run. Another round-trip time is put in front of
both hosts by a TCP proxy that holds every byte back for half of it, each way; a shaped line lets through so many bits a second, in
front of the store, all connections together. A busy page has a task of 100 ms after the other; a hidden one is behind another
tab. Printed are medians with their range, and ratios of medians; nothing is asserted. Times are from the choice of the files to
the last one's completion, as the page's clock has them; the first byte is the first one that the line to the store carries.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Playwright, sync_playwright
from uploads.server import site
from uploads.server.checks import find_chromium
from uploads.server.paths import DIST

from tests.bench.contestants import (
    AWS,
    BARE,
    LONGEST,
    OURS,
    SENDERS,
    SETTINGS,
    UNCHECKED,
    UPPY5,
    UPPY6,
    open_page,
)
from tests.bench.figures import Figures, draw, report
from tests.bench.processes import Watcher
from tests.browser.line import FarLine, open_far_line
from tests.browser.uploads_page import random_file
from tests.harness.browser import Browser

KIB, MIB = 1024, 1024 * 1024
MBIT = 125_000
"""Bytes."""
SPARSE = 64 * MIB
"""Larger files have a hole in the middle: they are as long, and take no room."""
ALL = (OURS, UPPY5, UPPY6, AWS, BARE)
LONG_TASKS = """
() => {
  globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask", buffered: true });
}
"""
BUSY = "() => void setInterval(() => { const end = performance.now() + 100; while (performance.now() < end); }, 110)"


@dataclass(frozen=True)
class Workload:
    """So many files of so many bytes. `contestants`: who does it; the bare loop has no way of its own with small files."""

    name: str
    count: int
    size: int
    contestants: tuple[str, ...] = ALL


@dataclass(frozen=True)
class Setting:
    """Milliseconds that are added to the round trip; bits a second; the page's state: "", "busy" or "hidden"."""

    round_trip: int = 0
    megabits: int = 0
    page: str = ""

    def __str__(self) -> str:
        line = f"{self.megabits} Mbit/s" if self.megabits else f"{self.round_trip} ms"
        return f"{line}, {self.page}" if self.page else line


NEAR, FAR, FARTHER = Setting(0), Setting(50), Setting(150)
SHAPED, BUSY_PAGE = Setting(megabits=20), Setting(page="busy")
CABLE, CABLE_BUSY, CABLE_HIDDEN = (Setting(megabits=100, page=page) for page in ("", "busy", "hidden"))
"""Slow enough that a page that is busy takes nothing from an upload but what goes through the page."""
GIB = Workload("1 file of 1 GiB", 1, 1024 * MIB)
CHECKED = Workload("1 file of 1 GiB", 1, 1024 * MIB, (*ALL, UNCHECKED))
SIX = Workload("6 files of 200 MiB", 6, 200 * MIB)
HUNDRED = Workload("100 files of 1 MiB", 100, MIB, (OURS, UPPY5, UPPY6, AWS))
THOUSAND = Workload("1,000 files of 10 KiB", 1000, 10 * KIB, (OURS, UPPY5, UPPY6, AWS))
MIDDLE = Workload("1 file of 256 MiB", 1, 256 * MIB)
SHORT = Workload("1 file of 64 MiB", 1, 64 * MIB)
FEW = Workload("100 files of 10 KiB", 100, 10 * KIB, (OURS, UPPY5, UPPY6, AWS))
HUGE = Workload("1 file of 5 GiB", 1, 5 * 1024 * MIB, (OURS,))
FULL = (
    (CHECKED, NEAR),
    *((GIB, setting) for setting in (FAR, FARTHER)),
    *((work, setting) for work in (SIX, HUNDRED, THOUSAND) for setting in (NEAR, FAR, FARTHER)),
    *((work, SHAPED) for work in (SHORT, FEW)),
    *((work, setting) for work in (SHORT, FEW) for setting in (CABLE, CABLE_BUSY, CABLE_HIDDEN)),
    *((MIDDLE, setting) for setting in (NEAR, BUSY_PAGE)),
    (HUGE, NEAR),
)
QUICK = (
    (SHORT, FAR),
    (FEW, FAR),
    (Workload("1 file of 64 MiB", 1, 64 * MIB, (OURS, UPPY5)), BUSY_PAGE),
)


def set_line(place: FarLine, setting: Setting) -> None:
    for line in (place.proxy, place.page_line):
        line.latency = setting.round_trip / 2000
    place.proxy.bandwidth = float(setting.megabits * MBIT) if setting.megabits else None


def run_once(
    playwright: Playwright, profile: Path, place: FarLine, who: str, files: list[Path], state: str
) -> Figures:
    """One upload of these files, with a browser of its own."""
    program = find_chromium()
    assert program, "no Chromium is here"
    browser = Browser(playwright, program, profile, all_in_front=state != "hidden")
    page = browser.page
    page.set_default_timeout(LONGEST)
    open_page(page, place, SETTINGS.get(who, {}))
    send = SENDERS[who](page, place, files)
    if state == "busy":
        page.evaluate(BUSY)
    if state == "hidden":
        browser.new_page().bring_to_front()
    page.evaluate(LONG_TASKS)
    time.sleep(2)  # what is kept of the site for later is kept by then
    lines = (place.proxy, place.page_line)
    sent = sum(line.sent_up + line.sent_down for line in lines)
    place.proxy.watch()
    with Watcher(browser.pid) as watcher:
        send()
    begun, ended, origin = page.evaluate("[begun, ended, performance.timeOrigin]")
    tasks = page.evaluate("longTasks.length")
    browser.close()
    requests: dict[str, int] = {}
    for request in browser.requests():
        host = "store" if urlsplit(request["url"]).netloc == urlsplit(place.proxy.url).netloc else "signer"
        if request["url"].startswith("http") and (host == "store" or "/s3/" in request["url"]):
            requests[f"{request['method']} {host}"] = requests.get(f"{request['method']} {host}", 0) + 1
    return Figures(
        seconds=(ended - begun) / 1000,
        first_byte=(place.proxy.first_at or 0.0) - (origin + begun) / 1000,
        cpu_seconds=watcher.cpu_seconds,
        memory=watcher.memory,
        tasks=tasks,
        megabytes=(sum(line.sent_up + line.sent_down for line in lines) - sent) / 1e6,
        requests=requests,
    )


def make_files(folder: Path, work: Workload) -> list[Path]:
    folder.mkdir()
    files = []
    for number in range(work.count):
        file = random_file(folder / f"{number:04}.bin", min(work.size, SPARSE))
        if work.size > SPARSE:
            with file.open("r+b") as tail:
                tail.truncate(work.size - 1)
                tail.seek(work.size - 1)
                tail.write(b"!")
        files.append(file)
    return files


def chosen(options: argparse.Namespace) -> Iterator[tuple[Workload, Setting]]:
    for work, setting in QUICK if options.quick else FULL:
        name = f"{work.name}, {setting}"
        senders = tuple(who for who in work.contestants if who in (options.who or SENDERS))
        if senders and all(text in name for text in options.only or []):
            yield replace(work, contestants=senders), setting


def measure(options: argparse.Namespace, folder: Path, playwright: Playwright) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {}
    cases = list(chosen(options))
    ahead = sum(len(work.contestants) for work, _ in cases) * options.runs
    with open_far_line(folder / "data") as place:
        for number, (work, setting) in enumerate(cases):
            files = make_files(folder / f"files-{number}", work)
            set_line(place, setting)
            for run in range(options.runs):
                turn = run % len(work.contestants)
                for who in work.contestants[turn:] + work.contestants[:turn]:
                    name = f"{work.name}, {setting}, {who}"
                    profile = folder / f"profile-{time.monotonic_ns()}"
                    figures = run_once(playwright, profile, place, who, files, setting.page)
                    found.setdefault(name, []).append(figures)
                    ahead -= 1
                    told = f"{name}: {figures.seconds:.2f} s"
                    print(
                        f"  run {run + 1} of {options.runs}, {ahead} left: {told}",
                        file=sys.stderr,
                        flush=True,
                    )
            for file in files:
                file.unlink()
    return found


def main(arguments: list[str] | None = None) -> int:
    """Runs it; the exit status."""
    parser = argparse.ArgumentParser(prog="serve.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small files, one line, one run: two minutes")
    parser.add_argument("--runs", type=int, help="of each (5)")
    parser.add_argument(
        "--only", metavar="TEXT", action="append", help="only cases in whose name this is; may be given again"
    )
    parser.add_argument(
        "--who",
        metavar="NAME",
        action="append",
        choices=list(SENDERS),
        help=f"only these, one at a time: {', '.join(SENDERS)}",
    )
    parser.add_argument("--out", type=Path, help="write every single figure here, as JSON")
    parser.add_argument("--svg", type=Path, help="draw the ratios here")
    options = parser.parse_args(arguments)
    options.runs = options.runs or (1 if options.quick else 5)
    site.build(DIST)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, sync_playwright() as playwright:
        found = measure(options, Path(folder), playwright)
    report(found)
    if options.out:
        figures = {name: [asdict(run) for run in runs] for name, runs in found.items()}
        options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(draw(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
