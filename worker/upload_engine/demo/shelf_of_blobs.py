"""The demo's edge to JavaScript: the bytes of parts as ``Blob`` objects in IndexedDB, in memory where there is none.

Database ``uploads-demo-bucket``: store ``uploads`` (an upload's record by its id) and ``parts`` (a ``Blob`` by id and number).
A ``Blob`` that is put into a database is copied to the disk by the browser itself: no byte of it enters the worker.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import js
from pyodide.ffi import JsException

from upload_engine.browser.blob import check_readable
from upload_engine.browser.bridge import to_object
from upload_engine.browser.database import Migration
from upload_engine.browser.indexeddb import IndexedDbStore
from upload_engine.core.errors import FileUnreadable, StorageFault
from upload_engine.demo.shelf import STEP, StorageFull
from upload_engine.interfaces import PartBody, Record

DATABASE = "uploads-demo-bucket"


def _create_stores(js_database: Any) -> None:
    js_database.createObjectStore("uploads", to_object({"keyPath": "uploadId"}))
    js_database.createObjectStore("parts")


MIGRATIONS: list[Migration] = [_create_stores]


class ShelfOfBlobs:
    """Shelf. database: its name, None where there is none to try; one that cannot be opened is done without."""

    def __init__(self, database: str | None = DATABASE) -> None:
        self._store = IndexedDbStore(database, MIGRATIONS) if database else None
        self._memory: dict[tuple[str, int], Any] = {}
        self._records: dict[str, Record] = {}

    async def records(self) -> list[Record]:
        """See ``Shelf.records``."""
        if self._store is None:
            return list(self._records.values())
        try:
            js_records = await self._store.run("uploads", "readonly", lambda js_store: js_store.getAll())
        except StorageFault:
            self._store = None
            return []
        return [js_record.to_py() for js_record in js_records]

    async def keep_record(self, record: Record) -> None:
        """See ``Shelf.keep_record``."""
        if self._store is None:
            self._records[record["uploadId"]] = record
        else:
            js_record = to_object(record)
            await self._store.run("uploads", "readwrite", lambda js_store: js_store.put(js_record))

    async def keep_part(self, upload_id: str, number: int, body: PartBody) -> None:
        """See ``Shelf.keep_part``."""
        await self._check_room(body.size)
        js_content = body.content
        if not hasattr(js_content, "arrayBuffer"):
            js_content = js.Blob.new(to_object([js_content]))
        if self._store is None:
            js_buffer = await _array_buffer(js_content)  # a copy: the file itself may change or go
            self._memory[upload_id, number] = js.Blob.new(to_object([js_buffer]))
            return
        try:
            await self._put(upload_id, number, js_content)
        except StorageFull:
            raise
        except StorageFault:
            await check_readable(body)
            # WebKit keeps no Blob in a window that leaves nothing behind, but plain memory it does.
            await self._put(upload_id, number, await _array_buffer(js_content))

    async def _put(self, upload_id: str, number: int, js_value: Any) -> None:
        assert self._store is not None
        js_key = to_object([upload_id, number])
        try:
            await self._store.run("parts", "readwrite", lambda js_store: js_store.put(js_value, js_key))
        except StorageFault as fault:
            if "Quota" in fault.message:
                raise StorageFull from None
            raise

    async def forget(self, upload_id: str) -> None:
        """See ``Shelf.forget``."""
        self._records.pop(upload_id, None)
        for key in [key for key in self._memory if key[0] == upload_id]:
            del self._memory[key]
        if self._store:
            js_range = js.IDBKeyRange.bound(to_object([upload_id]), to_object([upload_id, []]))
            await self._store.run("parts", "readwrite", lambda js_store: js_store.delete(js_range))
            await self._store.run("uploads", "readwrite", lambda js_store: js_store.delete(upload_id))

    async def pieces(self, upload_id: str, number: int) -> AsyncIterator[bytes]:
        """See ``Shelf.pieces``."""
        async for piece in _steps(await self._part(upload_id, number)):
            yield piece

    async def pieces_of(self, body: PartBody) -> AsyncIterator[bytes]:
        """See ``Shelf.pieces_of``."""
        async for piece in _steps(body.content):
            yield piece

    async def link(self, upload_id: str, numbers: Sequence[int], content_type: str) -> str:
        """See ``Shelf.link``. A ``blob:`` address."""
        js_parts = [await self._part(upload_id, number) for number in numbers]
        js_object = js.Blob.new(to_object(js_parts), to_object({"type": content_type}))
        return str(js.URL.createObjectURL(js_object))

    def unlink(self, url: str) -> None:
        """See ``Shelf.unlink``."""
        js.URL.revokeObjectURL(url)

    async def room(self) -> int | None:
        """See ``Shelf.room``."""
        js_estimate = await _estimate()
        return None if js_estimate is None else int(js_estimate.quota)

    async def _part(self, upload_id: str, number: int) -> Any:
        if self._store is None:
            return self._memory[upload_id, number]
        js_key = to_object([upload_id, number])
        return await self._store.run("parts", "readonly", lambda js_store: js_store.get(js_key))

    async def _check_room(self, size: int) -> None:
        js_estimate = await _estimate()
        if js_estimate is not None and js_estimate.quota - js_estimate.usage < size:
            raise StorageFull


async def _estimate() -> Any:
    """What the browser says of its room; None where it does not."""
    if not hasattr(js.navigator, "storage"):
        return None
    try:
        return await js.navigator.storage.estimate()
    except (AttributeError, JsException):
        return None


async def _steps(js_content: Any) -> AsyncIterator[bytes]:
    is_blob = hasattr(js_content, "arrayBuffer")
    for start in range(0, int(js_content.size if is_blob else js_content.byteLength), STEP):
        js_piece = js_content.slice(start, start + STEP)
        if is_blob:
            js_piece = await _array_buffer(js_piece)
        yield js_piece.to_bytes()


async def _array_buffer(js_blob: Any) -> Any:
    try:
        return await js_blob.arrayBuffer()
    except JsException:
        raise FileUnreadable("the file has been changed, or can no longer be read") from None
