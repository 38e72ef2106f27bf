"""The faults that the simulation can show: their names, the rows of the fault matrix they stand for, where they strike.

Each name is performed in one of three rooms: strikes on a PUT (``strikes``), strikes on a call (``strikes`` as well),
and what happens to the line, the store, the browser, a file or by a person's hand (``deeds``). A *state* is not
planned; it is counted when the others lead to it. A run in which one of them never struck proves nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST = (1, 1, 1, 2, 3)
SOON = (1, 2, 3, 4, 5, 6, 7, 8)
CALLS = ("create", "complete", "sign", "list", "status", "abort", "who")
ANSWERS = ("create answered", "put answered", "complete asked", "complete answered", "list answered")


@dataclass(frozen=True, slots=True)
class Fault:
    """``rows``: of the fault matrix; ``counters``: what its place is counted in; ``places``: which of them;

    ``amount``: the range of its amount (seconds for a window, else what its performer says); ``is_window``: it lasts;

    ``needs``: one of these has to happen before it; ``turns``: it is certain every so many turns, if that is dear;

    ``when``: the range of the seconds at which it happens, if that is not anywhen.
    """

    name: str
    rows: tuple[int, ...]
    counters: tuple[str, ...] = ("time",)
    amount: tuple[float, float] = (0.0, 1.0)
    places: tuple[int, ...] = FIRST
    weight: float = 1.0
    is_window: bool = False
    needs: tuple[str, ...] = ()
    turns: int = 1
    when: tuple[float, float] | None = None


ENDS = ("browser: killed", "browser: reloaded")
"""What a second life of the browser needs."""
LOOK = ("put: answer lost",)
"""What a list with parts needs."""


def _put(name: str, *rows: int, amount: tuple[float, float] = (0.0, 1.0), weight: float = 1.0) -> Fault:
    return Fault(f"put: {name}", rows, ("put",), amount, weight=weight)


def _call(name: str, *rows: int, kinds: tuple[str, ...] = CALLS, weight: float = 1.0) -> Fault:
    return Fault(f"call: {name}", rows, kinds, weight=weight)


def _one(kind: str, name: str, *rows: int, weight: float = 1.0, needs: tuple[str, ...] = ()) -> Fault:
    return Fault(f"{kind}: {name}", rows, (kind,), weight=weight, needs=needs)


def _window(
    name: str, rows: tuple[int, ...], seconds: tuple[float, float], weight: float = 1.0, turns: int = 1
) -> Fault:
    return Fault(name, rows, ("time",), seconds, weight=weight, is_window=True, turns=turns)


def _life(name: str, *rows: int) -> Fault:
    return Fault(name, rows, ("life",), places=(2, 2, 3), needs=ENDS)


CATALOGUE: tuple[Fault, ...] = (
    # A PUT. Amount: the fraction of its bytes that have gone, unless it says otherwise.
    _put("connection reset", 1, weight=2),
    _put("answer lost", 2, weight=2),
    _put("stalls", 3),
    _put("stalls with all bytes sent", 3, weight=0.3),
    _put("slow line", 4, amount=(1e4, 6e4)),  # bytes per second
    _put("a portal's page", 8),
    _put("a proxy's 403", 9, 37),
    _put("a proxy's 413", 9),
    _put("arrives after it was given up", 14, amount=(0.05, 30.0)),  # seconds later
    _put("500 InternalError", 15),
    _put("502", 15),
    _put("504", 15),
    _put("503 SlowDown", 16),
    _put("429 with Retry-After", 17, amount=(1.0, 200.0)),  # seconds asked for
    _put("503 without CORS headers", 18),
    _put("400 RequestTimeout", 19),
    _put("403 expired on the way", 39),
    _put("403 AccessDenied", 46),
    _put("403 RequestTimeTooSkewed", 45),
    _put("a bit flips", 69, weight=2),
    _put("stored under the wrong number", 70, weight=2),
    _put("an old copy arrives late", 71, amount=(0.05, 10.0), weight=2),  # seconds later
    # A call to the signing server.
    _call("connection reset", 31, 42, weight=2),
    _call("answer lost", 22, 31, 42, weight=2),
    _call("500", 15, 42),
    _call("502", 15, 42),
    _call("503 with Retry-After", 16, 42),
    _call("429 with Retry-After", 17, 42),
    _call("a portal's page", 8),
    _call("never answers", 42, weight=0.5),
    _one("create", "answer lost", 31),
    _one("list", "lacks a part", 33, needs=LOOK),
    _one("list", "tells a wrong size", 34, needs=LOOK),
    _one("list", "tells a wrong ETag", 34, needs=LOOK),
    _one("complete", "200 with an error inside", 21),
    _one("complete", "answer lost", 22, weight=2),
    _one("complete", "answer cut off", 23),
    _one("complete", "white space", 23),
    _one("complete", "takes five minutes", 24),
    _one("complete", "InvalidPart", 28),
    _one("complete", "412 although ours won", 29),
    _one("complete", "409 conflict", 30),
    _one("complete", "a report with a wrong size"),
    _one("complete", "a report with a wrong ETag"),
    _one("complete", "a report without proof"),
    _one("complete", "a report with a wrong checksum"),
    _one("complete", "a report without checksum"),
    _one("complete", "parts assembled in the wrong order", 70),
    _one("complete", "assembled with the wrong size", 72),
    # The line. Amount: seconds.
    _window("line: offline for a second", (5,), (0.2, 3.0), 2),
    _window("line: offline for long", (6,), (5.0, 600.0)),
    _window("line: offline for hours", (6,), (3_600.0, 5_400.0), 0.0, turns=8),
    Fault(
        "line: offline from the start",
        (6, 42, 49),
        ("time",),
        (20.0, 600.0),
        weight=2,
        is_window=True,
        needs=("browser: killed while offline",),
        when=(0.0, 0.0),
    ),
    _window("line: hangs", (3, 5), (0.5, 90.0)),
    Fault("line: changes", (7,)),
    _window("line: DNS fails", (10,), (2.0, 120.0)),
    _window("line: bandwidth falls and comes back", (11, 12), (5.0, 300.0)),
    _window("line: a captive portal", (8,), (2.0, 60.0)),
    _window("line: a proxy refuses", (9,), (2.0, 60.0)),
    _window("line: loses three of ten parts", (13,), (10.0, 120.0)),
    # The store and the signing server. Amount: seconds.
    _window("store: a burst of 500, 502, 504", (15,), (1.0, 40.0)),
    _window("store: SlowDown for ten minutes", (16,), (600.0, 601.0), 0.0, turns=4),
    _window("store: hides the ETag", (20,), (1.0, 30.0), 0.5),
    _window("store: refuses a header", (36,), (1.0, 30.0), 0.5),
    _window("store: out of space", (46,), (1.0, 30.0)),
    Fault("store: the upload expires", (26,), ("time", "put answered", "complete asked"), places=SOON),
    Fault("store: a foreign object at the key", (27, 29), ("time", "put answered"), places=SOON),
    Fault("store: loses a part", (33,), ("put answered",), places=SOON),
    _window("signer: down", (42,), (2.0, 120.0)),
    _window("signer: slow", (42,), (2.0, 120.0)),
    _window("signer: signed out", (41,), (2.0, 60.0)),
    _window("signer: somebody else signs in", (43,), (2.0, 60.0)),
    Fault("signer: its credentials expire early", (40,), ("time", "put answered"), places=SOON),
    # The browser. Amount: see ``deeds``.
    Fault("browser: killed", (47, 53), ("time", "put answered"), places=SOON, weight=2),
    Fault("browser: reloaded", (49,), ("time",), weight=2),
    Fault("browser: killed while offline", (47, 49), ("time",), weight=0.5, when=(3.0, 15.0)),
    Fault("browser: killed as Create is answered", (48,), ("create answered",)),
    Fault("browser: killed as Complete is asked", (22, 25, 35, 47), ("complete asked", "complete answered")),
    Fault("browser: killed before a write", (47, 48), ("write",), places=SOON),
    Fault("browser: killed after a write", (47, 48), ("write",), places=SOON),
    Fault("browser: storage full", (54,), ("write",), places=SOON),
    Fault("browser: storage blocked", (54,), ("life",), places=(1, 1, 2)),
    _life("browser: a damaged record", 56),
    Fault("browser: the date jumps", (44,)),
    Fault("browser: asleep", (51,), amount=(20.0, 3_600.0)),
    # The file.
    Fault("file: changes", (58,)),
    Fault("file: one part changes unnoticed", (59,), ("time", "put answered"), places=SOON),
    Fault("file: two parts change unnoticed", (59,), ("time", "put answered"), places=SOON),
    _life("file: changes unnoticed while the browser is closed", 59),
    Fault("file: cannot be read", (60,)),
    Fault("file: deleted", (62,), weight=0.5),
    # The person.
    _life("user: offers another file", 61),
    Fault("user: pauses", (14, 66), ("time", *ANSWERS), amount=(0.0, 20.0), places=SOON, weight=2),
    Fault("user: pauses for an hour", (38,), amount=(100.0, 3_600.0), weight=0.5),
    Fault("user: fifty clicks in a second", (66,), ("time", *ANSWERS), places=SOON),
    Fault("user: cancels", (66,), ("time", "put answered", "create answered"), places=SOON),
    Fault("user: cancels as it completes", (67,), ("complete asked", "complete answered"), weight=2),
    Fault("user: opens a second page", (50, 52)),
)
BY_NAME = {fault.name: fault for fault in CATALOGUE}

STATES: tuple[Fault, ...] = (
    Fault("state: a late answer of a given-up attempt", (14,)),
    Fault("state: NoSuchUpload after success", (25,)),
    Fault("state: ListParts answers after completion", (35,)),
    Fault("state: a signed URL expired in the queue", (38,)),
    Fault("state: a part listed twice", (71,)),
    Fault("state: a wish while Complete is under way", (67,)),
)

PLAYED = (*CATALOGUE, *STATES)
