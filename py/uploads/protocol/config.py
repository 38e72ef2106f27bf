"""The documented configuration: its defaults, and the check that refuses nonsense by name.

One table says what each setting may be. `check_upload_config` serves applications (Python names, full
result); `CONFIG_CHANGES` is the same table as a field of the `HELLO` message (camelCase names, only what
differs from the defaults).
"""

from uploads.protocol.errors import ConfigError, ProtocolError, kind_name, shorten
from uploads.protocol.kinds import Kind, camel_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MIB = 1024 * 1024
SMALLEST_PART = 5 * MIB
"""Bytes; S3's limit for any part but the last (Amazon S3 user guide, "multipart upload limits")."""
LARGEST_PART = 5 * 1024 * MIB
"""Bytes; the same page."""
LARGEST_OBJECT = 10_000 * LARGEST_PART
"""Bytes: as many parts as S3 takes, of the largest size it takes."""

DEFAULT_UPLOAD_CONFIG: "dict[str, Any]" = {
    "chunk_size": "auto",  # bytes of a part, or "auto": from the file's size, or "adaptive": from the line's speed as well
    "max_concurrent_chunks": 3,  # parts of one upload on the way at once
    "max_concurrent_requests_per_host": 5,  # browsers open six connections; one is kept for control
    "max_concurrent_uploads": 3,
    "max_retries": 3,  # of one part, after its first attempt
    "retry_delay": 1000,  # milliseconds before the first retry
    "session_ttl": 7 * 24 * 3600 * 1000,  # milliseconds
    "bandwidth_limit": None,  # bytes per second
    "max_file_size": None,  # bytes
    "min_file_size": 0,  # bytes
    "allowed_types": [],  # "image/*", "text/plain", ".csv"; empty: every type
    "max_files": None,
    "keep_copy": None,  # bytes: files up to this size are copied into the browser, to be there after a restart
    "keep_offline": 1024
    * MIB,  # bytes: the same for files that are added while the signing server is out of reach
    "progress_interval": 100,  # milliseconds between two snapshots of an upload
    "checksums": True,  # compute those of parts while they are sent, and compare them with what the store tells
    "transport": "auto",  # "fetch", "xhr", or "auto": whichever suits the part
    "signer_url": "",  # where the signing API is; empty: the page's own origin
    "signer": "auto",  # what answers there: "own" (serve.py's API), "companion" (Uppy's), or "auto": asked at the start
    "analytics_url": "",  # where the page tells what becomes of uploads; empty: nowhere
    "packages": [],  # Python packages for the worker; the installer is loaded only when some are named
    "inspectors": [],  # functions that look at files before these are uploaded; see `DEFAULT_INSPECTOR`
    "debug": False,  # tell every event of every upload on the pages' consoles
}
"""The documented defaults. Read it; to change settings, pass them to `use_upload_worker`."""

ADJUSTABLE = (
    "bandwidth_limit",
    "chunk_size",
    "keep_copy",
    "max_concurrent_chunks",
    "max_concurrent_uploads",
)
"""What a person may set for their own uploads, at any time."""


def _whole(least: int, most: int, unit: str) -> "Any":
    """A rule: a whole number of `unit` in a range."""

    def rule(value: object) -> str:
        if value is True or value is False or not isinstance(value, int):
            return f"must be a whole number of {unit}, not {kind_name(value)}"
        return (
            "" if least <= value <= most else f"must be from {least} to {most} {unit}, not {shorten(value)}"
        )

    return rule


def _or(other: "Any", *words: str | None) -> "Any":
    """A rule: one of the words (or None), or what the other rule allows."""
    told = " or ".join([repr(word) for word in words])

    def rule(value: object) -> str:
        if value is None or isinstance(value, str):
            return "" if value in words else f"must be {told}, or it {other(value)}"
        complaint: str = other(value)
        return complaint

    return rule


def _flag(value: object) -> str:
    return "" if value is True or value is False else f"must be True or False, not {kind_name(value)}"


