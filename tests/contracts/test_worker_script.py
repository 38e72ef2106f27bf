"""``upload_worker.js`` in a real Chromium: shared and dedicated, early messages, boots that fail, kills."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page
from uploads import protocol

from tests.browser.uploads_page import FORGETFUL
from tests.contracts.site import Site, snapshot_of
from tests.harness.browser import Browser, Visitor, wait_until
from tests.harness.crashes import end_shared_worker
from tests.harness.marks import mostly_long

pytestmark = pytest.mark.browser

COLLECT = """globalThis.heard = []; uploadWorker.onMessage((body) => heard.push(JSON.parse(body)));"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as running:
        running.snapshot = snapshot_of()
        yield running


def order(role: str, **settings: Any) -> str:
    return json.dumps({"role": role, "clause": role, "settings": settings})


def ask(page: Page, role: str, **settings: Any) -> Any:
    """One order to the worker of the contracts, and its result."""
    send = """(body) => new Promise((done) => { uploadWorker.onMessage(done); uploadWorker.post(body); })"""
    answer = json.loads(page.evaluate(send, order(role, **settings)))
    assert not answer.get("failure", answer.get("message")), answer
    return answer["result"]


def failure(page: Page) -> str:
    """The message with which the engine said that it cannot work, checked by the page's own decoder."""
    page.evaluate(COLLECT)
    wait_until(page, "heard.length > 0")
    message = protocol.decode_worker_response(page.evaluate("JSON.stringify(heard[0])"))
    assert message["type"] == protocol.ENGINE_FAILED
    return str(message["message"])


KINDS = [("", "shared"), ("?worker=dedicated", "dedicated")]


@pytest.mark.parametrize(("query", "kind"), mostly_long(KINDS, {KINDS[0]}))
def test_the_worker_starts_under_its_own_policy(
    chromium: Callable[[], Browser], site: Site, query: str, kind: str
) -> None:
    site.snapshot = None
    browser = chromium()
    browser.page.goto(site.url + query)
    abilities = {"indexeddb": True, "xhr": True, "chromium": True}
    assert ask(browser.page, "describe") == {"kind": kind, "siteUrl": site.url, **abilities}
    assert browser.page.evaluate("uploadWorker.kind") == kind
    assert browser.page.evaluate("uploadWorker.port instanceof MessagePort")
    assert browser.console == []
    browser.close()
    assert browser.hosts() == {site.url.split("/")[2]}, "a host that is not ours was asked"
    asked = {request["url"].removeprefix(site.url) for request in browser.requests()}
    assert {"worker/upload_worker.js", "worker/engine.zip", "vendor/pyodide/pyodide.asm.wasm"} <= asked


def test_two_tabs_share_one_worker(visitor: Visitor, site: Site) -> None:
    visitor.page.goto(site.url)
    other = visitor.new_page()
    other.goto(site.url)
    assert ask(visitor.page, "count") == 1
    assert ask(other, "count") == 2
    visitor.page.close()
    assert ask(other, "count") == 3


@pytest.mark.parametrize("query", ["", "?worker=dedicated"])
def test_messages_from_before_python_arrive_in_order(visitor: Visitor, site: Site, query: str) -> None:
    visitor.page.goto(site.url + query, wait_until="commit")
    wait_until(visitor.page, "globalThis.uploadWorker")
    count = visitor.page.evaluate(
        """(body) => { for (let n = 0; n < 20; n++) uploadWorker.post(body); return 20; }""", order("count")
    )
    visitor.page.evaluate(COLLECT)
    wait_until(visitor.page, "(count) => heard.length >= count", count)
    assert visitor.page.evaluate("heard.map(({ result }) => result)") == list(range(1, count + 1))


def test_messages_wait_for_the_page_to_listen(visitor: Visitor, site: Site) -> None:
    visitor.page.goto(site.url)
    assert ask(visitor.page, "count") == 1
    visitor.page.evaluate("uploadWorker.onMessage(null)")
    visitor.page.evaluate("(body) => { uploadWorker.post(body); uploadWorker.post(body); }", order("count"))
    other = visitor.new_page()
    other.goto(site.url)
    assert ask(other, "count") == 4
    visitor.page.evaluate(COLLECT)
    assert visitor.page.evaluate("heard.map(({ result }) => result)") == [2, 3]


