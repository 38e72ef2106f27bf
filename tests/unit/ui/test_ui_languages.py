"""The page in its languages, in a real Chromium on its real MicroPython; only the engine is scripted. ACCEPTANCE U15."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page
from uploads.protocol import PHASES
from uploads.ui import words
from uploads.ui.speech import ENGLISH, LANGUAGES, NAMES

from tests import catalogues
from tests.harness.browser import Browser, wait_until
from tests.harness.marks import mostly_long
from tests.unit.ui.scripted_site import open_page
from tests.unit.ui.test_ui_page import tell
from tests.unit.ui.test_ui_panels import SITE, say

pytestmark = pytest.mark.browser
OTHERS = [language for language in LANGUAGES if language != ENGLISH]
SPOKEN = "(language) => document.documentElement.lang === language"
BROWSERS = {"ar": "ar-EG", "de": "de-AT", "es": "es-MX", "fr": "fr-CA", "ja": "ja-JP", "zh": "zh-TW"}
LATIN = re.compile(r"[A-Za-z]{4,}")
KEPT = re.compile(r"film\.mov|Worker|SHA-256|JSON|English|Deutsch|Español|Français|https?://\S+|MiB|bytes?")
"""What stays as it is in every language."""


@pytest.fixture
def open_in(chromium: Callable[..., Browser], site: str) -> Iterator[Callable[[str], Page]]:
    """Opens the page in a browser whose person reads another language."""
    browsers = []

    def opened(tag: str) -> Page:
        browser = chromium(f"--accept-lang={tag}")
        browsers.append(browser)
        open_page(browser.page, site)
        return browser.page

    yield opened
    for browser in browsers:
        assert browser.console == []
        browser.close()


def word(language: str, english: str) -> str:
    found = catalogues.read(language)[english]
    assert isinstance(found, str)
    return found


def settings(page: Page) -> None:
    say(page, type="SETTINGS", settings={}, site=SITE)
    page.locator("#open-settings").click()
    page.locator("dialog[open]").wait_for()


@pytest.mark.parametrize("language", mostly_long(OTHERS, {"ar", "fr"}))
def test_the_browsers_language_is_spoken_in_every_phase(
    open_in: Callable[[str], Page], language: str
) -> None:
    page = open_in(BROWSERS[language])
    wait_until(page, SPOKEN, BROWSERS[language])
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    assert page.locator("h1").inner_text() == word(language, "Uploads")
    wait_until(page, "(title) => document.title === title", word(language, "Uploads"))
    assert page.locator("#engine").inner_text() == word(language, "Ready")
    for phase in PHASES:
        row = tell(page, "u", phase, 41.9)
        english = words.FILE_NEEDED["choose"] if phase == "waiting-for-file" else words.PHASES[phase]
        assert row.locator(".state").inner_text() == word(language, english)
    bar = page.locator("[data-upload-id] [role=progressbar]")
    assert "film.mov" in (bar.get_attribute("aria-label") or "")
    tell(page, "u", "failed", 10, error=FAILED)
    note = page.locator(".note").inner_text()
    assert word(language, "The store cannot be reached.") in note
    assert word(language, "What has arrived is kept.") in note


FAILED = {
    "type": "NETWORK_ERROR",
    "message": "The store cannot be reached.",
    "recovery": "Then press Retry. What has arrived is kept.",
    "retryable": True,
    "status": 503,
    "code": None,
    "requestId": None,
    "story": [],
}


@pytest.mark.parametrize("language", mostly_long(["ar", "ja", "zh"], {"zh"}))
def test_no_english_is_left_anywhere(open_in: Callable[[str], Page], language: str) -> None:
    """Where other letters are used, Latin words would be English ones."""
    page = open_in(language)
    wait_until(page, SPOKEN, language)
    page.evaluate("engine.tell({ type: 'ENGINE_FAILED', message: 'The upload engine could not start.' })")
    for number, phase in enumerate(PHASES):
        tell(page, f"u{number}", phase, 41.9, error=FAILED if phase == "failed" else None, startedAt=number)
    settings(page)
    texts = page.evaluate(
        """() => {
          const found = [];
          const walk = (root) => {
            for (const element of root.querySelectorAll("*")) {
              if (element.tagName === "TEMPLATE") walk(element.content);
              if (["SCRIPT", "STYLE", "NOSCRIPT", "BDI"].includes(element.tagName)) continue;
              for (const name of ["aria-label", "title", "aria-valuetext"])
                if (element.hasAttribute(name)) found.push(element.getAttribute(name));
              for (const node of element.childNodes) if (node.nodeType === 3) found.push(node.data);
            }
          };
          walk(document);
          return found;
        }"""
    )
    assert len(texts) > 300
    left = [text.strip() for text in texts if LATIN.search(KEPT.sub("", text))]
    assert left == ["No storage here."]  # which no engine says


def test_another_language_is_chosen_and_kept(page: Page) -> None:
    row = tell(page, "u", "uploading", 50)
    tell(page, "v", "paused", 50, startedAt=2)
    assert row.locator(".numbers").inner_text() == "150 MB of 300 MB · 24.0 MB/s · 12 s left"
    settings(page)
    choice = page.get_by_role("combobox", name="Language")
    assert choice.locator("option").all_inner_texts() == [
        "As the browser has it",
        *(name for _, name in NAMES),
    ]
    choice.focus()
    choice.select_option("de")
    wait_until(page, SPOKEN, "de")
    assert page.get_by_role("combobox", name="Sprache").input_value() == "de"
    assert page.evaluate("document.activeElement.name") == "language"
    page.keyboard.press("Escape")
    assert row.locator(".numbers").inner_text() == "150 MB von 300 MB · 24,0 MB/s · noch 12 Sek."
    assert row.get_by_role("button").all_inner_texts() == ["Anhalten", "Abbrechen", "Einzelheiten"]
    assert page.locator("#overview .state").inner_text() == "1 unterwegs · 1 angehalten"
    assert page.locator(".percent").first.inner_text() == "50\xa0%"
    page.reload()
    wait_until(page, SPOKEN, "de")
    assert page.locator("h1").is_visible()
    page.evaluate("engine.ready()")
    settings(page)
    page.get_by_role("combobox", name="Sprache").select_option("")
    wait_until(page, SPOKEN, "en-US")
    assert page.locator("#engine").inner_text() == "Ready"
    assert page.get_by_role("button", name="Dismiss").count() == 0


def test_languages_are_changed_to_and_fro(page: Page) -> None:
    """All that is said in index.html is found again, however often it has been said otherwise."""
    everything = (
        """() => [...document.querySelectorAll("[data-say]")].map((element) => element.textContent)"""
    )
    before = page.evaluate(everything)
    settings(page)
    choice = page.locator("select[name=language]")
    for language in ("ar", "fr", "zh"):
        choice.select_option(language)
        wait_until(page, SPOKEN, language)
        assert page.locator("h1").inner_text() == word(language, "Uploads")
    choice.select_option("en")
    wait_until(page, SPOKEN, "en")
    assert page.evaluate("document.documentElement.dir") == "ltr"
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate(everything) == before


def test_a_catalogue_that_does_not_come_leaves_the_page_in_english(
    chromium: Callable[..., Browser], site: str
) -> None:
    browser = chromium("--accept-lang=fr")
    browser.page.route("**/fr.json", lambda route: route.abort())
    open_page(browser.page, site)
    wait_until(browser.page, "!('words' in document.documentElement.dataset)")
    assert browser.page.locator("h1").inner_text() == "Uploads"
    assert browser.page.evaluate("document.documentElement.lang") == "en"
    browser.close()


def test_nobody_sees_english_who_does_not_read_it(chromium: Callable[..., Browser], site: str) -> None:
    """Until the words are there the page is blank; should nothing come at all, it is English after two seconds."""
    browser = chromium("--accept-lang=ja")
    browser.page.route("**/page.romfs", lambda route: route.abort())
    browser.page.goto(site, wait_until="domcontentloaded")
    shown = "getComputedStyle(document.body).opacity"
    assert browser.page.evaluate("document.documentElement.dataset.words") == "to come"
    wait_until(browser.page, f"{shown} === '1'")
    browser.page.unroute("**/page.romfs")
    browser.page.reload()
    wait_until(browser.page, SPOKEN, "ja")
    assert browser.page.evaluate(shown) == "1"
    assert browser.page.locator("h1").inner_text() == word("ja", "Uploads")
    browser.close()
