"""The JavaScript edge of inspectors: a `File` read synchronously, as only dedicated workers may, and a new one made of pieces."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, to_js


class FileSource:
    """`Source` over a `File`."""

    def __init__(self, js_file: Any) -> None:
        self._js_file = js_file
        self._js_reader = js.FileReaderSync.new()
        self._size = int(js_file.size)

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, end: int) -> bytes:
        """See `Source.read`."""
        try:
            js_buffer = self._js_reader.readAsArrayBuffer(self._js_file.slice(start, end))
        except JsException as error:
            raise OSError(f"the file has been changed, or can no longer be read ({error.name})") from None
        content: bytes = js_buffer.to_bytes()
        if len(content) != end - start:
            raise OSError("the file is shorter than it was")
        return content


class BlobSink:
    """`Sink` into `Blob`s, which the browser keeps where it likes: on the disk, if there are many."""

    def __init__(self) -> None:
        self._js_pieces = js.Array.new()

    def append(self, content: bytes) -> None:
        self._js_pieces.push(js.Blob.new(to_js([content])))

    def to_file(self, name: str, content_type: str, last_modified: int) -> Any:
        """All of it as a `File`."""
        js_options = js.Object.new()
        js_options.type, js_options.lastModified = content_type, last_modified
        return js.File.new(self._js_pieces, name, js_options)


async def file_of(js_file: Any) -> Any:
    """The `File` of a message that brought one, or a handle of it. Raises OSError."""
    if not hasattr(js_file, "getFile"):
        return js_file
    try:
        return await js_file.getFile()
    except JsException as error:
        raise OSError(f"the file can no longer be read ({error.name})") from None
