"""What this worker can do, asked once at the start."""

from __future__ import annotations

from dataclasses import dataclass

import js


@dataclass(frozen=True, slots=True)
class Capabilities:
    """indexeddb: there is a database to try (opening it may still fail, as in private windows);
    xhr: progress within parts can be seen; chromium: the browser notices that a file changed while it is sent.
    """

    indexeddb: bool
    xhr: bool
    chromium: bool


def detect() -> Capabilities:
    """Look at the globals. Chromium is known by its user agent: how it reads files cannot be asked otherwise.

    Chrome on iOS (``CriOS``) is WebKit and does not count. An opaque origin, as in a sandboxed frame, has no storage.
    """
    return Capabilities(
        indexeddb=str(js.origin) != "null" and bool(getattr(js, "indexedDB", None)),
        xhr=hasattr(js, "XMLHttpRequest"),
        chromium="Chrome/" in str(js.navigator.userAgent),
    )
