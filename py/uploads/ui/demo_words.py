"""What the demo's panel says. Constants are English, and are said by whoever shows them. Pure functions of plain data."""

from uploads.ui import format as fmt
from uploads.ui.speech import say

NO_EVENTS = "Nothing yet: make a file, and pull a lever while it is on its way."
CRASHED = "The worker crashed; a new one goes on."
FULL_SPEED = "as fast as it goes"

MAKE = {False: "Make a 100 MB file", True: "Making the file…"}
MADE_NAME = "demo file {}.bin"
NOT_MADE = "This browser could not make the file. Choose one instead."

COMPARING = "Comparing the object with the file…"
SAME = "The object is the file, bit for bit."
DIFFERENT = "The object is not the file."
NO_FILE = "The object is whole. This page was opened anew since then, so it has no file to compare it with."
NO_OBJECT = "The object is not in this browser any more."
NO_SUM = "it could not be read"

COUNTERS = (
    ("requests", "Requests"),
    ("links", "Links signed"),
    ("stored", "Parts stored"),
    ("refused", "Parts refused"),
    ("lost", "Lost on the way"),
    ("again", "Parts sent again"),
)
"""Names of counters and their labels, in the order in which they are shown."""


def latency(milliseconds: int) -> str:
    """How long a request and its answer are on the way, besides their bytes."""
    return fmt.latency(milliseconds) if milliseconds else say("none")


def loss(percent: int) -> str:
    """How many requests are lost."""
    return say("{} of all requests", fmt.share(percent)) if percent else say("none")


def verdict(file_sum: "str | None", object_sum: "str | None", had_file: bool) -> str:
    """What the comparison of an object with its file has shown."""
    if object_sum is None:
        return NO_OBJECT
    if not had_file:
        return NO_FILE
    return SAME if file_sum == object_sum else DIFFERENT


def heard(name: str, what: str) -> str:
    """A verdict for a screen reader."""
    return f"{name}: {say(what)}"
