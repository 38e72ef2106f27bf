"""Every state of the page, for everybody: axe-core finds nothing, and what a screen reader meets is as it was agreed upon.

`UPDATE_TREES=1` writes down the accessibility trees of `trees/` anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from uploads.protocol import PHASES
from uploads.server.paths import ROOT

from tests.harness.browser import Browser, wait_until
from tests.harness.tabs import AnyBrowser
from tests.unit.ui.scripted_site import open_page
from tests.unit.ui.test_ui_page import ERROR, tell
from tests.unit.ui.test_ui_panels import FIGURES, SITE, STATISTICS_ROW, say, show_many

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TREES = Path(__file__).with_name("trees")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(
    scope="module",
    params=[
        "chromium",
        pytest.param("firefox", marks=pytest.mark.firefox),
    ],
)
def browser(request: pytest.FixtureRequest) -> Iterator[AnyBrowser]:
    if request.param == "firefox":
        firefox: Callable[[], AnyBrowser] = request.getfixturevalue("firefox")
        yield firefox()
        return
    profile = request.getfixturevalue("tmp_path_factory").mktemp("profile")
    chromium = Browser(
        request.getfixturevalue("playwright"), request.getfixturevalue("chromium_program"), profile
    )
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser: AnyBrowser, site: str) -> Iterator[Page]:
    page: Page = browser.new_page()  # type: ignore[assignment]
    page.set_viewport_size({"width": 1000, "height": 900})
    open_page(page, site)
    yield page
    page.close()


def empty(page: Page) -> None:
    pass


def running(page: Page) -> None:
    tell(page, "u", "uploading", 41.9)


def many(page: Page) -> None:
    show_many(page, 40)
    wait_until(page, "document.querySelectorAll('[data-upload-id]').length === 40")


def more_than_fit(page: Page) -> None:
    """How many rows of these are in the page depends on the fonts."""
    show_many(page, 60)


def every_phase(page: Page) -> None:
    for number, phase in enumerate(PHASES):
        error = ERROR if phase == "failed" else None
        tell(page, f"u{number}", phase, 41.9, name=f"{phase}.mov", error=error, startedAt=number + 1)


def waiting_for_file(page: Page) -> None:
    tell(page, "u", "waiting-for-file", 41.9)
    tell(page, "v", "waiting-for-file", 41.9, name="other.mov", fileAccess="ask", startedAt=2)


def failed(page: Page) -> None:
    tell(page, "u", "failed", 41.9, error=ERROR)
    say(page, type="COMMAND_REFUSED", uploadId=None, message="This cannot be done.")
    page.get_by_role("alert").wait_for()


def finished(page: Page) -> None:
    tell(page, "u", "completed", 100)
    tell(page, "v", "cancelled", 10, name="other.mov", startedAt=2)


def settings(page: Page) -> None:
    say(page, type="SETTINGS", settings={}, site=SITE)
    page.locator("#open-settings").click()
    wait_until(page, "document.querySelector('dialog select').disabled === false")


def details(page: Page) -> None:
    running(page)
    page.locator("[data-action=details]").click()
    say(
        page,
        type="UPLOAD_DETAILS",
        uploadId="u",
        figures=FIGURES,
        requests=2,
        window=4,
        parts=["6s1S2f9w"],
        samples=["[[1, 4e6, 2, 0], [2, 8e6, 3, 1], [3, 9e6, 3, 2]]"],
        story=['[[1790000000000, "UploadCreated", 0, ""]]'],
    )
    page.locator("dialog .plot canvas").wait_for()
    page.evaluate(
        "document.querySelector('.story li').textContent = 'just now  The store has begun the upload'"
    )


def statistics(page: Page) -> None:
    finished(page)
    page.locator("[data-action=statistics]").click()
    say(page, type="UPLOAD_FIGURES", figures=[json.dumps([STATISTICS_ROW])])
    page.get_by_role("row", name="film.mov").wait_for()


def demo(page: Page) -> None:
    open_page(page, page.url + "?demo")
    page.locator("#demo").wait_for()
    running(page)


STATES = [
    empty,
    running,
    many,
    every_phase,
    waiting_for_file,
    failed,
    finished,
    settings,
    details,
    statistics,
    demo,
]


def violations(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        "async (tags) => (await axe.run({ runOnly: tags })).violations", WCAG
    )
    return found


def test_axe_would_find_something(page: Page) -> None:
    page.evaluate(AXE.read_text("utf-8"))
    page.evaluate(
        """() => {
          document.querySelector("h1").style.color = "rgb(200 200 200)";
          document.querySelector("main").append(document.createElement("button"));
        }"""
    )
    assert {rule["id"] for rule in violations(page)} == {"button-name", "color-contrast"}


@pytest.mark.parametrize("state", [*STATES, more_than_fit], ids=lambda state: state.__name__)
def test_axe_finds_nothing(page: Page, state: Callable[[Page], None]) -> None:
    """U10."""
    state(page)
    page.evaluate(AXE.read_text("utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = violations(page)
        told = [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]
        assert told == [], f"{scheme}:\n" + "\n".join(told)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_what_a_screen_reader_meets_is_as_agreed(
    page: Page, state: Callable[[Page], None], request: pytest.FixtureRequest
) -> None:
    """U11."""
    if "firefox" in request.node.name:
        pytest.skip("one browser's tree is kept")
    state(page)
    # Two lines come when they like: whether there is a copy of the site, and what was just announced.
    page.evaluate("document.querySelector('#offline').setAttribute('aria-hidden', 'true')")
    tree = re.sub(r"- status: .*", "- status", page.locator("body").aria_snapshot()) + "\n"
    kept = TREES / f"{state.__name__}.yaml"
    if os.environ.get("UPDATE_TREES"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(tree, "utf-8")
    assert tree == kept.read_text("utf-8")


SIZES = {
    "200 %": (640, 450),
    "400 %": (320, 256),  # WCAG 1.4.10: a window of 1280 by 1024, four times as large
}
"""The pixels that a window of 1280 has at such a zoom."""


@pytest.mark.parametrize(
    ("zoom", "language"),
    [
        pytest.param("200 %", "en", marks=pytest.mark.long),
        pytest.param("200 %", "ar", marks=pytest.mark.long),
        ("400 %", "ar"),
    ],
)
def test_nothing_is_cut_off_when_it_is_magnified(page: Page, zoom: str, language: str) -> None:
    """U16. Only the table of statistics and the plot may be wider than the window, within themselves."""
    width, height = SIZES[zoom]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        "(kept) => localStorage.setItem('uploads.preferences', kept)", json.dumps({"language": language})
    )
    try:
        for state in STATES:
            page.reload()
            page.wait_for_selector("html[data-page=ready]")
            page.evaluate("engine.ready()")
            wait_until(page, "(wanted) => document.documentElement.lang.startsWith(wanted)", language)
            state(page)
            wide = page.evaluate(
                """() => [...document.querySelectorAll("body *")]
                  .filter((element) => !element.closest(".table, .plot, .sprite, .for-ears, .bare, .bar > div, [hidden]"))
                  .map((element) => [element, element.getBoundingClientRect()])
                  .filter(([, box]) => box.width && (box.right > innerWidth + 1 || box.left < -1))
                  .map(([element]) => element.outerHTML.slice(0, 90))"""
            )
            assert wide == [], state.__name__
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state.__name__
    finally:
        page.evaluate("localStorage.clear()")


def test_with_the_systems_own_colours_everything_is_still_there(page: Page) -> None:
    """U16: forced colours, as of Windows' high contrast."""
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    if not page.evaluate("matchMedia('(forced-colors: active)').matches"):
        pytest.skip("this browser's driver cannot force colours")
    every_phase(page)
    page.evaluate(AXE.read_text("utf-8"))
    assert violations(page) == []
    bar = page.locator('[data-upload-id] [role="progressbar"]').first
    assert bar.evaluate("(bar) => getComputedStyle(bar).borderTopStyle") == "solid"
    filled, empty_track = (
        bar.evaluate("(bar, own) => getComputedStyle(own ? bar : bar.firstElementChild).backgroundColor", own)
        for own in (False, True)
    )
    assert filled != empty_track
