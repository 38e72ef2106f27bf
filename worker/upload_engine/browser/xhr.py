"""Parts by XMLHttpRequest: the one way in which a browser says how much of a body has been sent.

Progress counts bytes handed to the operating system, which run ahead of the wire by the socket's buffers (megabytes).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from upload_engine.browser.blob import check_readable
from upload_engine.browser.bridge import Listeners, error_name, settable
from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import HttpResponse, PutRequest

TEXT_LIMIT = 64 * 1024
"""Bytes of an answer that are read: enough for any error document, too little to fill the memory."""
PROGRESS_PAUSE = 0.2
"""Seconds between two progress reports of one request. The XMLHttpRequest standard has 0.05, which five requests make a hundred a
second of: more than anybody sees.

WebKit fires thousands a second instead; while nobody listens they cost nothing.
"""


class XhrTransport:
    """PartTransport with progress within a part."""

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """See ``PartTransport.put``. The page's cookies never go to the store."""
        js_xhr, js_content, headers = (
            js.XMLHttpRequest.new(),
            request.body.content,
            settable(request.headers.items()),
        )
        if request.fields is not None:
            js_form = js.uploadEdge.form(json.dumps(dict(request.fields)), js_content)
            js_content = js_form.content
            headers += [(str(name), str(value)) for name, value in js_form.headers]
        try:
            js_xhr.open("PUT" if request.fields is None else "POST", request.url)
            for name, value in headers:
                js_xhr.setRequestHeader(name, value)
        except JsException as error:
            raise NetworkFault(
                f"the browser refused the store's address or headers ({error_name(error)})"
            ) from None
        js_xhr.responseType = "arraybuffer"
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def end(_: Any) -> None:
            if not ended.done():
                ended.set_result(None)

        with _Progress(js_xhr.upload, request.body.size, on_progress), Listeners() as listeners:
            listeners.add(js_xhr, "loadend", end)
            js_xhr.send(js_content)
            try:
                await ended
            except asyncio.CancelledError:
                js_xhr.abort()
                raise
        await check_readable(request.body)
        if js_xhr.status == 0:
            raise NetworkFault("the connection to the store was lost, or its answer was not for this page")
        return HttpResponse(js_xhr.status, _headers(js_xhr), _text(js_xhr))


class _Progress:
    """Hears a request's progress at most every ``PROGRESS_PAUSE``, and its last word; says it in absolute bytes."""

    def __init__(self, js_upload: Any, size: int, on_progress: Callable[[int], None]) -> None:
        self._js_upload = js_upload
        self._size = size
        self._on_progress = on_progress
        self._sent = -1

    def __enter__(self) -> None:
        self._js_tell = create_proxy(self._tell)
        self._js_end = js.uploadEdge.watch(self._js_upload, PROGRESS_PAUSE * 1000, self._js_tell)

    def __exit__(self, *_: object) -> None:
        self._js_end()
        self._js_tell.destroy()

    def _tell(self, loaded: float) -> None:
        sent = min(int(loaded), self._size)
        if sent > self._sent:  # a browser that repeats a request on a new connection counts from 0 again
            self._sent = sent
            self._on_progress(sent)


def _headers(js_xhr: Any) -> dict[str, str]:
    lines = str(js_xhr.getAllResponseHeaders() or "").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _text(js_xhr: Any) -> str:
    try:
        content: bytes = js_xhr.response.slice(0, TEXT_LIMIT).to_bytes()
    except (AttributeError, JsException):  # null: an answer without a readable body
        return ""
    return content.decode("utf-8", "replace")
