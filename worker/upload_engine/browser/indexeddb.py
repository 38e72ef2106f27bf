"""Sessions in IndexedDB: database ``uploads``, readable in any browser's developer tools.

======== ======================= =============================================
store    key                     value
======== ======================= =============================================
sessions [userId, uploadId]      one session's record; index ``userId``
files    [userId, uploadId]      a file's handle or copy, kept for the next visit (see ``kept_files``)
meta     a name                  any JSON-able value
======== ======================= =============================================

A transaction ends by itself as soon as control goes back to the browser with no request open, and an ``await`` gives
control back: so all requests of one transaction are made at once or in answer to one, and only its end is awaited.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import js
from pyodide.ffi import ConversionError, JsException, create_once_callable

from upload_engine.browser.bridge import Listeners, error_name, to_object
from upload_engine.browser.database import Migration, failure_name, open_database
from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import Record

DATABASE = "uploads"


def _create_stores(js_database: Any) -> None:
    js_sessions = js_database.createObjectStore("sessions", to_object({"keyPath": ["userId", "uploadId"]}))
    js_sessions.createIndex("userId", "userId")
    js_database.createObjectStore("files")
    js_database.createObjectStore("meta")


MIGRATIONS: list[Migration] = [_create_stores]
"""Step n takes the database from version n to n + 1; a step that was released is never changed."""


class IndexedDbStore:
    """SessionStore in this origin's database. Opened at first use, and anew after another version has closed it."""

    def __init__(self, name: str = DATABASE, migrations: Sequence[Migration] = tuple(MIGRATIONS)) -> None:
        self._name = name
        self._migrations = migrations
        self._js_database: Any = None
        self._opening = asyncio.Lock()
        self._listeners = Listeners()

    async def load(self, user_id: str) -> list[Record]:
        """See ``SessionStore.load``."""
        js_records = await self.run(
            "sessions", "readonly", lambda js_store: js_store.index("userId").getAll(user_id)
        )
        found: list[Record] = json.loads(js.JSON.stringify(js_records))
        return found

    async def save(self, records: Sequence[Record]) -> None:
        """See ``SessionStore.save``."""
        text = json.dumps(records)
        await self.run("sessions", "readwrite", lambda js_store: js.uploadEdge.putAll(js_store, text))

    async def delete(self, keys: Sequence[tuple[str, str]]) -> None:
        """See ``SessionStore.delete``."""

        def delete_all(js_store: Any) -> None:
            for key in keys:
                js_store.delete(to_object(list(key)))

        await self.run("sessions", "readwrite", delete_all)

    async def adopt(self, user_id: str) -> None:
        """See ``SessionStore.adopt``."""

        def move_all(js_store: Any) -> Any:
            js_reading = js_store.index("userId").getAll("")
            js_reading.onsuccess = create_once_callable(lambda _: move(js_store, js_reading.result))
            return js_reading

        def move(js_store: Any, js_records: Any) -> None:
            for js_record in js_records:
                js_store.delete(to_object(["", js_record.uploadId]))
                js_record.userId = user_id
                js_store.put(js_record)

        await self.run("sessions", "readwrite", move_all)

    async def get_meta(self, key: str) -> Any:
        """See ``SessionStore.get_meta``."""
        value = await self.get_raw_meta(key)
        return value.to_py() if hasattr(value, "to_py") else value

    async def set_meta(self, key: str, value: Any) -> None:
        """See ``SessionStore.set_meta``."""
        await self.set_raw_meta(key, to_object(value))

    async def get_raw_meta(self, key: str) -> Any:
        """A value as JavaScript keeps it: for what has no form in Python, such as a ``CryptoKey``."""
        return await self.run("meta", "readonly", lambda js_store: js_store.get(key))

    async def set_raw_meta(self, key: str, js_value: Any) -> None:
        """Keep a JavaScript value that can be cloned."""
        await self.run("meta", "readwrite", lambda js_store: js_store.put(js_value, key))

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        if self._js_database is not None:
            self._listeners.clear()
            self._js_database.close()
            self._js_database = None

    async def run(self, store: str, mode: str, ask: Callable[[Any], Any]) -> Any:
        """Make the requests of one transaction; return the last one's result once the transaction is complete."""
        js_transaction = await self._begin(store, mode)
        js_ended = js.uploadEdge.ended(js_transaction)
        try:
            js_request = ask(js_transaction.objectStore(store))
        except (ConversionError, JsException) as error:
            js_transaction.abort()
            raise StorageFault(f"the browser's storage refused a record ({failure_name(error)})") from None
        if failure := str(await js_ended):
            raise StorageFault(f"the browser's storage refused to work ({failure})")
        return js_request.result if js_request is not None else None

    async def _begin(self, store: str, mode: str) -> Any:
        """A new transaction; the database is opened once more if it was closed behind our back."""
        js_database = await self._open()
        try:
            return js_database.transaction(store, mode)
        except JsException:
            self.close()
            js_database = await self._open()
        try:
            return js_database.transaction(store, mode)
        except JsException as error:
            raise StorageFault(f"the browser's storage is closed ({error_name(error)})") from None

    async def _open(self) -> Any:
        async with self._opening:
            if self._js_database is None:
                self._js_database = await open_database(self._name, self._migrations)
                self._listeners.add(self._js_database, "versionchange", lambda _: self.close())
                self._listeners.add(self._js_database, "close", lambda _: self.close())
            return self._js_database
