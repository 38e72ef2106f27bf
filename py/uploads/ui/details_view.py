"""What the details of an upload show, computed from what the engine tells. Pure functions of plain data."""

import json

from uploads.ui import format as fmt
from uploads.ui import panel_words as words
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.protocol import SessionSnapshot, UploadError

MOST_CELLS = 200
"""Cells of the map: where there are more parts, a cell stands for several."""
LONGEST_STORY = 60
"""Lines."""
FACTS = (
    "key",
    "size",
    "type",
    "part_size",
    "checksum",
    "etag",
    "requests",
    "seconds",
    "mean_speed",
    "peak_speed",
    "sent_bytes",
    "resent_bytes",
    "retries",
    "signing_calls",
    "status",
    "code",
    "request_id",
)
"""In the order in which they are shown."""
SMOOTHED = 4
"""Samples of which a point of the plot is the mean: parts that are sent quickly tell of their bytes only at their end."""
_URGENT = "dfrw"  # a cell of several parts shows the first of these that is among them


def facts(
    session: "SessionSnapshot", details: "dict[str, Any] | None", error: "UploadError | None"
) -> "list[tuple[str, str]]":
    """Names and values, in their order; what is not known is left out."""
    said: dict[str, str] = {}
    if session["file_size"] is not None:
        said["size"] = fmt.size(session["file_size"])
    said["type"] = session["content_type"]
    said["key"] = session["s3_key"]
    said["checksum"] = session["checksum"] or ""
    said["etag"] = session["etag"] or ""
    if session["chunk_size"]:
        said["part_size"] = fmt.size(session["chunk_size"])
    if details is not None:
        figures = details["figures"]
        if figures["seconds"]:
            said["seconds"] = fmt.duration(figures["seconds"])
        said["mean_speed"] = fmt.speed(figures["mean_speed"])
        said["peak_speed"] = fmt.speed(figures["peak_speed"])
        said["sent_bytes"] = fmt.size(figures["sent_bytes"])
        said["resent_bytes"] = fmt.size(figures["resent_bytes"])
        said["retries"] = fmt.number(figures["retries"])
        said["signing_calls"] = fmt.number(figures["signing_calls"])
        if session["status"] == "uploading":
            said["requests"] = say("{} of {}", fmt.number(details["requests"]), fmt.number(details["window"]))
    if error is not None:
        said["status"] = str(error["status"] or "")
        said["code"] = error["code"] or ""
        said["request_id"] = error["request_id"] or ""
    known = [(say(words.FACTS[name]), said[name]) for name in FACTS if said.get(name)]
    return known + sorted((session["metadata"] or {}).items())


def long_facts() -> "list[str]":
    """The names whose values want a line of their own."""
    return [say(words.FACTS["key"])]


def runs(parts: str) -> "list[tuple[int, str]]":
    """ "12s3f" as `[(12, "s"), (3, "f")]`."""
    found, digits = [], ""
    for letter in parts:
        if "0" <= letter <= "9":
            digits += letter
        elif digits:
            found.append((int(digits), letter))
            digits = ""
    return found


def cells(parts: str) -> "list[str]":
    """The letter of each cell of the map; a capital where something was sent more than once."""
    of_parts = runs(parts)
    total = sum([count for count, _ in of_parts])
    count = min(total, MOST_CELLS)
    found = []
    index, begun = 0, 0  # the run at hand, and the part at which it begins
    for cell in range(count):
        end = (cell + 1) * total // count
        letters = ""
        while index < len(of_parts) and begun < end:
            length, letter = of_parts[index]
            letters += letter
            if begun + length > end:
                break
            begun += length
            index += 1
        found.append(_shown(letters or of_parts[min(index, len(of_parts) - 1)][1]))
    return found


def _shown(letters: str) -> str:
    """The one letter that stands for several."""
    low = letters.lower()
    for urgent in _URGENT:
        if urgent in low:
            return urgent if letters == low else urgent.upper()
    return "s" if letters == low else "S"


def parts_text(parts: str) -> str:
    """The map in one sentence."""
    of_parts = runs(parts)
    count = dict.fromkeys("sSfFdDrRwW", 0)
    for length, letter in of_parts:
        if letter in count:
            count[letter] += length
    total = sum(count.values())
    again = sum([count[letter] for letter in "SFDRW"])
    return words.parts(count["s"] + count["S"], total, count["f"] + count["F"], again) if total else ""


def plot_text(mean_speed: float, peak_speed: float) -> str:
    """The plot in one sentence."""
    return words.plot(fmt.speed(mean_speed) or fmt.size(0), fmt.speed(peak_speed) or fmt.size(0))


def story(text: str, time_of: "Any") -> "list[str]":
    """The last events in words, the newest first; `time_of(milliseconds)`: the time of day."""
    lines = []
    for at, kind, number, wrong in json.loads(text):
        if kind in words.STORY:
            english = words.STORY[kind]
            values = [fmt.number(number)] if "Part {}" in english else []
            values += [wrong] if "({})" in english else []
            lines.append(f"{time_of(at)}  {say(english, *values)}")
    return list(reversed(lines[-LONGEST_STORY:]))


def series(samples: str) -> "list[list[float]]":
    """The plot's data: seconds, megabytes per second, parts on the way, retries."""
    rows = json.loads(samples)
    data: list[list[float]] = [[], [], [], []]
    for index, (at, _, requests, retries) in enumerate(rows):
        near = [row[1] for row in rows[max(0, index + 1 - SMOOTHED) : index + 1]]
        data[0].append(at)
        data[1].append(round(sum(near) / len(near) / 1e6, 3))
        data[2].append(requests)
        data[3].append(retries)
    return data
