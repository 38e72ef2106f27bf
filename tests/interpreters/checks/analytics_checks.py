"""Plain checks of `uploads.client.analytics`, run on CPython, MicroPython and Pyodide (ACCEPTANCE Q9)."""

import json

from uploads.client.analytics import BATCH, MOST_KEPT, PAUSE, Analytics

from tests.interpreters.checks.client_checks import FakeFile, client_with, ready
from tests.interpreters.checks.protocol_checks import GIB_3, snapshot, snapshot_with_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

URL = "https://count.example/events"
START = 1_790_000_000_000


class FakeEdge:
    """A browser that sends nothing: keeps what it was given to send."""

    def __init__(self) -> None:
        self.time = START + 20_000
        self.timers: list[Any] = []
        self.sent: list[Any] = []
        self.beacons: list[Any] = []
        self.takes_beacons = True

    def now(self) -> int:
        return self.time

    def later(self, seconds: float, call: "Callable[[], None]") -> None:
        assert seconds == PAUSE
        self.timers.append(call)

    def send(self, url: str, text: str, answered: "Callable[[bool], None]") -> None:
        assert url == URL
        self.sent.append((json.loads(text), answered))

    def beacon(self, url: str, text: str) -> bool:
        assert url == URL
        if self.takes_beacons:
            self.beacons.append(json.loads(text))
        return self.takes_beacons

    def watch_leaving(self, left: "Callable[[], None]") -> None:
        self.leave = left

    def fire(self) -> None:
        self.timers.pop(0)()


def started() -> "tuple[Any, Any, FakeEdge, str]":
    """A client, its link, the edge, and the id of an upload that this page has started."""
    client, link, _ = client_with()
    edge: Any = FakeEdge()
    Analytics(client, URL, "page", edge)
    upload_id = client.start_upload(FakeFile("private name.mov"), "p")
    return client, link, edge, upload_id


def say(link: "Any", upload_id: str, phase: str = "uploading", **changes: object) -> None:
    status = {"paused": "paused", "completed": "completed", "failed": "failed"}.get(phase, "uploading")
    link.say(snapshot(upload_id=upload_id, phase=phase, status=status, started_at=START, **changes))


def check_what_becomes_of_an_upload_is_told_in_one_batch_without_names() -> None:
    _, link, edge, upload_id = started()
    for phase in ("uploading", "paused", "uploading", "waiting-for-network", "uploading", "finalising"):
        say(link, upload_id, phase)
    say(link, upload_id, "completed", progress=100.0)
    say(link, upload_id, "completed", progress=100.0)
    assert len(edge.timers) == 1
    edge.fire()
    ((body, answered),) = edge.sent
    assert [event["type"] for event in body["events"]] == [
        "started",
        "paused",
        "resumed",
        "offline",
        "resumed",
        "completed",
    ]
    last = body["events"][-1]
    assert (body["version"], body["page"], body["sentAt"]) == (1, "page", edge.time)
    assert (last["uploadId"], last["size"], last["seconds"]) == (upload_id, GIB_3, 20.0)
    assert last["bytesPerSecond"] == GIB_3 / 20
    assert len({event["id"] for event in body["events"]}) == 6
    text = json.dumps(body)
    for private in ("private", "holiday", "guest", '"k"'):
        assert private not in text, private
    answered(True)
    assert edge.timers == []
    edge.leave()
    assert edge.beacons == []


def check_a_failure_is_told_by_its_kind() -> None:
    _, link, edge, upload_id = started()
    say(link, upload_id)
    message = snapshot_with_error()
    message["session"]["upload_id"] = upload_id
    link.say(message)
    edge.fire()
    event = edge.sent[0][0]["events"][-1]
    assert event["type"] == "failed"
    assert event["error"] == {"type": "NETWORK_ERROR", "code": "SlowDown", "status": 503, "retryable": True}


def check_what_nobody_takes_is_kept_and_sent_when_the_page_goes() -> None:
    _, link, edge, upload_id = started()
    say(link, upload_id)
    edge.fire()
    edge.sent[0][1](False)
    assert len(edge.timers) == 1
    edge.takes_beacons = False
    edge.leave()
    edge.takes_beacons = True
    edge.leave()
    edge.leave()
    assert [event["type"] for event in edge.beacons[0]["events"]] == ["started"]
    assert len(edge.beacons) == 1
    edge.fire()
    assert len(edge.sent) == 1, "there is nothing left to send"


def check_batches_have_an_end_and_so_has_what_is_kept() -> None:
    _, link, edge, upload_id = started()
    say(link, upload_id)
    for _ in range(MOST_KEPT):
        say(link, upload_id, "paused")
        say(link, upload_id)
    edge.fire()
    assert len(edge.sent[0][0]["events"]) == BATCH
    edge.sent[0][1](True)
    assert len(edge.timers) == 1
    edge.leave()
    assert sum([len(body["events"]) for body in edge.beacons]) == MOST_KEPT - BATCH


def check_other_pages_uploads_are_told_by_the_only_page_alone() -> None:
    client, link, _, _ = started()
    edge: Any = FakeEdge()
    Analytics(client, URL, "page", edge)
    say(link, "of-another-page")
    say(link, "of-another-page", "paused")
    assert len(edge.timers) == 1
    link.say(ready("of-another-page", pages=2))
    assert client.pages == 2
    say(link, "of-another-page", "completed")
    edge.fire()
    assert [event["type"] for event in edge.sent[0][0]["events"]] == ["paused"]
