"""Plain checks of what the page says and shows, run on CPython, MicroPython and Pyodide."""

from uploads.protocol import PHASES, STATUSES
from uploads.ui import format as fmt
from uploads.ui import view, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FAILURE: "Any" = {
    "type": "NETWORK_ERROR",
    "message": "The store did not answer.",
    "retryable": True,
    "recovery": "Press Retry.",
    "status": 503,
    "code": None,
    "request_id": None,
    "story": [],
}
HOPELESS: "Any" = dict(FAILURE, retryable=False)


def session(phase: str, **changes: object) -> "Any":
    """A session of a 300 MB file in a phase, with the status that goes with it."""
    status = phase if phase in STATUSES else "uploading"
    status = "paused" if phase == "waiting-for-file" else status
    values: dict[str, object] = {
        "upload_id": "u",
        "status": status,
        "phase": phase,
        "file_name": "film.mov",
        "file_size": 300_000_000,
        "content_type": "video/quicktime",
        "object_url": "s3/object?key=k" if phase == "completed" else None,
        "file_access": "choose",
    }
    values.update(changes)
    return values


def progress(percent: float, **changes: object) -> "Any":
    """Progress of that file."""
    values: dict[str, object] = {
        "progress": percent,
        "uploaded_bytes": int(3_000_000 * percent),
        "total_bytes": 300_000_000,
        "estimated_time_remaining": 12.2,
        "speed": 24_000_000.0,
    }
    values.update(changes)
    return values


def check_sizes() -> None:
    for count, expected in (
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (16 * 2**20, "16.8 MB"),
        (3 * 2**30, "3.22 GB"),
        (5 * 10**18, "5000 PB"),
    ):
        assert fmt.size(count) == expected, (count, fmt.size(count))


