"""Plain checks of what the page says and shows, run on CPython, MicroPython and Pyodide."""

from uploads.client.tally import Tally
from uploads.protocol import ADJUSTABLE, PHASES, STATUSES, head_of
from uploads.ui import details_view, settings_view, statistics_view, view, words
from uploads.ui import format as fmt
from uploads.ui.heights import Heights
from uploads.ui.key_names import key_in_folder

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


def head(snapshot: "dict[str, Any]") -> "Any":
    """What the engine says beside a snapshot."""
    snapshot["session"]["rank"] = 1.0
    return head_of(snapshot)


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
        "etag": None,
        "checksum": None,
        "checked": None,
        "metadata": None,
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
        "inspecting": "cancel",
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
        shown = view.actions(phase, None, "ready", "choose")
        details = "" if phase == "inspecting" else " details"
        assert " ".join(shown) == (buttons + details).strip(), phase
        assert view.actions(phase, None, "failed", "ask") == ("remove",)
        assert words.phase(phase, "ready", "choose")
    assert view.actions("failed", FAILURE, "ready", "open") == ("retry", "cancel", "details")
    assert view.actions("failed", HOPELESS, "ready", "open") == ("cancel", "details")
    waits = view.actions("queued", None, "ready", "open", many_wait=True)
    assert waits == ("pause", "cancel", "first", "details")
    assert "first" not in view.actions("uploading", None, "ready", "open", many_wait=True)
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
        assert (shown["state"], shown["actions"][:-1]) == (state, buttons), access
        assert shown["note"].startswith(note), (access, shown["note"])
        assert bool(shown["note"]) == bool(note)
        assert view.heard(waiting) == ("queued" if access in ("open", "copy") else "waiting-for-file")
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
        copied = session(phase, file_access="copy")
        assert view.row(copied, progress(5), None, "ready")["note"] == note
        assert view.heard(copied) == phase
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
        tally = Tally()
        for index, row in enumerate(rows):
            for phase, percent in (("queued", 0.0), row):  # what was before does not count
                snapshot = {"session": session(phase, upload_id=str(index)), "progress": progress(percent)}
                snapshot["error"] = None
                tally.put(head(snapshot))
        return view.overall(tally)

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
    tally = Tally()
    snapshot = {"session": session("queued", file_size=None), "progress": progress(0), "error": None}
    tally.put(head(snapshot))
    unknown = view.overall(tally)
    assert (unknown["percent"], unknown["active"]) == (0, 1)
    tally.drop("u")
    tally.drop("u")
    assert (tally.uploads, tally.statuses, tally.phases, tally.at_work) == (0, {}, {}, {})


def check_what_can_be_set() -> None:
    found = settings_view.options("bandwidth_limit", 3_000_000, None)
    assert found[0] == ("", "No limit (standard)", False)
    assert [entry for entry in found if entry[2]] == [("3000000", "3.00 MB/s", True)], "whatever it is"
    assert settings_view.options("chunk_size", "auto", 5 * 1024 * 1024)[:4] == [
        ("auto", "Automatic", True),
        ("adaptive", "By the speed of the line", False),
        ("5242880", "5 MiB (standard)", False),
        ("8388608", "8 MiB", False),
    ]
    assert settings_view.options("chunk_size", 6_000_000, "auto")[2] == ("6000000", "6000000", True)
    assert settings_view.options("keep_copy", None, None)[:2] == [
        ("", "No copies (standard)", True),
        ("10000000", "Up to 10.0 MB", False),
    ]
    assert ("3", "3 (standard)", True) in settings_view.options("max_concurrent_uploads", 3, 3)
    texts = {"bandwidth_limit": "", "max_concurrent_uploads": "2", "max_concurrent_chunks": "5"}
    texts.update({"chunk_size": "auto", "keep_copy": "10000000"})
    assert settings_view.chosen(texts) == {
        "bandwidth_limit": None,
        "max_concurrent_uploads": 2,
        "max_concurrent_chunks": 5,
        "chunk_size": "auto",
        "keep_copy": 10_000_000,
    }
    assert sorted(settings_view.CHOICES) == sorted(ADJUSTABLE)


