"""A real Chromium for the tests, started as a process of our own so that it can be killed like one.

``chromium`` is a pytest fixture: a function that starts one ``Browser`` on a profile directory. Playwright drives it
over its debugging port, and never touches its network: what a page and its workers ask for is read from Chromium's
own net log, which leaves out nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser as Connection
from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Page, Playwright, sync_playwright
from uploads.server.checks import find_chromium

from tests.harness.secrets import EVIDENCE, LISTEN_IN

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--password-store=basic",
    "--use-mock-keychain",
]
START_LIMIT = 60.0
"""Seconds for the browser to open its debugging port, on a busy machine."""


class _Tabs:
    """The tabs of one profile.

    page: its first tab; console: lines of the pages' consoles at level warning or error, and uncaught exceptions, of
    all tabs so far.
    """

    context: BrowserContext
    page: Page

    def __init__(self) -> None:
        self.console: list[str] = []

    def _take(self, context: BrowserContext) -> None:
        self.context = context
        context.add_init_script(LISTEN_IN)
        context.on("page", self._watch)
        for page in context.pages:
            self._watch(page)

    def _watch(self, page: Page) -> None:
        def heard(message: ConsoleMessage) -> None:
            EVIDENCE.write("console", message.text)
            if message.type in ("warning", "error"):
                self.console.append(f"{message.type}: {message.text}")

        def failed(error: Exception) -> None:
            EVIDENCE.write("console", str(error))
            self.console.append(f"uncaught: {error}")

        page.on("console", heard)
        page.on("pageerror", failed)

    def frame(self) -> Frame:
        return self.page.frames[1]

    def new_page(self) -> Page:
        """Another tab."""
        return self.context.new_page()

    def choose_files(
        self, *paths: Path, selector: str = "input[type=file]", page: Page | None = None
    ) -> None:
        """Choose files as a person does: the browser reads them from the disk itself, whatever their size."""
        (page or self.page).set_input_files(selector, [str(path) for path in paths])

    def look(self) -> None:
        """Collect what the tabs show and hold, for the test about secrets."""
        for page in self.context.pages:
            EVIDENCE.look_at(page)


class Visitor(_Tabs):
    """A visitor with a profile of its own, which is forgotten at the end, in a Chromium that runs already."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._take(connection.new_context())
        self.page = self.context.new_page()

    def close(self) -> None:
        self.look()
        self.context.close()


