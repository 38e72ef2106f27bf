"""The line to one page: a ``MessagePort``, of a shared and of a dedicated worker alike.

A message is ``{body: <JSON text>, file?: File | FileSystemFileHandle}``, or has the bytes of a file that is to be made here (``made``); with ``head: <JSON text>`` beside a snapshot, the
last one ``{gone: true}``; the page is another party and may send anything. A handle is turned into its file first, so messages wait for one another to stay
in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from upload_engine.browser.blob import BlobFile
from upload_engine.browser.bridge import to_object
from upload_engine.interfaces import FileSource


class MessagePortLine:
    """Port over a ``MessagePort``. hand_out_slices: as in ``BlobFile``."""

    def __init__(self, js_port: Any, *, hand_out_slices: bool) -> None:
        self._js_port = js_port
        self._hand_out_slices = hand_out_slices
        self._waiting: deque[Any] = deque()
        self._reader: asyncio.Task[None] | None = None

    def post(self, body: str, handle: Any = None, head: str = "") -> None:
        """See ``Port.post``. The handle is a ``FileSystemFileHandle``."""
        js_message = to_object({"body": body, "head": head} if head else {"body": body})
        if handle is not None:
            js_message.file = handle
        self._js_port.postMessage(js_message)

    def listen(
        self, on_message: Callable[[str, FileSource | None], None], on_gone: Callable[[], None]
    ) -> None:
        """See ``Port.listen``. A message that is not one is dropped; its text is never repeated."""
        self._on_message, self._on_gone = on_message, on_gone
        self._js_receive = create_proxy(self._receive)
        self._js_port.addEventListener("message", self._js_receive)
        self._js_port.start()

    def _close(self) -> None:
        """Hear and say nothing more."""
        self._js_port.close()
        self._js_port.removeEventListener("message", self._js_receive)
        self._js_receive.destroy()

    def _receive(self, js_event: Any) -> None:
        self._waiting.append(js_event.data)
        if self._reader is None:
            self._reader = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                js_data = self._waiting.popleft()
                if getattr(js_data, "gone", None) is True:
                    self._close()
                    self._on_gone()
                    break
                body = getattr(js_data, "body", None)
                if isinstance(body, str):
                    js_made = getattr(js_data, "made", None)
                    js_file = _made(js_made) if js_made else getattr(js_data, "file", None)
                    self._on_message(body, await self._file(js_file))
        finally:
            self._reader = None

    async def _file(self, js_file: Any) -> FileSource | None:
        """The file beside a message; None when there is none, or when its handle no longer leads to it."""
        js_handle = js_file if hasattr(js_file, "getFile") else None
        try:
            if js_handle is not None:
                js_file = await js_handle.getFile()
        except JsException:
            return None
        if js.Object.prototype.toString.call(js_file) != "[object File]":
            return None  # not "if not js_file": an empty file is false in Python
        return BlobFile(js_file, hand_out_slices=self._hand_out_slices, js_handle=js_handle)


def _made(js_made: Any) -> Any:
    """A ``File`` of what came with a message: see ``pack`` in ``upload_worker.js``."""
    js_options = to_object({"type": str(js_made.type), "lastModified": int(js_made.lastModified)})
    return js.File.new(to_object([js_made.bytes]), str(js_made.name), js_options)
