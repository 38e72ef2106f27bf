"""The JavaScript edge of encryption."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import to_js


class Lock:
    """AES-256-GCM by WebCrypto, with one key and the same additional data for every piece."""

    def __init__(self, js_key: Any, header: bytes) -> None:
        self._js_key = js_key
        self._js_header = to_js(header)

    @classmethod
    async def with_key(cls, key: bytes, header: bytes) -> Lock:
        """Raises RuntimeError where the browser offers no WebCrypto, which it does on https and localhost alone."""
        js_subtle: Any = getattr(js.crypto, "subtle", None)
        if not hasattr(js_subtle, "importKey"):
            raise RuntimeError("this page is not served securely (https): the browser locks nothing here")
        js_key = await js_subtle.importKey("raw", to_js(key), "AES-GCM", False, to_js(["encrypt"]))
        return cls(js_key, header)

    async def seal(self, nonce: bytes, content: bytes) -> bytes:
        """The piece, locked, and its tag."""
        js_how = js.Object.new()
        js_how.name, js_how.iv, js_how.additionalData = "AES-GCM", to_js(nonce), self._js_header
        js_sealed = await js.crypto.subtle.encrypt(js_how, self._js_key, to_js(content))
        sealed: bytes = js_sealed.to_bytes()
        return sealed
