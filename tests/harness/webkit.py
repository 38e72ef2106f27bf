"""A real WebKit for the tests: WebKitGTK's MiniBrowser on a screen of its own, driven over WebDriver.

WebDriver is a dozen small JSON calls (https://www.w3.org/TR/webdriver2/), so nothing stands between it and the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.server import free_port

START_LIMIT = 60.0
"""Seconds for the driver or a page to answer, on a busy machine."""
SCRIPT_LIMIT = 300.0
"""Seconds a script may take: only a hang takes longer, and then it is an error instead of a wait for ever."""
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver hands out an element (the standard's "web element identifier")."""

LISTEN = """
() => {
  if (globalThis.heardByTheTest) return true;
  const heard = (globalThis.heardByTheTest = []);
  for (const level of ["warn", "error"]) {
    const say = console[level];
    console[level] = (...words) => { heard.push(`${level}: ${words.join(" ")}`); say.apply(console, words); };
  }
  addEventListener("error", (event) => heard.push(`uncaught: ${event.message}`));
  addEventListener("unhandledrejection", (event) => heard.push(`uncaught: ${event.reason}`));
  addEventListener("securitypolicyviolation", (event) => heard.push(`policy: ${event.violatedDirective}`));
  return true;
}
"""
"""WebKitGTK keeps the console of an automated page to itself: this hears it from (almost) the page's start on."""


def find_minibrowser() -> str | None:
    """The browser's program: the environment's ``MINIBROWSER``, else where Debian puts it."""
    found = [os.environ.get("MINIBROWSER"), shutil.which("MiniBrowser")]
    found += [str(path) for path in sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))]
    return next((program for program in found if program), None)


class WebDriverError(Exception):
    """The driver refused, or the script failed; the text says which and why."""


class WebKitTab:
    """See ``Tab``. ``console``: where its pages' lines are put when it leaves them, or is asked to ``collect``."""

    def __init__(self, session_url: str, handle: str, console: list[str]) -> None:
        self._url = session_url
        self._handle = handle
        self._console = console
        self._in_frame = False

    def goto(self, url: str, /) -> None:
        self._leave("url", {"url": url})

    def reload(self) -> None:
        self._leave("refresh", {})

    def evaluate(self, expression: str, arg: Any = None, /) -> Any:
        """See ``Tab``. Raises ``WebDriverError`` with the script's own error."""
        source = expression if "=>" in expression else f"() => ({expression})"
        call = f"const [argument, done] = arguments; (async () => ({source})(argument))()"
        call += ".then((value) => done([true, value]), (error) => done([false, String(error)]));"
        ok, value = self.command("POST", "execute/async", {"script": call, "args": [arg]})
        if not ok:
            raise WebDriverError(value)
        return value

    def fill(self, selector: str, text: str) -> None:
        """Give an element a new value; a file input takes the paths of the files, one a line."""
        found = self.command("POST", "element", {"using": "css selector", "value": selector})
        self.command("POST", f"element/{found[ELEMENT]}/clear", {})
        self.command("POST", f"element/{found[ELEMENT]}/value", {"text": text})

    def close(self) -> None:
        """Also where it has crashed, or is closed already."""
        with contextlib.suppress(WebDriverError):
            self.collect()
        with contextlib.suppress(WebDriverError):
            self.command("DELETE", "window")

    def collect(self) -> None:
        self._console += self.evaluate("(globalThis.heardByTheTest ?? []).splice(0)")

    def enter_frame(self) -> None:
        """Ask the first frame from now on, until the next page."""
        self._in_frame = True

    def command(self, method: str, path: str, body: Any = None) -> Any:
        """One call of WebDriver, to this tab."""
        command("POST", f"{self._url}/window", {"handle": self._handle})
        if self._in_frame:
            command("POST", f"{self._url}/frame", {"id": 0})
        return command(method, f"{self._url}/{path}", body)

    def _leave(self, path: str, body: Any) -> None:
        """Go, begin to listen as soon as the next document is there, and wait until it is loaded."""
        self._in_frame = False
        self.collect()
        self.evaluate("globalThis.leftBehind = true")
        self.command("POST", path, body)
        self._until("!globalThis.leftBehind")
        self.evaluate(LISTEN)
        self._until("document.readyState === 'complete'")

    def _until(self, expression: str) -> None:
        end = time.monotonic() + START_LIMIT
        while True:
            try:
                if self.evaluate(expression):
                    return
            except WebDriverError:  # between two documents there is nobody to ask
                pass
            assert time.monotonic() < end, f"never true: {expression}"


