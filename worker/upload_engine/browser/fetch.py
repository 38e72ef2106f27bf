"""Requests by ``fetch``: parts whose progress nobody would see, and the calls to the signing server.

``fetch`` reports no upload progress in any browser. Cancelling a task that awaits it does not abort the request, so
every request carries an ``AbortController``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException

from upload_engine.browser.blob import check_readable
from upload_engine.browser.bridge import error_name, settable, to_object
from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import ApiRequest, HttpResponse, PutRequest

PART_TEXT_LIMIT = 64 * 1024
"""Bytes read of a store's answer to a part."""
CALL_TEXT_LIMIT = 8 * 1024 * 1024
"""Bytes read of a signing server's answer: a list of 10,000 parts takes about 1.5 MB."""


class FetchTransport:
    """PartTransport for parts that are gone in about a second: it knows of no progress before the end."""

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """See ``PartTransport.put``. The page's cookies never go to the store."""
        options = {"method": "PUT", "headers": settable(request.headers.items()), "credentials": "omit"}
        js_options = to_object(options)
        js_options.body = request.body.content
        try:
            response = await _fetch(request.url, js_options, PART_TEXT_LIMIT)
        except NetworkFault:
            await check_readable(request.body)
            raise
        await check_readable(request.body)
        on_progress(request.body.size)
        return response


class FetchSigner:
    """UploadSigner at ``base_url``, which ends without a slash; ``""`` is the worker's own origin.

    credentials: ``fetch``'s word for who gets the cookie: "same-origin" (the default), "include" or "omit"; with a token
    nobody does.
    """

    def __init__(self, base_url: str = "", credentials: str = "same-origin", token: str = "") -> None:
        self.token = token
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials

    async def call(self, request: ApiRequest) -> HttpResponse:
        """See ``UploadSigner.call``."""
        headers = [("accept", "application/json")]
        options: dict[str, Any] = {
            "method": request.method,
            "credentials": "omit" if self.token else self._credentials,
            "cache": "no-store",
        }
        if self.token:
            headers.append(("authorization", f"Bearer {self.token}"))
        if request.json is not None:
            headers.append(("content-type", "application/json"))
            options["body"] = json.dumps(request.json)
        options["headers"] = headers
        return await _fetch(self._base_url + request.path, to_object(options), CALL_TEXT_LIMIT)


async def _fetch(url: str, js_options: Any, text_limit: int) -> HttpResponse:
    """One request whose cancellation aborts it, also while its answer is being read."""
    js_controller = js.AbortController.new()
    js_options.signal = js_controller.signal
    try:
        js_response = await js.fetch(url, js_options)
        headers = {str(pair[0]): str(pair[1]) for pair in js_response.headers.entries()}
        return HttpResponse(js_response.status, headers, await _text(js_response, text_limit))
    except asyncio.CancelledError:
        js_controller.abort()
        raise
    except JsException as error:
        raise NetworkFault(
            f"the connection was lost, or the answer was not for this page ({error_name(error)})"
        ) from None


async def _text(js_response: Any, limit: int) -> str:
    """At most ``limit`` bytes of the body; the rest is not even fetched."""
    if not js_response.body:
        return ""
    js_reader = js_response.body.getReader()
    content = bytearray()
    while len(content) < limit:
        js_step = await js_reader.read()
        if js_step.done:
            break
        content += js_step.value.to_bytes()
    else:
        await js_reader.cancel()
    return bytes(content[:limit]).decode("utf-8", "replace")
