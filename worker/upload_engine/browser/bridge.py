"""What several adapters need to talk to JavaScript: plain objects, error names, one-shot event listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

FORBIDDEN_HEADERS = frozenset({"content-length", "host"})
"""Headers that may be signed but that a browser writes itself and lets nobody set (Fetch standard, forbidden names)."""


def to_object(value: Any) -> Any:
    """A JSON-able value as JavaScript objects and arrays all the way down. None becomes ``undefined``."""
    return to_js(value, dict_converter=js.Object.fromEntries, create_pyproxies=False)


def settable(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that a page has to set itself."""
    return [(name, value) for name, value in headers if name.lower() not in FORBIDDEN_HEADERS]


def error_name(error: JsException) -> str:
    """``NotReadableError``, ``QuotaExceededError``, ``TypeError`` …: the only part of an error fit for messages.

    Texts of browser errors may hold addresses, and addresses may hold signatures.
    """
    return str(getattr(error, "name", "") or "Error")


class Listeners:
    """Event listeners that go all at once: by ``clear``, or at the end of a ``with``."""

    def __init__(self) -> None:
        self._all: list[tuple[Any, str, Any]] = []

    def add(self, js_target: Any, event: str, callback: Callable[[Any], None]) -> None:
        js_callback = create_proxy(callback)
        js_target.addEventListener(event, js_callback)
        self._all.append((js_target, event, js_callback))

    def __enter__(self) -> Listeners:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove them. Safe within one of them."""
        while self._all:
            js_target, event, js_callback = self._all.pop()
            js_target.removeEventListener(event, js_callback)
            js_callback.destroy()
