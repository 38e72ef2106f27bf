"""Numbers and names as people read them. Pure functions of plain data."""

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Numbers(Protocol):
        """How a language writes numbers. `unit`: one of `UNITS`, or "ms", "s", "min", "h", "d"."""

        def quantity(self, value: float, digits: int, unit: str, per_second: bool) -> str:
            """A number with its unit."""

        def share(self, whole: int) -> str:
            """A number of percent."""

        def count(self, number: int) -> str:
            """A whole number."""

        def category(self, number: int) -> str:
            """The form of words that goes with a number, as CLDR names it: "one", "few", "other"."""


UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
"""Powers of 1000, as in the file managers of macOS and most Linux desktops."""

LONGEST_NAME = 60
"""Characters of a file name that a row shows."""

# Characters that change how the text around them is shown, or show as nothing: they could make a name lie.
# (Unicode's Bidi_Control, separators and zero-width characters; U+200C and U+200D are part of words and emoji.)
_DECEIVING = (0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)
_DECEIVING_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)


_numbers: "list[Numbers]" = []


def use_numbers(numbers: "Numbers | None") -> None:
    """Has numbers written in another language's style from now on; None: in English."""
    _numbers.clear()
    if numbers is not None:
        _numbers.append(numbers)


def size(count: float) -> str:
    """A number of bytes in at most three digits: "1 byte", "999 bytes", "1.50 kB", "12.3 MB", "3.22 GB"."""
    return _bytes(count, False)


def speed(bytes_per_second: float) -> str:
    """A speed, "24.1 MB/s"; below a byte per second there is none: ""."""
    return _bytes(bytes_per_second, True) if bytes_per_second >= 1 else ""


def _bytes(count: float, per_second: bool) -> str:
    if count < 1000:
        return _quantity(int(count), 0, UNITS[0], per_second)
    power = 0
    value = float(count)
    while value >= 999.5 and power < len(UNITS) - 1:
        value /= 1000
        power += 1
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return _quantity(value, digits, UNITS[power], per_second)


def _quantity(value: float, digits: int, unit: str, per_second: bool = False) -> str:
    if _numbers:
        return _numbers[0].quantity(value, digits, unit, per_second)
    shown = "byte" if unit == "bytes" and value == 1 else unit
    return "{:.{}f} {}{}".format(value, digits, shown, "/s" if per_second else "")


def duration(seconds: float) -> str:
    """A time of at most two units: "5 s", "3 min", "1 h 5 min", "2 d 3 h". Never 0: the least is 1 s."""
    total = max(1, math.ceil(seconds))
    if total < 60:
        return _quantity(total, 0, "s")
    minutes = round(total / 60)
    if minutes < 60:
        return _quantity(minutes, 0, "min")
    hours, minutes = minutes // 60, minutes % 60
    if hours < 24:
        return _two(hours, "h", minutes, "min")
    return _two(hours // 24, "d", hours % 24, "h")


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    shown = _quantity(first, 0, unit)
    return f"{shown} {_quantity(second, 0, smaller)}" if second else shown


def latency(milliseconds: int) -> str:
    """A time that is short: "50 ms", "1.5 s"."""
    if milliseconds < 1000:
        return _quantity(milliseconds, 0, "ms")
    return _quantity(milliseconds // 100 / 10, 1, "s")


def share(whole: int) -> str:
    """A whole number of percent: "42 %"."""
    return _numbers[0].share(whole) if _numbers else f"{whole} %"


def number(count: int) -> str:
    """A number of things."""
    return _numbers[0].count(count) if _numbers else str(count)


def percent(done: float, completed: bool) -> int:
    """Whole percent, rounded down, and never 100 before completion. `done`: 0 to 100."""
    if completed:
        return 100
    return max(0, min(99, int(done)))


def visible_name(name: str) -> str:
    """A file's name in which control and direction characters are spelled out, as in "photo‹U+202E›gpj.exe"."""
    shown = []
    for letter in name:
        code = ord(letter)
        if code in _DECEIVING or any(first <= code <= last for first, last in _DECEIVING_RANGES):
            shown.append(f"‹U+{code:04X}›")
        else:
            shown.append(letter)
    return "".join(shown)


def short_name(shown: str, longest: int = LONGEST_NAME) -> str:
    """A visible name cut in the middle, so that its beginning and its ending stay readable."""
    if len(shown) <= longest:
        return shown
    ending = longest // 3
    return shown[: longest - ending - 1].rstrip() + "…" + shown[len(shown) - ending :].lstrip()


def file_kind(name: str, content_type: str) -> str:
    """What an icon can tell of a file: "image", "video", "audio", "archive", "text" or "file"."""
    family = content_type.split("/")[0]
    if family in ("image", "video", "audio", "text"):
        return family
    ending = name.lower().split(".")[-1] if "." in name else ""
    for kind, endings in _ENDINGS:
        if ending in endings:
            return kind
    return "file"


_ENDINGS = (
    ("image", ("jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "svg", "bmp", "tif", "tiff")),
    ("video", ("mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg")),
    ("audio", ("mp3", "wav", "flac", "ogg", "m4a", "aac", "opus")),
    ("archive", ("zip", "gz", "xz", "bz2", "zst", "7z", "tar", "rar", "tgz", "iso", "dmg")),
    ("text", ("txt", "md", "csv", "json", "xml", "html", "log", "pdf", "doc", "docx", "odt", "py", "toml")),
)