class Browser(_Tabs):
    """One running Chromium with one profile. pid: of the main process. See ``_Tabs`` for the rest.

    ``all_in_front``: Playwright's default, by which every page believes that it is visible and has the focus.
    """

    def __init__(
        self, playwright: Playwright, program: str, profile: Path, *flags: str, all_in_front: bool = True
    ) -> None:
        super().__init__()
        self._playwright = playwright
        self._program = program
        self._flags = flags
        self._all_in_front = all_in_front
        self.profile = profile
        self._start()

    def _start(self) -> None:
        self.profile.mkdir(parents=True, exist_ok=True)
        port_file = self.profile / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        self._net_log = self.profile / f"net-{time.monotonic_ns()}.json"
        flags = [*FLAGS, *self._flags, f"--user-data-dir={self.profile}", f"--log-net-log={self._net_log}"]
        command = [self._program, *flags, "--remote-debugging-port=0", "about:blank"]
        output = (self.profile / "output.txt").open("ab")
        with output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        self.pid = self._process.pid
        deadline = time.monotonic() + START_LIMIT
        while not (port_file.exists() and (lines := port_file.read_text().splitlines())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                said = (self.profile / "output.txt").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._program} did not start: {said}")
            time.sleep(0.05)
        self._connection: Connection = self._playwright.chromium.connect_over_cdp(
            f"http://127.0.0.1:{lines[0]}", is_local=True, no_defaults=not self._all_in_front
        )
        self._take(self._connection.contexts[0])
        self.page = self.context.pages[0]

    def visit(self) -> Visitor:
        """Somebody else, with no cookie, record or worker of anybody's."""
        return Visitor(self._connection)

    @contextlib.contextmanager
    def tracing_tasks(self) -> Iterator[list[float]]:
        """Filled at the end: milliseconds for which each task of the pages' main threads kept a processor busy.

        A busy machine makes tasks last longer and not work longer; what a page's ``longtask`` entries tell is both.
        """
        tasks: list[float] = []
        self._connection.start_tracing(page=self.page, categories=["toplevel"])
        yield tasks
        events = json.loads(self._connection.stop_tracing())["traceEvents"]
        main = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        tasks += [
            event["tdur"] / 1000
            for event in events
            if (event["pid"], event["tid"]) in main
            and event["name"].endswith("::RunTask")
            and "tdur" in event
        ]

    def close(self) -> None:
        """End it politely, so that its profile and its log are complete."""
        if self._process.poll() is not None:
            return
        self.look()
        with contextlib.suppress(Exception):
            self._connection.new_browser_cdp_session().send("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        with contextlib.suppress(Exception):
            self._connection.close()
        EVIDENCE.look_at_requests(self._net_log.read_text(errors="replace"))

    def kill(self) -> None:
        """``kill -9`` of the browser and all its helpers, which live in a process group of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(Exception):
            self._connection.close()

    def restart(self) -> Page:
        """Start again on the same profile, after ``kill`` or ``close``. The tabs of before are gone."""
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (self.profile / name).unlink(missing_ok=True)
        self._start()
        return self.page

    def requests(self) -> list[dict[str, Any]]:
        """Every request since the start, workers' too, from the net log: ``{url, method}``. Best after ``close``."""
        return [
            {"url": event["params"]["url"], "method": event["params"].get("method", "")}
            for event in _net_log_events(self._net_log)
            if event.get("params", {}).get("url")
            and event["params"].get("initiator", "not an origin") != "not an origin"
        ]

    def most_at_once(self, method: str) -> int:
        """How many requests of this method were under way at the same time, at the most. Best after ``close``."""
        alive = _net_log_constants(self._net_log)["logEventTypes"]["REQUEST_ALIVE"]
        under_way: set[int] = set()
        most = 0
        for event in _net_log_events(self._net_log):
            source = event["source"]["id"]
            if event.get("params", {}).get("method") == method:
                under_way.add(source)
                most = max(most, len(under_way))
            elif event["type"] == alive and event["phase"] == PHASE_END:
                under_way.discard(source)
        return most

    def hosts(self) -> set[str]:
        """``host:port`` of every request that a page or worker made."""
        return {urlsplit(request["url"]).netloc for request in self.requests()} - {""}


PHASE_END = 2
"""In a net log: 0 is an event without length, 1 its beginning, 2 its end."""


def _net_log_constants(path: Path) -> dict[str, Any]:
    """The first line of a net log says what its numbers mean."""
    with path.open(errors="replace") as file:
        constants: dict[str, Any] = json.loads(file.readline().rstrip(",\n") + "}")["constants"]
        return constants


def _net_log_events(path: Path) -> Iterator[dict[str, Any]]:
    """The log holds one event a line, and lacks its last lines after a kill."""
    for line in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line.rstrip(","))
            if isinstance(event, dict) and "constants" not in event:
                yield event


def wait_until(page: Page, script: str, argument: Any = None) -> Any:
    """Ask a page until the answer is true, and return it. Playwright's own way evaluates strings, which a page's
    content security policy forbids; a wait that never ends is ended by the test's time limit.
    """
    while not (answer := page.evaluate(script, argument)):
        page.wait_for_timeout(20)
    return answer


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """While it runs its event loop counts as running in this thread, and ``asyncio.run`` refuses to work: hence no
    longer than a module. A test that needs both takes ``tests.fakes.background``.
    """
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium_program() -> str:
    program = find_chromium()
    if program is None:
        pytest.fail(
            "No Chromium was found: install it, or name its program in the environment variable CHROMIUM."
        )
    return program


@pytest.fixture
def chromium(
    playwright: Playwright, chromium_program: str, tmp_path: Path
) -> Iterator[Callable[..., Browser]]:
    """``chromium()`` starts a ``Browser`` on a profile of its own; more arguments are more flags. Ends with the test."""
    started: list[Browser] = []

    def start(*flags: str, profile: str = "profile", all_in_front: bool = True) -> Browser:
        browser = Browser(playwright, chromium_program, tmp_path / profile, *flags, all_in_front=all_in_front)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()


@pytest.fixture(scope="module")
def shared_chromium(
    playwright: Playwright, chromium_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """One Chromium for the tests of a module, each of which is another visitor."""
    browser = Browser(playwright, chromium_program, tmp_path_factory.mktemp("chromium") / "profile")
    yield browser
    browser.close()


@pytest.fixture
def visitor(shared_chromium: Browser) -> Iterator[Visitor]:
    """A new visitor."""
    visitor = shared_chromium.visit()
    yield visitor
    visitor.close()