def _one_of(*known: str) -> "Any":
    """A rule: one of these words, of which the last is named last."""
    words = [f'"{word}"' for word in known]

    def rule(value: object) -> str:
        if value in known:
            return ""
        return f"must be {', '.join(words[:-1])} or {words[-1]}, not {shorten(value)}"

    return rule


def _url(value: object) -> str:
    if not isinstance(value, str):
        return f"must be text, not {kind_name(value)}"
    if len(value) > 2048 or any(ord(letter) <= 32 for letter in value):
        return "must be a URL of at most 2048 characters without white space"
    if "?" in value or "#" in value:
        return "must be a URL without a query and without a fragment"
    lower = value.lower()
    if lower.startswith("http://") or lower.startswith("https://"):  # MicroPython takes no tuple here
        return ""
    if ":" in value.split("/")[0] or value.startswith("//"):
        return "must begin with https:// or http://, or be a path on the page's own origin"
    return ""


def _allowed_types(value: object) -> str:
    complaint = _texts(value)
    if complaint or not isinstance(value, (list, tuple)):
        return complaint
    for entry in value:
        family, slash, kind = entry.partition("/")
        suffix = len(entry) > 1 and entry.startswith(".") and not slash
        mime = bool(family and kind) and "/" not in kind and family != "*"
        if not (suffix or mime):
            return f'must hold entries such as "image/*", "text/plain" or ".csv", not {shorten(entry)}'
    return ""


def _texts(value: object) -> str:
    if not isinstance(value, (list, tuple)):
        return f"must be a list of texts, not {kind_name(value)}"
    if len(value) > 1000:
        return f"must have at most 1000 entries, it has {len(value)}"
    for entry in value:
        if not isinstance(entry, str) or not entry or len(entry) > 1000:
            return "must hold only texts of 1 to 1000 characters"
    return ""


def _inspectors(value: object) -> str:
    if (
        isinstance(value, list) and not value
    ):  # as nearly everywhere: a page that has none fetches nothing for them
        return ""
    from uploads.protocol.inspectors import complaint_of_inspectors

    return complaint_of_inspectors(value, _allowed_types)


_RULES = {
    "chunk_size": _or(_whole(SMALLEST_PART, LARGEST_PART, "bytes"), "auto", "adaptive"),
    "max_concurrent_chunks": _whole(1, 64, "parts"),
    "max_concurrent_requests_per_host": _whole(1, 64, "requests"),
    "max_concurrent_uploads": _whole(1, 64, "uploads"),
    "max_retries": _whole(0, 100, "retries"),
    "retry_delay": _whole(0, 600_000, "milliseconds"),
    "session_ttl": _whole(60_000, 365 * 24 * 3600 * 1000, "milliseconds"),
    "bandwidth_limit": _or(_whole(1024, 2**53 - 1, "bytes per second"), None),
    "max_file_size": _or(_whole(0, LARGEST_OBJECT, "bytes"), None),
    "min_file_size": _whole(0, LARGEST_OBJECT, "bytes"),
    "allowed_types": _allowed_types,
    "max_files": _or(_whole(1, 2**31 - 1, "files"), None),
    "keep_copy": _or(_whole(1, LARGEST_OBJECT, "bytes"), None),
    "keep_offline": _or(_whole(0, LARGEST_OBJECT, "bytes"), None),
    "progress_interval": _whole(16, 60_000, "milliseconds"),
    "checksums": _flag,
    "transport": _one_of("auto", "fetch", "xhr"),
    "signer_url": _url,
    "analytics_url": _url,
    "signer": _one_of("auto", "own", "companion"),
    "packages": _texts,
    "inspectors": _inspectors,
    "debug": _flag,
}

_WIRE_NAMES = {name: camel_case(name) for name in DEFAULT_UPLOAD_CONFIG}
_NAMES = {wire_name: name for name, wire_name in _WIRE_NAMES.items()}


