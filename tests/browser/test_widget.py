"""The widget in pages of other sites, driven by what any such page can do, and by what none may (ACCEPTANCE W1-W9)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.browser.host_page import HOSTS, JWT_SECRET, HostPage, site_of, token_for
from tests.browser.line import Line, open_line
from tests.browser.static_host import serve
from tests.browser.uploads_page import random_file, sha256
from tests.harness.browser import Visitor, wait_until
from tests.harness.secrets import STORED
from tests.harness.server import ServerProcess
from tests.harness.tabs import AnyBrowser, until

ROOT = Path(__file__).parents[2]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
pytestmark = pytest.mark.browser

SIZE = 9_000_000
"""Bytes: two parts."""
IN_FIREFOX = 1_000_000
"""It reads no larger file that a page has made itself, once it is another thread's."""
SLOW = 3_000_000
"""Bytes a second."""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A server whose users come with tokens, behind a line that can be slow."""
    with open_line(tmp_path_factory.mktemp("embedded") / "data", UPLOADS_JWT_SECRET=JWT_SECRET) as line:
        yield line


@pytest.fixture
def site(embedded: Line) -> Iterator[ServerProcess]:
    yield embedded.server
    embedded.limit(None)
    embedded.server.abort_open_uploads()  # of a test that failed


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The address of the host pages."""
    with serve(HOSTS) as url:
        yield url


@pytest.fixture
def browser(every_browser: AnyBrowser) -> AnyBrowser:
    return every_browser


def size_in(browser: AnyBrowser) -> int:
    return IN_FIREFOX if "Firefox/" in browser.page.evaluate("() => navigator.userAgent") else SIZE


def check_object(site: ServerProcess, told: dict[str, Any], digest: str) -> None:
    """What is told to be completed is in the store, and nothing is left open."""
    assert sha256(site.object_bytes(told["s3Key"])) == digest
    assert site.open_uploads() == []


