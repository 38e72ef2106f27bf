"""The site without a network: kept by its service worker, renewed, removed, installed (ACCEPTANCE O)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.line import Line
from tests.browser.static_host import open_static_host, serve
from tests.browser.uploads_page import UploadsPage, random_file, sha256
from tests.harness.browser import Browser, wait_until
from tests.harness.server import free_port

pytestmark = pytest.mark.browser

SLOW = 8e6
SIZE = 1_000_000
CONTROLLED = "() => navigator.serviceWorker.controller?.state === 'activated'"
KEPT = """
async () => (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).length)))
  .reduce((sum, length) => sum + length, 0)
"""


def until_kept(page: Page) -> None:
    page.get_by_text("This page opens without a network, too.").wait_for(timeout=120_000)
    wait_until(page, CONTROLLED)


def test_the_page_opens_from_cold_without_a_network(chromium: Callable[..., Browser], tmp_path: Path) -> None:
    """O1. After one visit, under a sub-path of a static host that is gone afterwards; nothing is asked of anybody."""
    folder, port = tmp_path / "host", free_port()
    with open_static_host(folder / "deep" / "site"), serve(folder, port) as host:
        url = f"{host}/deep/site/"
        browser = chromium()
        browser.page.goto(url)
        until_kept(browser.page)
        browser.close()
    fetched = [request["url"] for request in browser.requests() if request["url"].startswith(url)]
    assert not [address for address in fetched if address.endswith((".br", ".gz", "python_stdlib.zip"))]
    page = browser.restart()
    page.goto(f"{url}?later")
    page.wait_for_selector("html[data-page=ready][data-engine=ready][data-boot=snapshot]", timeout=60_000)
    assert page.title() == "Uploads"
    assert page.evaluate("uploadWorker.kind") == "shared"
    browser.close()
    assert browser.hosts() <= {f"127.0.0.1:{port}"}


@pytest.mark.long
def test_uploads_pass_the_service_worker_by(
    chromium: Callable[..., Browser], slow: Line, tmp_path: Path
) -> None:
    """O2, B3. Progress moves within parts, and the bytes are the file's."""
    browser = chromium()
    page = UploadsPage(browser, slow.server)
    until_kept(browser.page)
    page.reload()
    assert browser.page.evaluate(CONTROLLED)
    file = random_file(tmp_path / "film.bin", 64_000_000)
    page.choose(file)
    page.until(file.name, "completed")
    assert sha256(page.object_of(file.name)) == sha256(file)
    percents = {percent for _, _, percent in page.timeline(file.name)}
    assert len(percents) > 10, "eight parts alone show nine"
    browser.close()
    puts = [request for request in browser.requests() if request["method"] == "PUT"]
    assert len(puts) == 8


