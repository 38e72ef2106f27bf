"""Messages in and out: a Python dict with snake_case keys ↔ JSON text with the documented camelCase keys.

The other side is never trusted: unknown types, versions and fields, missing fields and values of the wrong
kind raise `ProtocolError` that names the field.
"""

import json

from uploads.protocol.errors import ProtocolError, kind_name, shorten
from uploads.protocol.messages import PROTOCOL_VERSION, UPLOAD_WORKER_MESSAGES, UPLOAD_WORKER_RESPONSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.protocol.kinds import Record

MAX_MESSAGE_LENGTH = 4 * 1024 * 1024
"""Characters. A snapshot with 10,000 parts takes about a million."""


def encode_message(message: "Mapping[str, object]") -> str:
    """The JSON text of a message of either direction. Raises `ProtocolError` for what is not a message of ours."""
    kind = message.get("type")
    record = None
    if isinstance(kind, str):
        record = UPLOAD_WORKER_MESSAGES.get(kind) or UPLOAD_WORKER_RESPONSES.get(kind)
    if record is None:
        raise ProtocolError(f"type {shorten(kind)} is not a known message type")
    fields = {name: value for name, value in message.items() if name != "type"}
    body = record.convert_fields(fields, f"{kind}: ", True)
    body["type"] = kind
    body["version"] = PROTOCOL_VERSION
    return json.dumps(body)


def decode_worker_message(text: object) -> "dict[str, Any]":
    """A message from a page, for the worker: `{"type": …, …}` with snake_case keys. Raises `ProtocolError`."""
    return _decode(text, UPLOAD_WORKER_MESSAGES)


def decode_worker_response(text: object) -> "dict[str, Any]":
    """A message from the worker, for a page: `{"type": …, …}` with snake_case keys. Raises `ProtocolError`."""
    return _decode(text, UPLOAD_WORKER_RESPONSES)


def _decode(text: object, records: "dict[str, Record]") -> "dict[str, Any]":
    body = _parse(text)
    version = body.pop("version", None)
    # `is True`: in JSON true is not 1, in Python it is.
    if version is True or version != PROTOCOL_VERSION:
        raise ProtocolError(f"version must be {PROTOCOL_VERSION}, not {shorten(version)}")
    kind = body.pop("type", None)
    record = records.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise ProtocolError(f"type {shorten(kind)} is not a known message type")
    message = record.convert_fields(body, f"{kind}: ", False)
    message["type"] = kind
    return message


def _parse(text: object) -> "dict[str, Any]":
    """The JSON object in `text`."""
    if not isinstance(text, str):
        raise ProtocolError(f"a message must be JSON text, not {kind_name(text)}")
    if len(text) > MAX_MESSAGE_LENGTH:
        raise ProtocolError(f"a message must have at most {MAX_MESSAGE_LENGTH} characters, it has {len(text)}")
    try:
        body = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        body = None
    if not isinstance(body, dict):
        raise ProtocolError("a message must be a JSON object")
    return body
