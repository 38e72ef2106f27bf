"""The widget's JavaScript edge: the window around it, and the port to the page there.

A message from outside reaches Python as text of a known length, or not at all.
"""

import js

from uploads.client.link import FILE_TAGS, tag_of
from uploads.protocol.embed import LONGEST_ORDER, Handshake
from uploads.protocol.errors import ProtocolError
from uploads.ui import dom

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def parameter(name: str) -> str:
    """What the page's address says under this name; "" for nothing."""
    return str(js.URLSearchParams.new(js.location.search).get(name) or "")


def is_origin(text: str) -> bool:
    """Whether `text` is an origin of the web, exactly as browsers write it."""
    js_made = js.uploadWorker.attempt(js.Reflect, "construct", js.URL, js.Array.of(text))
    return js_made[0] is True and str(js_made[1].origin) == text and text.startswith("http")


class HostLine:
    """The way to the page around, at `origin`. `connected()` is called once, when it has answered."""

    def __init__(self, origin: str, connected: "Callable[[], None]") -> None:
        self._origin = origin
        self._connected = connected
        self._handshake = Handshake(origin, _nonce())
        self._js_port: Any = None
        js.window.addEventListener("message", create_proxy(self._heard))
        js_offer = js.JSON.parse(self._handshake.offer())
        js.uploadWorker.attempt(js.window.parent, "postMessage", js_offer, origin)

    def listen(self, hear: "Callable[[str | None, Any, int], None]") -> None:
        """Calls `hear(text, js_file, length)` for every message: text is None when it is none, or longer than allowed."""

        def heard(body: "Any", js_file: "Any", length: int) -> None:
            hear(str(body) if body is not None else None, js_file, int(length))

        js.uploadWorker.listenTo(self._js_port, LONGEST_ORDER, create_proxy(heard))

    def post(self, text: str) -> None:
        """Sends a message."""
        js_message = js.Object.new()
        js_message.body = text
        self._js_port.postMessage(js_message)

    def _heard(self, js_event: "Any") -> None:
        is_parent = dom.same(js_event.source, js.window.parent)
        if not self._handshake.comes_from_host(is_parent, str(js_event.origin)):
            return
        js_text = js.uploadWorker.attempt(js.JSON, "stringify", js_event.data)
        try:
            self._handshake.accept(js_text[1] if js_text[0] is True else None, int(js_event.ports.length))
        except ProtocolError as error:
            js.console.info(f"uploads: a message of the page around was refused: {error}")
            return
        self._js_port = js_event.ports[0]
        self._connected()


def file_name(js_value: "Any") -> "str | None":
    """The name of a file of the browser's, or of a handle of one; None for anything else."""
    return str(js_value.name) if tag_of(js_value) in FILE_TAGS else None


def _nonce() -> str:
    js_bytes = js.crypto.getRandomValues(js.Uint8Array.new(16))
    return "".join([f"{int(js_bytes[index]):02x}" for index in range(16)])
