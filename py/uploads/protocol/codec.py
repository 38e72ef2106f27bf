"""Messages in and out: a Python dict with snake_case keys ↔ JSON text with the documented camelCase keys.

The other side is never trusted: unknown types, versions and fields, missing fields and values of the wrong
kind raise `ProtocolError` that names the field.
"""

import json
import sys

from uploads.protocol.errors import ProtocolError, kind_name, shorten
from uploads.protocol.messages import (
    PART,
    PROTOCOL_VERSION,
    SNAPSHOT_HEAD,
    UPLOAD_SNAPSHOT,
    UPLOAD_WORKER_MESSAGES,
    UPLOAD_WORKER_RESPONSES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.protocol.kinds import Record

MAX_MESSAGE_LENGTH = 4 * 1024 * 1024
"""Characters. A snapshot with 10,000 parts takes about a million."""

MOST_OPENERS = 64
"""How many objects and lists a message may hold. The largest of ours holds 9. Text that nests deeply ends
Pyodide for good (its JSON parser overflows the JavaScript stack), so it must not reach the parser."""

NESTING_IS_HARMLESS = sys.implementation.name == "micropython"
"""MicroPython's JSON parser does not call itself; its page is spared the look at long messages."""

_AS_IT_IS: "dict[str, Any]" = {} if sys.implementation.name == "micropython" else {"ensure_ascii": False}
"""MicroPython never escapes, and does not put the two halves of an escaped emoji together again."""


def encode_message(message: "Mapping[str, object]") -> str:
    """The JSON text of a message of either direction. Raises `ProtocolError` for what is not a message of ours."""
    kind = message.get("type")
    is_to_worker = isinstance(kind, str) and kind in UPLOAD_WORKER_MESSAGES
    records = UPLOAD_WORKER_MESSAGES if is_to_worker else UPLOAD_WORKER_RESPONSES
    return encode(message, records, PROTOCOL_VERSION)


def encode(message: "Mapping[str, object]", records: "Mapping[str, Record]", version: int) -> str:
    """The JSON text of a message of one of `records`. Raises `ProtocolError`."""
    kind = message.get("type")
    record = records.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise ProtocolError(f"type {shorten(kind)} is not a known message type")
    fields = {name: value for name, value in message.items() if name != "type"}
    return _written(record.convert_fields(fields, f"{kind}: ", True), str(kind), version)


def _written(body: "dict[str, Any]", kind: str, version: int) -> str:
    """The JSON text of a message whose fields bear their names on the wire."""
    body["type"] = kind
    body["version"] = version
    return json.dumps(body, **_AS_IT_IS)


def decode_worker_message(text: object) -> "dict[str, Any]":
    """A message from a page, for the worker: `{"type": …, …}` with snake_case keys. Raises `ProtocolError`."""
    return decode(text, UPLOAD_WORKER_MESSAGES, PROTOCOL_VERSION)


def decode_worker_response(text: object) -> "dict[str, Any]":
    """A message from the worker, for a page: `{"type": …, …}` with snake_case keys. Raises `ProtocolError`."""
    return decode(text, UPLOAD_WORKER_RESPONSES, PROTOCOL_VERSION)


def head_of(snapshot: "Mapping[str, Any]") -> "dict[str, Any]":
    """What `SNAPSHOT_HEAD` says of a whole `UPLOAD_SNAPSHOT`."""
    session, progress = snapshot["session"], snapshot["progress"]
    head = {
        name: session[name] for name in ("upload_id", "status", "phase", "file_access", "rank", "file_size")
    }
    head["type"] = UPLOAD_SNAPSHOT
    head["uploaded_bytes"] = progress["uploaded_bytes"]
    head["speed"] = progress["speed"]
    head["has_error"] = snapshot["error"] is not None
    head["has_parts"] = snapshot.get("parts_json") is not None
    return head


def encode_snapshot(snapshot: "Mapping[str, Any]") -> "tuple[str, str]":
    """The JSON texts of an `UPLOAD_SNAPSHOT` of the engine's and of its head.

    What the fields hold is not looked at, a third of what a small file cost the worker: whoever reads the text does.
    Raises `KeyError` for a field that is not known, or that the head is to have and that is missing.
    """
    texts = []
    for message, records in ((snapshot, UPLOAD_WORKER_RESPONSES), (head_of(snapshot), SNAPSHOT_HEAD)):
        fields = {name: value for name, value in message.items() if name != "type"}
        body = records[UPLOAD_SNAPSHOT].renamed(fields)
        texts.append(_written(body, UPLOAD_SNAPSHOT, PROTOCOL_VERSION))
    return texts[0], texts[1]


def decode_head(text: object) -> "dict[str, Any]":
    """What came beside an `UPLOAD_SNAPSHOT`. Raises `ProtocolError`."""
    return decode(text, SNAPSHOT_HEAD, PROTOCOL_VERSION)


def decode_parts(parts_json: str) -> "list[dict[str, Any]]":
    """The `parts_json` of a snapshot as `[{"part_number", "etag", "size" (bytes)}]`. Raises `ProtocolError`."""
    code = _outside_strings(parts_json)
    if code.count("[") > 1 or any(piece.count("{") > 1 for piece in code.split("}")):
        raise ProtocolError("parts must be a list of flat objects")
    parts = _loads(parts_json)
    if not isinstance(parts, list):
        raise ProtocolError("parts must be a list of flat objects")
    return [PART.convert(part, f"parts[{index}]", False) for index, part in enumerate(parts)]  # type: ignore[misc]


def decode(
    text: object,
    records: "Mapping[str, Record]",
    version: int,
    longest: int = MAX_MESSAGE_LENGTH,
    needs_version: bool = True,
) -> "dict[str, Any]":
    """A message of one of `records`, from JSON text of at most `longest` characters. Raises `ProtocolError`."""
    body = _parse(text, longest)
    found = body.pop("version", None if needs_version else version)
    # `is True`: in JSON true is not 1, in Python it is.
    if found is True or found != version:
        raise ProtocolError(f"version must be {version}, not {shorten(found)}")
    kind = body.pop("type", None)
    record = records.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise ProtocolError(f"type {shorten(kind)} is not a known message type")
    message = record.convert_fields(body, f"{kind}: ", False)
    message["type"] = kind
    return message


def _parse(text: object, longest: int) -> "dict[str, Any]":
    """The JSON object in `text`."""
    if not isinstance(text, str):
        raise ProtocolError(f"a message must be JSON text, not {kind_name(text)}")
    if len(text) > longest:
        raise ProtocolError(f"a message must have at most {longest} characters, it has {len(text)}")
    if not NESTING_IS_HARMLESS and text.count("[") + text.count("{") > MOST_OPENERS:
        code = _outside_strings(text)
        if code.count("[") + code.count("{") > MOST_OPENERS:
            raise ProtocolError(f"a message must hold at most {MOST_OPENERS} objects and lists")
    body = _loads(text)
    if not isinstance(body, dict):
        raise ProtocolError("a message must be a JSON object")
    return body


def _outside_strings(text: str) -> str:
    """JSON text without its string literals, by a few C-speed passes."""
    return "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])


def _loads(text: str) -> "Any":
    """The value in JSON text, or None."""
    try:
        return json.loads(text)
    except ValueError:
        return None
