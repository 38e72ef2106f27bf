"""One large upload over a bad line, and the proof of what has to be true after it, whatever went wrong.

It ends by itself, without a click (I6): the bytes exact (I1, I2), nothing sent again but what a fault struck (I3), no
upload left open (I5), and progress that never runs backwards (I8).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.browser.line import BadLine
from tests.browser.uploads_page import UploadsPage, sha256
from tests.fakes.fault_server import Exchange
from tests.harness.browser import Visitor

URL_SECONDS = 12
"""How long a signed URL lives on a bad line: not long enough for 200 MB."""


def clear(line: BadLine) -> None:
    """Forget what the last test has set and seen, and what a failed one has left open."""
    line.script.rules.clear()
    line.script.exchanges.clear()
    line.limit(None)
    line.server.abort_open_uploads()


def start(visitor: Visitor, line: BadLine, file: Path) -> UploadsPage:
    uploads = UploadsPage(visitor, line.server, url=line.page_url)
    uploads.choose(file)
    return uploads


FORM_FIELDS = 4096
"""More bytes than what a form says beside the file."""


def puts(line: BadLine) -> list[Exchange]:
    """The requests that brought bytes, of parts and of files that go whole by a form."""
    return line.script.log("UploadPart") + line.script.log("PostObject")


def is_struck(put: Exchange) -> bool:
    """By the script, or by the line in front of it."""
    return bool(put.fault) or put.end != "answered"


def prove(uploads: UploadsPage, line: BadLine, file: Path) -> list[Exchange]:
    """Wait for its end, and prove all that has to be true after any fault. The requests that were struck."""
    uploads.until(file.name, "completed", "failed")
    assert uploads.state(file.name) == ("completed", "completed", 100)
    assert sha256(uploads.object_of(file.name)) == sha256(file), "I1"
    assert line.server.open_uploads() == [], "I5"
    shown = uploads.timeline(file.name)
    percents = [percent for _, _, percent in shown]
    assert percents == sorted(percents), "I8"
    assert all((percent == 100) == (status == "completed") for status, _, percent in shown), "I8"
    struck = [put for put in puts(line) if is_struck(put)]
    sound = Counter(put.part_number for put in puts(line) if not is_struck(put))
    assert set(sound.values()) == {1}, "I3: what arrived without a fault is not sent again"
    forms = FORM_FIELDS * len(line.script.log("PostObject"))
    sent = sum(put.received for put in puts(line)) - forms
    assert sent - file.stat().st_size <= sum(put.received for put in struck), "I3"
    return struck