def test_a_shared_worker_that_cannot_start_gives_way_to_a_dedicated_one(visitor: Visitor, site: Site) -> None:
    """A5. Another page of this origin holds the name with other options: Chromium refuses the second SharedWorker."""
    visitor.page.goto(site.url + "cookies")
    visitor.page.evaluate(
        "(url) => { globalThis.holder = new SharedWorker(url, { type: 'classic', name: 'uploads unbuilt' }); }",
        site.url + "worker/upload_worker.js",
    )
    page = visitor.new_page()
    page.goto(site.url, wait_until="commit")
    wait_until(page, "globalThis.uploadWorker")
    page.evaluate("(body) => uploadWorker.post(body)", order("count"))
    page.evaluate(COLLECT)
    wait_until(page, "heard.length > 0")
    assert page.evaluate("heard[0].result") == 1
    assert page.evaluate("uploadWorker.kind") == "dedicated"


def test_no_shared_worker_at_all(visitor: Visitor, site: Site) -> None:
    visitor.context.add_init_script("delete globalThis.SharedWorker;")
    visitor.page.goto(site.url)
    assert ask(visitor.page, "describe")["kind"] == "dedicated"


def test_without_any_worker_a_page_that_cannot_run_it_itself_says_so(visitor: Visitor, site: Site) -> None:
    """A5, D13."""
    site.missing.add("vendor/pyodide/pyodide.mjs")
    visitor.context.add_init_script("delete globalThis.SharedWorker; delete globalThis.Worker;")
    visitor.page.goto(site.url)
    assert "could not start" in failure(visitor.page)
    assert visitor.page.evaluate("uploadWorker.kind") == "page"
    visitor.page.evaluate("uploadWorker.post('{}')")


@pytest.mark.parametrize("query", ["", "?worker=dedicated"])
@pytest.mark.parametrize(
    "missing", mostly_long(["worker/engine.zip", "vendor/pyodide/pyodide.mjs"], {"worker/engine.zip"})
)
def test_a_missing_file_is_said_to_every_page(visitor: Visitor, site: Site, query: str, missing: str) -> None:
    """A5."""
    site.snapshot = None
    site.missing.add(missing)
    visitor.page.goto(site.url + query)
    said = failure(visitor.page)
    assert missing.rpartition("/")[2] in said, said
    late = visitor.new_page()
    late.goto(site.url + query)
    assert failure(late) == said


def test_an_engine_that_raises_is_said_in_one_line(visitor: Visitor, tmp_path: Path) -> None:
    with Site(tmp_path, main="def start(js_host):\n    raise ValueError('no such thing')\n") as site:
        visitor.page.goto(site.url)
        said = failure(visitor.page)
    assert said.endswith("ValueError: no such thing"), said
    assert "Traceback" not in said


@pytest.mark.long
def test_an_engine_that_ends_later_is_said_too(visitor: Visitor, tmp_path: Path) -> None:
    main = "import asyncio\nasync def start(js_host):\n    await asyncio.sleep(0.1)\n    raise ValueError('a bug')\n"
    with Site(tmp_path, main=main) as site:
        visitor.page.goto(site.url)
        assert failure(visitor.page).endswith("ValueError: a bug")


def test_an_interpreter_that_dies_is_said_too(visitor: Visitor, tmp_path: Path) -> None:
    """A read beyond the memory is the end of Pyodide: no Python runs after it."""
    main = (
        "import asyncio, ctypes\n"
        "def start(js_host):\n"
        "    asyncio.get_event_loop().call_later(0.1, ctypes.string_at, 2**32 - 64, 32)\n"
    )
    with Site(tmp_path, main=main) as site:
        visitor.page.goto(site.url)
        assert "memory access out of bounds" in failure(visitor.page)


RECONNECTED = """globalThis.reconnected = []; uploadWorker.onReconnect((anew) => reconnected.push(anew));"""
LIVELY = """
import asyncio, json
from pyodide.ffi import create_proxy
from upload_engine.browser.bridge import to_object
count = left = 0
def start(js_host):
    def on_port(js_port):
        def hear(js_event):
            global count, left
            body = getattr(js_event.data, "body", None)
            left += bool(getattr(js_event.data, "gone", False))
            if body == "fail":
                failing.set_exception(ValueError("a bug"))
            elif body in ("count", "left", "alone"):
                count += body == "count"
                answer = {"count": count, "left": left, "alone": js_host.alone}[body]
                js_port.postMessage(to_object({"body": json.dumps(answer)}))
        js_port.addEventListener("message", create_proxy(hear))
        js_port.start()
    failing = asyncio.get_running_loop().create_future()
    js_host.onPort(create_proxy(on_port))
    return failing
"""
"""An engine that counts for its pages, and the pages that have left, until one of them lets it fail."""


@pytest.fixture
def lively(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, main=LIVELY) as running:
        running.snapshot = snapshot_of(LIVELY)
        yield running


def count(page: Page, what: str = "count") -> Any:
    return page.evaluate(
        """(what) => new Promise((done) => { uploadWorker.onMessage((body) => done(JSON.parse(body))); uploadWorker.post(what); })""",
        what,
    )


