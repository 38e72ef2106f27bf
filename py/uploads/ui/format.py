"""Numbers and names as people read them. Pure functions of plain data."""

import math

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


_decimal_point = "."


def use_decimal_point(text: str) -> None:
    """What stands before the decimals of all numbers from now on."""
    global _decimal_point
    _decimal_point = text


def size(count: float) -> str:
    """A number of bytes in at most three digits: "1 byte", "999 bytes", "1.50 kB", "12.3 MB", "3.22 GB"."""
    if count < 1000:
        whole = int(count)
        return "1 byte" if whole == 1 else f"{whole} bytes"
    power = 0
    value = float(count)
    while value >= 999.5 and power < len(UNITS) - 1:
        value /= 1000
        power += 1
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return "{:.{}f} {}".format(value, digits, UNITS[power]).replace(".", _decimal_point)


def speed(bytes_per_second: float) -> str:
    """A speed, "24.1 MB/s"; below a byte per second there is none: ""."""
    return size(bytes_per_second) + "/s" if bytes_per_second >= 1 else ""


def duration(seconds: float) -> str:
    """A time of at most two units: "5 s", "3 min", "1 h 5 min", "2 d 3 h". Never 0: the least is 1 s."""
    total = max(1, math.ceil(seconds))
    if total < 60:
        return f"{total} s"
    minutes = round(total / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = minutes // 60, minutes % 60
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = hours // 24, hours % 24
    return f"{days} d {hours} h" if hours else f"{days} d"


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