def test_a_newer_version_is_fetched_in_the_background_and_used_when_wanted(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    """O3. What the version before was made of stays, for pages that are still open."""
    with open_static_host(tmp_path / "site") as url:
        browser = chromium()
        page = browser.page
        page.goto(url)
        until_kept(page)
        assert not page.get_by_text("A new version of this page is ready.").is_visible()
        publish(tmp_path / "site", "Newer uploads")
        page.reload()
        page.get_by_text("A new version of this page is ready.").wait_for(timeout=60_000)
        assert page.title() == "Uploads"
        other = browser.new_page()
        other.goto(url)
        assert other.title() == "Uploads"
        with page.expect_navigation():
            page.get_by_role("button", name="Use it now").click()
        page.wait_for_selector("html[data-engine=ready]")
        assert page.title() == "Newer uploads"
        assert not page.get_by_text("A new version of this page is ready.").is_visible()
        assert other.title() == "Uploads", "nobody's page is loaded anew but that of who wants it"
        assert len(page.evaluate("caches.keys()")) == 2


def publish(site: Path, title: str) -> None:
    """The site as a later build would leave it: another page, and a service worker of another version."""
    script = site / "service_worker.js"
    text = script.read_text()
    version = text.partition('const VERSION = "')[2].partition('"')[0]
    script.write_text(text.replace(version, "later"))
    page = site / "index.html"
    page.write_text(page.read_text().replace("<title>Uploads<", f"<title>{title}<"))


@pytest.mark.long
def test_settings_changed_where_the_site_is_published_arrive(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    """O4. With the visit after the next; `offline = false` takes the copy away."""
    with open_static_host(tmp_path / "site") as url:
        browser = chromium()
        page = browser.page
        page.goto(url)
        until_kept(page)
        config = json.loads((tmp_path / "site" / "config.json").read_text())
        config["site"]["offline"] = False
        (tmp_path / "site" / "config.json").write_text(json.dumps(config))
        page.reload()
        wait_until(page, "async () => !(await (await caches.match('config.json')).json()).site.offline")
        page.reload()
        wait_until(page, "async () => (await navigator.serviceWorker.getRegistrations()).length === 0")
        wait_until(page, f"async () => await ({KEPT})() === 0")


@pytest.mark.long
def test_a_person_can_remove_the_copy_and_have_it_back(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    """O5."""
    with open_static_host(tmp_path / "site") as url:
        page = chromium().page
        page.goto(url)
        until_kept(page)
        removing = page.get_by_role("button", name="Remove its copy")
        assert removing.locator("use").get_attribute("href") == "#icon-remove"
        removing.click()
        wait_until(page, f"async () => await ({KEPT})() === 0")
        page.reload()
        page.get_by_text("This page needs a network to open.").wait_for()
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
        page.get_by_role("button", name="Keep a copy").click()
        until_kept(page)


@pytest.mark.long
def test_files_shared_by_another_program_are_uploaded(
    chromium: Callable[..., Browser], copying: tuple[Line, str], tmp_path: Path
) -> None:
    """O6. The system posts them to the site as a form; here one does, on a host whose policy lets it."""
    browser = chromium()
    page = UploadsPage(browser, copying[0].server, url=copying[1])
    until_kept(browser.page)
    file = random_file(tmp_path / "geteilt é.bin", 100_000)
    browser.page.evaluate(
        """() => {
          const form = document.createElement("form");
          Object.assign(form, { method: "post", action: "./?share", enctype: "multipart/form-data", id: "share" });
          form.append(Object.assign(document.createElement("input"), { type: "file", name: "files", multiple: true }));
          document.body.append(form);
        }"""
    )
    browser.choose_files(file, selector="#share input")
    browser.page.evaluate("document.querySelector('#share').submit()")
    browser.page.wait_for_url("**/?shared")
    page.when_ready()
    page.until(file.name, "completed")
    assert sha256(page.object_of(file.name)) == sha256(file)
    page.reload()
    assert page.row(file.name).count() <= 1, "each file is handed over once"


def test_the_site_can_be_installed(chromium: Callable[..., Browser], tmp_path: Path) -> None:
    """O7. As Chromium judges: manifest, icons, service worker; and no script holds up what is to be seen."""
    with open_static_host(tmp_path / "site") as url:
        browser = chromium()
        page = browser.page
        page.goto(url)
        until_kept(page)
        session = browser.context.new_cdp_session(page)
        manifest: dict[str, Any] = session.send("Page.getAppManifest")
        assert manifest["errors"] == []
        told = json.loads(manifest["data"])
        assert {"file_handlers", "share_target", "icons", "start_url", "display"} <= set(told)
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [error["errorId"] for error in errors] == []
        for icon in told["icons"]:
            assert page.request.get(f"{url}/{icon['src']}").ok
        blocking = """
          [...document.querySelectorAll("script[src]")].filter(
            (script) => script.type !== "module" && script.type !== "mpy" && !script.async && !script.defer
          ).map((script) => script.src.split("/").at(-1))
        """
        assert page.evaluate(blocking) == ["before_words.js"], (
            "which shows no English to those who do not read it"
        )


def test_nothing_is_kept_but_the_site_itself(
    chromium: Callable[..., Browser], copying: tuple[Line, str]
) -> None:
    """O2. A signing server elsewhere is left alone as well: nothing of what it says is ever kept."""
    browser = chromium()
    browser.page.goto(copying[1])
    until_kept(browser.page)
    browser.page.reload()
    browser.page.wait_for_selector("html[data-engine=ready]")
    names = browser.page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(
             async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat()"""
    )
    assert len(names) > 20
    assert all(name.startswith(copying[1]) for name in names)
