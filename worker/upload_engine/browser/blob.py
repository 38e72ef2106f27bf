"""A person's file, as a browser's ``File``.

A File is a promise to read a disk later. Chromium keeps the promise or says no: a slice of a file that has changed
since fails to read and fails to be sent, so slices are handed out as they are and the bytes never enter the worker.
Firefox and WebKit send what they find, or hang; there every part is read first, its length checked, and a few
kilobytes from all over the file are compared with what they were: a File there never tells of its new date.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import js
from pyodide.ffi import JsException

from upload_engine.browser.bridge import error_name, to_object
from upload_engine.browser.just_read import JustRead
from upload_engine.core.checksums import Checksums
from upload_engine.core.crc64 import to_base64
from upload_engine.core.errors import FileChanged, FileFault, FileUnreadable
from upload_engine.core.fingerprint import is_taken_whole, sample_of, sample_ranges
from upload_engine.core.limits import LITTLE
from upload_engine.interfaces import PartBody, WholeFile

WITNESS_SIZE = 1024
"""Bytes at the start of every sampled range that are looked at again with every part."""

CHANGED, SHORTER = "Changed", "Shorter"
"""Faults of ``upload_worker.js``'s own, beside the names of errors."""

HASH_STEP = 8 * 1024 * 1024
"""Bytes hashed at a time by MD5: 16 ms of work (``hashlib``, 500 MB/s). Smaller reads are slower by the byte (measured: 1 MiB 190, 8 MiB 500 MB/s)."""

JUST_READ = JustRead()
"""One for all files: there is one memory."""


class BlobFile:
    """FileSource over a ``File``.

    hand_out_slices: give ``Blob`` slices as part bodies (Chromium), else ``ArrayBuffer`` objects read beforehand;
    js_handle: the ``FileSystemFileHandle`` that the file was had from, or None.
    """

    def __init__(self, js_file: Any, *, hand_out_slices: bool, js_handle: Any = None) -> None:
        self.js_file = js_file
        self.js_handle = js_handle
        self._hand_out_slices = hand_out_slices
        # Reading the size also pins it: in Chromium a deleted file whose size was never read has 0 bytes.
        self._size = int(js_file.size)
        self._last_modified = int(js_file.lastModified)
        self._name = str(js_file.name)
        self._content_type = str(js_file.type)
        self._witness: bytes | None = None
        self._md5 = ""  # of all of a small file
        self._is_handed_out = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return self._size

    @property
    def content_type(self) -> str:
        return self._content_type

    @property
    def last_modified(self) -> int:
        return self._last_modified

    async def sample(self) -> str:
        """See ``FileSource.sample``."""
        is_whole = is_taken_whole(self._size)
        js_buffer = await (self._read_all() if is_whole else self._read(sample_ranges(self._size)))
        content = js_buffer.to_bytes()
        found = sample_of(self._size, content)
        is_little = self._hand_out_slices and self._size <= LITTLE
        if not (is_little and JUST_READ.keep(self, WholeFile(PartBody(js_buffer, self._size), found))):
            js.uploadEdge.letGo(js_buffer)
        await self._check_witness()
        if is_whole:
            self._md5 = self._md5 or found
        return found

    async def part(self, offset: int, size: int) -> PartBody:
        """See ``FileSource.part``. The content is a ``Blob`` or an ``ArrayBuffer``."""
        if self._hand_out_slices:
            js_part = await js.uploadEdge.part(self.js_file, self._size, self._last_modified, offset, size)
            return _body(js_part, size)
        if int(self.js_file.size) != self._size or int(self.js_file.lastModified) != self._last_modified:
            raise file_fault(CHANGED)
        js_buffer = await self._read([(offset, size)])
        await self._check_witness()
        return PartBody(js_buffer, size)

    async def whole(self) -> WholeFile:
        """See ``FileSource.whole``. The content is an ``ArrayBuffer``, of a little file the one that was read a moment ago; or the

        file as it was when it was sampled, if that takes more than a moment to copy. What arrives then shows whether it was the
        same; the next try reads it once more.
        It is a slice of it all: Chromium ends a worker's process that sends a ``File`` itself which was chosen in a page of another.
        """
        if self._hand_out_slices and self._size > LITTLE and self._md5 and not self._is_handed_out:
            self._is_handed_out = True
            js_slice = js.uploadEdge.slice(self.js_file, self._size, self._last_modified, 0, self._size)
            return WholeFile(_body(js_slice, self._size), self._md5)
        if just_read := JUST_READ.take(self):
            return just_read
        js_buffer = await self._read_all()
        return WholeFile(PartBody(js_buffer, self._size), sample_of(self._size, js_buffer.to_bytes()))

    async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
        """See ``FileSource.checksums``. A ``Blob`` is read in steps: a part is never in the heap as a whole."""
        return Checksums(await _md5_of(body) if md5 else "", await _crc64_of(body) if crc64nvme else "")

    async def _read_all(self) -> Any:
        """An ``ArrayBuffer`` of all of it. In Chromium each ``slice`` holds the worker up for half a millisecond, and a file that
        has grown is not read at all."""
        if not self._hand_out_slices:
            return await self._read([(0, self._size)])
        return _checked(await _array_buffer(self.js_file), self._size)

    async def _read(self, ranges: list[tuple[int, int]]) -> Any:
        """An ``ArrayBuffer`` of exactly what is in these ranges ``(offset, size)``, one after the other."""
        js_buffer = await _reading(js.uploadEdge.read(self.js_file, json.dumps(ranges)))
        return _checked(js_buffer, sum(size for _, size in ranges))

    async def _check_witness(self) -> None:
        """Where parts are read first: raise ``FileChanged`` unless the file still looks as it did the first time."""
        if self._hand_out_slices:
            return
        ranges = sample_ranges(self._size)
        js_pieces = [self.js_file.slice(start, start + min(size, WITNESS_SIZE)) for start, size in ranges]
        witness = (await _array_buffer(js.Blob.new(to_object(js_pieces)))).to_bytes()
        if self._witness is None:
            self._witness = witness
        elif witness != self._witness:
            raise file_fault(CHANGED)


