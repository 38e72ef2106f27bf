"""The page in a real Chromium, on its real MicroPython and under its real CSP; only the engine is scripted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page
from uploads.protocol import PHASES
from uploads.ui import view, words

from tests.harness.browser import Browser, Visitor, wait_until
from tests.unit.ui.scripted_site import Repository, open_page, serve

pytestmark = pytest.mark.browser

NAMES = {"pause": "Pause", "resume": "Resume", "retry": "Retry", "choose": "Choose file…", "cancel": "Cancel"}
NAMES |= {"continue": "Continue", "remove": "Remove", "details": "Details"}
ERROR = {
    "type": "NETWORK_ERROR",
    "message": "The store did not answer.",
    "retryable": True,
    "recovery": "Press Retry.",
    "status": 503,
    "code": None,
    "requestId": None,
    "story": [],
}


def tell(page: Page, upload_id: str, phase: str, percent: float = 0, **more: Any) -> Locator:
    """A snapshot from the engine; its row, when it shows the phase."""
    page.evaluate(
        "([id, phase, percent, more]) => engine.show(id, phase, percent, more)",
        [upload_id, phase, percent, more],
    )
    row = page.locator(f'[data-upload-id="{upload_id}"]')
    wait_until(
        page,
        "([id, phase]) => document.querySelector(`[data-upload-id='${id}'][data-phase='${phase}']`) !== null",
        [upload_id, phase],
    )
    return row


def buttons(row: Locator) -> list[str]:
    """All but that for the details, which is always the last."""
    *shown, last = row.get_by_role("button").all_inner_texts()
    assert last == "Details"
    return shown


def posted(page: Page, kind: str) -> list[dict[str, Any]]:
    """What the page sent of this type."""
    found: list[dict[str, Any]] = page.evaluate(
        "(kind) => engine.posted.filter(({ type }) => type === kind)", kind
    )
    return found


def test_every_phase_shows_its_buttons_and_its_bar(page: Page) -> None:
    for phase in PHASES:
        error = ERROR if phase == "failed" else None
        row = tell(page, "u", phase, 41.9, error=error)
        expected = [NAMES[action] for action in view.actions(phase, None, "ready", "choose")]
        assert row.get_by_role("button").all_inner_texts() == expected, phase
        bar = row.locator("[role=progressbar]")
        assert bar.get_attribute("aria-valuenow") == ("100" if phase == "completed" else "41"), phase
        assert bar.get_attribute("aria-label") == "Progress of film.mov"
        assert row.locator("a[data-object]").count() == (phase == "completed")
        assert row.locator(".note").is_visible() == (phase in ("failed", "waiting-for-file", *words.HINTS)), (
            phase
        )
    assert page.locator("[data-upload-id]").count() == 1


def test_files_go_to_the_engine_and_rows_appear_in_their_order(page: Page, tmp_path: Path) -> None:
    names = ["b.bin", "a.bin", "\u202ereversed.bin", "c.bin"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    page.set_input_files("input[type=file]", [tmp_path / name for name in names])
    page.locator("[data-upload-id]").nth(3).wait_for()
    assert page.locator(".name").all_inner_texts() == ["b.bin", "a.bin", "‹U+202E›reversed.bin", "c.bin"]
    page.set_input_files("input[type=file]", [tmp_path / "a.bin"])
    page.locator("[data-upload-id]").nth(4).wait_for()
    started = posted(page, "START_UPLOAD")
    assert [message["fileName"] for message in started] == [*names, "a.bin"]
    assert len({message["uploadId"] for message in started}) == 5
    wait_until(page, "document.querySelector('#announcer').textContent.includes('are being uploaded')")


def test_an_engine_that_is_quicker_than_the_page_does_not_shuffle_its_rows(page: Page) -> None:
    page.evaluate(
        """async () => {
          const data = new DataTransfer();
          for (const name of ["first.bin", "second.bin"]) data.items.add(new File(["x"], name));
          const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
          while (!engine.posted.some(({ type }) => type === "START_UPLOAD")) await new Promise((go) => setTimeout(go));
          const [{ uploadId }] = engine.posted.filter(({ type }) => type === "START_UPLOAD");
          engine.show(uploadId, "uploading", 1, { name: "first.bin", startedAt: Date.now() + 60000 });
        }"""
    )
    page.locator("[data-upload-id]").nth(1).wait_for()
    assert page.locator(".name").all_inner_texts() == ["first.bin", "second.bin"]


def test_restored_uploads_stand_in_the_order_in_which_they_began(page: Page) -> None:
    for upload_id, started_at in (("c", 3), ("a", 1), ("d", 4), ("b", 2)):
        tell(page, upload_id, "waiting-for-file", name=upload_id, startedAt=started_at)
    assert page.locator(".name").all_inner_texts() == ["a", "b", "c", "d"]


def test_files_chosen_before_python_runs_are_taken(visitor: Visitor, site: str, tmp_path: Path) -> None:
    (tmp_path / "early.bin").write_bytes(b"x")
    visitor.page.goto(site, wait_until="commit")
    visitor.choose_files(tmp_path / "early.bin")
    visitor.page.locator("[data-upload-id]").wait_for()
    assert visitor.page.locator("[data-upload-id] .state").inner_text() == "Getting ready…"
    assert visitor.page.locator("[data-upload-id]").get_attribute("data-phase") == "queued"


def test_the_repository_itself_is_a_site(chromium: Callable[[], Browser]) -> None:
    """Who works on the page needs no build."""
    with serve(Repository) as url:
        page = chromium().page
        open_page(page, url)
        tell(page, "u", "uploading", 41.9)
        page.locator("[data-action=details]").click()
        page.get_by_role("dialog").wait_for()


def test_files_can_be_dropped_anywhere(page: Page) -> None:
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "dropped.bin"));
          for (const type of ["dragenter", "dragover", "drop"]) {
            const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
            document.querySelector("footer").dispatchEvent(event);
            if (!event.defaultPrevented) throw new Error(`${type} was left to the browser`);
            const dragging = document.documentElement.hasAttribute("data-dragging");
            if (dragging !== (type !== "drop")) throw new Error(`the target shows wrongly at ${type}`);
          }
        }"""
    )
    page.locator("[data-upload-id]").wait_for()
    assert posted(page, "START_UPLOAD")[0]["fileName"] == "dropped.bin"


