"""A guest's key as a ``CryptoKey`` that can sign but cannot be read, kept in the database's ``meta``.

Web Crypto exists in secure contexts only (HTTPS, or a loopback address): elsewhere nothing is kept.
"""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, to_js

from upload_engine.browser.bridge import error_name, to_object
from upload_engine.browser.indexeddb import IndexedDbStore
from upload_engine.core.errors import StorageFault

META = "guestKey"
HMAC_SHA_256 = {"name": "HMAC", "hash": "SHA-256"}


class CryptoGuestKey:
    """GuestKey over Web Crypto and the sessions' database."""

    def __init__(self, store: IndexedDbStore) -> None:
        self._store = store
        self._js_subtle = getattr(js.crypto, "subtle", None)

    async def user_id(self) -> str:
        """See ``GuestKey.user_id``."""
        js_kept = await self._store.get_raw_meta(META)
        return str(js_kept.userId) if js_kept and self._js_subtle else ""

    async def keep(self, user_id: str, key: bytes) -> None:
        """See ``GuestKey.keep``."""
        if not self._js_subtle:
            return
        try:
            js_key = await self._js_subtle.importKey(
                "raw", to_js(key), to_object(HMAC_SHA_256), False, to_object(["sign"])
            )
        except JsException as error:
            raise StorageFault(f"the browser refused a key ({error_name(error)})") from None
        js_value = to_object({"userId": user_id})
        js_value.key = js_key
        await self._store.set_raw_meta(META, js_value)

    async def prove(self, challenge: str) -> str:
        """See ``GuestKey.prove``."""
        js_kept: Any = await self._store.get_raw_meta(META)
        if not js_kept or not self._js_subtle:
            raise StorageFault("no guest's key is kept")
        try:
            js_proof = await self._js_subtle.sign("HMAC", js_kept.key, to_js(challenge.encode()))
        except JsException as error:
            raise StorageFault(f"the browser refused to use a key ({error_name(error)})") from None
        proof: bytes = js_proof.to_bytes()
        return proof.hex()