def details(**changes: "Any") -> "dict[str, Any]":
    figures = {"seconds": 12.2, "sent_bytes": 100_000_000, "resent_bytes": 8_000_000, "parts": 12}
    figures.update({"retries": 2, "signing_calls": 1, "mean_speed": 8.2e6, "peak_speed": 2e7})
    found: dict[str, Any] = {"figures": figures, "requests": 3, "window": 4, "parts": "12s1S3f2r80w"}
    found.update(changes)
    return found


def check_a_look_at_the_file_says_how_far_it_is() -> None:
    shown = view.row(session("reconciling", checked=41.7), progress(60.0), None, "ready")
    assert shown["state"] == "Checking what is already stored… 41 %"
    assert shown["value_text"].endswith("41 %")


def check_the_details_of_an_upload() -> None:
    at_work = session("uploading", s3_key="me/k", chunk_size=8_388_608)
    facts = details_view.facts(at_work, None, None)
    assert [name for name, _ in facts] == ["Key", "Size", "Type", "Size of a part"]
    facts = details_view.facts(at_work, details(), FAILURE)
    assert ("Parts on the way", "3 of 4") in facts
    assert ("Sent in vain", "8.00 MB") in facts
    assert ("HTTP status", "503") in facts
    assert facts.index(("Peak speed", "20.0 MB/s")) > facts.index(("Mean speed", "8.20 MB/s"))
    done = details_view.facts(
        session("completed", s3_key="k", chunk_size=5, checksum="rosUhgp5mIg=", etag="e-2"), details(), None
    )
    assert "Parts on the way" not in [name for name, _ in done]
    assert ("Checksum (CRC-64/NVME)", "rosUhgp5mIg=") in done
    assert ("ETag", "e-2") in done
    inspected = session("completed", s3_key="k", chunk_size=5, metadata={"rows": "3", "encryption": "x"})
    assert details_view.facts(inspected, None, None)[-2:] == [("encryption", "x"), ("rows", "3")]
    assert details_view.runs("12s3f") == [(12, "s"), (3, "f")]
    assert "".join(details_view.cells("3s1S1f2w")) == "sssSfww"
    many = details_view.cells("500s1F499w")
    assert (len(many), many[0], many[99], many[100], many[101], many[199]) == (200, "s", "s", "F", "w", "w")
    assert details_view.cells("") == []
    told = details_view.parts_text("12s1S3f2R80w")
    assert told == "13 of 98 parts are stored · 3 on the way · 3 sent more than once"
    assert details_view.parts_text("5s") == "5 of 5 parts are stored"
    assert details_view.parts_text("") == ""
    story = '[[1, "SlotGranted", 0, ""], [2, "TimerFired", 0, ""], [3, "PartFailed", 7, "SlowDown"]]'
    assert details_view.story(story, str) == ["3  Part 7 did not get through (SlowDown)", "1  It is its turn"]
    data = details_view.series("[[1.0, 4000000, 2, 0], [2.0, 0, 3, 1]]")
    assert data == [[1.0, 2.0], [4.0, 2.0], [2, 3], [0, 1]]
    assert details_view.plot_text(1e6, 0) == "Speed over time: 1.00 MB/s in the mean, 0 bytes at most"


def check_statistics_can_be_saved() -> None:
    row = {"uploadId": "u", "fileName": '=1+"2", a', "fileSize": 10, "status": "completed", "startedAt": 1}
    row.update({"endedAt": None, "seconds": 2.5, "meanSpeed": 4.0, "peakSpeed": 5.0, "parts": 1})
    row.update({"retries": 0, "sentBytes": 10, "resentBytes": 5, "signingCalls": 1})
    text = statistics_view.as_csv([row])
    assert text.split("\r\n")[0].startswith("uploadId,fileName,fileSize")
    assert text.split("\r\n")[1] == 'u,"\'=1+""2"", a",10,completed,1,,2.5,4.0,5.0,1,0,10,5,1'
    assert statistics_view.summary([row]) == "1 file · 10 bytes · 5 bytes sent in vain"
    assert statistics_view.summary([row, row]) == "2 files · 20 bytes · 10 bytes sent in vain"
    cells = statistics_view.table([row])[0]
    assert cells == ['=1+"2", a', "10 bytes", "3 s", "4 bytes/s", "5 bytes/s", "0", "5 bytes", "1"]