def test_buttons_send_their_commands_and_the_keyboard_stays(page: Page) -> None:
    row = tell(page, "u", "uploading", 10)
    row.get_by_role("button", name="Pause", exact=True).focus()
    page.keyboard.press("Enter")
    tell(page, "u", "paused", 10)
    assert page.evaluate("document.activeElement.innerText") == "Resume"
    page.keyboard.press("Enter")
    row = tell(page, "u", "failed", 10, error=ERROR)
    assert row.locator(".note").inner_text() == "The store did not answer. Press Retry."
    for name in ("Retry", "Cancel"):
        row.get_by_role("button", name=name, exact=True).click()
    tell(page, "u", "cancelled")
    row.get_by_role("button", name="Remove", exact=True).click()
    commands = ("PAUSE_UPLOAD", "RESUME_UPLOAD", "RETRY_UPLOAD", "CANCEL_UPLOAD", "REMOVE_UPLOAD")
    assert [len(posted(page, command)) for command in commands] == [1] * 5
    page.evaluate("engine.tell({ type: 'UPLOAD_REMOVED', uploadId: 'u' })")
    row.wait_for(state="detached")
    wait_until(page, "document.activeElement === document.querySelector('#files')")
    page.locator("#nothing-yet").wait_for()


def test_a_waiting_upload_gets_its_file_back(page: Page, tmp_path: Path) -> None:
    (tmp_path / "film.mov").write_bytes(b"x")
    row = tell(page, "u", "waiting-for-file", 30)
    with page.expect_file_chooser() as chooser:
        row.get_by_role("button", name="Choose file…").click()
    chooser.value.set_files(tmp_path / "film.mov")
    wait_until(page, "engine.posted.some(({ type }) => type === 'RESELECT_FILE')")
    assert posted(page, "RESELECT_FILE")[0]["fileName"] == "film.mov"
    assert page.locator("input[type=file]").count() == 1
    page.evaluate("engine.tell({ type: 'COMMAND_REFUSED', uploadId: 'u', message: 'This is another file.' })")
    wait_until(page, "document.querySelector('.note').textContent === 'This is another file.'")
    tell(page, "u", "reconciling", 30)
    assert not row.locator(".note").is_visible()


