"""The page in whatever browser, asked through functions of the page alone, and what it has sent over its line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.line import Line
from tests.browser.uploads_page import WATCH, sha256
from tests.harness.tabs import AnyBrowser, Tab, until

STATE = """
(name) => {
  const row = [...document.querySelectorAll("[data-upload-id]")].find((row) => row.textContent.includes(name));
  const bar = row?.querySelector("[role=progressbar]");
  return row ? {
    id: row.dataset.uploadId,
    words: [row.dataset.status, row.dataset.phase],
    percent: Number(bar?.getAttribute("aria-valuenow") ?? 0),
    link: row.querySelector("a[data-object]")?.href ?? "",
  } : null;
}
"""
PRESS = """
([id, label]) => {
  const buttons = [...document.querySelectorAll(`[data-upload-id="${id}"] button`)];
  const button = buttons.find((button) => (button.ariaLabel || button.textContent).trim() === label);
  button?.click();
  return Boolean(button);
}
"""


class OtherPage:
    """One open page, as ``UploadsPage`` is one in Chromium."""

    def __init__(
        self, browser: AnyBrowser, line: Line, query: str = "", *, url: str = "", tab: Tab | None = None
    ) -> None:
        """``url``: where the page is, when that is not the server's own address; ``tab``: unless it is the first one."""
        self.browser = browser
        self.tab = tab or browser.page
        self.line = line
        self.tab.goto(f"{url or line.server.url}/{query}")
        self.when_ready()

    def when_ready(self) -> None:
        found = until(self.tab, "() => document.documentElement.dataset.engine.replace('starting', '')")
        assert found == "ready"
        self.tab.evaluate(WATCH)

    def reload(self) -> None:
        self.tab.reload()
        self.when_ready()

    def choose(self, *files: Path) -> None:
        self.browser.choose_files(*files, page=self.tab)

    def state(self, name: str) -> dict[str, Any]:
        return dict(until(self.tab, STATE, name))

    def until(self, name: str, *words: str) -> dict[str, Any]:
        """Wait until the row's status or phase is one of ``words``."""
        script = f"([name, words]) => {{ const now = ({STATE})(name);"
        script += " return now && now.words.some((word) => words.includes(word)) && now; }"
        return dict(until(self.tab, script, [name, words]))

    def until_percent(self, name: str, percent: int) -> None:
        until(self.tab, f"([name, percent]) => ({STATE})(name)?.percent >= percent", [name, percent])

    def press(self, name: str, button: str) -> None:
        until(self.tab, PRESS, [self.state(name)["id"], button])

    def timeline(self, name: str) -> list[tuple[str, int]]:
        """Every ``(status, percent)`` that the row has shown since the page was loaded."""
        upload_id = self.state(name)["id"]
        shown = self.tab.evaluate("() => timeline")
        return [
            (status, percent)
            for found, status, _, percent in shown
            if found == upload_id and percent is not None
        ]

    def finish(self, file: Path) -> None:
        """Let it run, and prove what arrived."""
        self.line.limit(None)
        state = self.until(file.name, "completed", "failed")
        assert state["words"] == ["completed", "completed"]
        key = parse_qs(urlsplit(state["link"]).query)["key"][0]
        assert sha256(self.line.server.object_bytes(key)) == sha256(file)
        assert self.line.server.open_uploads() == []


def stored_bytes(line: Line) -> int:
    """How much of the one open upload the store has."""
    ((key, upload_id),) = line.server.open_uploads()
    answer = line.server.s3.list_parts(Bucket=line.server.bucket, Key=key, UploadId=upload_id)
    return sum(part["Size"] for part in answer.get("Parts", []))


def drain(line: Line) -> None:
    """Wait until what a page that is gone had sent has left the line."""
    line.limit(None)
    seen = -1
    while seen != (seen := line.proxy.sent_up):
        time.sleep(1)
