"""How fast a worker reads a file and hashes it, by each way that there is: why the engine computes the checksum that it does.

    .venv/bin/python -m tests.bench.hashing [--browser firefox]

Printed are megabytes a second, the medians of five rounds in turn over a file of 256 MiB, reading included, and each way's time
as a ratio to reading alone. What is hashed is read in steps of 8 MiB; reading a stream is shown beside it. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright
from uploads.server.assets import ensure_node_modules
from uploads.server.checks import find_chromium
from uploads.server.paths import NODE_MODULES
from uploads.server.site import CHECKSUMS
from uploads.server.wasm import assemble

from tests.bench.start import bare_pages, copy
from tests.browser.uploads_page import MIB, random_file
from tests.harness.browser import Browser
from tests.harness.firefox import Firefox, find_firefox
from tests.harness.tabs import AnyBrowser, until
from tests.harness.webkit import WebKit, find_minibrowser

SIZE = 256 * MIB


def open_browser(name: str, playwright: Playwright, profile: Path) -> AnyBrowser:
    program = {"chromium": find_chromium, "firefox": find_firefox, "webkit": find_minibrowser}[name]()
    assert program, f"no {name} is here"
    profile.mkdir()
    if name == "webkit":
        return WebKit(program)
    return (
        Firefox(playwright, program, profile) if name == "firefox" else Browser(playwright, program, profile)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browser", choices=("chromium", "firefox", "webkit"), default="chromium")
    options = parser.parse_args()
    ensure_node_modules()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        file = random_file(folder / "hashed.bin", SIZE)
        with bare_pages(folder / "bare") as url:
            copy(
                NODE_MODULES / "hash-wasm" / "dist" / "crc64.umd.min.js",
                folder / "bare" / "hash-wasm" / "crc64.umd.min.js",
            )
            (folder / "bare" / "crc64.wasm").write_bytes(assemble(CHECKSUMS))
            browser = open_browser(options.browser, playwright, folder / "profile")
            browser.page.goto(f"{url}/hashing.html")
            browser.choose_files(file)
            found = until(browser.page, "() => globalThis.told ?? null")
            browser.close()
    reading = statistics.median(found["reading alone"])
    for way, seconds in sorted(found.items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(seconds)
        print(f"{way:26} {SIZE / 1e6 / middle:6.0f} MB/s  {middle / reading:5.2f} of reading alone")


if __name__ == "__main__":
    main()
