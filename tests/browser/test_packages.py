"""Packages that a configuration names are installed by micropip, which nobody else loads (ACCEPTANCE A4, A5)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.static_host import open_static_host, set_up
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser
WHEEL = "greeting-1.0-py3-none-any.whl"


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the built site, and its address on a host that does not sign anything."""
    with open_static_host(tmp_path / "site") as url:
        yield tmp_path / "site", url


def write_wheel(folder: Path) -> None:
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("greeting.py", "print('hello from the wheel')\n")
        info = "greeting-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def loaded(browser: Browser, ending: str) -> bool:
    return any(request["url"].endswith(ending) for request in browser.requests())


@pytest.mark.long
@pytest.mark.parametrize("case", ["none named", "named", "missing"])
def test_the_engine_gets_ready_and_says_what_it_could_not_install(
    chromium: Callable[..., Browser], copy: tuple[Path, str], case: str
) -> None:
    folder, url = copy
    if case != "none named":
        set_up(folder, f'packages = ["{url}/{WHEEL}"]')
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
