"""The page's dialogs and its long list in a real Chromium, on its real MicroPython; only the engine is scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from uploads.server.paths import DIST

from tests.harness.browser import Browser, wait_until
from tests.unit.ui.scripted_site import BuiltSite, open_page, serve
from tests.unit.ui.test_ui_page import posted, tell

pytestmark = pytest.mark.browser

SITE = {
    "bandwidthLimit": None,
    "chunkSize": "auto",
    "keepCopy": None,
    "maxConcurrentChunks": 3,
    "maxConcurrentUploads": 3,
}
FIGURES = {
    "seconds": 12.5,
    "sentBytes": 100_000_000,
    "resentBytes": 8_000_000,
    "parts": 12,
    "retries": 2,
    "signingCalls": 1,
    "meanSpeed": 8e6,
    "peakSpeed": 2e7,
}
STATISTICS_ROW = {
    "uploadId": "a",
    "fileName": "film.mov",
    "fileSize": 10**8,
    "status": "completed",
    "startedAt": 1,
    "endedAt": 2,
    **FIGURES,
}


def say(page: Page, **message: Any) -> None:
    page.evaluate("(message) => engine.tell(message)", message)


def show_many(page: Page, count: int, phase: str = "queued") -> None:
    page.evaluate(
        """([count, phase]) => {
          for (let n = 0; n < count; n++) {
            engine.show(`u${n}`, phase, 0, { name: `file-${n}.bin`, startedAt: 1000 + n });
          }
        }""",
        [count, phase],
    )
    wait_until(
        page,
        "(count) => document.querySelector('#overview .state').textContent.startsWith(count)",
        f"{count} ",
    )


def rows(page: Page) -> list[str]:
    return page.locator("#uploads .name").all_inner_texts()


def test_of_a_long_list_only_what_is_near_the_window_is_in_the_page(page: Page) -> None:
    """U2."""
    show_many(page, 400)
    assert 5 < len(rows(page)) < 40
    assert rows(page)[0] == "file-0.bin"
    first = page.locator("[data-upload-id]").first
    assert (first.get_attribute("aria-posinset"), first.get_attribute("aria-setsize")) == ("1", "400")
    full = page.evaluate("document.querySelector('#uploads').getBoundingClientRect().height")
    row = page.evaluate("document.querySelector('.upload').getBoundingClientRect().height") + 10
    assert full == pytest.approx(400 * row, rel=0.02), "the others leave their room"
    first.get_by_role("button", name="Pause").focus()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.get_by_text("file-399.bin", exact=True).wait_for()
    assert "file-200.bin" not in rows(page)
    assert rows(page)[0] == "file-0.bin", "the row that the keyboard is in stays"
    page.keyboard.press("Enter")
    assert [message["uploadId"] for message in posted(page, "PAUSE_UPLOAD")] == ["u0"]
    after = page.evaluate("document.querySelector('#uploads').getBoundingClientRect().height")
    assert after == pytest.approx(full, rel=0.02)
    for number in range(10, 400):
        say(page, type="UPLOAD_REMOVED", uploadId=f"u{number}")
    wait_until(page, "document.querySelectorAll('[data-upload-id]').length === 10")
    assert page.locator("[aria-setsize]").count() == 0, "all are in the page again"
    assert page.evaluate("document.querySelector('#uploads').getBoundingClientRect().height") < 11 * row


def test_thousands_of_files_are_taken_in_steps(page: Page) -> None:
    """U1."""
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n < 3000; n++) data.items.add(new File(["x"], `file-${n}.bin`));
          const input = document.querySelector("#files");
          input.files = data.files;
          input.dispatchEvent(new Event("change"));
          globalThis.atOnce = engine.posted.filter(({ type }) => type === "START_UPLOAD").length;
        }"""
    )
    assert page.evaluate("atOnce") < 100
    wait_until(page, "engine.posted.filter(({ type }) => type === 'START_UPLOAD').length === 3000")
    names = [message["fileName"] for message in posted(page, "START_UPLOAD")]
    assert names == [f"file-{number}.bin" for number in range(3000)], "in their order"
    wait_until(page, "document.querySelector('#overview .state').textContent.startsWith('3000 ')")


