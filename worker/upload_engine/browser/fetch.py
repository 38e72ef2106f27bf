"""Calls to the signing server, by ``fetch``. Cancelling one aborts the request, also while its answer is being read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import js
from pyodide.ffi import JsException

from upload_engine.browser.bridge import error_name
from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import ApiRequest, HttpResponse

CALL_TEXT_LIMIT = 8 * 1024 * 1024
"""Bytes read of a signing server's answer: a list of 10,000 parts takes about 1.5 MB."""


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
        # ``uploadEdge`` is ``upload_worker.js``'s.
        js_call = js.uploadEdge.call(self._base_url + request.path, json.dumps(options), CALL_TEXT_LIMIT)
        try:
            status, headers, text = json.loads(await js_call.answer)
        except asyncio.CancelledError:
            js_call.abort()
            raise
        except JsException as error:
            raise NetworkFault(
                f"the connection was lost, or the answer was not for this page ({error_name(error)})"
            ) from None
        return HttpResponse(status, dict(headers), text)
