"""The JavaScript edge of the client: the worker's port, files, ids. No other module of the client imports `js`.

`worker/upload_worker.js`, loaded before the page's Python, provides `globalThis.uploadWorker`:
`post(text, file)`, `onMessage(callback)`, `onReconnect(callback)`, `kind`, `outlivesPages`, `leads`, and `attempt(target, method, …) → [ok, value]`. Whatever may
throw goes through `attempt`, because MicroPython cannot catch what JavaScript throws synchronously.
"""

import js

from uploads.client.errors import ClientError
from uploads.client.identifiers import uuid4_text

try:
    from pyodide.ffi import JsProxy, create_proxy
except ImportError:
    from jsffi import JsProxy, create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STORAGE_TAG = "[object StorageManager]"
FILE_TAGS = ("[object File]", "[object FileSystemFileHandle]")


class WorkerLink:
    """The page's connection to its upload worker. Raises `ClientError` when the worker's script is not loaded."""

    def __init__(self) -> None:
        if not hasattr(js, "uploadWorker"):
            raise ClientError(
                "worker/upload_worker.js must be loaded, as a module script, before the page's Python"
            )
        self._js_worker: Any = js.uploadWorker
        self._js_callbacks: list[Any] = []
        self._js_watcher: Any = None

    @property
    def kind(self) -> str:
        """ "shared", "dedicated", "page" or "none"."""
        return str(self._js_worker.kind)

    @property
    def outlives_pages(self) -> bool:
        """Whether the worker goes on for some minutes when its last page is gone."""
        return bool(self._js_worker.outlivesPages)

    @property
    def leads(self) -> bool:
        """Whether the worker is this page's own, and works for the pages in other tabs as well."""
        return bool(self._js_worker.leads)

    def listen(
        self,
        receive: "Callable[[str, Any, Callable[[], str] | None], None]",
        reconnected: "Callable[[bool], None]",
    ) -> None:
        """Calls `receive` with the JSON text of every message from the worker, those waiting included, and with the
        file handle beside it, or None. Of a snapshot that text is the head, and with it comes a function that reads the whole.

        Calls `reconnected` when the page has to say hello once more: with True to a new worker, which stands in for
        one that is gone; with False after the page was away, in the back/forward cache.
        """

        def heard(text: str, js_handle: "Any" = None, js_message: "Any" = None) -> None:
            if js_message is None:
                receive(text, js_handle if self.is_file(js_handle) else None, None)
            else:
                receive(text, None, lambda: str(js_message.body))

        self._js_callbacks = [create_proxy(heard), create_proxy(lambda anew: reconnected(bool(anew)))]
        self._js_worker.onReconnect(self._js_callbacks[1])
        self._js_worker.onMessage(self._js_callbacks[0])

    def watch_network(self, hint: "Callable[[], None]") -> None:
        """Calls `hint` when the network may be back: the browser says so, or a person comes back to the page."""

        def happened(js_event: "Any") -> None:
            if str(js_event.type) == "online" or str(js.document.visibilityState) == "visible":
                hint()

        self._js_watcher = create_proxy(happened)
        for js_target, event in self._watched():
            js_target.addEventListener(event, self._js_watcher)

    def _watched(self) -> "list[tuple[Any, str]]":
        return [(js.globalThis, "online"), (js.document, "visibilitychange")]

    def post(self, text: str, js_file: "Any" = None) -> None:
        """Sends a message and the file that belongs to it. Raises `ClientError` when the browser refuses."""
        if js_file is None:
            js_answer = self._js_worker.attempt(self._js_worker, "post", text)
        else:
            js_answer = self._js_worker.attempt(self._js_worker, "post", text, js_file)
        if js_answer[0] is not True:
            raise ClientError(f"the browser could not hand the message to the worker: {js_answer[1]}")

    def is_file(self, value: "Any") -> bool:
        """Whether a value is a `File` or a `FileSystemFileHandle` of the browser."""
        return isinstance(value, JsProxy) and tag_of(value) in FILE_TAGS

    def ask_for_persistence(self) -> None:
        """Asks the browser not to evict this origin's storage. What it answers changes nothing."""
        js_storage = js.Reflect.get(js.navigator, "storage")  # missing where the page is not served securely
        if tag_of(js_storage) == STORAGE_TAG:
            self._js_worker.attempt(js_storage, "persist")

    def ask_permission(self, js_handle: "Any", answered: "Callable[[], None]") -> None:
        """Lets the browser ask the person whether the page may read a file again; it does so in a click only.

        Calls `answered` when it has asked, or will not. Asking may take as long as the person likes.
        """
        attempt(lambda *_: answered(), lambda *_: answered(), js_handle, "requestPermission")

    def with_file(self, js_file: "Any", then: "Callable[[str, str], None]") -> None:
        """Calls `then(name, content type)` of a `File`, or of a `FileSystemFileHandle`'s, whose type may take a moment."""
        if tag_of(js_file) == FILE_TAGS[0]:
            then(str(js_file.name), str(js_file.type))
            return
        name = str(js_file.name)
        attempt(
            lambda js_found: then(name, str(js_found.type)),
            lambda *_: then(name, ""),
            js_file,
            "getFile",
        )

    def new_inspector(self, memory: int, heard: "Callable[[str, Any, str], None]") -> "Inspector | None":
        """A worker for the site's inspectors with at most so many bytes of heap; None where the browser starts none.

        `heard(text, file, reason)`: every message, and the file beside it or None; without text: it has stopped, and why.
        """

        def receive(text: str, js_file: "Any" = None, reason: "Any" = "") -> None:
            heard(text, js_file if self.is_file(js_file) else None, str(reason or ""))

        js_inspector = self._js_worker.newInspector(str(memory), create_proxy(receive))
        return Inspector(js_inspector) if hasattr(js_inspector, "post") else None

    def later(self, milliseconds: int, due: "Callable[[], None]") -> "Callable[[], None]":
        """Calls `due` after a time, unless the function that is returned is called before."""
        js_timer = js.setTimeout(create_proxy(due), milliseconds)
        return lambda: js.clearTimeout(js_timer)

    def file_name(self, js_file: "Any") -> str:
        """The name of a file. Its size is never read here: MicroPython would wrap it to 32 bits."""
        return str(js_file.name)

    def new_id(self) -> str:
        """A UUID that nothing else has."""
        if js.Reflect.has(js.crypto, "randomUUID"):
            return str(js.crypto.randomUUID())
        return uuid4_text(self.random_bytes())

    def random_bytes(self) -> bytes:
        """16 bytes fit for an id. (`crypto.randomUUID` is missing on pages served over plain HTTP.)"""
        js_bytes = js.Uint8Array.new(16)
        js.crypto.getRandomValues(js_bytes)
        return bytes([int(js_bytes[index]) for index in range(16)])

    def close(self) -> None:
        """Stops listening."""
        self._js_worker.onMessage(None)
        self._js_worker.onReconnect(None)
        if self._js_watcher is not None:
            for js_target, event in self._watched():
                js_target.removeEventListener(event, self._js_watcher)
            self._js_callbacks.append(self._js_watcher)
            self._js_watcher = None
        for js_callback in self._js_callbacks:
            if hasattr(js_callback, "destroy"):  # MicroPython's proxies are collected instead
                js_callback.destroy()
        self._js_callbacks = []


class Inspector:
    """The worker of a site's inspectors."""

    def __init__(self, js_inspector: "Any") -> None:
        self._js_inspector = js_inspector

    def post(self, text: str, js_file: "Any") -> None:
        """Sends a job and its file."""
        self._js_inspector.post(text, js_file)

    def end(self) -> None:
        """Ends it, whatever it does."""
        self._js_inspector.end()


def attempt(
    done: "Callable[..., None]", failed: "Callable[..., None]", js_target: "Any", method: str, *values: "Any"
) -> None:
    """Calls a method that gives a promise: `done(its value)`, or `failed(the error)`, with None when it threw at once.

    MicroPython leaves out a value that is undefined.
    """
    js_answer = js.uploadWorker.attempt(js_target, method, *values)
    if js_answer[0] is True:
        js_answer[1].then(create_proxy(done), create_proxy(failed))
    else:
        failed(None)


def tag_of(js_value: "Any") -> str:
    """What kind of object it is, as JavaScript names it: "[object File]"."""
    return str(js.Object.prototype.toString.call(js_value))