class WebKit:
    """One running MiniBrowser. See ``AnyBrowser``.

    As long as it is driven its profile is in memory, and it ends with the first of its processes that is killed: no
    test can start it again where it was, or let one of its tabs crash.
    """

    def __init__(self, program: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._processes: list[subprocess.Popen[bytes]] = []
        screen = self._open_screen()
        port = free_port()
        self._start("WebKitWebDriver", f"--port={port}", "--host=127.0.0.1", DISPLAY=screen)
        driver = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{driver}/status")
            browser = {"binary": program, "args": ["--automation"]}
            wanted = {"pageLoadStrategy": "none", "webkitgtk:browserOptions": browser}
            session = command("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session_url = f"{driver}/session/{session['sessionId']}"
            limits = {"script": int(SCRIPT_LIMIT * 1000), "pageLoad": int(START_LIMIT * 1000)}
            command("POST", f"{self._session_url}/timeouts", limits)
            first = command("GET", f"{self._session_url}/window")
        except BaseException:
            self._end()
            raise
        self._heard: list[str] = []
        self.page = WebKitTab(self._session_url, first, self._heard)
        self._tabs = {first: self.page}

    @property
    def console(self) -> list[str]:
        for handle in command("GET", f"{self._session_url}/window/handles"):
            self._tabs[handle].collect()
        return self._heard

    def frame(self) -> WebKitTab:
        self.page.enter_frame()
        return self.page

    def choose_files(self, *paths: Path, page: WebKitTab | None = None) -> None:
        """Choose files as a person does: WebKit reads them from the disk itself."""
        (page or self.page).fill("input[type=file]", "\n".join(str(path) for path in paths))

    def new_page(self) -> WebKitTab:
        # Where the tab that was asked last is closed, no other one is asked by itself.
        handle = self.page.command("POST", "window/new", {"type": "tab"})["handle"]
        self._tabs[handle] = WebKitTab(self._session_url, handle, self._heard)
        return self._tabs[handle]

    def close(self) -> None:
        try:
            command("DELETE", self._session_url)
        finally:
            self._end()

    def _open_screen(self) -> str:
        """Start an X server that nobody sees; its name."""
        read, write = os.pipe()
        with os.fdopen(read) as answer:
            self._start(
                "Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", fd=write
            )
            os.close(write)
            return f":{answer.readline().strip()}"

    def _start(self, *arguments: str, fd: int | None = None, **environment: str) -> None:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            pass_fds=[] if fd is None else [fd],
            env={**os.environ, **environment},
        )
        self._processes.append(process)

    def _end(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._output.close()


def command(method: str, url: str, body: Any = None) -> Any:
    """One call of WebDriver. Raises ``WebDriverError``."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SCRIPT_LIMIT + 10) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            value = json.load(error)["value"]
        raise WebDriverError(f"{value['error']}: {value['message']}") from None


def _wait_for(url: str) -> None:
    end = time.monotonic() + START_LIMIT
    while True:
        try:
            command("GET", url)
        except OSError:
            assert time.monotonic() < end, "WebKitWebDriver does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def webkit() -> Iterator[Callable[[], WebKit]]:
    """``webkit()`` starts one; it ends with the module. Fails when there is none."""
    program = find_minibrowser()
    if program is None or not shutil.which("WebKitWebDriver") or not shutil.which("Xvfb"):
        pytest.fail(
            "No WebKit was found: install WebKitGTK's driver and Xvfb (Debian: webkit2gtk-driver xvfb)."
        )
    started: list[WebKit] = []

    def start() -> WebKit:
        started.append(WebKit(program))
        return started[-1]

    yield start
    for browser in started:
        browser.close()
