"""The whole snapshots of uploads, read when somebody asks for one: a page looks at a dozen of ten thousand.

`read` gives a snapshot as the JSON text of its message, which stays on JavaScript's side until then, or decoded already.
"""

from collections import OrderedDict

from uploads.protocol import ProtocolError, decode_worker_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from uploads.client.ordered import OrderedMap
    from uploads.protocol import UploadHead

MOST_DECODED = 64
"""Snapshots that are kept decoded: those of the rows on a screen."""


class Snapshots:
    """By upload id."""

    def __init__(self) -> None:
        self._readers: dict[str, Callable[[], Any]] = {}
        self._parts: dict[str, Callable[[], Any]] = {}
        self._placed: dict[str, tuple[Any, ...]] = {}
        self._errors: dict[str, Any] = {}
        self._moved: dict[str, str] = {}
        self._decoded: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def place(self, head: "UploadHead", project_id: str, s3_key: str, file_name: str) -> None:
        """An upload of which nothing is known yet but what began it."""
        self._placed[head["upload_id"]] = (head, project_id, s3_key, file_name)

    def touch(self, upload_id: str) -> None:
        """Such an upload's head has changed."""
        self._decoded.pop(upload_id, None)

    def fail(self, upload_id: str, error: "Any") -> None:
        """Such an upload has come to its end."""
        self._errors[upload_id] = error
        self._decoded.pop(upload_id, None)

    def keep(self, upload_id: str, read: "Callable[[], Any]", has_parts: bool) -> None:
        """A newer snapshot."""
        self._readers[upload_id] = read
        if has_parts:
            self._parts[upload_id] = read
        for mapping in (self._placed, self._errors, self._moved, self._decoded):
            mapping.pop(upload_id, None)

    def move_object(self, upload_id: str, object_url: str) -> None:
        """The object has another address."""
        self._moved[upload_id] = object_url
        self._decoded.pop(upload_id, None)

    def forget(self, upload_id: str) -> None:
        """Strikes out an upload, known or not."""
        for mapping in (self._readers, self._parts, self._placed, self._errors, self._moved, self._decoded):
            mapping.pop(upload_id, None)

    def session(self, upload_id: str) -> "Any":
        """`SessionSnapshot`. Raises `KeyError` for an unknown upload, `ProtocolError` for what is no snapshot of it."""
        return self._snapshot(upload_id)["session"]

    def progress(self, upload_id: str) -> "Any":
        """`UploadProgress`. Raises the same."""
        return self._snapshot(upload_id)["progress"]

    def error(self, upload_id: str) -> "Any":
        """`UploadError` or None. Raises the same."""
        return self._snapshot(upload_id)["error"]

    def parts_json(self, upload_id: str) -> str:
        """The text of the parts, as of when they last changed."""
        if upload_id not in self._parts:
            return "[]"
        return str(_decode(upload_id, self._parts[upload_id])["parts_json"])

    def _snapshot(self, upload_id: str) -> "dict[str, Any]":
        found = self._decoded.get(upload_id)
        if found is None:
            if upload_id in self._placed:
                found = _placeholder(*self._placed[upload_id])
                found["error"] = self._errors.get(upload_id)
            else:
                found = _decode(upload_id, self._readers[upload_id])
            if upload_id in self._moved:
                found["session"]["object_url"] = self._moved[upload_id]
            self._decoded[upload_id] = found
            if len(self._decoded) > MOST_DECODED:
                del self._decoded[next(iter(self._decoded))]
        return found


def _decode(upload_id: str, read: "Callable[[], Any]") -> "dict[str, Any]":
    found = read()
    if isinstance(found, str):
        found = decode_worker_response(found)
        if found.get("session", {}).get("upload_id") != upload_id:
            raise ProtocolError("a snapshot is not of the upload that its head names")
    return found  # type: ignore[no-any-return]


def _placeholder(head: "UploadHead", project_id: str, s3_key: str, file_name: str) -> "dict[str, Any]":
    session = {
        "project_id": project_id,
        "upload_id": head["upload_id"],
        "s3_key": s3_key,
        "next_part_number": 1,
        "status": head["status"],
        "phase": head["phase"],
        "progress": 0.0,
        "started_at": int(head["rank"]),
        "last_activity": int(head["rank"]),
        "file_size": None,
        "file_name": file_name,
        "chunk_size": 0,
        "content_type": "",
        "user_id": "",
        "parts_uploaded": 0,
        "object_url": None,
        "etag": None,
        "checksum": None,
        "checked": head.get("checked"),
        "metadata": None,
        "file_access": "open",
        "rank": head["rank"],
    }
    progress = {
        "project_id": project_id,
        "progress": 0.0,
        "uploaded_bytes": 0,
        "total_bytes": 0,
        "current_chunk": 0,
        "total_chunks": 0,
        "estimated_time_remaining": None,
        "speed": 0.0,
    }
    return {"session": session, "progress": progress}


class SnapshotsView:
    """A mapping by upload id, as live as the uploads: `keys` has the ids in their order, `read(upload_id)` the values."""

    def __init__(self, keys: "OrderedMap", read: "Callable[[str], Any]") -> None:
        self._keys = keys
        self._read = read

    def __getitem__(self, upload_id: str) -> "Any":
        if upload_id not in self._keys:
            raise KeyError(upload_id)
        return self._read(upload_id)

    def __iter__(self) -> "Iterator[str]":
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, upload_id: object) -> bool:
        return upload_id in self._keys

    def get(self, upload_id: str, default: "Any" = None) -> "Any":
        """The value, or `default` for an unknown upload."""
        return self._read(upload_id) if upload_id in self._keys else default

    def keys(self) -> "list[str]":
        """The ids."""
        return list(self._keys)

    def values(self) -> "list[Any]":
        """The values. Reading thousands takes MicroPython a while: see `UploadClient.heads`."""
        return [self._read(upload_id) for upload_id in self._keys]

    def items(self) -> "list[tuple[str, Any]]":
        """Ids and values."""
        return [(upload_id, self._read(upload_id)) for upload_id in self._keys]


def view_of(keys: "OrderedMap", read: "Callable[[str], Any]") -> "Any":
    """A `SnapshotsView`, which is a `Mapping` in all but its name: MicroPython has no abstract classes."""
    return SnapshotsView(keys, read)
