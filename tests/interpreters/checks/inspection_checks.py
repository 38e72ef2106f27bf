"""Plain checks of inspectors' settings, messages and queue, run on CPython, MicroPython and Pyodide."""

import json

from uploads.client import UploadClient
from uploads.protocol import ConfigError, ProtocolError, check_upload_config
from uploads.protocol.file_types import matches
from uploads.protocol.inspection import (
    INSPECTION_BEGUN,
    INSPECTION_DONE,
    INSPECTION_FAILED,
    INSPECTION_JOB,
    INSPECTION_PROGRESSED,
    decode_answer,
    decode_job,
    encode_answer,
    encode_job,
)
from uploads.protocol.inspectors import LEAST_MEMORY, MOST_MEMORY, full_inspector
from uploads.protocol.kinds import TextMap

from tests.interpreters.checks.client_checks import FakeFile, FakeLink, raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

EXIF = {"match": ["image/*"], "callable": "upload_inspectors.exif:inspect"}
CSV = {
    "match": [".csv"],
    "callable": "check:inspect",
    "time_limit": 5000,
    "options": {"columns": {"a": "text"}},
}


class FakeInspector:
    """Stands for the worker of inspectors."""

    def __init__(self, memory: int, heard: "Callable[..., None]") -> None:
        self.memory = memory
        self.heard = heard
        self.jobs: list[Any] = []
        self.ended = False

    def post(self, text: str, file: "Any") -> None:
        self.jobs.append((decode_job(text), file))

    def end(self) -> None:
        self.ended = True

    def say(self, kind: str, file: "Any" = None, **fields: "Any") -> None:
        message = {"type": kind}
        message.update(fields)
        self.heard(encode_answer(message), file, "")

    def accept(self, file: "Any" = None, metadata: "Any" = None, encoding: str = "") -> None:
        self.say(INSPECTION_DONE, file, reason="", metadata=metadata or {}, content_encoding=encoding)


