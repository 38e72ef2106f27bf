"""What the page's start does without: modules that come when they are first wanted, in a file of their own.

The site's build puts them apart (`page_bundle.LATER`) and says where they are; where nothing has been put apart, all are there.
"""

import sys

import js

from uploads.client.link import attempt
from uploads.ui import dom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MOUNTED = "/later"
PACKAGES = ("uploads.client", "uploads.protocol", "uploads.ui")
"""Those that have modules in it."""
PIECE = 8192
"""Bytes that are taken over from JavaScript in one step: each costs most of a microsecond."""

_address: "list[str]" = []
_waiting: "list[Callable[[bool], None]]" = []


def use(address: str) -> None:
    """The modules are at this address."""
    _address.append(address)


def load(ready: "Callable[[bool], None]") -> None:
    """Calls `ready(whether they are there)`: at once, or when they have come or have failed to."""
    if not _address:
        ready(True)
        return
    _waiting.append(ready)
    if len(_waiting) == 1:
        attempt(_answered, _failed, js.window, "fetch", _address[0])


def _answered(js_response: "Any") -> None:
    if js_response.ok:
        attempt(_arrived, _failed, js_response, "arrayBuffer")
    else:
        _failed()


def _failed(*_: object) -> None:
    _end(False)


def _end(are_there: bool) -> None:
    waiting = list(_waiting)
    _waiting.clear()
    for ready in waiting:
        ready(are_there)


def _arrived(js_buffer: "Any") -> None:
    dom.Work().begin(_take_over(js.Uint8Array.new(js_buffer)))


def _take_over(js_bytes: "Any") -> "Iterator[None]":
    size = int(js_bytes.length)
    image = bytearray(size)
    for start in range(0, size, PIECE):
        end = min(start + PIECE, size)
        image[start:end] = bytes(js_bytes.subarray(start, end))
        yield
    _mount(bytes(image))
    _address.clear()
    _end(True)


def _mount(image: bytes) -> None:
    """What is imported of `PACKAGES` from now on is looked for among these modules: all others are there already."""
    import vfs  # MicroPython's

    vfs.mount(vfs.VfsRom(image), MOUNTED)
    for package in PACKAGES:
        sys.modules[package].__path__ = f"{MOUNTED}/{package.replace('.', '/')}"  # type: ignore[assignment]
