"""Parts, by either of a browser's two ways to send them; the request itself is ``uploadEdge.put``, in ``upload_worker.js``.

XMLHttpRequest says how much of a body has been handed to the operating system, which runs ahead of the wire by the socket's
buffers (megabytes). ``fetch`` says nothing before the end, in any browser, and costs less.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count

import js
from pyodide.ffi import create_proxy

from upload_engine.browser.blob import file_fault
from upload_engine.browser.bridge import settable
from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import HttpResponse, PutRequest

TEXT_LIMIT = 64 * 1024
"""Bytes of an answer that are read: enough for any error document, too little to fill the memory."""
NO_RESPONSE, NO_FILE = 0, -1
"""What stands in place of a status."""


class _Transport:
    """PartTransport. The page's cookies never go to the store."""

    _way: str

    def __init__(self) -> None:
        self._numbers = count(1)
        self._listeners: dict[int, Callable[[int], None]] = {}
        self._js_hear = create_proxy(self._hear)  # one for all: to make one costs as much as a request does

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """See ``PartTransport.put``."""
        number = next(self._numbers)
        self._listeners[number] = on_progress
        fields = None if request.fields is None else dict(request.fields)
        text = json.dumps(
            {
                "url": request.url,
                "headers": settable(request.headers.items()),
                "fields": fields,
                "md5": request.md5,
            }
        )
        js_sending = js.uploadEdge.put(
            self._way, text, request.body.content, TEXT_LIMIT, number, self._js_hear
        )
        try:
            status, headers, text = json.loads(await js_sending.answer)
        except asyncio.CancelledError:
            js_sending.abort()
            raise
        finally:
            del self._listeners[number]
        if status == NO_FILE:
            raise file_fault(text)
        if status == NO_RESPONSE:
            raise NetworkFault(
                f"the connection to the store was lost, or its answer was not for this page ({text})"
            )
        return HttpResponse(status, dict(headers), text)

    def _hear(self, number: int, sent: float) -> None:
        if listener := self._listeners.get(int(number)):
            listener(int(sent))


class XhrTransport(_Transport):
    """PartTransport with progress within a part."""

    _way = "xhr"


class FetchTransport(_Transport):
    """PartTransport for parts that are gone in about a second: it knows of no progress."""

    _way = "fetch"
