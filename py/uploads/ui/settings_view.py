"""What can be chosen in the settings, and what a choice means. Pure functions of plain data.

A value's text, as `<option value>`, is its number in digits, its word ("auto", "adaptive"), or "" for None.
"""

from uploads.ui import format as fmt
from uploads.ui import panel_words as words
from uploads.ui.speech import NAMES, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MIB = 1024 * 1024
CHOICES: "dict[str, tuple[Any, ...]]" = {
    "bandwidth_limit": (None, 100_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 50_000_000),
    "max_concurrent_uploads": (1, 2, 3, 4, 5, 6, 8, 10),
    "max_concurrent_chunks": (1, 2, 3, 4, 5),
    "chunk_size": ("auto", "adaptive", 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB, 128 * MIB),
    "keep_copy": (None, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000),
}


def options(name: str, current: "Any", site: "Any") -> "list[tuple[str, str, bool]]":
    """The choices of a setting as `(text of the value, what a person reads, whether it counts now)`.

    What counts now, and what the site has, are among them, whatever they are.
    """
    values = list(CHOICES[name])
    for value in (site, current):
        if value not in values:
            values.append(value)
    values.sort(key=_place)  # MicroPython's does not keep the order of equals
    found = []
    for value in values:
        label = _label(name, value)
        found.append(
            (text_of(value), say(words.STANDARD, label) if value == site else label, value == current)
        )
    return found


def _place(value: "Any") -> int:
    """Words before numbers."""
    if isinstance(value, int):
        return value
    return -1 if value == "adaptive" else -2


def _label(name: str, value: "Any") -> str:
    if value is None:
        return say(words.NO_COPIES if name == "keep_copy" else words.NO_LIMIT)
    if value == "auto":
        return say(words.AUTOMATIC)
    if value == "adaptive":
        return say(words.BY_SPEED)
    if name == "bandwidth_limit":
        return fmt.speed(value)
    if name == "keep_copy":
        return say(words.UP_TO, fmt.size(value))
    return f"{value // MIB} MiB" if name == "chunk_size" and value % MIB == 0 else fmt.number(value)


def languages(current: str) -> "list[tuple[str, str, bool]]":
    """The languages to choose from, each by its own name, in the shape of `options`."""
    found = [("", say(words.AS_THE_BROWSER), not current)]
    return found + [(code, name, code == current) for code, name in NAMES]


def text_of(value: "Any") -> str:
    """A value's text."""
    return "" if value is None else str(value)


def value_of(text: str) -> "Any":
    """The value of a text."""
    if not text:
        return None
    return text if text in ("auto", "adaptive") else int(text)


def chosen(texts: "Mapping[str, str]") -> "dict[str, Any]":
    """All settings, from the texts of their values."""
    return {name: value_of(texts[name]) for name in CHOICES}
