"""Tells an operator's address what becomes of uploads: off unless `analytics_url` is set.

Events say when an upload was started, paused, resumed, waits, and how it ended, with sizes, times and the kind of error;
never a file's name, a key, a person or an address. A page tells of what it has started itself; of other uploads only
while it is the only page. Events are sent in batches, what is left when the page goes by `navigator.sendBeacon`.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from uploads.client.client import UploadClient

    class Edge(Protocol):
        """What of the browser is needed. Times are seconds, `now` milliseconds since 1970."""

        def now(self) -> int: ...
        def later(self, seconds: float, call: "Callable[[], None]") -> None: ...
        def send(self, url: str, text: str, answered: "Callable[[bool], None]") -> None: ...
        def beacon(self, url: str, text: str) -> bool: ...
        def watch_leaving(self, left: "Callable[[], None]") -> None: ...


PAUSE = 10.0
"""Seconds from the first event of a batch until it is sent."""
BATCH = 50
"""Events of a batch: about 15 KB. A browser takes 64 KiB of beacons in all."""
MOST_KEPT = 1000
"""Events that are kept while nobody takes them."""

_TYPES = {
    "paused": "paused",
    "waiting-for-network": "offline",
    "waiting-for-file": "file-needed",
    "waiting-for-sign-in": "sign-in-needed",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""Phases that are told of, and what the event is called. Leaving one of them is "resumed": by Retry, even a failed one."""


class Analytics:
    """Listens to a client for as long as the page lives. `page` names the page's life: a random text."""

    def __init__(self, client: "UploadClient", url: str, page: str, edge: "Edge") -> None:
        self._client = client
        self._url = url
        self._page = page
        self._edge = edge
        self._seen: dict[str, list[Any]] = {}  # phase, whether it was started here, whether that was told
        self._events: list[dict[str, Any]] = []
        self._is_due = False
        self._count = 0
        client.subscribe(self._changed)
        edge.watch_leaving(self._leave)

    def _changed(self, change: "dict[str, Any]") -> None:
        upload_id = change["upload_id"]
        if change["type"] == "removed":
            self._seen.pop(upload_id, None)
        if change["type"] != "upload" or upload_id not in self._client.active_uploads:
            return
        session = self._client.active_uploads[upload_id]
        phase, size = session["phase"], session["file_size"]
        if upload_id not in self._seen:
            # Only an upload that this page has just started has no size yet: the engine tells it.
            self._seen[upload_id] = [phase, size is None, size is not None]
            return
        seen = self._seen[upload_id]
        is_ours = seen[1] or self._client.pages == 1
        if not seen[2] and size is not None:
            seen[2] = True
            self._note("started", session)
        before, seen[0] = seen[0], phase
        if phase == before or not is_ours:
            return
        if phase in _TYPES:
            self._note(_TYPES[phase], session)
        elif before in _TYPES:
            self._note("resumed", session)

    def _note(self, kind: str, session: "Any") -> None:
        upload_id, now = session["upload_id"], self._edge.now()
        self._count += 1
        event = {
            "id": f"{self._page}-{self._count}",
            "type": kind,
            "at": now,
            "uploadId": upload_id,
            "projectId": session["project_id"],
            "size": session["file_size"],
            "contentType": session["content_type"],
            "progress": session["progress"],
            "seconds": max(0, now - session["started_at"]) / 1000,
        }
        if kind == "completed" and event["seconds"]:
            event["bytesPerSecond"] = (session["file_size"] or 0) / event["seconds"]
        error = self._client.upload_errors.get(upload_id)
        if kind == "failed" and error is not None:
            event["error"] = {name: error[name] for name in ("type", "code", "status", "retryable")}
        self._events.append(event)
        del self._events[:-MOST_KEPT]
        self._hurry()

    def _hurry(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._edge.later(PAUSE, self._send)

    def _send(self) -> None:
        self._is_due = False
        batch, self._events = self._events[:BATCH], self._events[BATCH:]
        if not batch:
            return

        def answered(taken: bool) -> None:
            if not taken:
                self._events = (batch + self._events)[-MOST_KEPT:]
            if self._events:
                self._hurry()

        self._edge.send(self._url, self._text(batch), answered)

    def _leave(self) -> None:
        """The page goes, or is hidden and may never come back: nobody would hear an answer."""
        while self._events:
            if not self._edge.beacon(self._url, self._text(self._events[:BATCH])):
                return
            self._events = self._events[BATCH:]

    def _text(self, events: "list[dict[str, Any]]") -> str:
        return json.dumps({"version": 1, "page": self._page, "sentAt": self._edge.now(), "events": events})
