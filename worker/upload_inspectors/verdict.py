"""What an inspector says of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from upload_inspectors.files import NewFile

ENCODINGS = ("", "gzip", "zstd")
"""What browsers undo by themselves when they download an object (RFC 9110, 8.4.1; RFC 8878)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """reason: for people, why the file is not taken; "" when it is; metadata: to be stored with the object, and shown;

    replacement: what is to be uploaded in the file's place, under `name` and as `content_type` where these are given;
    content_encoding: how its bytes are packed.
    """

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    replacement: NewFile | None = None
    name: str = ""
    content_type: str = ""
    content_encoding: str = ""


def accept(metadata: Mapping[str, str] | None = None) -> Verdict:
    """Take the file as it is. metadata: names of letters, digits, "-", "_" and "."; 2 KB at most in all (S3's limit)."""
    return Verdict(metadata=dict(metadata or {}))


def reject(reason: str) -> Verdict:
    """Do not upload the file. reason: a sentence for people that tells what to do. Raises ValueError for an empty one."""
    if not reason.strip():
        raise ValueError("a person has to be told why")
    return Verdict(reason=reason.strip())


def replace(
    replacement: NewFile,
    metadata: Mapping[str, str] | None = None,
    *,
    name: str = "",
    content_type: str = "",
    content_encoding: str = "",
) -> Verdict:
    """Upload these bytes instead. The same file has to give the same bytes: that is how an upload goes on when a person picks
    the file again after a restart. Raises ValueError for an encoding that browsers do not undo.
    """
    if content_encoding not in ENCODINGS:
        raise ValueError(f'content_encoding must be "gzip", "zstd" or "", not {content_encoding!r}')
    return Verdict("", dict(metadata or {}), replacement, name, content_type, content_encoding)
