"""Files that a site's inspectors look at before their uploads begin: one at a time, in a worker of their own.

Nobody has heard of such an upload but this page: what stops an inspector, or runs for ever in it, is ended with its worker, and
no upload is touched.
"""

from uploads.protocol import ProtocolError
from uploads.protocol.file_types import matches
from uploads.protocol.inspection import (
    INSPECTION_BEGUN,
    INSPECTION_DONE,
    INSPECTION_FAILED,
    INSPECTION_JOB,
    INSPECTION_PROGRESSED,
    decode_answer,
    encode_job,
)
from uploads.protocol.inspectors import full_inspector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uploads.client.link import WorkerLink

START_LIMIT = 180_000
"""Milliseconds in which Python has to start, and the packages to be installed."""
IDLE_LIMIT = 60_000
"""Milliseconds after which a worker that nobody needs is let go: it holds some 60 MB."""
FAILED = "The file could not be checked: {}."
TOO_LONG = "The file could not be checked: it took too long."
NO_WORKER = "The file could not be checked: this browser starts no worker here."


class Inspected:
    """What came of it: the file to be uploaded, and what START_UPLOAD says of it."""

    def __init__(self, js_file: "Any") -> None:
        self.js_file = js_file
        self.metadata: dict[str, str] = {}
        self.content_encoding = ""
        self.rejection = ""


class _Job:
    def __init__(self, upload_id: str, js_file: "Any", done: "Callable[[Inspected], None]") -> None:
        self.upload_id = upload_id
        self.found = Inspected(js_file)
        self.done = done
        self.step = 0


class Inspection:
    """`inspectors`: of a checked configuration; `progressed(upload_id, percent)`: how far the one is that is looked at."""

    def __init__(
        self,
        link: "WorkerLink",
        inspectors: "Sequence[Mapping[str, Any]]",
        progressed: "Callable[[str, float], None]",
    ) -> None:
        self._link = link
        self._inspectors = [full_inspector(entry) for entry in inspectors]
        self._progressed = progressed
        self._jobs: dict[str, _Job] = {}
        self._arrived: list[str] = []  # in order, the last one last
        self._next_ones: list[str] = []  # the other way round, before those
        self._current: _Job | None = None
        self._worker: Any = None
        self._memory = 0
        self._stop_timer: Callable[[], None] = _nothing

    def __contains__(self, upload_id: str) -> bool:
        return upload_id in self._jobs

    def begin(self, upload_id: str, js_file: "Any", done: "Callable[[Inspected], None]") -> None:
        """Looks at a `File`, or at that of a `FileSystemFileHandle`; calls `done` once, unless it is dropped before."""
        self._jobs[upload_id] = _Job(upload_id, js_file, done)
        self._arrived.append(upload_id)
        self._next()

    def drop(self, upload_id: str) -> None:
        """A person does not want it any more."""
        job = self._jobs.pop(upload_id)
        if job is self._current:
            self._end_worker()
            self._current = None
            self._next()

    def close(self) -> None:
        """Ends all of it."""
        self._jobs = {}
        self._current = None
        self._end_worker()

    def _next(self) -> None:
        if self._current is not None:
            return
        while self._next_ones or self._arrived:
            if not self._next_ones:
                self._next_ones, self._arrived = list(reversed(self._arrived)), []
            job = self._jobs.get(self._next_ones.pop())
            if job is not None:
                self._current = job
                self._go_on(job)
                return
        if self._worker is not None:
            self._set_timer(IDLE_LIMIT, self._end_worker)

    def _go_on(self, job: _Job) -> None:
        self._link.with_file(job.found.js_file, lambda name, kind: self._look(job, name, kind))

    def _look(self, job: _Job, name: str, content_type: str) -> None:
        """At the file by the next inspector that it is for."""
        if job is not self._current:
            return
        while job.step < len(self._inspectors):
            inspector = self._inspectors[job.step]
            if matches(inspector["match"], name, content_type):
                self._ask(job, inspector)
                return
            job.step += 1
        self._finish(job)

    def _ask(self, job: _Job, inspector: "dict[str, Any]") -> None:
        if self._worker is None or self._memory != inspector["memory_limit"]:
            self._end_worker()
            self._memory = inspector["memory_limit"]
            self._worker = self._link.new_inspector(self._memory, self._heard)
            if self._worker is None:
                self._failed(job, NO_WORKER)
                return
        names = ("callable", "packages", "options")
        message = {"type": INSPECTION_JOB}
        message.update({name: inspector[name] for name in names})
        self._set_timer(START_LIMIT, self._took_too_long)
        self._worker.post(encode_job(message), job.found.js_file)

    def _heard(self, text: str, js_file: "Any" = None, reason: str = "") -> None:
        """From the worker; no text: it has stopped."""
        job = self._current
        if not text:
            self._end_worker()
            if job is not None:
                self._failed(job, _words(reason))
            return
        if job is None:
            return
        try:
            answer = decode_answer(text)
        except ProtocolError as error:
            self._failed(job, _words(error))
            return
        kind, inspector = answer["type"], self._inspectors[job.step]
        if kind == INSPECTION_BEGUN:
            self._set_timer(inspector["time_limit"], self._took_too_long)
        elif kind == INSPECTION_PROGRESSED:
            self._progressed(job.upload_id, answer["checked"])
        elif kind == INSPECTION_FAILED:
            self._failed(job, _words(answer["message"]))
        elif kind == INSPECTION_DONE:
            self._take(job, answer, js_file)

    def _take(self, job: _Job, answer: "dict[str, Any]", js_file: "Any") -> None:
        self._stop_timer()
        found = job.found
        found.metadata.update(answer["metadata"])
        found.content_encoding = answer["content_encoding"] or found.content_encoding
        if js_file is not None and self._link.is_file(js_file):
            found.js_file = js_file
        if answer["reason"]:
            found.rejection = answer["reason"]
            self._finish(job)
            return
        job.step += 1
        self._go_on(job)

    def _failed(self, job: _Job, words: str) -> None:
        """The inspector has; its policy says what that means for the file."""
        self._stop_timer()
        if self._inspectors[job.step]["on_failure"] == "accept":
            job.step += 1
            self._go_on(job)
            return
        job.found.rejection = words
        self._finish(job)

    def _took_too_long(self) -> None:
        job = self._current
        self._end_worker()
        if job is not None:
            self._failed(job, TOO_LONG)

    def _finish(self, job: _Job) -> None:
        self._current = None
        self._jobs.pop(job.upload_id)
        try:
            job.done(job.found)
        finally:
            self._next()

    def _set_timer(self, milliseconds: int, due: "Callable[[], None]") -> None:
        self._stop_timer()
        self._stop_timer = self._link.later(milliseconds, due)

    def _end_worker(self) -> None:
        self._stop_timer()
        if self._worker is not None:
            self._worker.end()
            self._worker = None


def _words(reason: object) -> str:
    return FAILED.format(str(reason).rstrip("."))


def _nothing() -> None:
    pass