def test_by_messages_alone_and_with_a_token_that_expires_on_the_way(
    embedded: Line, site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W1, W5: the host page hears all, and neither a token nor a signed URL."""
    page = HostPage(browser, host, site)
    size = size_in(browser)
    embedded.limit(size / 8)
    first = token_for("alice", 600)
    page.configure(token=first, projectId="films", keyPrefix="in/2026/", locale="de", theme="dark")
    assert page.heard("READY")["capabilities"]["worker"] in ("shared", "dedicated")
    digest = page.add_file("a film.bin", size, uploadId="mine")
    page.until("() => news.some(({ session }) => session?.phase === 'uploading')")
    assert page.news("SNAPSHOT")[-1]["session"]["userId"] == "alice"
    short = token_for("alice", 1)
    page.say("SET_TOKEN", token=short)
    time.sleep(2)  # it has expired by then
    embedded.limit(None)
    page.heard("TOKEN_NEEDED")
    page.until("() => news.some(({ session }) => session?.phase === 'waiting-for-sign-in')")
    second = token_for("alice", 600)
    page.say("SET_TOKEN", token=second)
    told = page.heard("COMPLETED")
    assert told["s3Key"] == "uploads/alice/in/2026/mine/a_film.bin"
    assert (told["uploadId"], told["projectId"], told["size"]) == ("mine", "films", size)
    assert told["etag"]
    check_object(site, told, digest)
    everything = json.dumps(page.evaluate("() => [news, offers]"))
    assert not any(token in everything for token in (first, short, second))
    assert "X-Amz" not in everything
    assert page.news("FAILED") == page.news("REFUSED") == []
    if isinstance(browser, Visitor):
        stored = "\n".join(browser.frame().evaluate(STORED))
        assert not any(token in stored for token in (first, short, second))
        assert "mine" not in stored, "what has ended is forgotten"


def test_a_guest_without_a_token_can_pause_resume_and_cancel(
    embedded: Line, site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W1: cookies are not kept in a frame on another site."""
    page = HostPage(browser, host, site)
    page.configure()
    page.heard("READY")
    size = size_in(browser)
    embedded.limit(size / 8)
    state = "([id, phase]) => news.some(({ session }) => session?.uploadId === id && session.phase === phase)"
    page.add_file("film.bin", size, uploadId="one")
    page.until(state, ["one", "uploading"])
    page.say("PAUSE", uploadId="one")
    page.until(state, ["one", "paused"])
    page.say("RESUME_ALL")
    embedded.limit(None)
    told = page.heard("COMPLETED")
    assert told["s3Key"].startswith("uploads/guest-")
    page.say("REMOVE", uploadId="one")
    assert page.heard("REMOVED")["uploadId"] == "one"
    embedded.limit(size / 8)
    page.add_file("film.bin", size, uploadId="two")
    page.until(state, ["two", "uploading"])
    page.say("CANCEL", uploadId="two")
    page.until(state, ["two", "cancelled"])
    assert site.open_uploads() == []


def test_a_page_of_another_origin_gets_nothing_by_the_same_messages(
    site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W2: it frames the widget that is meant for another origin, and answers with whatever it likes."""
    with serve(HOSTS) as stranger:
        page = HostPage(browser, stranger, site, origin=host)
        page.evaluate("() => void setInterval(() => connect({ nonce: '0'.repeat(32) }), 500)")
        time.sleep(5)  # by then its Python is at work, and has spoken to nobody
        page.evaluate("(token) => say('CONFIGURE', { token })", token_for("mallory", 60))
        time.sleep(1.5)
        assert page.evaluate("() => [offers, news, laterNews]") == [[], [], []]


def test_a_page_that_opens_the_host_page_cannot_speak_with_its_widget(
    site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W2, even if it knew the nonce: it is not the window around it."""
    if not isinstance(browser, Visitor):
        pytest.skip("needs two pages that know each other")
    page = HostPage(browser, host, site, silent=True)
    nonce = page.nonce()
    with serve(HOSTS) as stranger:
        page.evaluate(
            "(url) => { globalThis.opened = open(url); }",
            f"{stranger}/host.html?{urlencode({'target': site_of(site)})}",
        )
        wait_until(browser.page, "() => globalThis.opened !== undefined")
        while len(browser.context.pages) < 2:
            browser.page.wait_for_timeout(20)
        other = browser.context.pages[1]
        wait_until(other, "() => typeof connect === 'function'")
        other.evaluate("(nonce) => connect({ nonce }, 1, opener.frames[0])", nonce)
        other.evaluate("() => say('CONFIGURE', {})")
        other.wait_for_timeout(1000)
        assert other.evaluate("() => [offers, news]") == [[], []]
    page.evaluate("(nonce) => connect({ nonce })", nonce)
    page.configure()
    assert page.heard("READY")


def test_a_handshake_that_is_not_right_changes_nothing(
    site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W3: nor does one that is replayed, or a second one."""
    page = HostPage(browser, host, site, silent=True)
    nonce = page.nonce()
    for change, ports in (
        ({"nonce": nonce[::-1]}, 1),
        ({"nonce": nonce, "version": 2}, 1),
        ({"nonce": nonce, "more": "x"}, 1),
        ({"nonce": nonce, "more": "x" * 100_000}, 1),
        ({"nonce": nonce}, 2),
        ({"nonce": nonce}, 0),
    ):
        page.evaluate("([change, ports]) => { connect(change, ports); port = null; }", [change, ports])
    page.evaluate(
        "() => frame.contentWindow.postMessage({ type: 'upload-widget:connect', n: 1n }, query.get('target'))"
    )
    page.evaluate("(nonce) => connect({ nonce })", nonce)
    page.heard("HEIGHT")
    page.evaluate('(nonce) => connect({ nonce })[0].postMessage({ body: \'{"type": "CONFIGURE"}\' })', nonce)
    page.evaluate("() => connect({ nonce: '0'.repeat(32) })")
    page.configure(token=token_for("alice", 600))
    assert page.heard("READY")
    assert page.news("REFUSED") == [], "the first CONFIGURE was this one"
    assert page.evaluate("() => laterNews") == []


def test_what_is_malformed_or_too_long_is_refused_by_name(
    site: ServerProcess, browser: AnyBrowser, host: str
) -> None:
    """W4."""
    page = HostPage(browser, host, site)
    page.until("() => port !== null")
    for script, expected in (
        ("() => port.postMessage(null)", "a message must be JSON text"),
        ("() => port.postMessage(7n)", "a message must be JSON text"),
        ("() => port.postMessage({ body: { type: 'PAUSE_ALL' } })", "a message must be JSON text"),
        ("() => port.postMessage({ body: '{' })", "a message must be a JSON object"),
        ("() => port.postMessage({ body: 'x'.repeat(65537) })", "the message is too long"),
        ("() => port.postMessage({ body: ' '.repeat(2_000_000) })", "the message is too long"),
        ("() => say('PAUSE_ALL')", "CONFIGURE must come first"),
        ("() => say('DELETE_EVERYTHING')", "'DELETE_EVERYTHING' is not a known message type"),
        ("() => say('CONFIGURE', { theme: 'pink' })", "theme must be one of light, dark, system"),
        ("() => say('CONFIGURE', { colour: 'pink' })", "colour is not a known field"),
        ("() => say('CONFIGURE', { locale: 'no such thing' })", "The locale must be"),
        ("() => say('CONFIGURE', { restrictions: { maxFileSize: 1, minFileSize: 2 } })", "min_file_size"),
    ):
        assert expected in page.refusal(script)["message"], script
    page.configure(token=token_for("alice", 600), restrictions={"maxFileSize": 1000})
    page.heard("READY")
    for script, expected in (
        ("() => say('PAUSE', { uploadId: 'none' })", "no upload has the id"),
        ("() => say('ADD_FILE', {})", "A File must come with ADD_FILE"),
        ("() => say('ADD_FILE', {}, new Blob(['x']))", "A File must come with ADD_FILE"),
        ("() => say('PAUSE_ALL', {}, new File(['x'], 'x'))", "A File must come with ADD_FILE"),
        ("() => say('CONFIGURE', { restrictions: {} })", "The restrictions are those of the first CONFIGURE"),
    ):
        assert expected in page.refusal(script)["message"], script
    if isinstance(browser, Visitor):  # elsewhere whoever drives it counts as a person who has just clicked
        expected = "only just after a click or a key in the widget itself"
        assert expected in page.refusal("() => say('OPEN_PICKER')")["message"]
    page.add_file("big.bin", 1001, uploadId="big")
    failed = page.heard("FAILED")
    assert (failed["uploadId"], failed["error"]["type"]) == ("big", "VALIDATION_ERROR")
    digest = page.add_file("small.bin", 1000)
    check_object(site, page.heard("COMPLETED"), digest)


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://host.example/", "javascript:alert(1)", "host.example", "data:,"]
)
def test_a_widget_that_is_told_no_exact_origin_says_why_it_does_nothing(
    site: ServerProcess, visitor: Any, host: str, origin: str
) -> None:
    """W3."""
    page = HostPage(visitor, host, site, origin=origin)
    frame = visitor.frame()
    assert "must be the exact origin" in until(
        frame, "() => document.querySelector('#notice p')?.textContent"
    )
    assert frame.evaluate("() => document.documentElement.dataset.engine") == "failed"
    assert page.evaluate("() => offers") == []
    assert not frame.locator(".drop-zone").is_visible()


@pytest.mark.parametrize("is_framed", [True, False])
def test_without_a_page_around_that_could_speak_with_it_it_is_a_plain_page(
    site: ServerProcess, visitor: Any, host: str, is_framed: bool, tmp_path: Path
) -> None:
    """W9."""
    place = visitor.page
    if is_framed:
        visitor.page.goto(
            f"{host}/host.html?{urlencode({'widget': site_of(site) + '/?embed', 'target': '*'})}"
        )
        place = visitor.frame()
    else:
        visitor.page.goto(f"{site.url}/?embed&origin={quote(host)}")
    expected = "lacks &origin=" if is_framed else "there is no page around it"
    assert expected in until(place, "() => document.querySelector('#notice p')?.textContent")
    assert until(place, "() => document.documentElement.dataset.engine?.replace('starting', '')") == "ready"
    assert place.evaluate("() => getComputedStyle(document.querySelector('header')).display") == "flex"
    place.set_input_files("input[type=file]", random_file(tmp_path / "a.bin", 1000))
    until(place, "() => document.querySelector('[data-status=completed]')")


def test_in_a_sandboxed_frame(site: ServerProcess, browser: AnyBrowser, host: str) -> None:
    """W6: its origin is opaque, so the answer goes to whoever is there; the widget still looks who answers."""
    page = HostPage(browser, host, site, sandbox="allow-scripts")
    page.configure(token=token_for("alice", 600))
    told = page.heard("READY")["capabilities"]
    assert (told["worker"], told["storage"]) == ("dedicated", "memory")
    assert any("will not survive a reload" in warning for warning in told["warnings"])
    digest = page.add_file("film.bin", size_in(browser))
    done = page.heard("COMPLETED")
    assert done["s3Key"].startswith("uploads/alice/")
    check_object(site, done, digest)


def test_by_one_tag(site: ServerProcess, browser: AnyBrowser, host: str) -> None:
    """W7, W5: `embed.js` answers, configures, asks for tokens, and sets its own height."""
    tokens = [token_for("alice", -1), token_for("alice", 600)]
    query = urlencode({"site": site_of(site) + "/", "token": tokens}, doseq=True)
    page = browser.page
    page.goto(f"{host}/element.html?{query}")
    until(page, "() => typeof element.addFile === 'function'")
    bytes_ = json.dumps("x" * 1000)
    upload_id = page.evaluate(f"() => element.addFile(new File([{bytes_}], 'a.txt'))")
    done = until(page, "() => heard.find(({ type }) => type === 'upload-complete')?.detail")
    assert (done["uploadId"], done["s3Key"]) == (upload_id, f"uploads/alice/in/{upload_id}/a.txt")
    assert done["projectId"] == "films"
    assert page.evaluate("() => asked") == 2
    kinds = set(page.evaluate("() => heard.map(({ type }) => type)"))
    assert {"upload-ready", "upload-snapshot", "upload-complete"} <= kinds
    before = page.evaluate("() => element.firstChild.offsetHeight")
    page.evaluate(
        "() => { element.addFile(new File(['y'], 'b.txt')); element.addFile(new File(['z'], 'c.txt')); }"
    )
    until(page, "(before) => element.firstChild.offsetHeight > before", before)
    page.evaluate("() => element.setAttribute('theme', 'pink')")
    refused = until(page, "() => heard.find(({ type }) => type === 'upload-refused')?.detail")
    assert "theme must be one of" in refused["message"]


def test_one_tag_is_small(site: ServerProcess) -> None:
    """W7: served to everybody, at an address that stays."""
    import gzip
    import urllib.request

    with urllib.request.urlopen(f"{site.url}/embed.js") as answer:
        content = answer.read()
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Type"].startswith("text/javascript")
    assert len(content) <= 4096
    assert len(gzip.compress(content)) <= 2048


def test_its_looks_follow_the_page_around(site: ServerProcess, visitor: Any, host: str) -> None:
    """W8: theme, language, height and width, and nothing but the zone and the list."""
    page = HostPage(visitor, host, site)
    page.configure(token=token_for("alice", 600), theme="dark", locale="de-AT", transparent=True)
    page.heard("READY")
    frame = visitor.frame()
    card = "() => getComputedStyle(document.querySelector('.drop-zone')).backgroundColor"
    dark = frame.evaluate(card)
    page.say("CONFIGURE", theme="light", transparent=False)
    until(frame, f"(dark) => ({card})() !== dark", dark)
    until(frame, "() => document.documentElement.lang === 'de-AT'")
    visitor.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.say("CONFIGURE", theme="system")
    until(frame, f"(dark) => ({card})() === dark", dark)
    for name in ("header", "footer > p:last-of-type"):
        assert frame.evaluate(f"() => getComputedStyle(document.querySelector('{name}')).display") == "none"
    page.add_file("film.bin", 1_500)
    page.heard("COMPLETED")
    until(frame, "() => document.querySelector('.upload .numbers')?.textContent.includes('1,50 kB')")
    page.say("CONFIGURE", locale="en")
    until(frame, "() => document.querySelector('.upload .numbers')?.textContent.includes('1.50 kB')")
    frame.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    for theme in ("light", "dark"):  # U10
        page.say("CONFIGURE", theme=theme)
        until(frame, "(theme) => document.documentElement.dataset.theme === theme", theme)
        found = frame.evaluate("async (tags) => (await axe.run({ runOnly: tags })).violations", WCAG)
        assert [(rule["id"], rule["nodes"][0]["target"]) for rule in found] == [], theme
    for width in (280, 390, 800):
        visitor.page.evaluate(
            "(width) => { frame.style.width = `${width}px`; frame.style.border = 0; }", width
        )
        until(frame, "(width) => innerWidth === width", width)
        assert frame.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
        height = frame.evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")
        page.until(
            "(height) => news.filter(({ type }) => type === 'HEIGHT').at(-1).height === height", height
        )


def test_its_own_buttons_work_as_on_the_plain_page(
    embedded: Line, site: ServerProcess, visitor: Any, host: str, tmp_path: Path
) -> None:
    """W1: a person chooses, pauses and resumes in the frame, and the page around hears of it."""
    page = HostPage(visitor, host, site)
    page.configure(token=token_for("alice", 600), projectId="films")
    page.heard("READY")
    frame = visitor.frame()
    embedded.limit(SLOW)
    file = random_file(tmp_path / "film.bin", SIZE)
    frame.set_input_files("input[type=file]", file)
    row = frame.locator("[data-upload-id]")
    row.get_by_role("button", name="Pause").click()
    page.until("() => news.some(({ session }) => session?.phase === 'paused')")
    row.get_by_role("button", name="Resume").click()
    embedded.limit(None)
    told = page.heard("COMPLETED")
    assert told["projectId"] == "films"
    check_object(site, told, sha256(file))
    assert not row.locator("a[data-object]").is_visible(), "a link would not say who it is"