def test_what_a_person_sets_counts_at_once(page: Page) -> None:
    """U6."""
    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    bandwidth = dialog.get_by_label("Bandwidth")
    assert bandwidth.is_disabled(), "the engine has not told yet what counts"
    say(page, type="SETTINGS", settings={"maxConcurrentUploads": 5}, site=SITE)
    wait_until(page, "!document.querySelector('dialog select').disabled")
    assert dialog.get_by_label("Files at a time").input_value() == "5"
    bandwidth.select_option(label="1.00 MB/s")
    (sent,) = posted(page, "CHANGE_SETTINGS")
    assert sent["settings"] == {**SITE, "bandwidthLimit": 1_000_000, "maxConcurrentUploads": 5}
    say(page, type="SETTINGS", settings={"bandwidthLimit": 3_000_000}, site=SITE)
    wait_until(page, "document.querySelector('[name=bandwidth_limit]').value === '3000000'")
    dialog.get_by_role("button", name="Back to the standard").click()
    assert posted(page, "CHANGE_SETTINGS")[-1]["settings"] == {}
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.id") == "open-settings"


def test_colours_are_kept_and_shared_by_all_tabs(page: Page, site: str) -> None:
    """U6."""
    other = page.context.new_page()
    other.goto(site)
    other.wait_for_selector("html[data-page=ready]")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Colours").select_option("dark")
    wait_until(other, "document.documentElement.dataset.theme === 'dark'")
    other.reload()
    wait_until(other, "document.documentElement.dataset.theme === 'dark'")
    page.get_by_label("Colours").select_option("")
    wait_until(other, "document.documentElement.dataset.theme === undefined")
    other.close()
    page.evaluate("localStorage.setItem('uploads.preferences', '[\"theme\"]')")
    page.reload()
    page.wait_for_selector("html[data-page=ready]")


def test_the_details_of_an_upload_follow_it(page: Page) -> None:
    """U8."""
    row = tell(page, "u", "uploading", 40)
    row.get_by_role("button", name="Details").click()
    dialog = page.get_by_role("dialog", name="film.mov")
    assert posted(page, "WATCH_UPLOAD")[-1]["uploadId"] == "u"
    told = {
        "type": "UPLOAD_DETAILS",
        "uploadId": "u",
        "figures": FIGURES,
        "requests": 2,
        "window": 4,
        "parts": ["6s1S2f9w"],
        "samples": ["[[1, 4e6, 2, 0], [2, 8e6, 3, 1], [3, 9e6, 3, 2]]"],
        "story": ['[[1790000000000, "UploadCreated", 0, ""], [1790000001000, "PartFailed", 7, "SlowDown"]]'],
    }
    say(page, **told)
    parts = dialog.get_by_role("img", name="7 of 18 parts are stored · 2 on the way · 1 sent more than once")
    parts.wait_for()
    assert parts.locator("i").count() == 18
    assert parts.locator("[data-state=s]").count() == 7
    assert parts.locator("[data-again]").count() == 1
    dialog.get_by_role("img", name="Speed over time: 8.00 MB/s in the mean, 20.0 MB/s at most").wait_for()
    dialog.locator(".plot canvas").wait_for()
    stories = dialog.locator(".story li").all_inner_texts()
    assert len(stories) == 2
    assert stories[0].endswith("Part 7 did not get through (SlowDown)")
    assert dialog.get_by_text("Sent in vain").locator("xpath=..").inner_text().endswith("8.00 MB")
    told["parts"] = ["18s"]
    say(page, **told)
    tell(page, "u", "completed", 100)
    wait_until(page, "document.querySelectorAll('dialog [data-state=s]').length === 18 + 1")
    assert dialog.locator(".state").inner_text() == "Uploaded · 300 MB"
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
    assert posted(page, "WATCH_UPLOAD")[-1]["uploadId"] is None
    row.get_by_role("button", name="Details").click()
    say(page, type="UPLOAD_REMOVED", uploadId="u")
    page.get_by_role("dialog").wait_for(state="detached")