def check_words_for_what_is_done() -> None:
    assert words.all_done(1, 0) == "1 file is uploaded."
    assert words.all_done(3, 1) == "3 files are uploaded. 1 stopped with an error."
    assert words.all_done(3, 2).endswith("2 uploads stopped with an error.")
    assert words.hide_finished(False, 3) == "Hide finished"
    assert words.hide_finished(True, 3) == "Show finished (3)"
    assert words.moved("a", 2, 5) == "a is now 2 of 5."


def check_rows_that_are_not_in_the_page_take_their_place() -> None:
    heights = Heights(usual=100)
    assert (heights.total, heights.index_at(50)) == (0, 0)
    for _ in range(200):
        heights.append()
    assert (heights.total, heights.top(150), heights.index_at(15_050)) == (20_000, 15_000, 150)
    heights.measured(0, 130)
    heights.measured(70, 50)
    assert (heights.total, heights.top(1), heights.top(71), heights.top(200)) == (19_980, 130, 7_080, 19_980)
    for index in (0, 1, 63, 64, 70, 71, 199):
        assert heights.index_at(heights.top(index)) == index
        assert heights.index_at(heights.top(index + 1) - 1) == index
    assert (heights.index_at(-5), heights.index_at(99_999)) == (0, 199)
    heights.reset([10, None, 20])
    assert (heights.total, heights.top(2), heights.index_at(115)) == (130, 110, 2)


def check_keys_keep_folders() -> None:
    assert key_in_folder("b", "holiday/2024 Rome", "a b.jpg") == "b/holiday/2024_Rome/a_b.jpg"
    assert key_in_folder("b", "/../.", "x") == "b/file/file/x"
    deep = key_in_folder("b", "/".join(["folder" * 20] * 30), "x.jpg")
    assert deep.startswith("b/folder")
    assert deep.endswith("/x.jpg")
    assert 500 < len(deep) <= 800


def check_rules_and_twins_are_told() -> None:
    rules: Any = {"allowed_types": [], "max_file_size": None, "min_file_size": 0, "max_files": None}
    assert view.rules(rules) == ""
    rules = {
        "allowed_types": ["image/*", ".pdf"],
        "max_file_size": 5_000_000,
        "min_file_size": 1,
        "max_files": 3,
    }
    told = view.rules(rules)
    assert told == "images, .pdf · at most 5.00 MB each · at least 1 byte each · at most 3 files at a time"
    assert words.rule_count(1) == "one file at a time"
    assert words.too_many(3, 97) == "At most 3 files can be uploaded at a time. 97 were left out."
    assert words.too_many(1, 1) == "At most 1 file can be uploaded at a time. 1 was left out."
    assert words.known_already(1, "a") == "a is in the list already, and is not sent twice."
    assert words.known_already(2, "a") == "2 files are in the list already, and are not sent twice."
    assert words.unchecked(1, ["a"]) == "a was still being checked when this page was left. Add it again."
    assert words.unchecked(9, ["a", "\u202eb"]).endswith(" Add them again: a, ‹U+202E›b, ….")


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
    assert words.announcement([("waiting-for-network", "a")], str) == "a waits for the network."
    assert words.happened("finalising", "completed") == "completed"
    assert words.happened("uploading", "failed") == "failed"
    assert words.happened("uploading", "paused") == "paused"
    assert words.happened("paused", "reconciling") == "resumed"
    assert words.happened(None, "waiting-for-file") == "waiting-for-file"
    assert words.happened("paused", "cancelled") == ""
    assert words.happened(None, "cancelled") == ""
    said = words.announcement([("started", "a"), ("completed", "b"), ("started", "c"), ("resumed", "d")], str)
    assert said == "b is uploaded. d goes on. 2 files are being uploaded."
    assert words.announcement([], str) == ""


def check_the_title() -> None:
    assert words.title("Uploads", 0, 40) == "Uploads"
    assert words.title("Uploads", 2, 40) == "40 % · Uploads"
