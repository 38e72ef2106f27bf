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
from upload_engine.browser.bridge import error_name, settable
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
        options = {
            "method": "PUT" if request.fields is None else "POST",
            "headers": settable(request.headers.items()),
            "credentials": "omit",
        }
        fields = None if request.fields is None else dict(request.fields)
        try:
            response = await _fetch(request.url, options, PART_TEXT_LIMIT, request.body.content, fields)
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
        body: str | None = None
        if request.json is not None:
            headers.append(("content-type", "application/json"))
            body = json.dumps(request.json)
        options["headers"] = headers
        return await _fetch(self._base_url + request.path, options, CALL_TEXT_LIMIT, body)


async def _fetch(
    url: str, options: dict[str, Any], text_limit: int, js_body: Any, fields: dict[str, str] | None = None
) -> HttpResponse:
    """One request whose cancellation aborts it, also while its answer is being read. ``uploadEdge`` is ``upload_worker.js``'s."""
    js_fields = js.undefined if fields is None else json.dumps(fields)
    js_sending = js.uploadEdge.send(
        url, json.dumps(options), js.undefined if js_body is None else js_body, js_fields, text_limit
    )
    try:
        status, headers, text = json.loads(await js_sending.answer)
    except asyncio.CancelledError:
        js_sending.abort()
        raise
    except JsException as error:
        raise NetworkFault(
            f"the connection was lost, or the answer was not for this page ({error_name(error)})"
        ) from None
    return HttpResponse(status, dict(headers), text)
