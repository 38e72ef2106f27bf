"""Nothing that our code wrote holds a secret (I7): all the troubles of one upload, told as loudly as can be.

What the other tests wrote is looked through when the last of them has ended: see ``conftest``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.fake_line import FakeLine, open_fake_line
from tests.browser.static_host import open_static_host, set_up
from tests.browser.uploads_page import FORGETFUL, MIB, UploadsPage, random_file
from tests.fakes import faults
from tests.fakes.fault_server import Rule
from tests.harness.browser import Browser
from tests.harness.secrets import ANSWERS, EVIDENCE, RECORDS, TOKEN, Evidence

pytestmark = pytest.mark.browser

SECRET = "a-secret-of-some-length"


@pytest.fixture
def loud(tmp_path: Path) -> Iterator[tuple[FakeLine, str]]:
    """A server, and a page that tells its console of every event."""
    with (
        open_static_host(tmp_path / "site") as url,
        open_fake_line(tmp_path / "data", UPLOADS_ALLOWED_ORIGINS=url) as line,
    ):
        set_up(tmp_path / "site", f'debug = true\nsigner_url = "{line.server.url}"')
        yield line, url


def test_no_secret_was_written_anywhere(
    chromium: Callable[..., Browser], loud: tuple[FakeLine, str], tmp_path: Path
) -> None:
    """I7, by an engine that is asked to be loud."""
    line, url = loud
    for rule in (
        Rule(faults.tell_all(), "CreateMultipartUpload", times=1),
        Rule(faults.tell_all(500, "InternalError"), "CreateMultipartUpload", times=1),
        Rule(faults.tell_all(), part_number=1, times=1),
        Rule(faults.expire(), part_number=2, times=1),
        Rule(faults.cut(MIB), part_number=3, times=12),
        Rule(faults.tell_all(403, "QuotaExceeded"), part_number=4),
    ):
        line.store.add(rule)
    browser = chromium()
    file = random_file(tmp_path / "troubled.bin", 30 * MIB)
    uploads = UploadsPage(browser, line.server, FORGETFUL, url=url)
    for _ in range(2):  # the one for which Create failed, and the one for which a part did
        uploads.choose(file)
        uploads.until(file.name, "failed")
        browser.look()
        if line.server.open_uploads():
            break
        uploads.press(file.name, "Cancel")
        uploads.until(file.name, "cancelled")
    uploads.reload()
    uploads.until(file.name, "failed", "waiting-for-file")
    line.store.rules[:] = [Rule(faults.tell_all(400, "InvalidPart"), "CompleteMultipartUpload", times=1)]
    uploads.choose(file)
    uploads.until(file.name, "completed")
    browser.close()
    line.server.stop()
    EVIDENCE.keep_secret("signature", *line.store.signatures)
    assert any("troubled" in text or "Part" in text for text in EVIDENCE.texts["console"]), "it is loud"
    assert set(EVIDENCE.texts) >= {"console", "messages", "page", RECORDS, "server log"}
    assert set(EVIDENCE.secrets.values()) >= {
        "signature",
        "credential",
        TOKEN,
        "guest cookie",
        "guest key",
        "key of the server",
        "key of the store",
    }
    assert any("serverUploadId" in text for text in EVIDENCE.texts[RECORDS])
    assert EVIDENCE.leaks() == []


@pytest.mark.parametrize("where", ["console", "messages", "page", RECORDS, "server log"])
def test_a_secret_that_is_written_is_found(where: str) -> None:
    evidence = Evidence()
    evidence.keep_secret("signature", SECRET)
    evidence.write("console", "all is well")
    assert evidence.leaks() == []
    evidence.write(where, f"before {SECRET} after")
    assert evidence.leaks() == [f"signature in {where}"]


def test_a_record_may_name_its_upload_to_the_server_and_nothing_else_may() -> None:
    evidence = Evidence()
    evidence.keep_secret(TOKEN, SECRET)
    evidence.write(RECORDS, SECRET)
    assert evidence.leaks() == []
    evidence.write("messages", SECRET)
    assert evidence.leaks() == [f"{TOKEN} in messages"]


def test_an_answer_may_give_what_was_asked_for_and_no_key() -> None:
    evidence = Evidence()
    evidence.keep_secret(TOKEN, SECRET)
    evidence.keep_secret("key of the server", f"{SECRET}-too")
    evidence.look_at_answer(httpx.Response(200, json={"uploadId": SECRET, "url": "/?X-Amz-Signature=0"}))
    assert evidence.leaks() == []
    for answer in (
        httpx.Response(500, json={"message": f"{SECRET}-too"}),
        httpx.Response(302, headers={"x-debug": f"{SECRET}-too"}),
    ):
        told = Evidence()
        told.secrets = evidence.secrets
        told.look_at_answer(answer)
        assert told.leaks() == [f"key of the server in {ANSWERS}"]
