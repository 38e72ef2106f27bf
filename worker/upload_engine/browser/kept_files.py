"""Files for the next visit, in the sessions' database: as handles where the browser gives handles, else as copies.

A handle is a way to a file and no bytes; whether the way is open the browser decides anew at every visit. A ``File``
that is put into a database is copied, byte by byte (measured: 2 to 4 s per GiB), and needs no permission to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import js
from pyodide.ffi import JsException

from upload_engine.browser.blob import BlobFile
from upload_engine.browser.bridge import to_object
from upload_engine.browser.indexeddb import IndexedDbStore
from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import FileSource, KeptFile


class IndexedDbFiles:
    """FileKeeper over the database's store ``files``.

    copy_limit, offline_limit: bytes of the largest file to copy, at any time and while the signing server is out of
    reach; None for no copies. hand_out_slices: as in ``BlobFile``.
    """

    def __init__(
        self,
        store: IndexedDbStore,
        copy_limit: int | None,
        offline_limit: int | None = None,
        *,
        hand_out_slices: bool,
    ) -> None:
        self._store = store
        self._least_offline = offline_limit or 0
        self._hand_out_slices = hand_out_slices
        self.copy_up_to(copy_limit)

    def copy_up_to(self, largest: int | None) -> None:
        """See ``FileKeeper.copy_up_to``."""
        self._copy_limit = largest or 0
        self._offline_limit = max(self._copy_limit, self._least_offline)

    async def keep(
        self, user_id: str, upload_id: str, file: FileSource, *, is_offline: bool = False
    ) -> Literal["handle", "copy", ""]:
        """See ``FileKeeper.keep``."""
        assert isinstance(file, BlobFile)
        if file.js_handle is not None:
            await self._put(user_id, upload_id, file.js_handle)
            return "handle"
        if file.size > (self._offline_limit if is_offline else self._copy_limit):
            return ""
        await _check_room(file.size)
        await self._put(user_id, upload_id, file.js_file)
        return "copy"

    async def recall(self, user_id: str) -> dict[str, KeptFile]:
        """See ``FileKeeper.recall``."""
        kept = await self._read(user_id)
        return {upload_id: await self._look_at(js_value) for upload_id, js_value in kept.items()}

    async def forget(self, user_id: str, upload_id: str) -> None:
        """See ``FileKeeper.forget``."""
        js_key = to_object([user_id, upload_id])
        await self._store.run("files", "readwrite", lambda js_store: js_store.delete(js_key))

    async def adopt(self, user_id: str) -> None:
        """See ``FileKeeper.adopt``. A copy may be copied once more, so each has a transaction of its own."""
        for upload_id, js_value in (await self._read("")).items():
            await self._store.run("files", "readwrite", _moving(upload_id, user_id, js_value))

    async def _read(self, user_id: str) -> dict[str, Any]:
        """The handles and copies by upload id."""
        js_range = js.IDBKeyRange.bound(to_object([user_id]), to_object([user_id, []]))
        js_keys: list[Any] = []

        def get_all(js_store: Any) -> Any:
            js_keys.append(js_store.getAllKeys(js_range))
            return js_store.getAll(js_range)

        js_values = await self._store.run("files", "readonly", get_all)
        return dict(zip([str(js_key[1]) for js_key in js_keys[0].result], js_values, strict=True))

    async def _put(self, user_id: str, upload_id: str, js_value: Any) -> None:
        js_key = to_object([user_id, upload_id])
        await self._store.run("files", "readwrite", lambda js_store: js_store.put(js_value, js_key))

    async def _look_at(self, js_kept: Any) -> KeptFile:
        if not hasattr(js_kept, "getFile"):
            return KeptFile("open", self._file(js_kept), is_copy=True)
        try:
            state = str(await js_kept.queryPermission())
            if state == "granted":
                return KeptFile("open", self._file(await js_kept.getFile(), js_kept))
        except JsException:  # moved, deleted, or on a drive that is not there
            return KeptFile("choose")
        return KeptFile("denied" if state == "denied" else "ask", handle=js_kept)

    def _file(self, js_file: Any, js_handle: Any = None) -> BlobFile:
        return BlobFile(js_file, hand_out_slices=self._hand_out_slices, js_handle=js_handle)


def _moving(upload_id: str, user_id: str, js_value: Any) -> Callable[[Any], Any]:
    """The requests that make a file of nobody's the user's."""

    def move(js_store: Any) -> Any:
        js_store.put(js_value, to_object([user_id, upload_id]))
        return js_store.delete(to_object(["", upload_id]))

    return move


async def _check_room(size: int) -> None:
    """Raise StorageFault when the browser says that so many bytes are too many. It does not say everywhere.

    A tenth of what the browser grants stays free: sessions have to be written down as well.
    """
    if not hasattr(js.navigator, "storage"):
        return
    try:
        js_estimate = await js.navigator.storage.estimate()
    except JsException:
        return
    if 0.9 * js_estimate.quota - js_estimate.usage < size:
        raise StorageFault("there is not enough room")