def open_tab(page: Page, url: str) -> Page:
    """With somebody who listens to its worker, whichever that is."""
    page.goto(url)
    page.evaluate(RECONNECTED)
    return page


ALONE = "?worker=dedicated"


@pytest.mark.parametrize("how", mostly_long(["closed", "crashed", "its worker fails"], {"closed"}))
def test_without_a_shared_worker_one_tab_leads_and_the_next_takes_over(
    visitor: Visitor, lively: Site, how: str
) -> None:
    """Fault 50, fault 53. A follower that leaves is a port that is gone."""
    leader, next_one, last = pages = [visitor.new_page(), visitor.page, visitor.new_page()]
    for number, page in enumerate(pages, 1):
        assert count(open_tab(page, lively.url + ALONE)) == number
    gone = visitor.new_page()
    assert count(open_tab(gone, lively.url + ALONE)) == 4
    gone.close()
    while count(next_one, "left") < 1:
        next_one.wait_for_timeout(20)
    if how == "closed":
        leader.close()
    elif how == "crashed":
        with leader.expect_event("crash"), contextlib.suppress(Error):
            leader.goto("chrome://crash")
    else:
        leader.evaluate("uploadWorker.post('fail')")
    rest = pages if how == "its worker fails" else [next_one, last]
    for page in rest:
        wait_until(page, "reconnected.length > 0")
    assert sorted(count(page) for page in rest) == list(range(1, len(rest) + 1)), "one worker for all"
    assert [page.evaluate("reconnected") for page in rest] == [[True]] * len(rest)
    next_one.close()
    wait_until(last, "reconnected.length > 1")
    assert count(last) == 1


@pytest.mark.long
def test_a_tab_that_stands_by_tries_again_when_it_is_to_lead(visitor: Visitor, lively: Site) -> None:
    """Fault 50: its worker could not be loaded in whole while it stood by."""
    leader, next_one = visitor.new_page(), visitor.page
    assert count(open_tab(leader, lively.url + ALONE)) == 1
    lively.missing.add("worker/engine.zip")
    with next_one.expect_worker():
        open_tab(next_one, lively.url + ALONE)
    assert count(next_one) == 2
    next_one.wait_for_timeout(3_000)
    lively.missing.clear()
    leader.close()
    wait_until(next_one, "reconnected.length > 0")
    assert count(next_one) == 1


@pytest.mark.parametrize(
    "queries", [(FORGETFUL, ALONE), (ALONE, "")], ids=["shared first", "dedicated first"]
)
def test_tabs_with_and_without_a_shared_worker_have_one_engine(
    visitor: Visitor, lively: Site, queries: tuple[str, str]
) -> None:
    """Fault 50."""
    first, second = visitor.new_page(), visitor.page
    assert count(open_tab(first, lively.url + queries[0])) == 1
    assert count(open_tab(second, lively.url + queries[1])) == 2
    assert count(first) == 3
    first.close()
    wait_until(second, "reconnected.length > 0")
    assert count(second) == 1


@pytest.mark.parametrize("query", ["", ALONE])
def test_a_page_of_another_build_gets_a_worker_of_its_own_and_the_old_page_goes_along(
    visitor: Visitor, lively: Site, query: str
) -> None:
    """Fault 50: the old worker ends before the new one begins to work."""
    old, new = visitor.page, visitor.new_page()
    assert count(open_tab(old, lively.url + query)) == 1
    old.evaluate(COLLECT)
    lively.build = "later"
    open_tab(new, lively.url + query).evaluate(COLLECT)
    wait_until(new, "heard.length > 0")
    assert "finishes what it has on its way" in new.evaluate("heard[0].message")
    wait_until(old, "reconnected.length > 0")
    assert count(new) == 1
    assert old.evaluate("reconnected") == [True]
    assert [message["uploadId"] for message in old.evaluate("heard")] == [None]
    assert "another version" in old.evaluate("heard[0].message")
    assert count(old) == 2, "one worker for both"
    new.close()
    wait_until(old, "(times) => reconnected.length === times", 2 if query else 1)
    assert count(old) == (1 if query else 3)
    assert not [line for line in visitor.console if "stopped" in line]


def test_a_worker_of_another_build_than_its_page_says_so(visitor: Visitor, lively: Site) -> None:
    """The site was built anew while the page was open, and then its worker died."""
    assert count(open_tab(visitor.page, lively.url)) == 1
    visitor.page.evaluate(COLLECT)
    lively.build = "later"
    end_shared_worker(visitor)
    wait_until(visitor.page, "heard.length > 0")
    assert "another version" in visitor.page.evaluate("heard[0].message")
    assert count(visitor.page) == 1


