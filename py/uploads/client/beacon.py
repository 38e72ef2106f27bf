"""The JavaScript edge of the analytics. Bodies are text, so that another origin is not asked for leave first (CORS)."""

import json
import time

import js

from uploads.client.link import attempt

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class BrowserEdge:
    """`analytics.Edge`."""

    def __init__(self) -> None:
        self._kept: list[Any] = []  # proxies live as long as the page

    def now(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def later(self, seconds: float, call: "Callable[[], None]") -> None:
        """Calls it once."""
        js.setTimeout(create_proxy(lambda *_: call()), int(seconds * 1000))

    def send(self, url: str, text: str, answered: "Callable[[bool], None]") -> None:
        """POSTs; nobody's cookies go along. Calls `answered` with whether it was taken."""
        options = {
            "method": "POST",
            "body": text,
            "credentials": "omit",
            "keepalive": True,
            "headers": {"content-type": "text/plain;charset=UTF-8"},
        }
        attempt(
            lambda js_answer, *_: answered(bool(js_answer.ok)),
            lambda *_: answered(False),
            js.globalThis,
            "fetch",
            url,
            js.JSON.parse(json.dumps(options)),
        )

    def beacon(self, url: str, text: str) -> bool:
        """Hands it to the browser to send when it can, after the page's end as well; whether it will."""
        js_answer = js.uploadWorker.attempt(js.navigator, "sendBeacon", url, text)
        return js_answer[0] is True and bool(js_answer[1])

    def watch_leaving(self, left: "Callable[[], None]") -> None:
        """Calls it when the page is hidden, which may be the last that it hears, and when it goes."""

        def hidden(_js_event: "Any") -> None:
            if str(js.document.visibilityState) == "hidden":
                left()

        js_hidden, js_gone = create_proxy(hidden), create_proxy(lambda _js_event: left())
        self._kept += [js_hidden, js_gone]
        js.document.addEventListener("visibilitychange", js_hidden)
        js.globalThis.addEventListener("pagehide", js_gone)
