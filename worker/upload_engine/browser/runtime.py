"""The interpreter itself, made whole: Python may have been restored from an image of its memory, taken at build time.

What must differ from worker to worker is made anew here, and what the image lacks of the standard library is fetched
when something imports it.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

ARCHIVE = Path("/lib/python{}{}.zip".format(*sys.version_info))
"""Where Pyodide keeps the library."""
TURN_SECONDS = 0.005
"""Of a turn, at the most."""
NAMES = sys.stdlib_module_names | {"pyodide", "_pyodide"}
"""What may be in it."""


def wake(library_url: str) -> None:
    """Call it once, before anything else. library_url: of the archive with the whole standard library."""
    hasten(asyncio.get_running_loop())
    random.seed()  # from the browser's entropy; in the image lies the state of the machine that built it
    sys.meta_path.append(WholeLibrary(library_url))


def hasten(loop: asyncio.AbstractEventLoop) -> None:
    """Let what a loop is to call soon be called in turns, as asyncio's own loops do, not each by a timer of its own.

    Pyodide's loop asks JavaScript for every single step of every task, which costs more than most steps do (measured: 60 of 75 µs); to ask for a turn by a
    timer costs as much.
    """
    vars(loop)["call_soon"] = ReadyQueue(loop).call_soon


class ReadyQueue:
    """What is to be called soon, in order. A turn is cut short so that messages and timers have theirs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready: deque[asyncio.Handle] = deque()
        self._is_due = False
        self._js_ask = js.uploadEdge.turns(create_proxy(self._take_turn))

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """See ``asyncio.AbstractEventLoop.call_soon``."""
        handle = asyncio.Handle(callback, args, self._loop, context)
        self._ready.append(handle)
        if not self._is_due:
            self._is_due = True
            self._js_ask()
        return handle

    def _take_turn(self) -> None:
        asyncio._set_running_loop(self._loop)  # JavaScript may call from a stack of its own
        end = time.monotonic() + TURN_SECONDS
        try:
            while self._ready and time.monotonic() < end:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            self._is_due = bool(self._ready)
            if self._is_due:
                self._js_ask()


class WholeLibrary:
    """Finds modules of the standard library that are not there: gets the whole of it, once, in place of what there is."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_here = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder` has it. Blocks while the archive is fetched, since an import has to."""
        if self._is_here or name.partition(".")[0] not in NAMES:
            return None
        self._is_here = True  # whatever this imports itself is not to be looked for here
        content = _fetch(self._url)
        if content is None:  # no network: whoever imports hears that there is no such module
            self._is_here = False
            return None
        ARCHIVE.write_bytes(content)
        importlib.invalidate_caches()
        sys.path_importer_cache.clear()
        return PathFinder.find_spec(name, path, target)


def _fetch(url: str) -> bytes | None:
    js_request = js.XMLHttpRequest.new()
    try:
        js_request.open("GET", url, False)
        js_request.responseType = "arraybuffer"  # which a page may not have without waiting
        js_request.send()
    except JsException:
        return None
    return js_request.response.to_bytes() if js_request.status == 200 else None