async def check_readable(body: PartBody) -> None:
    """Read the last byte of a ``Blob``: see ``look`` in ``upload_worker.js``. Raises FileFault."""
    if fault := str(await js.uploadEdge.look(body.content)):
        raise file_fault(fault)


async def _md5_of(body: PartBody) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, body.size, HASH_STEP):
        js_piece = body.content.slice(start, min(start + HASH_STEP, body.size))
        if hasattr(js_piece, "arrayBuffer"):
            js_piece = await _array_buffer(js_piece)
        else:
            await asyncio.sleep(0)  # let the others have their turn
        digest.update(js_piece.to_bytes())
        js.uploadEdge.letGo(js_piece)
    return digest.hexdigest()


async def _crc64_of(body: PartBody) -> str:
    js_hashing = js.uploadEdge.crc64(body.content)
    try:
        return to_base64(int(await _reading(js_hashing.answer), 16))
    except asyncio.CancelledError:
        js_hashing.abort()
        raise


def _body(js_slice: Any, size: int) -> PartBody:
    """The slice, unless it is a fault's name. Raises FileFault."""
    if isinstance(js_slice, str):
        raise file_fault(js_slice)
    return PartBody(js_slice, size)


def _checked(js_buffer: Any, size: int) -> Any:
    """The ``ArrayBuffer``, if it has so many bytes. Raises FileChanged."""
    if js_buffer.byteLength != size:
        raise file_fault(SHORTER)
    return js_buffer


async def _array_buffer(js_blob: Any) -> Any:
    return await _reading(js_blob.arrayBuffer())


async def _reading(js_promise: Any) -> Any:
    """What is read. Raises FileFault."""
    try:
        return await js_promise
    except JsException as error:
        raise file_fault(error_name(error)) from None


def file_fault(name: str) -> FileFault:
    """``CHANGED``, ``SHORTER`` or an error's name. Chromium: NotReadableError for a file that has changed or lost its permission,

    NotFoundError for a deleted one.
    """
    if name == CHANGED:
        return FileChanged("the file has been changed")
    if name == SHORTER:
        return FileChanged("the file is shorter than it was")
    if name == "NotFoundError":
        return FileUnreadable("the file has been moved or deleted")
    return FileUnreadable(f"the file has been changed, or can no longer be read ({name})")