def check_speeds_and_times() -> None:
    assert fmt.speed(0) == ""
    assert fmt.speed(0.4) == ""
    assert fmt.speed(24_100_000) == "24.1 MB/s"
    for seconds, expected in (
        (0, "1 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (95, "2 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (86_400, "1 d"),
        (86_400 * 2 + 3 * 3600, "2 d 3 h"),
    ):
        assert fmt.duration(seconds) == expected, (seconds, fmt.duration(seconds))


def check_percent_is_100_only_when_completed() -> None:
    assert [fmt.percent(done, False) for done in (-1, 0, 0.9, 99.99, 100, 250)] == [0, 0, 0, 99, 99, 99]
    assert fmt.percent(3, True) == 100


def check_names_cannot_lie() -> None:
    assert fmt.visible_name("été 😀 日本.txt") == "été 😀 日本.txt"
    assert fmt.visible_name("a\u202egpj.exe") == "a‹U+202E›gpj.exe"
    assert fmt.visible_name("a\x00b\nc\x7f") == "a‹U+0000›b‹U+000A›c‹U+007F›"
    assert fmt.visible_name("\u2066\ufeff\u200b\u061c") == "‹U+2066›‹U+FEFF›‹U+200B›‹U+061C›"
    assert fmt.visible_name("👩\u200d💻") == "👩\u200d💻"


def check_long_names_keep_both_ends() -> None:
    assert fmt.short_name("short.txt") == "short.txt"
    name = "x" * 300 + ".tar.gz"
    short = fmt.short_name(name)
    assert len(short) == fmt.LONGEST_NAME
    assert short.startswith("xxx")
    assert "…" in short
    assert short.endswith(".tar.gz")
    assert fmt.short_name("a b " * 20, 20).count("…") == 1


def check_kinds_of_files() -> None:
    for name, content_type, expected in (
        ("a", "image/png", "image"),
        ("a.JPG", "", "image"),
        ("a.tar.gz", "application/gzip", "archive"),
        ("a.pdf", "application/pdf", "text"),
        ("a.unheard", "application/octet-stream", "file"),
        ("mov", "", "file"),
        ("", "", "file"),
    ):
        assert fmt.file_kind(name, content_type) == expected, name


def check_every_phase_has_words_and_buttons() -> None:
    expected = {
        "queued": "pause cancel",
        "creating": "pause cancel",
        "uploading": "pause cancel",
        "reconciling": "pause cancel",
        "finalising": "cancel",
        "waiting-for-network": "pause cancel",
        "waiting-for-file": "choose cancel",
        "waiting-for-sign-in": "resume cancel",
        "cancelling": "",
        "paused": "resume cancel",
        "completed": "remove",
        "failed": "retry cancel",
        "cancelled": "remove",
    }
    assert sorted(expected) == sorted(PHASES)
    for phase, buttons in expected.items():
        assert " ".join(view.actions(phase, None, "ready", "choose")) == buttons, phase
        assert view.actions(phase, None, "failed", "ask") == ("remove",)
        assert words.phase(phase, "ready", "choose")
    assert view.actions("failed", FAILURE, "ready", "open") == ("retry", "cancel")
    assert view.actions("failed", HOPELESS, "ready", "open") == ("cancel",)
    assert words.phase("queued", "starting", "choose") == "Getting ready…"
    assert words.phase("uploading", "starting", "choose") == "Getting ready…", (
        "its worker is gone, and another one begins"
    )
    assert words.phase("paused", "starting", "choose") == "Paused"
    assert words.phase("queued", "ready", "choose") == "Waiting for its turn"


def check_how_a_file_comes_back() -> None:
    for access, state, buttons, note in (
        ("open", "Opening the file…", ("cancel",), ""),
        (
            "copy",
            "Opening the file…",
            ("cancel",),
            "A copy of 300 MB is kept in this browser until it is uploaded.",
        ),
        ("ask", "Press Continue to go on", ("continue", "cancel"), "The browser asks once more"),
        (
            "denied",
            "Choose the file again to go on",
            ("choose", "cancel"),
            "The browser did not let this page",
        ),
        ("choose", "Choose the file again to go on", ("choose", "cancel"), "The browser lets go of a file"),
    ):
        waiting = session("waiting-for-file", file_access=access)
        shown = view.row(waiting, progress(5), None, "ready")
        assert (shown["state"], shown["actions"]) == (state, buttons), access
        assert shown["note"].startswith(note), (access, shown["note"])
        assert bool(shown["note"]) == bool(note)
        assert shown["heard"] == ("queued" if access in ("open", "copy") else "waiting-for-file")
        assert (
            view.row(waiting, progress(5), FAILURE, "ready")["note"]
            == "The store did not answer. Press Retry."
        )
    for phase, note in (
        ("uploading", "A copy of 300 MB is kept in this browser until it is uploaded."),
        ("paused", "A copy of 300 MB is kept in this browser until it is uploaded."),
        ("waiting-for-network", words.HINTS["waiting-for-network"] + " " + words.COPY_KEPT.format("300 MB")),
        ("completed", ""),
        ("cancelled", ""),
    ):
        shown = view.row(session(phase, file_access="copy"), progress(5), None, "ready")
        assert (shown["note"], shown["heard"]) == (note, phase)
    for access, note in (
        ("open", "Keep this page open: otherwise its file has to be chosen again."),
        ("handle", ""),
    ):
        waiting = session("waiting-for-network", file_access=access)
        for error, told in (
            (None, words.HINTS["waiting-for-network"]),
            (FAILURE, "The store did not answer. Press Retry."),
        ):
            assert view.row(waiting, progress(5), error, "ready")["note"] == f"{told} {note}".strip()
    unseen = session("queued", file_access="copy", file_size=None)
    assert view.row(unseen, progress(0), None, "ready")["note"] == ""


def check_a_row_under_way() -> None:
    shown = view.row(session("uploading"), progress(41.26), None, "ready")
    assert shown["numbers"] == "124 MB of 300 MB · 24.0 MB/s · 13 s left"
    assert (shown["percent"], shown["fraction"]) == (41, "0.413")
    assert shown["value_text"] == "41 %, Uploading"
    assert (shown["name"], shown["kind"], shown["note"], shown["alarm"]) == ("film.mov", "video", "", False)
    calm = progress(41.26, speed=0.0, estimated_time_remaining=None)
    assert view.row(session("uploading"), calm, None, "ready")["numbers"] == "124 MB of 300 MB"
    assert view.row(session("paused"), progress(41.26), None, "ready")["numbers"] == "124 MB of 300 MB"
    assert view.row(session("queued"), progress(0), None, "ready")["numbers"] == "300 MB"
    assert view.row(session("queued", file_size=None), progress(0), None, "ready")["numbers"] == ""


def check_a_row_never_runs_backwards() -> None:
    shown = view.row(session("uploading"), progress(30.0), None, "ready", 41.0)
    assert (shown["percent"], shown["highest"], shown["fraction"]) == (41, 41.0, "0.410")
    shown = view.row(session("uploading"), progress(50.0), None, "ready", 41.0)
    assert (shown["percent"], shown["highest"]) == (50, 50.0)
    anew = view.row(session("creating"), progress(0), None, "ready", 41.0)
    assert (anew["percent"], anew["highest"]) == (0, 0)


def check_a_row_at_its_end() -> None:
    shown = view.row(session("finalising"), progress(100.0), None, "ready")
    assert (shown["percent"], shown["fraction"]) == (99, "0.999")
    shown = view.row(session("completed"), progress(100.0), None, "ready")
    assert (shown["percent"], shown["fraction"], shown["numbers"]) == (100, "1", "300 MB")
    assert shown["object_url"] == "s3/object?key=k"
    shown = view.row(session("failed"), progress(50.0), FAILURE, "ready")
    assert shown["note"] == "The store did not answer. Press Retry."
    assert shown["alarm"]
    calm = view.row(session("waiting-for-network", file_access="handle"), progress(50.0), FAILURE, "ready")
    assert (calm["note"], calm["alarm"]) == ("The store did not answer. Press Retry.", False), (
        "it goes on by itself"
    )
    assert "lets go of a file" in view.row(session("waiting-for-file"), progress(5), None, "ready")["note"]
    empty = session("completed", file_size=0)
    assert view.row(empty, progress(100, uploaded_bytes=0), None, "ready")["numbers"] == "0 bytes"


def check_the_overview() -> None:
    def overview(*rows: "tuple[str, float]") -> "Any":
        sessions = {str(index): session(row[0]) for index, row in enumerate(rows)}
        return view.overall(sessions, {str(index): progress(row[1]) for index, row in enumerate(rows)})

    assert not overview()["shown"]
    assert overview()["percent"] == 0
    one = overview(("uploading", 50.0))
    assert (one["shown"], one["active"], one["percent"]) == (False, 1, 50)
    several = overview(("uploading", 50.0), ("paused", 10.0), ("completed", 100.0), ("cancelled", 70.0))
    assert several["state"] == "1 under way · 1 paused · 1 uploaded · 1 cancelled"
    assert several["percent"] == 53
    assert several["numbers"] == "480 MB of 900 MB · 24.0 MB/s · 18 s left"
    assert (several["pause_all"], several["resume_all"], several["cancel_all"]) == (True, True, True)
    offline = ("waiting-for-network", 0.0)
    assert overview(offline, offline, offline)["state"] == "Offline: 3 files wait for the network"
    assert overview(offline, ("paused", 0.0))["state"] == "Offline: 1 file waits for the network · 1 paused"
    assert (
        overview(offline, offline, ("uploading", 5.0))["state"]
        == "1 under way · 2 files wait for the network"
    )
    done = overview(("completed", 100.0), ("completed", 100.0))
    assert (done["percent"], done["cancel_all"], done["numbers"]) == (100, False, "600 MB of 600 MB")
    assert overview(("completed", 100.0), ("failed", 100.0))["percent"] == 99
    assert overview(("completed", 100.0), ("finalising", 100.0))["percent"] == 99
    unknown = view.overall({"a": session("queued", file_size=None)}, {"a": progress(0)})
    assert (unknown["percent"], unknown["active"]) == (0, 1)


def check_announcements_do_not_chatter() -> None:
    changes = [
        (None, "queued"),
        ("queued", "creating"),
        ("creating", "uploading"),
        ("uploading", "uploading"),
    ]
    assert [words.happened(*change) for change in changes] == ["started", "", "", ""]
    assert words.happened("uploading", "waiting-for-network") == ""
    assert words.happened(None, "waiting-for-network") == "waiting-for-network"
    assert words.happened("queued", "waiting-for-network") == "waiting-for-network"
    assert words.announcement([("waiting-for-network", "a")]) == "a waits for the network."
    assert words.happened("finalising", "completed") == "completed"
    assert words.happened("uploading", "failed") == "failed"
    assert words.happened("uploading", "paused") == "paused"
    assert words.happened("paused", "reconciling") == "resumed"
    assert words.happened(None, "waiting-for-file") == "waiting-for-file"
    assert words.happened("paused", "cancelled") == ""
    assert words.happened(None, "cancelled") == ""
    said = words.announcement([("started", "a"), ("completed", "b"), ("started", "c"), ("resumed", "d")])
    assert said == "b is uploaded. d goes on. 2 files are being uploaded."
    assert words.announcement([]) == ""


def check_the_title() -> None:
    assert words.title("Uploads", 0, 40) == "Uploads"
    assert words.title("Uploads", 2, 40) == "40 % · Uploads"