def test_statistics_are_shown_and_saved(page: Page) -> None:
    """U8."""
    tell(page, "a", "completed", 100)
    tell(page, "b", "completed", 100)
    page.get_by_role("button", name="Statistics").click()
    dialog = page.get_by_role("dialog", name="Statistics")
    say(page, type="UPLOAD_FIGURES", figures=[json.dumps([STATISTICS_ROW])])
    dialog.get_by_role("row", name="film.mov").wait_for()
    assert dialog.locator(".sum").inner_text() == "1 file · 100 MB · 8.00 MB sent in vain"
    for name, begins in (("CSV", "uploadId,fileName"), ("JSON", "[{")):
        with page.expect_download() as download:
            dialog.get_by_role("button", name=f"Save as {name}").click()
        content = download.value.path().read_text("utf-8")
        assert content.startswith(begins)
        assert "film.mov" in content


def test_finished_uploads_are_hidden_and_shown(page: Page) -> None:
    """U7."""
    tell(page, "a", "completed", 100)
    tell(page, "b", "uploading", 10)
    tell(page, "c", "completed", 100, startedAt=3)
    hide = page.locator("[data-action=hide_finished]")
    hide.click()
    wait_until(page, "document.querySelectorAll('[data-upload-id]').length === 1")
    hide.get_by_text("Show finished (2)").wait_for()
    assert hide.get_attribute("aria-pressed") == "true"
    page.evaluate("engine.show('b', 'completed', 100)")
    wait_until(page, "document.querySelectorAll('[data-upload-id]').length === 0")
    page.reload()
    page.wait_for_selector("html[data-page=ready]")
    page.evaluate("engine.ready(); for (const id of ['a', 'b']) engine.show(id, 'completed', 100)")
    wait_until(page, "document.querySelector('#overview .state').textContent === '2 uploaded'")
    assert rows(page) == []
    hide.click()
    wait_until(page, "document.querySelectorAll('[data-upload-id]').length === 2")


def test_what_waits_is_moved_with_the_keyboard_and_with_a_button(page: Page) -> None:
    """U7."""
    show_many(page, 4)
    last = page.locator("[data-upload-id=u3]")
    last.get_by_role("button", name="Upload next").click()
    assert posted(page, "MOVE_UPLOAD")[-1]["before"] == "u0"
    page.evaluate("engine.show('u3', 'queued', 0, { name: 'file-3.bin', startedAt: 999 })")
    wait_until(page, "document.querySelector('#announcer').textContent === 'file-3.bin is now 1 of 4.'")
    wait_until(page, "document.querySelector('#uploads .name').textContent === 'file-3.bin'")
    assert page.evaluate("document.activeElement.dataset.action") == "first", "the keyboard stays with it"
    page.keyboard.press("Alt+ArrowDown")
    assert posted(page, "MOVE_UPLOAD")[-1]["before"] == "u1"
    page.keyboard.press("Alt+ArrowUp")
    assert len(posted(page, "MOVE_UPLOAD")) == 2, "it is the first already"
    page.locator("[data-upload-id=u2]").get_by_role("button", name="Pause").focus()
    page.keyboard.press("Alt+ArrowUp")
    assert posted(page, "MOVE_UPLOAD")[-1] | {"version": 1} == {
        "version": 1,
        "type": "MOVE_UPLOAD",
        "uploadId": "u2",
        "before": "u1",
    } | {key: value for key, value in posted(page, "MOVE_UPLOAD")[-1].items() if key == "fileName"}
    page.keyboard.press("Alt+ArrowDown")
    assert len(posted(page, "MOVE_UPLOAD")) == 3, "it is the last already"


