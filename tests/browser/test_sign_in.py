"""Two people at two browsers, and people who have to sign in (ACCEPTANCE K2, K3, K5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.line import Line
from tests.browser.uploads_page import UploadsPage, random_file, sha256
from tests.harness.browser import Browser, Visitor
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.browser

SLOW = 2_000_000
"""Bytes a second."""
RULES = """
def authorize(user, file):
    from uploads.server.permission import Decision

    return Decision(not file.name.endswith(".exe"), "Programs are not taken here.")
"""
ASK = """
async ([key, uploadId]) => {
  const at = (path, more = "") => `s3/multipart/${encodeURIComponent(uploadId)}${path}?key=${encodeURIComponent(key)}${more}`;
  const body = JSON.stringify({ parts: [{ PartNumber: 1, ETag: "0".repeat(32) }] });
  const headers = { "Content-Type": "application/json" };
  const answers = {
    list: await fetch(at("")),
    sign: await fetch(at("/1")),
    signMany: await fetch(at("/batch", "&partNumbers=1")),
    status: await fetch(at("/status")),
    complete: await fetch(at("/complete"), { method: "POST", body, headers }),
    abort: await fetch(at(""), { method: "DELETE" }),
  };
  const known = (await (await fetch("s3/uploads")).json()).uploads.map((upload) => upload.key);
  return [Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, answer.status])), known];
}
"""
"""Run in a page: what it is told of an upload, and which uploads it has."""


@pytest.fixture
def two(shared_chromium: Browser) -> Iterator[tuple[Visitor, Visitor]]:
    """Two people, who share nothing but the server."""
    first, second = shared_chromium.visit(), shared_chromium.visit()
    yield first, second
    first.close()
    second.close()


@pytest.mark.long
def test_neither_of_two_people_sees_or_touches_the_others_upload(
    two: tuple[Visitor, Visitor], slow: Line, tmp_path: Path
) -> None:
    """K5."""
    server = slow.server
    files = [random_file(tmp_path / f"of {name}.bin", 12_000_000) for name in ("one", "two")]
    pages = [UploadsPage(visitor, server) for visitor in two]
    for page, file in zip(pages, files, strict=True):
        page.choose(file)
    for page, file in zip(pages, files, strict=True):
        page.until_percent(file.name, 1)
    own: list[dict[str, Any]] = [
        page.page.evaluate("async () => (await (await fetch('s3/uploads')).json()).uploads[0]")
        for page in pages
    ]
    assert own[0]["key"] != own[1]["key"]
    for page, mine, theirs in ((pages[0], own[0], own[1]), (pages[1], own[1], own[0])):
        statuses, known = page.page.evaluate(ASK, [theirs["key"], theirs["uploadId"]])
        assert set(statuses.values()) == {404}, statuses
        assert known == [mine["key"]]
    for page, file, other in ((pages[0], files[0], files[1]), (pages[1], files[1], files[0])):
        page.until(file.name, "completed")
        assert page.row(other.name).count() == 0
    slow.limit(None)
    for one, file in zip(own, files, strict=True):
        assert sha256(server.object_bytes(one["key"])) == sha256(file), "nothing has happened to it"
    for visitor in two:  # what was asked for in vain is in the console, and nothing else
        assert all("404" in line for line in visitor.console)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(
        tmp_path / "data", UPLOADS_GUESTS="off", UPLOADS_JWT_SECRET="the secret of an application, shared"
    )
    try:
        server.start()
        yield server
    finally:
        server.discard()


def test_where_there_are_no_guests_the_page_says_that_one_has_to_sign_in(
    visitor: Visitor, strict: ServerProcess, tmp_path: Path
) -> None:
    """K2."""
    page = UploadsPage(visitor, strict)
    file = random_file(tmp_path / "mine.bin", 1000)
    page.choose(file)
    page.until(file.name, "waiting-for-sign-in")
    assert "sign in" in page.row(file.name).inner_text().lower()
    assert page.page.context.cookies() == []
    assert strict.open_uploads() == []
    assert all("401" in line for line in visitor.console)


def test_a_file_that_the_operator_does_not_want_is_refused_in_his_words(
    visitor: Visitor, tmp_path: Path
) -> None:
    """K3, L3: before anything is sent, or when its first bytes tell what it is."""
    (tmp_path / "operators_browser_rules.py").write_text(RULES)
    server = ServerProcess(
        tmp_path / "data",
        UPLOADS_AUTHORIZE="operators_browser_rules:authorize",
        UPLOADS_ALLOWED_TYPES="image/*,.bin,.exe",
        PYTHONPATH=str(tmp_path),
    )
    try:
        server.start()
        page = UploadsPage(visitor, server)
        bad, good = random_file(tmp_path / "bad.exe", 1000), random_file(tmp_path / "good.bin", 1000)
        fake = tmp_path / "fake.png"
        fake.write_bytes(b"%PDF-1.7\n" + bytes(1000))
        page.choose(bad, good, fake)
        page.until(good.name, "completed")
        for file, words in ((bad, "Programs are not taken here."), (fake, "not what it is called")):
            page.until(file.name, "failed")
            row = page.row(file.name)
            assert words in row.inner_text()
            assert row.get_by_role("button", name="Retry").count() == 0
        assert server.open_uploads() == []
        assert all("403" in line or "422" in line for line in visitor.console)
    finally:
        server.discard()
