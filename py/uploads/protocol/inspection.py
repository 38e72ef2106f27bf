"""What a page and its inspectors' worker say to each other.

The worker runs a site's own Python, which may say anything: it is checked like everything from outside.
"""

from uploads.protocol.codec import decode, encode
from uploads.protocol.kinds import Choice, Kind, Number, Record, Text, TextMap, Texts
from uploads.protocol.messages import CONTENT_ENCODINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

INSPECTION_VERSION = 1
LONGEST_WORDS = 2000
"""Characters of what people are told."""
INSPECTION_JOB = "INSPECTION_JOB"
INSPECTION_BEGUN = "INSPECTION_BEGUN"
INSPECTION_PROGRESSED = "INSPECTION_PROGRESSED"
INSPECTION_DONE = "INSPECTION_DONE"
INSPECTION_FAILED = "INSPECTION_FAILED"


class Options(Kind):
    """An object whose keys are an inspector's own, with values of JSON."""

    expected = "an object"

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, dict):
            raise self.refuse(value, where)
        return value


# with the file beside it
_JOBS = {
    INSPECTION_JOB: Record({"callable": Text(3, 200), "packages": Texts(most=100), "options": Options()}),
}
_ANSWERS = {
    INSPECTION_BEGUN: Record({}),  # its packages are there, and it runs
    INSPECTION_PROGRESSED: Record(
        {"checked": Number(most=100)}
    ),  # percent of the file, up to where it has read
    # with a `File` beside it, where the file is to be replaced; reason: why it is not taken, or ""
    INSPECTION_DONE: Record(
        {
            "reason": Text(longest=LONGEST_WORDS),
            "metadata": TextMap(),
            "content_encoding": Choice(CONTENT_ENCODINGS),
        }
    ),
    INSPECTION_FAILED: Record({"message": Text(longest=LONGEST_WORDS)}),
}


def encode_job(job: "Mapping[str, object]") -> str:
    """Raises `ProtocolError`, as the three below do."""
    return encode(job, _JOBS, INSPECTION_VERSION)


def decode_job(text: object) -> "dict[str, Any]":
    """A job: `{"callable", "packages", "options"}`."""
    return decode(text, _JOBS, INSPECTION_VERSION)


def encode_answer(answer: "Mapping[str, object]") -> str:
    """The worker's."""
    return encode(answer, _ANSWERS, INSPECTION_VERSION)


def decode_answer(text: object) -> "dict[str, Any]":
    """`{"type": …, …}` with snake_case keys."""
    return decode(text, _ANSWERS, INSPECTION_VERSION)
