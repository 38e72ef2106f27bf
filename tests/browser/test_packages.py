"""Packages that a configuration names are installed by micropip, which nobody else loads (ACCEPTANCE A4, A5)."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uploads.server import site as builder
from uploads.server.paths import DIST

from tests.harness.browser import Browser

pytestmark = pytest.mark.browser
WHEEL = "greeting-1.0-py3-none-any.whl"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any static host, asked politely."""

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the built site, and its address on a host that does not sign anything."""
    builder.build(DIST)
    folder = shutil.copytree(DIST, tmp_path / "site")
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


def name_package(folder: Path, url: str) -> None:
    settings = folder / "pyscript.toml"
    text = settings.read_text().replace("[uploads]", f'[uploads]\npackages = ["{url}/{WHEEL}"]')
    settings.write_text(text)


def write_wheel(folder: Path) -> None:
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("greeting.py", "print('hello from the wheel')\n")
        info = "greeting-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def loaded(browser: Browser, ending: str) -> bool:
    return any(request["url"].endswith(ending) for request in browser.requests())


@pytest.mark.parametrize("case", ["none named", "named", "missing"])
def test_the_engine_gets_ready_and_says_what_it_could_not_install(
    chromium: Callable[..., Browser], copy: tuple[Path, str], case: str
) -> None:
    folder, url = copy
    if case != "none named":
        name_package(folder, url)
    if case == "named":
        write_wheel(folder)
    browser = chromium()
    browser.page.goto(url)
    browser.page.wait_for_selector("html[data-engine=ready]", timeout=120_000)
    complaint = browser.page.get_by_text("could not be installed")
    assert complaint.count() == (1 if case == "missing" else 0)
    browser.close()
    assert loaded(browser, ".whl") == (case != "none named")
    assert loaded(browser, WHEEL) == (case != "none named")
