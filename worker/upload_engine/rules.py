"""Which files are taken at all, told before anything is sent. The server enforces its own rules, whatever we say here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from uploads.protocol.file_types import matches

from upload_engine.core.limits import MAX_OBJECT_SIZE


def complaint(name: str, size: int, content_type: str, config: Mapping[str, Any]) -> str:
    """The rule that a file breaks, as a sentence for people; "" when it breaks none.

    ``config`` is a checked upload configuration; sizes are bytes.
    """
    largest = config["max_file_size"]
    if largest is not None and size > largest:
        return f"The file has {size:,} bytes; at most {largest:,} are allowed."
    if size > MAX_OBJECT_SIZE:
        return f"The file has {size:,} bytes; an S3 object holds at most {MAX_OBJECT_SIZE:,}."
    if size < config["min_file_size"]:
        return f"The file has {size:,} bytes; at least {config['min_file_size']:,} are required."
    allowed: Sequence[str] = config["allowed_types"]
    if not matches(allowed, name, content_type):
        return f"Files of this type are not allowed here; these are: {', '.join(allowed)}."
    return ""
