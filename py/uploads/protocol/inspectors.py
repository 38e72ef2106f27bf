"""The setting `inspectors`: which functions look at which files before these are uploaded."""

from uploads.protocol.errors import kind_name, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

DEFAULT_INSPECTOR: "dict[str, Any]" = {
    "match": [],  # as `allowed_types`; empty: every file
    "packages": [],  # names, addresses of wheels and of .py files, from the site's own
    "callable": "",  # "module:function"
    "options": {},  # the function's keyword arguments
    "time_limit": 300_000,  # milliseconds
    "memory_limit": 1024 * 1024 * 1024,  # bytes of the inspector's heap
    "on_failure": "reject",  # or "accept": what becomes of the file when the inspector fails, or takes too much
}
LEAST_MEMORY = 64 * 1024 * 1024
"""Bytes: Python alone takes 30 MB."""
MOST_MEMORY = 4 * 1024 * 1024 * 1024 - 65536


def complaint_of_inspectors(value: object, complaint_of_types: "Callable[[object], str]") -> str:
    """Why this is no list of inspectors, naming the first wrong entry; "". complaint_of_types: the rule of `allowed_types`."""
    if not isinstance(value, (list, tuple)):
        return f"must be a list of inspectors, not {kind_name(value)}"
    if len(value) > 50:
        return f"must have at most 50 entries, it has {len(value)}"
    for number, entry in enumerate(value):
        complaint = _complaint(entry, complaint_of_types)
        if complaint:
            return f"[{number}] {complaint}"
    return ""


def _complaint(entry: object, complaint_of_types: "Callable[[object], str]") -> str:
    if not isinstance(entry, dict):
        return f"must be an inspector, not {kind_name(entry)}"
    for name in sorted([str(key) for key in entry]):
        if name not in DEFAULT_INSPECTOR:
            return f"{shorten(name)} is not known; an inspector has {', '.join(sorted(DEFAULT_INSPECTOR))}"
    module, colon, function = str(entry.get("callable", "")).partition(":")
    if (
        not isinstance(entry.get("callable"), str)
        or not colon
        or not _is_dotted(module)
        or not _is_name(function)
    ):
        return 'callable must be "module:function"'
    complaint = complaint_of_types(entry.get("match", []))
    if complaint:
        return f"match {complaint}"
    packages = entry.get("packages", [])
    if not isinstance(packages, (list, tuple)) or not all(
        isinstance(name, str) and 0 < len(name) <= 1000 for name in packages
    ):
        return "packages must be a list of texts"
    if not isinstance(entry.get("options", {}), dict):
        return f"options must be a table, not {kind_name(entry.get('options'))}"
    if not _is_whole(entry.get("time_limit", 1), 1, 24 * 3600 * 1000):
        return "time_limit must be a whole number of milliseconds, at most a day"
    if not _is_whole(entry.get("memory_limit", LEAST_MEMORY), LEAST_MEMORY, MOST_MEMORY):
        return f"memory_limit must be a whole number of bytes, from {LEAST_MEMORY} to {MOST_MEMORY}"
    if entry.get("on_failure", "reject") not in ("reject", "accept"):
        return f'on_failure must be "reject" or "accept", not {shorten(entry.get("on_failure"))}'
    return ""


def full_inspector(entry: "Mapping[str, Any]") -> "dict[str, Any]":
    """With its defaults."""
    return {name: entry.get(name, default) for name, default in DEFAULT_INSPECTOR.items()}


def _is_whole(value: object, least: int, most: int) -> bool:
    return value is not True and value is not False and isinstance(value, int) and least <= value <= most


def _is_name(text: str) -> bool:
    return (
        bool(text)
        and all(letter.isalpha() or letter == "_" or letter.isdigit() for letter in text)
        and not text[0].isdigit()
    )


def _is_dotted(text: str) -> bool:
    return all(_is_name(word) for word in text.split("."))