def test_pictures_and_files_can_be_pasted(page: Page) -> None:
    """U3."""
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(300, 200);
          canvas.getContext("2d").fillRect(0, 0, 300, 200);
          const data = new DataTransfer();
          data.items.add(new File([await canvas.convertToBlob()], "shot.png", { type: "image/png" }));
          data.items.add(new File(["no picture"], "broken.png", { type: "image/png" }));
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
          if (!event.defaultPrevented) throw new Error("left to the browser");
          const text = new DataTransfer();
          text.setData("text/plain", "words");
          const other = new ClipboardEvent("paste", { clipboardData: text, bubbles: true, cancelable: true });
          document.body.dispatchEvent(other);
          if (other.defaultPrevented) throw new Error("text is not for us");
        }"""
    )
    page.locator("[data-upload-id]").nth(1).wait_for()
    assert rows(page) == ["shot.png", "broken.png"]
    page.locator("[data-upload-id]").first.locator(".icon canvas").wait_for()
    size = page.evaluate("(({ width, height }) => [width, height])(document.querySelector('.icon canvas'))")
    assert size in ([80, 53], [80, 54])
    assert page.locator("[data-upload-id]").nth(1).locator(".icon svg").count() == 1


def test_a_file_that_is_there_already_is_noticed(page: Page) -> None:
    """U4."""
    tell(page, "u", "uploading", 10)
    page.evaluate(
        "() => { const d = new DataTransfer(); d.items.add(new File(['x'], 'film.mov')); "
        "document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true })); }"
    )
    wait_until(page, "engine.posted.some(({ type }) => type === 'START_UPLOAD')")
    new = posted(page, "START_UPLOAD")[0]["uploadId"]
    say(page, type="UPLOAD_REPLACED", uploadId=new, by="u")
    page.get_by_role("alert").get_by_text(
        "film.mov is in the list already, and is not sent twice."
    ).wait_for()
    assert page.locator("[data-upload-id]").count() == 1


def test_a_notification_tells_that_all_is_done_to_whoever_looks_at_something_else(page: Page) -> None:
    """U9."""
    page.evaluate(
        """() => {
          globalThis.shown = [];
          globalThis.Notification = class {
            static permission = "default";
            static async requestPermission() { return (Notification.permission = answers.shift()); }
            constructor(title, options) { shown.push([title, options.body]); }
          };
          globalThis.answers = ["denied", "granted"];
        }"""
    )
    page.get_by_role("button", name="Settings").click()
    switch = page.get_by_role("switch", name="Tell me when all is done")
    page.locator("label", has_text="Tell me when all is done").click()
    page.get_by_role("alert", include_hidden=True).get_by_text(
        "does not let this page show notifications"
    ).wait_for()
    assert not switch.is_checked()
    page.locator("label", has_text="Tell me when all is done").click()
    wait_until(page, "JSON.parse(localStorage['uploads.preferences']).notify === true")
    page.keyboard.press("Escape")
    tell(page, "a", "uploading", 10)
    tell(page, "a", "completed", 100)
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden' })")
    tell(page, "b", "uploading", 10)
    tell(page, "c", "uploading", 10, startedAt=2)
    assert page.evaluate("shown") == [], "not while somebody looks, and not before all is done"
    tell(page, "b", "completed", 100)
    page.evaluate("engine.show('c', 'failed', 10, { error: null })")
    wait_until(page, "shown.length > 0")
    assert page.evaluate("shown") == [
        ["All uploads are done", "1 file is uploaded. 1 stopped with an error."]
    ]


@pytest.fixture
def ruled(chromium: Callable[[], Browser], tmp_path: Path) -> Iterator[Page]:
    """The page of a site that has rules."""
    config = json.loads((DIST / "config.json").read_text("utf-8"))
    config["uploads"] = {"max_files": 3, "max_file_size": 5_000_000, "allowed_types": ["image/*", ".pdf"]}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))

    class Ruled(BuiltSite):
        def _elsewhere(self, path: str) -> Path:
            return file if path == file.name else super()._elsewhere(path)

    with serve(Ruled) as url:
        page = chromium().page
        open_page(page, url)
        yield page


def test_what_is_allowed_is_told_before_anything_is_chosen(ruled: Page) -> None:
    """U13."""
    page = ruled
    assert (
        page.locator("#rules").inner_text()
        == "images, .pdf · at most 5.00 MB each · at most 3 files at a time"
    )
    assert page.locator("#files").get_attribute("accept") == "image/*,.pdf"
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n < 100; n++) data.items.add(new File(["x"], `file-${n}.pdf`));
          const input = document.querySelector("#files");
          input.files = data.files;
          input.dispatchEvent(new Event("change"));
        }"""
    )
    left_out = "At most 3 files can be uploaded at a time. 97 were left out."
    page.get_by_role("alert").get_by_text(left_out).wait_for()
    assert [message["fileName"] for message in posted(page, "START_UPLOAD")] == [
        f"file-{n}.pdf" for n in range(3)
    ]
