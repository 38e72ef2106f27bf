"""The offline demo (``?demo``) on a host that serves files and nothing else (ACCEPTANCE H1-H4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from uploads.ui import demo_words

from tests.browser.other_page import PRESS, STATE
from tests.browser.static_host import open_static_host
from tests.browser.uploads_page import random_file, sha256
from tests.harness.browser import Browser
from tests.harness.tabs import AnyBrowser, Tab, until

pytestmark = pytest.mark.browser

SIZE = 100_000_000
SET = """
([name, value]) => {
  const control = document.querySelector(`#demo [name=${name}]`);
  if (control.type === "checkbox") control.checked = value;
  else control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
"""
CLICK = """(name) => document.querySelector(`[data-demo=${name}]`).click()"""
COUNTS = """
() => Object.fromEntries([...document.querySelectorAll("[data-counter]")].map((at) => [at.dataset.counter, at.textContent]))
"""
EVENT = """
(words) => [...document.querySelectorAll("#demo .events li")].some((item) => item.textContent.includes(words))
"""
CHECK = """
() => {
  const item = document.querySelector("[data-check]:not([data-verdict=comparing])");
  const sum = (name) => item.querySelector(`[data-sum=${name}]`).textContent;
  return item && [item.querySelector(".verdict").textContent, sum("file"), sum("object")];
}
"""
DOWNLOAD = """
async (link) => {
  const bytes = await (await fetch(link)).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [bytes.byteLength, [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")];
}
"""
KEPT = """
async () => {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((done, failed) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => done(request.result);
      request.onerror = failed;
    });
    for (const store of database.objectStoreNames) {
      const count = await new Promise((done) => {
        const request = database.transaction(store).objectStore(store).count();
        request.onsuccess = () => done(request.result);
      });
      if (count && store !== "meta") found.push(`${name} ${store}: ${count}`);
    }
    database.close();
  }
  return found.join(", ");
}
"""
"""What this origin's databases hold, but for the name of the last user."""
READY = "() => document.documentElement.dataset.engine === 'ready'"
KEEPS_COPY = "() => !navigator.serviceWorker || document.querySelector('#offline').innerText.includes('without a network')"


@pytest.fixture
def browser(every_browser: AnyBrowser) -> AnyBrowser:
    return every_browser


@pytest.fixture
def asked() -> list[str]:
    """The path of every request that has reached the host."""
    return []


@pytest.fixture
def tab(browser: AnyBrowser, tmp_path: Path, asked: list[str]) -> Iterator[Tab]:
    """The demo, as soon as its engine is ready."""
    with open_static_host(tmp_path / "site", asked) as url:
        browser.page.goto(f"{url}/?demo")
        until(browser.page, READY)
        until(browser.page, COUNTS)
        until(
            browser.page, KEEPS_COPY
        )  # the site fetches what it keeps, once, as soon as the engine is ready
        yield browser.page
        assert [path for path in asked if path.startswith(("/s3", "/healthz"))] == []


def turn(tab: Tab, name: str, value: object) -> None:
    tab.evaluate(SET, [name, value])


def percent(tab: Tab, name: str, least: int) -> None:
    until(tab, f"([name, least]) => (({STATE})(name)?.percent ?? 0) >= least", [name, least])


def phase(tab: Tab, name: str, *words: str) -> dict[str, Any]:
    script = f"([name, words]) => {{ const now = ({STATE})(name);"
    script += " return now && now.words.some((word) => words.includes(word)) && now; }"
    return dict(until(tab, script, [name, words]))


def remove(tab: Tab, name: str) -> None:
    until(tab, PRESS, [phase(tab, name, "completed")["id"], "Remove"])
    until(tab, "() => !document.querySelector('[data-upload-id]')")


def is_empty(tab: Tab) -> None:
    until(tab, f"async () => await ({KEPT})() === ''")


def test_100_mb_through_every_fault(browser: AnyBrowser, tab: Tab, asked: list[str], tmp_path: Path) -> None:
    """H1, H2, H3: what is on the screen is what is true, and nobody was asked for anything."""
    file = random_file(tmp_path / "film.bin", SIZE)
    loaded = list(asked)
    turn(tab, "loss", "20")
    turn(tab, "failing", True)
    browser.choose_files(file)
    percent(tab, file.name, 15)
    turn(tab, "offline", True)
    phase(tab, file.name, "waiting-for-network")
    until(tab, EVENT, "The network is gone")
    turn(tab, "offline", False)
    turn(tab, "failing", False)
    turn(tab, "loss", "0")
    percent(tab, file.name, tab.evaluate(STATE, file.name)["percent"] + 2)  # some parts are on the way
    tab.evaluate(CLICK, "expire")
    until(tab, EVENT, "new ones were signed")
    turn(tab, "loss", "5")
    percent(tab, file.name, 50)
    assert asked == loaded, "H1: nobody is asked for anything"
    tab.evaluate(CLICK, "crash")
    until(tab, EVENT, demo_words.CRASHED)
    until(tab, READY)
    rebooted = list(asked)
    assert set(rebooted) - set(loaded) == set(), "H1: a new worker is loaded from where the first one came"
    turn(tab, "bandwidth", "101")
    link = phase(tab, file.name, "completed", "failed")["link"]
    verdict, file_sum, object_sum = until(tab, CHECK)
    assert (verdict, file_sum, object_sum) == (demo_words.SAME, sha256(file), sha256(file)), "H2"
    assert tab.evaluate(DOWNLOAD, link) == [SIZE, sha256(file)], "H2"
    counts = tab.evaluate(COUNTS)
    assert int(counts["stored"]) >= 3
    assert min(int(counts[name]) for name in ("lost", "refused", "again")) > 0, counts
    assert "uploads-demo-bucket parts" in tab.evaluate(KEPT)
    remove(tab, file.name)
    is_empty(tab)
    assert asked == rebooted, "H1"
    assert [line for line in browser.console if "the worker stopped" not in line] == []


def test_a_file_that_the_page_makes(browser: AnyBrowser, tab: Tab, asked: list[str]) -> None:
    """H2, H3: nothing has to be chosen; a crash after the end takes neither the proof nor the object away."""
    loaded = list(asked)
    turn(tab, "bandwidth", "101")
    turn(tab, "latency", "0")
    tab.evaluate(CLICK, "make")
    name = demo_words.MADE_NAME.format(1)
    before = phase(tab, name, "completed", "failed")["link"]
    verdict, file_sum, object_sum = until(tab, CHECK)
    assert verdict == demo_words.SAME
    assert tab.evaluate(DOWNLOAD, before) == [SIZE, file_sum]
    assert file_sum == object_sum != hashlib.sha256(bytes(SIZE)).hexdigest()
    assert asked == loaded, "H1"
    tab.evaluate(CLICK, "crash")
    link = until(
        tab,
        f"([name, old]) => (({STATE})(name)?.link ?? old) !== old && ({STATE})(name).link",
        [name, before],
    )
    assert tab.evaluate(DOWNLOAD, link) == [SIZE, file_sum], "the object has a new address"
    tab.evaluate(CLICK, "clear")
    until(tab, "() => !document.querySelector('[data-upload-id]')")
    is_empty(tab)


def test_everything_is_removed_in_mid_upload(browser: AnyBrowser, tab: Tab, tmp_path: Path) -> None:
    """H3. Also without a network, which comes back for it."""
    file = random_file(tmp_path / "film.bin", 30_000_000)
    turn(tab, "bandwidth", "60")
    browser.choose_files(file)
    percent(tab, file.name, 50)
    turn(tab, "offline", True)
    phase(tab, file.name, "waiting-for-network")
    tab.evaluate(CLICK, "clear")
    until(tab, "() => !document.querySelector('[data-upload-id]')")
    is_empty(tab)
    until(tab, f"() => ({COUNTS})().kept.startsWith('0 bytes')")
    assert tab.evaluate("() => document.querySelector('#demo [name=offline]').checked") is False
    assert browser.console == []


# In Chromium alone.


@pytest.fixture
def page(chromium: Callable[[], Browser], tmp_path: Path) -> Iterator[Page]:
    """The page of a host that serves files, without the demo."""
    with open_static_host(tmp_path / "site") as url:
        page = chromium().page
        page.goto(f"{url}/")
        until(page, READY)
        yield page


def try_demo(page: Page) -> None:
    page.get_by_role("link", name="Try without a server").first.click()
    page.get_by_role("heading", name="Without a server").wait_for()
    until(page, READY)


def test_every_lever_is_in_reach_of_the_keyboard_and_has_a_name(page: Page) -> None:
    """H4. There by a link, and back by another one."""
    try_demo(page)
    turns = {"Bandwidth": ("End", "as fast as it goes"), "Latency": ("ArrowRight", "100 ms")}
    turns["Loss"] = ("PageUp", "5 % of all requests")
    for name, (key, said) in turns.items():
        slider = page.get_by_role("slider", name=name, exact=True)
        slider.press(key)
        assert slider.get_attribute("aria-valuetext") == said
        assert page.get_by_text(said, exact=True).is_visible()
    plug = page.get_by_role("switch", name="Pull the plug")
    plug.press("Space")
    until(page, EVENT, "The network is gone")
    assert plug.is_checked()
    plug.press("Space")
    until(page, EVENT, "The network is back")
    page.get_by_role("button", name="Crash the worker").press("Enter")
    until(page, EVENT, demo_words.CRASHED)
    until(page, READY)
    page.get_by_role("switch", name="Refuse 30 % of the parts").press("Space")
    until(page, EVENT, "The store refuses")
    assert page.get_by_role("slider", name="Loss").input_value() == "5", "it outlives a crash"
    page.get_by_role("link", name="Leave the demo").click()
    until(page, READY)
    assert page.locator("#demo").count() == 0


@pytest.mark.long
def test_the_demo_and_the_real_page_never_meet(page: Page, tmp_path: Path) -> None:
    """H3: neither their workers nor what they keep."""
    real = page.context.new_page()
    real.goto(page.url)
    try_demo(page)
    file = random_file(tmp_path / "film.bin", 9_000_000)
    turn(page, "bandwidth", "20")
    page.set_input_files("#files", str(file))
    percent(page, file.name, 10)
    until(real, READY)
    assert real.locator("[data-upload-id]").count() == 0
    assert "uploads-demo sessions: 1" in real.evaluate(KEPT)
    assert "uploads sessions" not in real.evaluate(KEPT)


def test_a_full_browser_says_so_and_goes_on_when_there_is_room(
    chromium: Callable[[], Browser], tmp_path: Path
) -> None:
    """H4; nothing that is stored is lost."""
    with open_static_host(tmp_path / "site") as url:
        page = chromium().page
        session = page.context.new_cdp_session(page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": url, "quotaSize": 30_000_000})
        page.goto(f"{url}/?demo")
        until(page, READY)
        turn(page, "bandwidth", "101")
        file = random_file(tmp_path / "film.bin", 40_000_000)
        page.set_input_files("#files", str(file))
        phase(page, file.name, "failed")
        assert "The browser's storage is full." in page.locator("#uploads .note").inner_text()
        session.send("Storage.overrideQuotaForOrigin", {"origin": url})
        page.get_by_role("button", name="Retry").click()
        phase(page, file.name, "completed")
        assert until(page, CHECK) == [demo_words.SAME, sha256(file), sha256(file)]
        # The counters are told a moment later. What was stored is not sent again.
        until(page, f"() => ({COUNTS})().stored === '5'")


@pytest.mark.long
def test_where_no_worker_starts_it_runs_on_the_page(chromium: Callable[[], Browser], tmp_path: Path) -> None:
    """H1, D13: a crash there is one as well. An empty file and a small one have objects, too."""
    site = tmp_path / "site"
    with open_static_host(site) as url:
        (site / "no_workers.js").write_text("delete globalThis.Worker; delete globalThis.SharedWorker;")
        index = site / "index.html"
        index.write_text(index.read_text().replace("<head>", '<head><script src="no_workers.js"></script>'))
        page = chromium().page
        page.goto(f"{url}/?demo")
        until(page, READY)
        assert page.evaluate("uploadWorker.kind") == "page"
        files = [
            random_file(tmp_path / name, size) for name, size in (("empty.bin", 0), ("small.bin", 70_001))
        ]
        page.set_input_files("#files", [str(file) for file in files])
        for file in files:
            assert phase(page, file.name, "completed")["words"] == ["completed", "completed"]
        until(page, f"() => document.querySelectorAll('[data-verdict=same]').length === {len(files)}")
        large = random_file(tmp_path / "large.bin", 30_000_000)
        page.set_input_files("#files", str(large))
        percent(page, large.name, 20)
        page.evaluate(CLICK, "crash")
        until(page, EVENT, demo_words.CRASHED)
        assert phase(page, large.name, "completed", "failed")["words"] == ["completed", "completed"]
        until(page, f"() => document.querySelectorAll('[data-verdict=same]').length === {len(files) + 1}")
