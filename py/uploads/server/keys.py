"""Object keys and names: what a person's file is called in the bucket, and what it is called when it comes back.

Pure functions; randomness is an argument.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

MAX_KEY_BYTES = 1024  # S3 user guide, "Naming Amazon S3 objects"
_MAX_NAME_BYTES = 180
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DEFAULT_PROJECT = "default"


class BadKey(ValueError):
    """A key that an application asked for and cannot have; the text says why."""


def _cut(text: str, limit: int) -> str:
    """`text` with at most `limit` UTF-8 bytes, never ending inside a character."""
    return text.encode()[:limit].decode(errors="ignore")


def original_name(filename: str) -> str:
    """The file's own name: no folders, no control or direction characters, never empty, at most 255 UTF-8 bytes."""
    name = unicodedata.normalize("NFC", filename.encode(errors="replace").decode())
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(
        char
        for char in name
        if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char == "\u200d"
    )
    stem, dot, suffix = name.strip().rpartition(".")
    if dot and 0 < len(suffix) <= 16:
        name = _cut(stem, 254 - len(suffix.encode())) + dot + suffix
    name = _cut(name.strip(), 255)
    return name if name.strip(". ") else "file"


def safe_name(filename: str) -> str:
    """A name for the last step of a key: letters and digits of any script, `.`, `-` and `_`; at most 180 UTF-8 bytes."""
    name = "".join(char if char.isalnum() or char in ".-_" else "_" for char in original_name(filename))
    name = re.sub(r"_{2,}", "_", name).lstrip(".")
    stem, dot, suffix = name.rpartition(".")
    if dot and stem and len(suffix) <= 16:
        return _cut(stem, _MAX_NAME_BYTES - len(suffix.encode()) - 1) + dot + suffix
    return _cut(name, _MAX_NAME_BYTES) or "file"


def user_prefix(prefix: str, user: str) -> str:
    """What every key of `user` begins with."""
    return f"{prefix}/{user}/"


def new_key(prefix: str, user: str, project: str, unique: str, filename: str) -> str:
    """`{prefix}/{user}/{project}/{uuid}/{safe name}`."""
    step = _cut(re.sub(r"[^A-Za-z0-9._-]+", "_", project), 64).strip(".") or DEFAULT_PROJECT
    return f"{user_prefix(prefix, user)}{step}/{unique}/{safe_name(filename)}"


def is_server_made(prefix: str, user: str, key: str) -> bool:
    """Whether `key` has the shape that `new_key` gives, so that nobody chose it."""
    return bool(re.fullmatch(re.escape(user_prefix(prefix, user)) + rf"[^/]+/{_UUID}/[^/]+", key))


def project_of(prefix: str, user: str, key: str) -> str:
    """The project in a key that the server made; "" for a key that somebody chose."""
    return (
        key.removeprefix(user_prefix(prefix, user)).split("/")[0] if is_server_made(prefix, user, key) else ""
    )


def wanted_key(prefix: str, user: str, wanted: str) -> str:
    """An application's own key, under the user's prefix (which it may name, or leave out). Raises `BadKey`."""
    base = user_prefix(prefix, user)
    rest = wanted.removeprefix(base)
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in rest):
        raise BadKey("the key has control characters")
    if "\\" in rest or any(step in {"", ".", ".."} for step in rest.split("/")):
        raise BadKey("the key has an empty step, a step of dots, or a backslash")
    if is_server_made(prefix, user, base + rest):
        raise BadKey("the key has the shape that the server keeps for its own keys")
    if len((base + rest).encode()) > MAX_KEY_BYTES:
        raise BadKey(f"the key is longer than {MAX_KEY_BYTES} bytes")
    return base + rest


def content_disposition(filename: str) -> str:
    """`attachment` under the file's own name, for old and new browsers (RFC 6266, RFC 8187). ASCII."""
    name = original_name(filename)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\%;]', "_", plain).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
