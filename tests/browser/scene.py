"""Where faults are tried row by row: one page that serves many rows, each with a file and a script of its own.

A row that fails gets the next one a new page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.browser.fake_line import FakeLine
from tests.browser.uploads_page import FORGETFUL, MIB, UploadsPage, random_file
from tests.fakes.fault_server import Exchange, Rule
from tests.harness.browser import Browser, Visitor

PART = 8 * MIB
PARTS = 3
SIZE = 2 * PART + 70_001


class Scene:
    """The line, and the page of this row's visitor."""

    def __init__(self, line: FakeLine, chromium: Browser) -> None:
        self.line = line
        self.store = line.store
        self.front = line.front
        self._chromium = chromium
        self._visitor: Visitor | None = None
        self._uploads: UploadsPage | None = None
        self._number = 0
        self.rules: list[Rule] = []

    def begin(self, folder: Path, *rules: Rule, front: Sequence[Rule] = ()) -> Path:
        """Script what goes wrong, and start an upload; its file."""
        self._number += 1
        self.rules = [*rules, *front]
        for rule in rules:
            self.store.add(rule)
        for rule in front:
            self.front.add(rule)
        file = random_file(folder / f"row-{self._number}.bin", SIZE)
        self.uploads.choose(file)
        return file

    @property
    def uploads(self) -> UploadsPage:
        if self._uploads is None:
            self._visitor = self._chromium.visit()
            self._uploads = UploadsPage(self._visitor, self.line.server, FORGETFUL, url=self.front.url)
        return self._uploads

    def leave(self) -> None:
        """Close the page: the next row gets a new one."""
        if self._visitor:
            self._visitor.close()
        self._visitor = self._uploads = None

    def puts(self, file: Path) -> list[Exchange]:
        return self.store.log("UploadPart", file.name)

    def complaint(self, file: Path) -> str:
        """What the row says."""
        return self.uploads.row(file.name).inner_text()

    def prove(self, file: Path, *, resent: Sequence[int] = (), orphans: int = 0) -> None:
        """Wait for its end, and prove what has to be true after any fault.

        resent: parts that the store has answered for and that are to be sent again all the same; orphans: uploads that
        nobody could know of.
        """
        uploads = self.uploads
        uploads.until(file.name, "completed", "failed")
        assert uploads.state(file.name) == ("completed", "completed", 100), self.complaint(file)
        assert all(rule.struck for rule in self.rules), "a fault that never struck proves nothing"
        assert uploads.object_of(file.name) == file.read_bytes(), "I1"
        assert len(self.line.server.open_uploads()) == orphans, "I5"
        shown = uploads.timeline(file.name)
        percents = [percent for _, _, percent in shown]
        assert percents == sorted(percents), "I8"
        assert all((percent == 100) == (status == "completed") for status, _, percent in shown), "I8"
        sound = Counter(put.part_number for put in self.puts(file) if put.end == "answered" and not put.fault)
        sent = {number: sound[number] for number in range(1, PARTS + 1)}
        assert all(count <= 1 + (number in resent) for number, count in sent.items()), f"I3: {sent}"
