"""A large file that nobody has to choose. With `dom` and `files` the page's JavaScript edge.

Firefox does not read a `File` of over 1 MiB that a page has put together in memory and handed to a worker. Read once through
a `Response` its bytes are in a file of the browser's own, and can be read anywhere.
"""

import js

from uploads.client.link import attempt
from uploads.ui import dom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PIECE = 1_000_000
"""Bytes made in one go, so that no task of the page grows long."""
MOST_RANDOM = 62_500
"""Bytes that the browser is asked for at a time; it gives at most 65,536."""


class FileMaker:
    """Makes one file of random bytes at a time. `done(js_file)`, or `done(None)` when the browser could not."""

    def __init__(self, done: "Callable[[Any], None]") -> None:
        self._done = done
        self._js_pieces: Any = None
        self._missing = 0
        self._name = ""
        self._later = dom.Later(self._go_on, 0)

    def make(self, pieces: int, name: str) -> None:
        """Begin with a file of so many `PIECE`s."""
        self._js_pieces = js.Array.new()
        self._missing = pieces
        self._name = name
        self._later.ask()

    def _go_on(self) -> None:
        if not self._missing:
            js_response = js.Response.new(js.Blob.new(self._js_pieces))
            self._js_pieces = None
            attempt(self._finish, lambda *_: self._done(None), js_response, "blob")
            return
        js_bytes = js.Uint8Array.new(PIECE)
        for start in range(0, PIECE, MOST_RANDOM):
            js.crypto.getRandomValues(js_bytes.subarray(start, start + MOST_RANDOM))
        self._js_pieces.push(js.Blob.new(js.Array.of(js_bytes)))
        self._missing -= 1
        self._later.ask()

    def _finish(self, js_blob: "Any") -> None:
        self._done(js.File.new(js.Array.of(js_blob), self._name))