def check_upload_config(values: "Mapping[str, object] | None" = None) -> "dict[str, Any]":
    """The full configuration: the defaults, overridden by `values` (snake_case names).

    Raises `ConfigError` naming the first setting, in alphabetical order, that is unknown or makes no sense.
    """
    changes = check_changes(values or {})
    config = {name: changes.get(name, _fresh(default)) for name, default in DEFAULT_UPLOAD_CONFIG.items()}
    largest = config["max_file_size"]
    if largest is not None and config["min_file_size"] > largest:
        raise ConfigError(
            f"min_file_size ({config['min_file_size']}) is greater than max_file_size ({largest})"
        )
    return config


def check_changes(values: "Mapping[str, object]") -> "dict[str, Any]":
    """Copies of `values`, each checked by itself. Raises `ConfigError`."""
    changes = {}
    for name in sorted([str(key) for key in values]):
        if name not in _RULES:
            raise _unknown(name, list(_RULES))
        complaint = _RULES[name](values[name])
        if complaint:
            raise ConfigError(f"{name} {complaint}")
        changes[name] = _fresh(values[name])
    return changes


def _fresh(value: "Any") -> "Any":
    """A list nobody else holds; anything else as it is."""
    return list(value) if isinstance(value, (list, tuple)) else value


def did_you_mean(name: str, known: list[str]) -> str:
    """The known name nearest to a mistyped one, or "" when none is near (at most a third of it wrong)."""
    plain = _plain(name[:80])
    best, best_distance = "", len(plain) // 3 + 1
    for candidate in sorted(known):
        distance = _edits(plain, _plain(candidate))
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _edits(left: str, right: str) -> int:
    """The number of single-letter edits between two words (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left):
        diagonal, row[0] = i, i + 1
        for j, other in enumerate(right):
            above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter != other))
            diagonal = above
    return row[-1]


class _ConfigChanges(Kind):
    """The `config` of `HELLO`: an object with some settings under their camelCase names."""

    expected = "an object"

    def convert(self, value: object, where: str, to_wire: bool) -> object:
        if not isinstance(value, dict):
            raise self.refuse(value, where)
        complaint = ""
        changes = {}
        try:
            changes = check_changes(value if to_wire else _renamed(value))
        except ConfigError as error:
            complaint = str(error)
        if complaint:
            raise ProtocolError(f"{where}: {complaint}")
        return {_WIRE_NAMES[name]: changes[name] for name in changes} if to_wire else changes


def _renamed(wire_values: "dict[str, Any]") -> "dict[str, Any]":
    """Settings from camelCase to snake_case. Raises `ConfigError` for a name that is no setting's."""
    for key in sorted(wire_values):
        if key not in _NAMES:
            raise _unknown(key, list(_NAMES))
    return {_NAMES[key]: value for key, value in wire_values.items()}


def _unknown(name: str, known: list[str]) -> ConfigError:
    hint = did_you_mean(name, known)
    return ConfigError(f"{shorten(name)} is not a setting" + (f"; did you mean {hint!r}?" if hint else ""))


class _PersonsSettings(_ConfigChanges):
    """Those of a person: only what is `ADJUSTABLE`."""

    def convert(self, value: object, where: str, to_wire: bool) -> object:
        if isinstance(value, dict):
            for name in sorted(value):
                if _NAMES.get(name, name) not in ADJUSTABLE:
                    raise ProtocolError(f"{where}: {shorten(name)} is not for a person to set")
        return super().convert(value, where, to_wire)


CONFIG_CHANGES = _ConfigChanges()
PERSONS_SETTINGS = _PersonsSettings()


def to_wire_settings(settings: "Mapping[str, object]") -> "Any":
    """A person's settings under their camelCase names, to be kept. Raises `ProtocolError`."""
    return PERSONS_SETTINGS.convert(dict(settings), "settings", True)


def from_wire_settings(kept: object) -> "dict[str, Any]":
    """What was kept, under snake_case names. Raises `ProtocolError` for what is no settings of a person."""
    settings: dict[str, Any] = PERSONS_SETTINGS.convert(kept, "settings", False)  # type: ignore[assignment]
    return settings