DROP = """(names) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File(["x"], name));
  const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""

FOLDER = """(kind) => {
  const refuse = (text) => { throw new DOMException(text, "NotReadableError"); };
  if (kind === "handles") {
    const file = (name) => ({ kind: "file", name, [Symbol.toStringTag]: "FileSystemFileHandle" });
    const folder = (name, ...found) => ({
      kind: "directory",
      name,
      [Symbol.toStringTag]: "FileSystemDirectoryHandle",
      async *values() {
        for (const entry of found) yield entry ?? refuse("a disk that is gone");
      },
    });
    DataTransferItem.prototype.getAsFileSystemHandle = async () =>
      folder("films", file("a.bin"), folder("in", file("b.bin"), folder("no")), folder("out", file("c.bin"), null), file("d.bin"));
  } else {
    delete DataTransferItem.prototype.getAsFileSystemHandle;
    const file = (path) => ({
      isDirectory: false,
      fullPath: path,
      file: (take) => setTimeout(take, 0, new File(["x"], path.split("/").at(-1))),
    });
    const folder = (...batches) => ({
      isDirectory: true,
      createReader: () => ({
        readEntries: (take, failed) => setTimeout(() => {
          const batch = batches.shift() ?? [];
          if (batch.includes(null)) failed(new DOMException("a disk that is gone", "NotReadableError"));
          else take(batch);
        }),
      }),
    });
    DataTransferItem.prototype.webkitGetAsEntry = () =>
      folder(
        [file("/films/a.bin"), folder([file("/films/in/b.bin")]), folder([file("/films/out/c.bin")], [null])],
        [file("/films/d.bin"), folder()],
      );
  }
}"""


@pytest.mark.parametrize("kind", ["handles", "entries"])
def test_a_dropped_folder_gives_every_file_in_it(page: Page, kind: str) -> None:
    """U5."""
    page.evaluate(FOLDER, kind)
    page.evaluate(DROP, ["folder"])
    page.locator("[data-upload-id]").nth(3).wait_for()
    keys = [message["s3Key"].split("/") for message in posted(page, "START_UPLOAD")]
    assert len({"/".join(key[:2]) for key in keys}) == 1, "given together, kept together"
    assert {key[0] for key in keys} == {"default"}
    assert sorted("/".join(key[2:]) for key in keys) == [
        f"films/{name}" for name in ("a.bin", "d.bin", "in/b.bin", "out/c.bin")
    ]
    page.locator("#notice").get_by_text("Something in that folder could not be read").wait_for()


def test_a_folder_can_be_chosen(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.bin", "deep/b.bin"):
        (folder / name).write_bytes(b"x")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    page.locator("[data-upload-id]").nth(1).wait_for()
    keys = [message["s3Key"].split("/") for message in posted(page, "START_UPLOAD")]
    assert len({"/".join(key[:2]) for key in keys}) == 1, "given together, kept together"
    assert sorted("/".join(key[2:]) for key in keys) == ["films/a.bin", "films/deep/b.bin"]


FAKE_HANDLE = """() => {
  DataTransferItem.prototype.getAsFileSystemHandle = async function () {
    const { name } = this.getAsFile();
    if (name === "late.bin") await new Promise((go) => setTimeout(go, 200));
    if (name === "refused.bin") throw new DOMException("no", "NotAllowedError");
    return { name: `handle of ${name}`, [Symbol.toStringTag]: "FileSystemFileHandle" };
  };
}"""


def test_dropped_files_come_with_their_handles_in_their_order(page: Page) -> None:
    page.evaluate(FAKE_HANDLE)
    page.evaluate(DROP, ["late.bin", "refused.bin", "last.bin"])
    page.locator("[data-upload-id]").nth(2).wait_for()
    names = [message["fileName"] for message in posted(page, "START_UPLOAD")]
    assert names == ["handle of late.bin", "refused.bin", "handle of last.bin"]


def test_the_picker_gives_handles_and_the_input_stands_in_for_it(page: Page, tmp_path: Path) -> None:
    page.evaluate(
        """() => {
          globalThis.asked = [];
          globalThis.showOpenFilePicker = async (options) => {
            asked.push(options.multiple);
            if (asked.length === 1) throw new DOMException("nothing chosen", "AbortError");
            if (asked.length === 3) throw new DOMException("another site's frame", "SecurityError");
            return ["a.bin", "b.bin"].map((name) => ({ name, [Symbol.toStringTag]: "FileSystemFileHandle" }));
          };
        }"""
    )
    picker = page.locator("#files")
    picker.focus()
    page.keyboard.press("Enter")
    wait_until(page, "asked.length === 1")
    picker.click()
    page.locator("[data-upload-id]").nth(1).wait_for()
    assert [message["fileName"] for message in posted(page, "START_UPLOAD")] == ["a.bin", "b.bin"]
    (tmp_path / "c.bin").write_bytes(b"x")
    with page.expect_file_chooser() as chooser:
        picker.click()
    chooser.value.set_files(tmp_path / "c.bin")
    page.locator("[data-upload-id]").nth(2).wait_for()
    assert page.evaluate("asked") == [True, True, True]


def test_continue_asks_the_person_for_the_kept_file(page: Page) -> None:
    row = tell(page, "u", "waiting-for-file", 30, fileAccess="ask")
    assert buttons(row) == ["Continue", "Cancel"]
    assert row.locator(".state").inner_text() == "Press Continue to go on"
    page.evaluate(
        """() => {
          globalThis.answers = ["granted", "reject"];
          const handle = { [Symbol.toStringTag]: "FileSystemFileHandle" };
          handle.requestPermission = () =>
            navigator.userActivation.isActive && answers.pop() === "granted" ? Promise.resolve("granted") : Promise.reject(Error("no"));
          engine.tell({ type: "FILE_OFFERED", uploadId: "u" }, handle);
        }"""
    )
    for count in (1, 2):
        row.get_by_role("button", name="Continue", exact=True).focus()
        page.keyboard.press("Enter")
        wait_until(
            page, "(n) => engine.posted.filter(({ type }) => type === 'REOPEN_FILE').length === n", count
        )
    assert page.evaluate("answers.length") == 0
    page.evaluate("() => engine.show('u', 'waiting-for-file', 30, { fileAccess: 'denied' })")
    row.get_by_role("button", name="Choose file…").wait_for()
    assert buttons(row) == ["Choose file…", "Cancel"]
    assert page.evaluate("document.activeElement.innerText") == "Choose file…"
    assert row.locator(".note").inner_text().startswith("The browser did not let this page read the file.")
    tell(page, "u", "uploading", 30, fileAccess="copy")
    wait_until(page, "document.querySelector('.note').textContent.startsWith('A copy of 300 MB')")


LEAVE = """() => !dispatchEvent(new Event("beforeunload", { cancelable: true }))"""
"""Whether the browser would ask before it leaves the page."""


def test_the_page_says_what_leaving_it_would_do_and_asks_only_when_uploads_would_stop(page: Page) -> None:
    """D11."""
    line = page.locator("#leaving")
    page.evaluate("() => { engine.known = ['u']; engine.ready(); }")
    assert not line.is_visible()
    for access, pages, outlives, said, asks in (
        ("open", 1, False, "Keep this page open until the uploads are done", True),
        (
            "handle",
            1,
            False,
            "The uploads stop when you leave this page, and go on when you open it again.",
            False,
        ),
        ("open", 2, False, "You can close this page: another one is open", False),
        ("open", 1, True, "You can leave this page: the uploads go on for some minutes", False),
        ("open", 1, False, "Keep this page open until the uploads are done", True),
    ):
        page.evaluate(
            "([pages, outlives]) => { uploadWorker.outlivesPages = outlives; engine.ready(pages); }",
            [pages, outlives],
        )
        tell(page, "u", "uploading", 30, fileAccess=access)
        line.get_by_text(said).wait_for()
        assert page.evaluate(LEAVE) is asks
    page.locator("h1").click()  # a browser asks nobody who has not touched the page
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    tell(page, "u", "completed", 100)
    line.wait_for(state="hidden")
    assert page.evaluate(LEAVE) is False


def test_a_file_that_is_just_being_opened_is_not_called_for(page: Page) -> None:
    row = tell(page, "u", "waiting-for-file", 30, fileAccess="open")
    assert buttons(row) == ["Cancel"]
    assert row.locator(".state").inner_text() == "Opening the file…"
    assert not row.locator(".note").is_visible()
    tell(page, "u", "uploading", 30, fileAccess="open")
    wait_until(page, "document.querySelector('#announcer').textContent !== ''")
    assert page.locator("#announcer").inner_text() == "film.mov is being uploaded."


def test_files_can_be_chosen_where_a_debugger_answers_for_the_picker(page: Page, tmp_path: Path) -> None:
    """As the end-to-end tests of whoever uses the page will."""
    (tmp_path / "film.mov").write_bytes(b"x")
    with page.expect_file_chooser() as chooser:
        page.locator("input[type=file]").click()
    chooser.value.set_files(tmp_path / "film.mov")
    wait_until(page, "engine.posted.some(({ type }) => type === 'START_UPLOAD')")
    assert posted(page, "START_UPLOAD")[0]["fileName"] == "film.mov"


def test_all_uploads_together(page: Page) -> None:
    tell(page, "a", "uploading", 50)
    assert not page.locator("#overview").is_visible()
    tell(page, "b", "paused", 10)
    assert page.locator("#overview .state").inner_text() == "1 under way · 1 paused"
    assert page.locator("#overview [role=progressbar]").get_attribute("aria-valuenow") == "30"
    assert page.title() == "30 % · Uploads"
    for name in ("Pause all", "Resume all", "Cancel all"):
        page.get_by_role("button", name=name).click()
    assert [len(posted(page, command)) for command in ("PAUSE_ALL", "RESUME_ALL", "CANCEL_ALL")] == [1, 1, 1]
    tell(page, "a", "completed", 100)
    tell(page, "b", "completed", 100)
    assert page.title() == "Uploads"
    assert page.get_by_role("button", name="Cancel all").is_disabled()


def test_an_engine_that_fails_is_said_in_words(page: Page) -> None:
    tell(page, "u", "completed", 100)
    page.evaluate("engine.tell({ type: 'ENGINE_FAILED', message: 'No WebAssembly here.' })")
    wait_until(page, "document.documentElement.dataset.engine === 'failed'")
    assert page.get_by_role("alert").inner_text().startswith("No WebAssembly here.")
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("alert").wait_for(state="hidden")
    assert page.locator("#warnings").inner_text() == "No storage here."


def test_a_report_is_offered_once_something_has_failed(page: Page) -> None:
    tell(page, "u", "uploading", 50)
    button = page.get_by_role("button", name="Copy report")
    assert not button.is_visible()
    tell(
        page,
        "u",
        "failed",
        50,
        name="private.mov",
        error=ERROR | {"story": ["1.000 creating: ControlFailed"]},
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    assert page.get_by_role("alert").inner_text().startswith("The report is copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "1.000 creating: ControlFailed" in text
    assert "private" not in text


def test_debug_in_the_address_is_the_setting(page: Page, site: str) -> None:
    page.goto(f"{site}?debug")
    wait_until(page, "engine.posted.some(({ type }) => type === 'HELLO')")
    assert posted(page, "HELLO")[0]["config"] == {"debug": True}
    page.get_by_role("button", name="Copy report").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    tell(page, "a", "uploading", 50, name="a" * 300 + ".tar.gz")
    tell(page, "b", "waiting-for-file", 50, name="Ünïcode – 日本語の長いファイル名.pdf")
    tell(page, "c", "failed", 50, error=ERROR)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator(".name").first.get_attribute("title") == "a" * 300 + ".tar.gz"
    small = page.evaluate(
        "[...document.querySelectorAll('#uploads .action')].filter((button) => button.offsetHeight < 24).length"
    )
    assert small == 0  # WCAG 2.2, 2.5.8: targets of at least 24 by 24 CSS pixels
