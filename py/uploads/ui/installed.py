"""The site as something installed: its service worker, the copy that it keeps, and files that come from the system.

With `dom` and `files` the page's JavaScript edge. In a frame, without a secure origin or without storage there is no
service worker; then nothing here does anything, and nothing is said.
"""

import js

from uploads.client.link import attempt
from uploads.ui import dom

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SCRIPT = "service_worker.js"
LEFT_OUT = "uploads without a copy"
"""The name in localStorage under which it is remembered that a person wants no copy."""
TOLD_AGAIN = 3_000
"""Milliseconds after which a newer version that has not begun is told again to."""


def _property(js_object: "Any", name: str) -> "Any":
    """A property whose reading may throw; None then, and where there is none: MicroPython's `undefined` is no None."""
    if not js.Reflect.has(js_object, name):
        return None
    js_answer = js.uploadWorker.attempt(js.Reflect, "get", js_object, name)
    return (js_answer[1] or None) if js_answer[0] is True else None


class SiteCopy:
    """The copy of the site that a service worker keeps in this browser.

    `told(kept)` is called whenever it becomes known whether there is one; `renewed()` when a newer version of the site
    waits to be used.
    """

    def __init__(self, told: "Callable[[bool], None]", renewed: "Callable[[], None]") -> None:
        self._told = told
        self._renewed = renewed
        self._js_registration: Any = None
        self._js_container: Any = None if dom.is_framed() else _property(js.navigator, "serviceWorker")
        self._js_storage: Any = _property(js.window, "localStorage")

    @property
    def is_possible(self) -> bool:
        """Whether this browser keeps a copy here."""
        return self._js_container is not None

    @property
    def is_wanted(self) -> bool:
        """False once a person has removed it here."""
        if self._js_storage is None:
            return True
        js_answer = js.uploadWorker.attempt(self._js_storage, "getItem", LEFT_OUT)
        return not (js_answer[0] is True and js_answer[1])

    def keep(self) -> None:
        """Has a copy kept, and looks for a newer version."""
        if self._js_storage is not None:
            js.uploadWorker.attempt(self._js_storage, "removeItem", LEFT_OUT)
        js_options = js.Object.new()
        js_options.updateViaCache = "none"
        attempt(self._registered, _nothing, self._js_container, "register", SCRIPT, js_options)

    def remove(self, *, remember: bool = True) -> None:
        """Removes the copy. `remember`: for later visits, too."""
        if remember and self._js_storage is not None:
            js.uploadWorker.attempt(self._js_storage, "setItem", LEFT_OUT, "yes")

        def found(js_registration: "Any" = None) -> None:
            if js_registration:
                attempt(_nothing, _nothing, js_registration, "unregister")

        def named(js_names: "Any") -> None:
            for index in range(int(js_names.length)):
                name = str(js_names[index])
                if name.startswith("uploads site " + scope):
                    attempt(_nothing, _nothing, js.caches, "delete", name)

        scope = str(js.URL.new("./", js.location.href).pathname) + " "
        attempt(found, _nothing, self._js_container, "getRegistration")
        attempt(named, _nothing, js.caches, "keys")
        self._js_registration = None
        self._told(False)

    def take_over(self) -> None:
        """Has the newer version used, and loads the page anew with it.

        A service worker may be stopped with a message unread: it is told again until the newer version has begun.
        """
        js_waiting = self._js_registration.waiting
        if not js_waiting:  # another tab has had it used meanwhile
            js.location.reload()
            return

        def tell(*_: object) -> None:
            js_waiting.postMessage("take over")

        self._js_container.addEventListener("controllerchange", create_proxy(lambda *_: js.location.reload()))
        js.setInterval(create_proxy(tell), TOLD_AGAIN)
        tell()

    def _registered(self, js_registration: "Any") -> None:
        self._js_registration = js_registration
        js_registration.addEventListener("updatefound", create_proxy(self._found))
        if js_registration.installing:
            self._found()
        elif js_registration.waiting:
            self._installed()
        else:  # it may have lost what it keeps: ask it to look
            _ask(js_registration.active, "keep all", lambda _js_event: self._told(True))

    def _found(self, *_: object) -> None:
        js_new = self._js_registration.installing

        def changed(*_: object) -> None:
            if str(js_new.state) == "installed":
                self._installed()

        js_new.addEventListener("statechange", create_proxy(changed))

    def _installed(self) -> None:
        self._told(True)
        if self._js_registration is not None and self._js_registration.active:
            self._renewed()


def take_opened(take: "Callable[[Any], None]") -> None:
    """Calls `take` with the handle of each file that the system has this site open, now and later."""
    js_queue = _property(js.window, "launchQueue")
    if js_queue is None:
        return

    def launched(js_parameters: "Any") -> None:
        js_handles = js_parameters.files
        for index in range(int(js_handles.length)):
            take(js_handles[index])

    js_queue.setConsumer(create_proxy(launched))


def take_shared(take: "Callable[[Any], None]") -> None:
    """Calls `take` with each `File` that another program has shared with this site, which the service worker has."""
    js_container = _property(js.navigator, "serviceWorker")
    js_controller = js_container.controller if js_container is not None else None

    def handed_over(js_event: "Any") -> None:
        for index in range(int(js_event.data.length)):
            take(js_event.data[index])

    if js_controller:
        _ask(js_controller, "shared files", handed_over)


def _ask(js_worker: "Any", what: str, answered: "Callable[[Any], None]") -> None:
    """Sends a service worker a message with a port, and calls `answered(js_event)` with what comes back on it."""
    js_channel = js.MessageChannel.new()
    js_channel.port1.onmessage = create_proxy(answered)
    js_worker.postMessage(what, js.Array.of(js_channel.port2))


def _nothing(*_: object) -> None:
    """What cannot be kept is done without."""