class InspectingLink(FakeLink):
    """A link with workers for inspectors, unless `refuses`, and timers that a check lets go off."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.workers: list[FakeInspector] = []
        self.timers: list[Any] = []

    def with_file(self, file: "Any", then: "Callable[[str, str], None]") -> None:
        then(file.name, "image/png" if file.name.endswith(".png") else "")

    def new_inspector(self, memory: int, heard: "Callable[..., None]") -> "FakeInspector | None":
        if self.refuses:
            return None
        self.workers.append(FakeInspector(memory, heard))
        return self.workers[-1]

    def later(self, milliseconds: int, due: "Callable[[], None]") -> "Callable[[], None]":
        timer = [milliseconds, due]
        self.timers.append(timer)

        def stop() -> None:
            if timer in self.timers:
                self.timers.remove(timer)

        return stop

    def go_off(self) -> None:
        self.timers.pop()[1]()

    @property
    def worker(self) -> FakeInspector:
        return self.workers[-1]

    def starts(self) -> "list[Any]":
        return [(message, file) for message, file in self.posted if message["type"] == "START_UPLOAD"]


def inspecting(*inspectors: "dict[str, Any]") -> "tuple[Any, InspectingLink, list[Any]]":
    link: Any = InspectingLink()
    client = UploadClient(link, {"inspectors": list(inspectors)})
    changes: list[Any] = []
    client.subscribe(changes.append)
    return client, link, changes


def check_the_settings_are_refused_by_name() -> None:
    check_upload_config({"inspectors": [EXIF, CSV]})
    check_upload_config({"inspectors": ()})
    check_upload_config({"inspectors": []})
    good = "a_b.c:inspect"
    for inspectors, words in (
        ("exif", "must be a list of inspectors, not text"),
        ([EXIF] * 51, "at most 50 entries"),
        (["exif"], "[0] must be an inspector"),
        ([EXIF, {"callable": good, "matches": []}], "[1] 'matches' is not known"),
        ([{}], 'callable must be "module:function"'),
        ([{"callable": 1}], 'callable must be "module:function"'),
        ([{"callable": "os.system"}], 'callable must be "module:function"'),
        ([{"callable": "os..a:b"}], 'callable must be "module:function"'),
        ([{"callable": "os:a b"}], 'callable must be "module:function"'),
        ([{"callable": "os:1a"}], 'callable must be "module:function"'),
        ([{"callable": good, "match": ["images"]}], "match must hold entries such as"),
        ([{"callable": good, "packages": "pillow"}], "packages must be a list of texts"),
        ([{"callable": good, "packages": [""]}], "packages must be a list of texts"),
        ([{"callable": good, "options": []}], "options must be a table"),
        ([{"callable": good, "time_limit": 0}], "time_limit must be a whole number of milliseconds"),
        ([{"callable": good, "time_limit": True}], "time_limit must be a whole number of milliseconds"),
        (
            [{"callable": good, "memory_limit": LEAST_MEMORY - 1}],
            "memory_limit must be a whole number of bytes",
        ),
        (
            [{"callable": good, "memory_limit": MOST_MEMORY + 1}],
            "memory_limit must be a whole number of bytes",
        ),
        ([{"callable": good, "on_failure": "ignore"}], 'on_failure must be "reject" or "accept"'),
    ):
        told = raised(ConfigError, check_upload_config, {"inspectors": inspectors})
        assert told.startswith("inspectors "), (inspectors, told)
        assert words in told, (inspectors, told)


def check_the_defaults() -> None:
    found = full_inspector({"callable": "a:b", "time_limit": 5})
    assert (found["time_limit"], found["on_failure"], found["match"]) == (5, "reject", [])


def check_which_files_are_meant() -> None:
    for patterns, name, kind, expected in (
        ([], "a", "", True),
        ([".csv"], "A.CSV", "", True),
        ([".csv"], "a.csv.zip", "", False),
        (["image/*"], "a", "image/png", True),
        (["image/*"], "a", "imagery/png", False),
        (["text/plain"], "a", "Text/Plain; charset=utf-8", True),
        (["text/plain", ".md"], "a.md", "", True),
        (["text/plain"], "a", "text/html", False),
    ):
        assert matches(patterns, name, kind) is expected, (patterns, name, kind)


def check_what_is_said_is_checked() -> None:
    job = {"type": INSPECTION_JOB, "callable": "a:b", "packages": [], "options": {"deep": {"er": [1]}}}
    assert decode_job(encode_job(job)) == job
    for answer, words in (
        ({"type": "INSPECTION_DANCE"}, "is not a known message type"),
        ({"type": INSPECTION_PROGRESSED, "checked": 101}, "from 0 to 100"),
        ({"type": INSPECTION_FAILED, "message": "x" * 3000}, "0 to 2000 characters"),
        ({"type": INSPECTION_DONE, "reason": "", "metadata": {"a": 1}, "contentEncoding": ""}, "with texts"),
        ({"type": INSPECTION_DONE, "reason": "", "metadata": {}, "contentEncoding": "br"}, "must be one of"),
    ):
        message = {"version": 1}
        message.update(answer)  # type: ignore[arg-type]
        assert words in raised(ProtocolError, decode_answer, json.dumps(message))
    assert "must be an object" in raised(
        ProtocolError,
        decode_job,
        json.dumps({"version": 1, "type": INSPECTION_JOB, "callable": "a:b", "packages": [], "options": 1}),
    )
    assert "at most 10 characters, it has 11" in raised(
        ProtocolError, TextMap(10).convert, {"12345": "678901"}, "m", True
    )


def check_a_file_is_looked_at_before_its_upload_begins() -> None:
    client, link, changes = inspecting(EXIF, CSV)
    upload_id = client.start_upload(FakeFile("a.csv"), "p", "key")
    assert client.heads[upload_id]["phase"] == "inspecting"
    assert client.active_uploads[upload_id]["phase"] == "inspecting"
    assert link.starts() == []
    job, file = link.worker.jobs[0]
    assert (job["callable"], job["options"], file.name) == ("check:inspect", CSV["options"], "a.csv")
    assert [timer[0] for timer in link.timers] == [180_000]
    link.worker.say(INSPECTION_BEGUN)
    assert [timer[0] for timer in link.timers] == [5000]
    link.worker.say(INSPECTION_PROGRESSED, checked=40)
    assert client.active_uploads[upload_id]["checked"] == 40
    replaced = FakeFile("a.csv.gz")
    link.worker.accept(replaced, {"rows": "3"}, "gzip")
    ((message, file),) = link.starts()
    told = {"metadata": {"rows": "3"}, "content_encoding": "gzip", "rejection": ""}
    assert (message["s3_key"], message["inspected"], file) == ("key", told, replaced)
    assert client.heads[upload_id]["phase"] == "queued"
    assert [change["type"] for change in changes] == ["upload"] * 3
    assert [timer[0] for timer in link.timers] == [60_000]
    link.go_off()
    assert link.worker.ended, "nobody needs it any more"


def check_a_file_that_no_inspector_is_for_goes_at_once() -> None:
    client, link, _ = inspecting(EXIF)
    client.start_upload(FakeFile("a.txt"), "p")
    assert (len(link.starts()), link.workers) == (1, [])


def check_what_inspectors_are_told_is_told_to_nobody_else() -> None:
    client, link, _ = inspecting(CSV)
    assert link.posted[0][0]["config"] == {}
    assert "columns" not in client.report()


def check_one_after_the_other_by_all_that_are_for_it() -> None:
    whole = {"callable": "last:inspect"}
    client, link, _ = inspecting(EXIF, whole)
    client.start_upload(FakeFile("a.png"), "p")
    client.start_upload(FakeFile("b.txt"), "p")
    (worker,) = link.workers
    worker.accept(None, {"a": "1"})
    worker.accept(None, {"b": "2"})
    assert [job["callable"] for job, _ in worker.jobs] == [
        "upload_inspectors.exif:inspect",
        "last:inspect",
        "last:inspect",
    ]
    assert link.starts()[0][0]["inspected"]["metadata"] == {"a": "1", "b": "2"}
    worker.say(INSPECTION_DONE, reason="No.", metadata={}, content_encoding="")
    assert link.starts()[1][0]["inspected"]["rejection"] == "No."
    assert len(link.workers) == 1


def check_another_limit_needs_another_worker() -> None:
    client, link, _ = inspecting(EXIF, {"callable": "last:inspect", "memory_limit": LEAST_MEMORY})
    client.start_upload(FakeFile("a.png"), "p")
    link.worker.accept()
    assert [worker.memory for worker in link.workers] == [1024 * 1024 * 1024, LEAST_MEMORY]
    assert [worker.ended for worker in link.workers] == [True, False]


def failing(policy: str) -> "tuple[Any, InspectingLink]":
    client, link, _ = inspecting({"callable": "a:b", "on_failure": policy})
    client.start_upload(FakeFile("a.txt"), "p")
    return client, link


def check_what_goes_wrong_follows_the_policy() -> None:
    happenings: list[tuple[Callable[[InspectingLink], None], str]] = [
        (lambda link: link.worker.say(INSPECTION_FAILED, message="a bug"), "could not be checked: a bug"),
        (lambda link: link.worker.heard("", None, "it crashed"), "could not be checked: it crashed"),
        (lambda link: link.worker.heard("{}", None, ""), "could not be checked: version"),
        (lambda link: link.go_off(), "it took too long"),
    ]
    for happen, words in happenings:
        _, link = failing("reject")
        happen(link)
        assert words in link.starts()[0][0]["inspected"]["rejection"], words
        _, link = failing("accept")
        happen(link)
        assert link.starts()[0][0]["inspected"]["rejection"] == ""


def check_where_no_worker_starts() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    link.refuses = True
    client.start_upload(FakeFile("a.txt"), "p")
    assert "starts no worker" in link.starts()[0][0]["inspected"]["rejection"]


def check_late_words_count_no_more() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    client.start_upload(FakeFile("a.txt"), "p")
    link.worker.accept()
    link.worker.say(INSPECTION_PROGRESSED, checked=1)
    link.worker.heard("", None, "it stopped while it had nothing to do")
    assert len(link.starts()) == 1
    client.start_upload(FakeFile("b.txt"), "p")
    assert len(link.workers) == 2


def check_a_person_may_change_their_mind_meanwhile() -> None:
    client, link, changes = inspecting({"callable": "a:b"})
    first, second, third = [client.start_upload(FakeFile(name), "p") for name in ("a", "b", "c")]
    client.cancel_upload(second)
    assert second not in client.active_uploads
    client.cancel_upload(first)
    assert link.workers[0].ended, "whatever it does"
    assert changes[-1] == {"type": "removed", "upload_id": first}
    assert [file.name for _, file in link.worker.jobs] == ["c"]
    client.pause_upload(third)
    client.resume_upload(third)
    client.pause_all()
    link.worker.accept()
    assert [message["type"] for message, _ in link.posted][-2:] == ["START_UPLOAD", "PAUSE_UPLOAD"]
    fourth = client.start_upload(FakeFile("d"), "p")
    client.resume_all()
    client.cancel_all()
    assert fourth not in client.active_uploads


def check_a_file_that_is_chosen_again_is_looked_at_again() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    upload_id = client.start_upload(FakeFile("a"), "p")
    link.worker.accept(FakeFile("a.enc"))
    client.reselect_file(upload_id, FakeFile("a"))
    again = FakeFile("a.enc")
    link.worker.accept(again)
    assert link.posted[-1] == ({"type": "RESELECT_FILE", "upload_id": upload_id}, again)
    client.verify_upload(upload_id, FakeFile("a"))
    link.worker.say(INSPECTION_PROGRESSED, checked=40)
    assert client.heads[upload_id]["phase"] == "queued", "the engine alone tells of what it knows"
    link.worker.accept(again)
    assert link.posted[-1] == ({"type": "VERIFY_UPLOAD", "upload_id": upload_id}, again)


def check_one_that_the_engine_knows_is_cancelled_there() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    upload_id = client.start_upload(FakeFile("a"), "p")
    link.worker.accept()
    client.reselect_file(upload_id, FakeFile("a"))
    client.pause_upload(upload_id)
    assert link.posted[-1][0]["type"] == "PAUSE_UPLOAD"
    client.cancel_upload(upload_id)
    assert link.posted[-1][0]["type"] == "CANCEL_UPLOAD"
    assert upload_id in client.active_uploads
    assert link.workers[0].ended


def check_an_engine_that_failed_gets_nothing() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    upload_id = client.start_upload(FakeFile("a"), "p")
    link.say({"type": "ENGINE_FAILED", "message": "no memory"})
    link.worker.accept()
    assert link.starts() == []
    assert client.active_uploads[upload_id]["status"] == "failed"


def check_leaving_ends_it() -> None:
    client, link, _ = inspecting({"callable": "a:b"})
    client.start_upload(FakeFile("a"), "p")
    assert client.after_leaving == "stops"
    client.close()
    assert link.worker.ended
    link.worker.accept()
    assert link.starts() == []