def test_without_locks_every_dedicated_worker_is_alone_and_knows_it(
    chromium: Callable[..., Browser], lively: Site
) -> None:
    browser = chromium("--host-resolver-rules=MAP plain.test 127.0.0.1")
    url = lively.url.replace("127.0.0.1", "plain.test") + ALONE
    for page in (browser.page, browser.new_page()):
        assert count(open_tab(page, url)) == 1
        assert count(page, "alone") is True
    assert count(open_tab(browser.new_page(), lively.url + ALONE), "alone") is False


@pytest.mark.parametrize("how", ["killed", "a bug"])
def test_a_worker_that_ends_is_replaced_for_every_page(visitor: Visitor, lively: Site, how: str) -> None:
    """Fault 53."""
    pages = [visitor.page, visitor.new_page()]
    for page in pages:
        page.goto(lively.url)
        page.evaluate(RECONNECTED)
    assert [count(page) for page in pages] == [1, 2]
    if how == "killed":
        end_shared_worker(visitor)
    else:
        pages[0].evaluate("uploadWorker.post('fail')")
    for page in pages:
        wait_until(page, "reconnected.length > 0")
    assert sorted(count(page) for page in pages) == [1, 2], "one new worker for both"
    assert [page.evaluate("reconnected") for page in pages] == [[True], [True]]
    assert {"error: uploads: the worker stopped." in line for line in visitor.console} >= {True}


def test_a_worker_that_keeps_ending_is_said_in_the_end(visitor: Visitor, lively: Site) -> None:
    """Fault 53: a dedicated one here. What it died of is told."""
    visitor.page.goto(lively.url + "?worker=dedicated")
    visitor.page.evaluate(RECONNECTED)
    for crashes in range(1, 4):
        assert count(visitor.page) == 1
        visitor.page.evaluate("uploadWorker.post('fail')")
        wait_until(visitor.page, "(crashes) => reconnected.length === crashes", crashes)
    assert count(visitor.page) == 1
    visitor.page.evaluate("uploadWorker.onMessage(null)")
    visitor.page.evaluate("uploadWorker.post('fail')")
    assert failure(visitor.page).endswith("stopped again and again. ValueError: a bug")
    visitor.page.evaluate("uploadWorker.post('count')")


@pytest.mark.long
def test_without_locks_a_worker_that_fails_is_replaced_all_the_same(
    chromium: Callable[..., Browser], lively: Site
) -> None:
    """Fault 53: pages of plain http have no locks; the worker's last word has to do."""
    browser = chromium("--host-resolver-rules=MAP plain.test 127.0.0.1")
    browser.page.goto(lively.url.replace("127.0.0.1", "plain.test"))
    assert browser.page.evaluate("navigator.locks === undefined")
    browser.page.evaluate(RECONNECTED)
    assert count(browser.page) == 1
    browser.page.evaluate("uploadWorker.post('fail')")
    wait_until(browser.page, "reconnected.length > 0")
    assert count(browser.page) == 1


def test_attempt_never_throws(visitor: Visitor, site: Site) -> None:
    visitor.page.goto(site.url)

    def attempt(arguments: str) -> Any:
        return visitor.page.evaluate(f"uploadWorker.attempt({arguments})")

    assert attempt("Math, 'max', 1, 2") == [True, 2]
    assert attempt("document, 'querySelector', '!'")[0] is False
    assert attempt("document, 'querySelector', '!'")[1].startswith("SyntaxError: ")
    assert attempt("null, 'anything'")[0] is False
    assert attempt("{}, 'nothing'")[1].startswith("TypeError: ")
    assert attempt("{ fail() { throw undefined } }, 'fail'") == [False, "Error: unknown error"]


def test_the_signer_speaks_for_the_same_person_as_the_page(visitor: Visitor, site: Site) -> None:
    visitor.page.goto(site.url)
    assert ask(visitor.page, "who am i") == "guest=someone"


def test_a_saved_record_survives_kill_9(chromium: Callable[[], Browser], site: Site) -> None:
    browser = chromium()
    browser.page.goto(site.url)
    assert ask(browser.page, "records", database="kept", save=1000) == [1000]
    browser.kill()
    page = browser.restart()
    page.goto(site.url)
    assert ask(page, "records", database="kept") == [1000]


@pytest.mark.long
def test_python_that_writes_to_stderr_is_heard_on_the_console(visitor: Visitor, tmp_path: Path) -> None:
    main = "import sys\ndef start(js_host):\n    print('a warning of Python', file=sys.stderr)\n"
    with Site(tmp_path, main=main) as site:
        visitor.page.goto(site.url)
        while not visitor.console:
            visitor.page.wait_for_timeout(20)
    assert visitor.console == ["error: uploads: a warning of Python"]
