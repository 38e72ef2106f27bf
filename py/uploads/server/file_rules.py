"""Which files are taken: their sizes, types and names, as the settings have them. Pure functions.

What a page tells of a file is checked before anything is created; what its first bytes tell, when it has arrived.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

import filetype

from uploads.server import keys
from uploads.server.problems import Problem
from uploads.server.settings import Settings

HEAD = 8192
"""Bytes at a file's beginning that tell what it is."""
_SAME = {
    "application/x-zip-compressed": "application/zip",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/vnd.microsoft.icon": "image/x-icon",
    "video/x-m4v": "video/mp4",
}
"""Names of one and the same type."""
_CERTAIN = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/gzip": "gz",
}
"""Types all of whose files show what they are."""
_ZIPPED = ("application/vnd.openxmlformats-", "application/vnd.oasis.", "application/epub+zip")
"""What begins as a ZIP archive does, because it is one."""


def check(settings: Settings, name: str, content_type: str, size: int | None) -> None:
    """Refuse a file that the settings do not allow. Raises `Problem` (413, 422)."""
    check_size(settings, size)
    if not is_allowed(content_type, name, settings.allowed_types):
        raise _other_type(settings)
    if settings.allowed_names and not re.fullmatch(settings.allowed_names, keys.original_name(name)):
        raise Problem(422, "NameNotAllowed", "Files of this name are not taken here.")


def check_size(settings: Settings, size: int | None) -> None:
    """Refuse a size in bytes beyond the limits. Raises `Problem` (413, 422)."""
    if size is None:
        return
    if settings.max_file_size is not None and size > settings.max_file_size:
        raise Problem(413, "EntityTooLarge", f"Files have at most {settings.max_file_size:,} bytes here.")
    if size < settings.min_file_size:
        raise Problem(422, "FileTooSmall", f"Files have at least {settings.min_file_size:,} bytes here.")


def is_allowed(content_type: str, name: str, types: Sequence[str]) -> bool:
    """Whether a file is of one of the types: `image/*`, `text/csv`, or `.zip`, by its name. Without any, all are."""
    kind, lower = _plain(content_type), name.lower()
    return not types or any(
        lower.endswith(allowed.lower())
        if allowed.startswith(".")
        else fnmatch.fnmatchcase(kind, _plain(allowed))
        for allowed in types
    )


def check_content(settings: Settings, name: str, content_type: str, head: bytes) -> None:
    """Refuse a file whose first bytes are not those of a type that is allowed. Raises `Problem` (422).

    Types without such bytes are believed, as text is that looks like text: "BM" begins a bitmap, and many a CSV.
    """
    types = settings.allowed_types
    if not types or not head:
        return
    told = _plain(content_type)
    found = filetype.guess(head)
    if found is None:
        if told in _CERTAIN or name.lower().endswith(tuple(f".{suffix}" for suffix in _CERTAIN.values())):
            raise _other_content(settings)
        return
    if _is_text(head) and not told.startswith(("image/", "audio/", "video/")):
        return
    likely = {_plain(found.mime)} | ({"application/zip"} if found.mime.startswith(_ZIPPED) else set())
    suffixes = {f".{kind.extension}" for kind in filetype.types if _plain(kind.mime) in likely}
    if not any(is_allowed(mime, f"file{suffix}", types) for mime in likely for suffix in suffixes):
        raise _other_content(settings)


def _is_text(head: bytes) -> bool:
    """Whether it could be text in UTF-8, whose last character may be cut."""
    return b"\0" not in head and "\ufffd" not in head.decode(errors="replace").rstrip("\ufffd")


def _plain(content_type: str) -> str:
    kind = content_type.split(";")[0].strip().lower()
    return _SAME.get(kind, kind)


def _other_type(settings: Settings) -> Problem:
    return Problem(
        422, "TypeNotAllowed", f"Only these types are taken here: {', '.join(settings.allowed_types)}."
    )


def _other_content(settings: Settings) -> Problem:
    return Problem(
        422,
        "ContentMismatch",
        f"The file is not what it is called: only these types are taken here: {', '.join(settings.allowed_types)}.",
    )
