"""How long a visit takes until the page can be used and until the engine is ready, and what is fetched for it.

    python -m tests.bench.start [--runs 5] [--browser chromium] [--out figures.json]

Each run visits, in turn and each with a profile of its own: our page, a page with nothing but a Pyodide in a worker, and a
page with nothing but one line of MicroPython. Cold is the first visit of a new profile, warm the first one after the browser
was started again on that profile. All are served by the same code with the same compression; times are from navigation, as
the page's own clock has them. Printed are medians with their range, and ratios of medians; nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Playwright, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from uploads.server import site
from uploads.server.checks import find_chromium
from uploads.server.compressing import compress
from uploads.server.identity import Guests
from uploads.server.pages import Site
from uploads.server.paths import DIST, NODE_MODULES

from tests.harness.browser import Browser
from tests.harness.firefox import Firefox, find_firefox
from tests.harness.server import ServerProcess, free_port
from tests.harness.webkit import WebKit, find_minibrowser

BARE = Path(__file__).with_name("bare")
LONGEST = 120.0  # seconds until a visit counts as failed
SETTLE = 2000  # milliseconds for which a browser that has just been started is left alone with itself
WATCH = """
(() => {
  globalThis.reached = {};
  const look = () => {
    for (const [name, value] of Object.entries(document.documentElement?.dataset ?? {})) {
      reached[`${name} ${value}`] ??= performance.now();
    }
  };
  new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
})();
"""
TIMES = "() => ({ ...globalThis.reached })"
FETCHED = "() => performance.getEntriesByType('resource').map(({ name, responseEnd }) => [name, responseEnd])"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="visits of each page, cold and warm (5)")
    parser.add_argument("--browser", choices=("chromium", "firefox", "webkit"), default="chromium")
    parser.add_argument("--out", type=Path, help="write every single figure here, as JSON")
    options = parser.parse_args()
    site.build(DIST)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, sync_playwright() as playwright:
        server = ServerProcess(Path(folder) / "data", port=free_port())
        server.start()
        try:
            with bare_pages(Path(folder) / "bare") as bare:
                pages = {
                    "ours": (f"{server.url}/", ("page ready", "engine ready")),
                    "bare Pyodide": (f"{bare}/pyodide.html", ("engine ready",)),
                    "bare MicroPython": (f"{bare}/micropython.html", ("page ready",)),
                }
                figures, fetched = measure(
                    opener(options.browser, playwright, Path(folder)), pages, options.runs
                )
        finally:
            server.stop()
    report(options.browser, figures, fetched)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


@contextlib.contextmanager
def bare_pages(folder: Path) -> Iterator[str]:
    """The address of a host of the baselines: Pyodide and PyScript as npm has them."""
    shutil.copytree(BARE, folder)
    for name in (
        "pyodide.mjs",
        "pyodide.asm.mjs",
        "pyodide.asm.wasm",
        "python_stdlib.zip",
        "pyodide-lock.json",
    ):
        copy(NODE_MODULES / "pyodide" / name, folder / "pyodide" / name)
    for path in (NODE_MODULES / "@pyscript" / "core" / "dist").glob("*.js"):
        copy(path, folder / "pyscript" / path.name)
    for name in ("micropython.mjs", "micropython.wasm"):
        package = NODE_MODULES / "@micropython" / "micropython-webassembly-pyscript"
        copy(package / name, folder / "micropython" / name)
    compress(folder, keep_others=True)
    (folder / "index.html").write_text("<!doctype html>\n<html lang='en'></html>")
    app = Starlette(routes=[Mount("/", Site(folder, Guests("a secret of nobody", secure=False)))])
    port = free_port()
    host = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=host.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        host.should_exit = True
        thread.join()


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


Visit = dict[str, Any]
Open = Callable[[Path, str], Iterator[Visit]]


def opener(name: str, playwright: Playwright, folder: Path) -> Callable[[str, int, str], list[Visit]]:
    """A function that visits an address cold and warm: (what, run, address) → both visits."""

    def visit(what: str, run: int, url: str) -> list[Visit]:
        profile = folder / f"{what} {run}".replace(" ", "-")
        if name == "chromium":
            program = find_chromium()
            assert program, "no Chromium is here"
            return visit_chromium(Browser(playwright, program, profile), url)
        if name == "firefox":
            program = find_firefox()
            assert program, "no Firefox is here"
            firefox = Firefox(playwright, program, profile)
            return [visit_other(firefox, url, firefox.close), visit_other(start(firefox), url, firefox.close)]
        program = find_minibrowser()
        assert program, "no WebKit is here"
        webkit = WebKit(program)  # forgets its profile, so each visit is a cold one
        return [visit_other(webkit, url, webkit.close)]

    return visit


def start(firefox: Firefox) -> Firefox:
    firefox.start()
    return firefox


def visit_chromium(browser: Browser, url: str) -> list[Visit]:
    visits = []
    for _ in ("cold", "warm"):
        browser.context.add_init_script(WATCH)
        browser.page.wait_for_timeout(SETTLE)
        browser.page.goto(url)
        wait(browser.page, url)
        found = {"times": browser.page.evaluate(TIMES), "entries": browser.page.evaluate(FETCHED)}
        browser.page.wait_for_timeout(1500)  # what is kept for later is on the disk then
        browser.close()
        found["requests"] = [request["url"] for request in browser.requests()]
        visits.append(found)
        if len(visits) == 1:
            browser.restart()
    browser.close()
    return visits


def visit_other(browser: Any, url: str, close: Callable[[], None]) -> Visit:
    """Firefox and WebKit take no script before the page's own: the page is asked, again and again."""
    page = browser.page
    time.sleep(SETTLE / 1000)
    page.goto(url)
    times: dict[str, float] = {}
    while not finished(times, url):
        state, now = page.evaluate("() => [{ ...document.documentElement.dataset }, performance.now()]")
        for key, value in state.items():
            times.setdefault(f"{key} {value}", now)
    close()
    return {"times": times}


def finished(times: dict[str, float], url: str) -> bool:
    return ("page ready" in times) if url.endswith("micropython.html") else ("engine ready" in times)


def wait(page: Any, url: str) -> None:
    while not finished(page.evaluate(TIMES), url):
        page.wait_for_timeout(50)


def measure(
    visit: Callable[[str, int, str], list[Visit]], pages: dict[str, tuple[str, tuple[str, ...]]], runs: int
) -> tuple[dict[str, list[float]], list[Visit]]:
    """Milliseconds by "what, until what, cold or warm"; and the cold visits of our page."""
    figures: dict[str, list[float]] = {}
    ours = []
    for run in range(runs):
        for what, (url, until) in pages.items():
            visits = visit(what, run, url)
            for state, found in zip(("cold", "warm"), visits, strict=False):
                for event in until:
                    figures.setdefault(f"{what}, {event}, {state}", []).append(found["times"][event])
            if what == "ours":
                ours.append(visits[0])
            told = ", ".join(f"{found['times'][until[-1]]:.0f}" for found in visits)
            print(f"  run {run + 1} of {runs}: {what}: {told} ms", file=sys.stderr, flush=True)
    return figures, ours


def report(browser: str, figures: dict[str, list[float]], visits: list[Visit]) -> None:
    print(f"\n{browser}: milliseconds from navigation, median (range)")
    for name, values in figures.items():
        print(f"  {name:44} {statistics.median(values):7.0f}   ({min(values):.0f} to {max(values):.0f})")
    print("\nratios of medians")
    for event, baseline, budgets in (
        ("engine ready", "bare Pyodide", {"cold": 0.35, "warm": 0.4}),
        ("page ready", "bare MicroPython", {"cold": 1.7, "warm": 1.7}),
    ):
        for state, budget in budgets.items():
            mine, other = figures.get(f"ours, {event}, {state}"), figures.get(f"{baseline}, {event}, {state}")
            if mine and other:
                ratio = statistics.median(mine) / statistics.median(other)
                print(f"  {event}, {state}: {ratio:.2f} of {baseline} (budget {budget})")
    boots = {name for visit in visits for name in visit["times"] if name.startswith("boot ")}
    print(f"\nstart of Python in the worker: {', '.join(sorted(boots))}")
    if "requests" in visits[0]:
        report_transfer(visits[0])


def report_transfer(visit: Visit) -> None:
    usable = visit["times"]["page ready"]
    requests = list(dict.fromkeys(urlsplit(url).path for url in visit["requests"] if url.startswith("http")))
    until_ready = (
        requests[: requests.index("/service_worker.js")] if "/service_worker.js" in requests else requests
    )
    for_page = {urlsplit(url).path for url, end in visit["entries"] if end <= usable} | {"/"}
    print("bytes of a cold visit, in brotli where there is a file in it")
    print(f"  until the page can be used: {sum(map(size_of, for_page)):,} (budget 300,000)")
    print(f"  until the engine is ready:  {sum(map(size_of, until_ready)):,} (budget 7,500,000)")


def size_of(path: str) -> int:
    """What a file of the site takes on its way; answers of the API count as nothing."""
    file = DIST / (path.lstrip("/") or "index.html")
    compressed = file.with_name(f"{file.name}.br")
    return (compressed if compressed.exists() else file).stat().st_size if file.is_file() else 0


if __name__ == "__main__":
    sys.exit(main())
