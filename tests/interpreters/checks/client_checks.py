"""Plain checks of `uploads.client` without a browser, run on CPython, MicroPython and Pyodide."""

import json

from uploads.client import ClientClosed, ClientError, NotAFile, UnknownUpload, UploadClient
from uploads.client.identifiers import uuid4_text
from uploads.protocol import (
    COMMAND_REFUSED,
    DEMO_OBJECT,
    DEMO_VERIFIED,
    DEMO_VERIFY,
    ENGINE_FAILED,
    ENGINE_READY,
    FILE_OFFERED,
    HELLO,
    SIGN_IN,
    SIGN_IN_NEEDED,
    UPLOAD_REMOVED,
    UPLOAD_REPLACED,
    UPLOAD_VERIFIED,
    VERIFY_UPLOAD,
    ConfigError,
    ProtocolError,
    decode_worker_message,
    encode_message,
    encode_snapshot,
)

from tests.interpreters.checks.protocol_checks import snapshot, snapshot_with_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class FakeFile:
    """Stands for a browser's `File`."""

    def __init__(self, name: str) -> None:
        self.name = name


class FakeLink:
    """Stands for `WorkerLink`: keeps what is posted, and lets a check speak as the worker."""

    kind = "shared"
    outlives_pages = False
    leads = False

    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.asked: list[Any] = []
        self.refusal = ""
        self.closed = False
        self.drawn = 0
        self.persistence_asked = 0

    def listen(self, receive: "Callable[..., None]", reconnected: "Callable[[bool], None]") -> None:
        self.say_text = receive
        self.reconnect = reconnected

    def watch_network(self, hint: "Callable[[], None]") -> None:
        self.hint = hint

    def ask_for_persistence(self) -> None:
        self.persistence_asked += 1

    def post(self, text: str, file: "Any" = None) -> None:
        if self.refusal:
            raise ClientError(self.refusal)
        self.posted.append((decode_worker_message(text), file))

    def ask_permission(self, handle: "Any", answered: "Callable[[], None]") -> None:
        self.asked.append(handle)
        self.answer = answered

    def is_file(self, value: object) -> bool:
        return isinstance(value, FakeFile)

    def file_name(self, file: "Any") -> str:
        return str(file.name)

    def new_id(self) -> str:
        self.drawn += 1
        return uuid4_text(bytes([self.drawn] * 16))

    def close(self) -> None:
        self.closed = True

    def say(self, message: "dict[str, Any]", handle: "Any" = None) -> None:
        """Speaks as the worker."""
        self.say_text(encode_message(message), handle)


def client_with(config: "dict[str, Any] | None" = None) -> "tuple[Any, FakeLink, list[Any]]":
    """A client, its link, and the list of changes that it tells."""
    link: Any = FakeLink()
    client = UploadClient(link, config)
    changes: list[Any] = []
    client.subscribe(changes.append)
    return client, link, changes


def raised(kind: type[Exception], action: "Callable[..., object]", *values: object) -> str:
    """The text of the error that `action(*values)` must raise."""
    try:
        action(*values)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


def check_the_first_message_says_hello() -> None:
    client, link, _ = client_with({"max_retries": 5, "transport": "auto"})
    assert link.posted == [({"type": "HELLO", "config": {"max_retries": 5}}, None)]
    assert client.config["max_retries"] == 5
    assert client.config["retry_delay"] == 1000
    assert "did you mean 'max_retries'" in raised(ConfigError, client_with, {"maxRetries": 1})


def check_a_token_goes_before_the_first_word_and_again_to_a_new_engine() -> None:
    link: Any = FakeLink()
    client: Any = UploadClient(link, None, "a.b.c")
    sign_in = {"type": SIGN_IN, "token": "a.b.c", "is_guest": False}
    hello = {"type": HELLO, "config": {}}
    assert [message for message, _ in link.posted] == [sign_in, hello]
    client.sign_in("d.e.f")
    sign_in["token"] = "d.e.f"
    link.reconnect(True)
    assert [message for message, _ in link.posted][2:] == [sign_in, sign_in, hello]
    assert "d.e.f" not in client.report()
    assert "token must be" in raised(ProtocolError, client.sign_in, "no token")
    changes: list[Any] = []
    client.subscribe(changes.append)
    link.say({"type": SIGN_IN_NEEDED})
    assert changes == [{"type": "sign-in", "upload_id": None}]
    assert client.needs_sign_in
    client.sign_in("g.h.i")
    assert not client.needs_sign_in
    link.say(snapshot(phase="waiting-for-sign-in"))
    assert client.needs_sign_in


def check_an_id_may_be_given() -> None:
    client, link, _ = client_with()
    assert client.start_upload(FakeFile("a.bin"), "p", "", "mine") == "mine"
    assert link.posted[-1][0]["upload_id"] == "mine"
    assert "already" in raised(ClientError, client.start_upload, FakeFile("b.bin"), "p", "", "mine")
    assert client.active_uploads["mine"]["file_name"] == "a.bin"


def check_a_started_upload_shows_at_once() -> None:
    client, link, changes = client_with()
    file = FakeFile("a.bin")
    upload_id = client.start_upload(file, "project", "photos/a.bin")
    command = {
        "type": "START_UPLOAD",
        "upload_id": upload_id,
        "project_id": "project",
        "s3_key": "photos/a.bin",
        "inspected": None,
    }
    assert link.posted[1] == (command, file)
    session = client.active_uploads[upload_id]
    assert (session["status"], session["phase"], session["file_name"]) == ("uploading", "queued", "a.bin")
    assert session["file_size"] is None
    assert session["started_at"] > 1_600_000_000_000
    assert client.get_upload_progress(upload_id)["progress"] == 0
    assert client.get_upload_session(upload_id)["parts"] == []
    assert client.is_uploading(upload_id)
    assert changes == [{"type": "upload", "upload_id": upload_id}]


def check_ids_are_uuids() -> None:
    assert uuid4_text(bytes(16)) == "00000000-0000-4000-8000-000000000000"
    assert uuid4_text(bytes([255] * 16)) == "ffffffff-ffff-4fff-bfff-ffffffffffff"
    client, _, _ = client_with()
    first = client.start_upload(FakeFile("a"), "p")
    assert first != client.start_upload(FakeFile("a"), "p")
    assert next(iter(client.active_uploads)) == first


def check_commands_go_out() -> None:
    client, link, _ = client_with()
    link.say(snapshot())
    link.posted.clear()
    for method in ("pause", "resume", "cancel", "retry", "remove"):
        getattr(client, method + "_upload")("u")
        assert link.posted.pop() == ({"type": method.upper() + "_UPLOAD", "upload_id": "u"}, None)
    for method in ("pause_all", "resume_all", "cancel_all"):
        getattr(client, method)()
        assert link.posted.pop() == ({"type": method.upper()}, None)
    file = FakeFile("again.bin")
    client.reselect_file("u", file)
    assert link.posted.pop() == ({"type": "RESELECT_FILE", "upload_id": "u"}, file)


def check_snapshots_fill_the_mappings() -> None:
    client, link, changes = client_with()
    link.say(snapshot_with_error())
    assert client.upload_errors["u"]["code"] == "SlowDown"
    assert not client.is_uploading("u")
    link.say(snapshot())
    assert "u" not in client.upload_errors
    assert client.upload_progress["u"]["total_bytes"] == 3 * 1024**3
    assert client.is_uploading("u")
    assert changes == [{"type": "upload", "upload_id": "u"}] * 2


def check_a_snapshot_is_read_when_somebody_looks() -> None:
    client, link, changes = client_with()
    reads: list[str] = []

    def say(upload_id: str, **more: object) -> None:
        message = snapshot(upload_id=upload_id, **more)

        def read() -> str:
            reads.append(upload_id)
            return str(encode_message(message))

        link.say_text(encode_snapshot(message)[1], None, read)

    for number in range(100):
        say(f"u{number}")
    assert [change["upload_id"] for change in changes] == [f"u{number}" for number in range(100)]
    assert client.tally.uploads == len(client.heads) == len(client.active_uploads) == 100
    assert client.is_uploading("u7")
    assert reads == []
    assert client.active_uploads["u7"]["file_name"].endswith(".mov")
    assert client.upload_progress["u7"]["total_chunks"] == 96
    assert reads == ["u7"]
    assert "u7" not in client.upload_errors
    assert client.upload_errors.get("u7") is None
    assert client.get_upload_session("u7")["parts"][0]["size"] == 33_554_432
    say("u7", phase="paused", status="paused")
    assert (client.heads["u7"]["phase"], client.active_uploads["u7"]["phase"]) == ("paused", "paused")
    assert [upload_id for upload_id, _ in client.active_uploads.items()] == list(client.heads)
    assert len(client.active_uploads.values()) == 100
    assert client.active_uploads.keys() == list(client.heads)
    raised(KeyError, client.active_uploads.__getitem__, "nobody")
    assert client.active_uploads.get("nobody") is None
    other = encode_message(snapshot(upload_id="other"))
    link.say_text(encode_snapshot(snapshot(upload_id="mine"))[1], None, lambda: other)
    told = raised(ProtocolError, client.active_uploads.__getitem__, "mine")
    assert told == "a snapshot is not of the upload that its head names"


def check_parts_are_kept_and_parsed_on_demand() -> None:
    client, link, _ = client_with()
    message = snapshot()
    parts = [{"partNumber": 2, "etag": "b", "size": 1}, {"partNumber": 1, "etag": "a", "size": 8}]
    message["parts_json"] = json.dumps(parts)
    link.say(message)
    message["parts_json"] = None
    link.say(message)
    session = client.get_upload_session("u")
    assert session["parts"] == [
        {"part_number": 1, "etag": "a", "size": 8},
        {"part_number": 2, "etag": "b", "size": 1},
    ]
    assert session["next_part_number"] == 8
    assert "parts" not in client.active_uploads["u"]
    message["parts_json"] = "[5]"
    link.say(message)
    assert "parts[0]" in raised(ProtocolError, client.get_upload_session, "u")


def check_a_snapshot_replaces_the_placeholder() -> None:
    client, link, _ = client_with()
    upload_id = client.start_upload(FakeFile("a.bin"), "p")
    link.say(snapshot(upload_id=upload_id))
    assert client.active_uploads[upload_id]["file_size"] == 3 * 1024**3
    link.say({"type": ENGINE_FAILED, "message": "later"})
    assert client.active_uploads[upload_id]["status"] == "uploading"


def check_removed_and_replaced_uploads_go() -> None:
    client, link, changes = client_with()
    link.say(snapshot_with_error())
    started = client.start_upload(FakeFile("a.bin"), "p")
    changes.clear()
    link.say({"type": UPLOAD_REPLACED, "upload_id": started, "by": "u"})
    assert list(client.active_uploads) == ["u"]
    link.say({"type": UPLOAD_REMOVED, "upload_id": "u"})
    link.say({"type": UPLOAD_REMOVED, "upload_id": "never seen"})
    assert not client.active_uploads
    assert not client.upload_progress
    assert not client.upload_errors
    assert changes == [
        {"type": "replaced", "upload_id": started, "by": "u"},
        {"type": "removed", "upload_id": "u"},
        {"type": "removed", "upload_id": "never seen"},
    ]


def check_the_engine_becomes_ready() -> None:
    client, link, changes = client_with()
    assert client.engine == "starting"
    assert client.capabilities["worker"] == "shared"
    assert client.capabilities["transports"] == []
    capabilities = {
        "worker": "dedicated",
        "storage": "memory",
        "transports": ["xhr"],
        "python": "3.14.0",
        "boot": "snapshot",
        "warnings": ["no storage"],
    }
    link.say({"type": ENGINE_READY, "capabilities": capabilities, "upload_ids": [], "pages": 1})
    assert client.engine == "ready"
    assert client.capabilities == capabilities
    assert changes == [{"type": "engine", "upload_id": None}]


def check_an_engine_that_fails_fails_what_waits() -> None:
    client, link, changes = client_with()
    waiting = client.start_upload(FakeFile("a.bin"), "p")
    link.say({"type": ENGINE_FAILED, "message": "no WebAssembly"})
    assert (client.engine, client.failure) == ("failed", "no WebAssembly")
    posted = len(link.posted)
    later = client.start_upload(FakeFile("b.bin"), "p")
    assert len(link.posted) == posted
    for upload_id in (waiting, later):
        assert client.active_uploads[upload_id]["phase"] == "failed"
        assert client.upload_errors[upload_id]["message"] == "The uploader could not start: no WebAssembly"
        assert client.upload_errors[upload_id]["type"] == "UPLOAD_INIT_FAILED"
    client.remove_upload(later)
    assert list(client.active_uploads) == [waiting]
    assert changes[-1] == {"type": "removed", "upload_id": later}


def check_continue_asks_for_the_kept_file_first() -> None:
    client, link, changes = client_with()
    handle = FakeFile("film.mov")
    link.say({"type": FILE_OFFERED, "upload_id": "u"}, handle)
    link.say(snapshot(phase="waiting-for-file", status="paused", file_access="ask"))
    assert changes == [{"type": "upload", "upload_id": "u"}]
    link.posted.clear()
    client.continue_upload("u")
    assert (link.asked, link.posted) == ([handle], [])
    link.answer()
    again = ({"type": "REOPEN_FILE", "upload_id": "u"}, None)
    assert link.posted == [again]
    link.say({"type": UPLOAD_REMOVED, "upload_id": "u"})
    assert raised(UnknownUpload, client.continue_upload, "u")
    link.say(snapshot())
    client.continue_upload("u")
    assert (link.asked, link.posted) == ([handle], [again] * 2), "nothing to ask for"
    link.say({"type": FILE_OFFERED, "upload_id": "u"}, handle)
    client.continue_upload("u")
    client.close()
    link.answer()
    assert link.posted[2:] == [({"type": "GOODBYE"}, None)]
    assert raised(ClientClosed, client.continue_upload, "u")


def check_what_never_began_is_taken_back() -> None:
    client, link, changes = client_with()
    upload_id = client.start_upload(FakeFile("gone"), "p")
    link.say({"type": COMMAND_REFUSED, "upload_id": upload_id, "message": "it cannot be opened"})
    assert changes[1:] == [{"type": "refused", "upload_id": upload_id, "message": "it cannot be opened"}]
    assert not client.active_uploads


def check_refusals_are_told() -> None:
    _, link, changes = client_with()
    link.say({"type": COMMAND_REFUSED, "upload_id": "u", "message": "another file"})
    assert changes == [{"type": "refused", "upload_id": "u", "message": "another file"}]
    link.say_text('{"version": 99}')
    assert changes[1]["type"] == "refused"
    assert "different versions" in changes[1]["message"]


def check_a_completed_upload_is_compared_with_a_file() -> None:
    client, link, changes = client_with()
    file = FakeFile("a.bin")
    upload_id = client.start_upload(file, "p")
    client.verify_upload(upload_id, file)
    assert link.posted[2] == ({"type": VERIFY_UPLOAD, "upload_id": upload_id}, file)
    link.say({"type": UPLOAD_VERIFIED, "upload_id": upload_id, "verdict": "reading", "checked": 40.0})
    assert changes[-1] == {"type": "verified", "upload_id": upload_id, "verdict": "reading", "checked": 40.0}
    assert raised(NotAFile, client.verify_upload, upload_id, "a.bin")
    assert raised(UnknownUpload, client.verify_upload, "x", file)


def check_the_demo_speaks_through_the_hook() -> None:
    client, link, changes = client_with()
    file = FakeFile("a.bin")
    upload_id = client.start_upload(file, "p")
    wanted = {"type": DEMO_VERIFY, "upload_id": upload_id, "s3_key": "k"}
    client.demo(wanted, file)
    assert link.posted[2] == (wanted, file)
    verified = {"type": DEMO_VERIFIED, "upload_id": upload_id, "file_sha256": None, "object_sha256": "ab"}
    link.say(verified)
    assert changes[-1] == {"type": "demo", "upload_id": None, "message": verified}
    link.say({"type": DEMO_OBJECT, "s3_key": "nobody's", "object_url": "blob:a"})
    assert changes[-1]["type"] == "demo"
    key = client.active_uploads[upload_id]["s3_key"]
    link.say({"type": DEMO_OBJECT, "s3_key": key, "object_url": "blob:b"})
    assert changes[-1] == {"type": "upload", "upload_id": upload_id}
    assert client.active_uploads[upload_id]["object_url"] == "blob:b"
    client.close()
    assert "closed" in raised(ClientClosed, client.demo, wanted)


def check_local_misuse_is_raised_by_name() -> None:
    client, link, _ = client_with()
    assert raised(NotAFile, client.start_upload, "a.bin", "p") == (
        "an upload needs a File or a FileSystemFileHandle, not str"
    )
    assert raised(UnknownUpload, client.pause_upload, "x") == "no upload has the id 'x'"
    assert raised(UnknownUpload, client.get_upload_progress, "x")
    assert raised(UnknownUpload, client.get_upload_session, "x")
    assert raised(UnknownUpload, client.reselect_file, "x", FakeFile("f"))
    assert not client.is_uploading("x")
    assert "projectId" not in raised(ProtocolError, client.start_upload, FakeFile("f"), 5)
    link.say(snapshot())
    assert raised(NotAFile, client.reselect_file, "u", None)
    link.refusal = "DataCloneError"
    before = list(client.active_uploads)
    assert raised(ClientError, client.start_upload, FakeFile("f"), "p") == "DataCloneError"
    assert list(client.active_uploads) == before


def check_a_closed_client_takes_no_calls() -> None:
    client, link, changes = client_with()
    link.say(snapshot())
    changes.clear()
    client.close()
    client.close()
    assert link.posted[-1] == ({"type": "GOODBYE"}, None)
    assert link.closed
    link.say_text("{}")
    assert changes == []
    for action in (
        lambda: client.start_upload(FakeFile("f"), "p"),
        lambda: client.pause_upload("u"),
        lambda: client.reselect_file("u", FakeFile("f")),
        client.pause_all,
        lambda: client.subscribe(print),
    ):
        assert raised(ClientClosed, action) == "this upload client is closed"


def check_a_hint_is_handed_on_once_where_an_upload_waits_for_the_network() -> None:
    _, link, _ = client_with()
    link.say(snapshot())
    link.hint()
    assert len(link.posted) == 1
    for upload_id in ("a", "b"):
        waiting = snapshot()
        waiting["session"]["upload_id"] = upload_id
        waiting["session"]["phase"] = "waiting-for-network"
        link.say(waiting)
    link.hint()
    assert link.posted[1:] == [({"type": "NETWORK_HINT"}, None)]


def check_storage_is_asked_for_once_for_a_large_file() -> None:
    client, link, _ = client_with()
    placed = client.start_upload(FakeFile("a.bin"), "project")
    for upload_id, size in ((placed, 99_999_999), ("b", 5_000_000_000), ("c", 5_000_000_000)):
        assert link.persistence_asked == (upload_id == "c")
        shown = snapshot()
        shown["session"]["upload_id"] = upload_id
        shown["session"]["file_size"] = size
        link.say(shown)
    assert link.persistence_asked == 1


def check_a_report_tells_what_happened_and_nothing_private() -> None:
    client, link, _ = client_with({"max_retries": 5, "signer_url": "https://private.example"})
    assert (
        "engine: starting, worker shared, storage memory\nPython ? (plain start), transports ?"
        in client.report()
    )
    failed = snapshot_with_error()
    failed["error"]["story"] = ["1.0 uploading: PartFailed 7"]
    failed["session"]["file_name"] = "My Secret.PDF"
    failed["session"]["s3_key"] = "u/me/secret-key"
    link.say(failed)
    text = client.report()
    for told in (
        "setting: max_retries = 5",
        "signer_url = (set)",
        "*.pdf",
        "PartFailed 7",
        failed["error"]["type"],
    ):
        assert told in text, (told, text)
    for hidden in ("private.example", "Secret", "secret-key", failed["session"]["user_id"]):
        assert not hidden or hidden not in text, hidden
    for name in ("noext", "a.My Secret", "a.toolongforakind", "a."):
        failed["session"]["file_name"] = name
        link.say(failed)
        assert "file: *, " in client.report()


def check_listeners_are_independent() -> None:
    client, link, changes = client_with()

    def bad(change: "dict[str, Any]") -> None:
        raise RuntimeError("listener " + change["type"])

    later: list[Any] = []
    stop_bad = client.subscribe(bad)
    stop_later = client.subscribe(later.append)
    assert raised(RuntimeError, link.say, snapshot()) == "listener upload"
    assert len(changes) == 1
    assert len(later) == 1
    stop_bad()
    stop_bad()
    stop_later()
    link.say(snapshot())
    assert len(changes) == 2
    assert len(later) == 1


def ready(*known: str, pages: int = 1, **changes: object) -> "dict[str, Any]":
    """The engine is there, and knows these uploads."""
    capabilities: dict[str, Any] = {
        "worker": "shared",
        "storage": "indexeddb",
        "transports": ["xhr"],
        "python": "3.14.0",
        "boot": "snapshot",
        "warnings": [],
    }
    capabilities.update(changes)
    return {"type": ENGINE_READY, "capabilities": capabilities, "upload_ids": list(known), "pages": pages}


def check_what_becomes_of_uploads_when_the_page_is_left() -> None:
    client, link, _ = client_with()

    def leaving(pages: int = 1, leads: bool = False, outlives: bool = False) -> str:
        link.leads, link.outlives_pages = leads, outlives
        link.say(ready(*client.active_uploads, pages=pages))
        return str(client.after_leaving)

    assert leaving() == ""
    link.say(snapshot(file_access="handle"))
    assert [leaving(), leaving(pages=2), leaving(pages=2, leads=True)] == ["comes-back", "goes-on", "goes-on"]
    link.say(snapshot(file_access="copy"))
    assert leaving() == "comes-back"
    link.say(snapshot(file_access="open"))
    assert [leaving(), leaving(pages=2), leaving(pages=2, leads=True)] == ["stops", "goes-on", "goes-on"]
    assert [leaving(outlives=True), leaving(pages=2, outlives=True)] == ["lingers", "goes-on"]
    link.say(snapshot(phase="waiting-for-network", file_access="open"))
    assert [leaving(), leaving(outlives=True), leaving(pages=2, outlives=True)] == [
        "stops",
        "stops",
        "goes-on",
    ]
    link.say(snapshot(phase="waiting-for-network", file_access="copy"))
    assert [leaving(), leaving(outlives=True), leaving(pages=2)] == ["waits", "waits", "goes-on"]
    link.say(snapshot(upload_id="other", file_access="handle"))
    assert [leaving(), leaving(outlives=True)] == ["comes-back", "lingers"], "not all of them wait"
    link.say({"type": "UPLOAD_REMOVED", "upload_id": "other"})
    link.say(snapshot(phase="paused", status="paused"))
    assert leaving() == ""
    client.start_upload(FakeFile("film.mov"), "p")  # this page's own file, with this page's own worker
    assert [leaving(pages=2, leads=True), leaving(pages=2)] == ["stops", "goes-on"]


def after_a_crash() -> "tuple[Any, FakeLink, list[Any]]":
    """A client with an upload at work, one of another page, and one that no engine has seen; their worker is gone."""
    client, link, changes = client_with()
    known = client.start_upload(FakeFile("first"), "project", "key")
    link.say(snapshot(upload_id=known, s3_key="me/key"))
    link.say(snapshot())
    client.start_upload(FakeFile("second"), "project")
    link.posted.clear()
    changes.clear()
    link.reconnect(True)
    assert link.posted == [({"type": "HELLO", "config": {}}, None)]
    assert client.engine == "starting"
    assert changes == [{"type": "engine", "upload_id": None}]
    link.posted.clear()
    changes.clear()
    return client, link, changes


def posted(link: FakeLink) -> "list[tuple[str, str, str]]":
    """Type, upload id and file name of what was posted for uploads."""
    return [
        (message["type"], message["upload_id"], file.name if file else "")
        for message, file in link.posted
        if "upload_id" in message
    ]


def check_after_a_crash_files_are_handed_over_again() -> None:
    client, link, changes = after_a_crash()
    known, other, unseen = list(client.active_uploads)
    link.say(ready(known, other))
    assert posted(link) == [("START_UPLOAD", unseen, "second")]
    assert changes == [{"type": "engine", "upload_id": None}]
    link.posted.clear()
    link.say(snapshot(phase="waiting-for-file", status="paused", file_access="choose"))
    link.say(snapshot(upload_id=known, phase="waiting-for-file", status="paused", file_access="choose"))
    link.say(snapshot(upload_id=known, phase="waiting-for-file", status="paused", file_access="choose"))
    assert posted(link) == [("RESELECT_FILE", known, "first")], "once, and no file that is not ours"
    link.posted.clear()
    link.say(snapshot(upload_id=known, phase="completed", status="completed", progress=100.0))
    link.reconnect(True)
    link.say(ready(other))
    assert posted(link) == [("START_UPLOAD", unseen, "second")], "what is completed needs no file"
    assert list(client.active_uploads) == [known, other, unseen], "but it stays to be seen"


def check_after_a_crash_what_was_not_stored_starts_again() -> None:
    client, link, changes = after_a_crash()
    known, other, unseen = list(client.active_uploads)
    link.say(ready(storage="memory"))
    assert posted(link) == [("START_UPLOAD", known, "first"), ("START_UPLOAD", unseen, "second")]
    assert link.posted[0][0]["s3_key"] == "key", "not the key that the server made of it"
    assert changes[1:] == [{"type": "removed", "upload_id": other}], "its own page has to start it again"
    link.say(ready(known, unseen))
    assert list(client.active_uploads) == [known, unseen]


def check_after_a_crash_a_paused_upload_stays_paused() -> None:
    client, link, _ = client_with()
    upload_id = client.start_upload(FakeFile("a"), "p")
    link.say(snapshot(upload_id=upload_id, phase="paused", status="paused"))
    link.reconnect(True)
    link.say(ready(upload_id))
    link.posted.clear()
    link.say(snapshot(upload_id=upload_id, phase="waiting-for-file", status="paused", file_access="choose"))
    assert posted(link) == [("RESELECT_FILE", upload_id, "a"), ("PAUSE_UPLOAD", upload_id, "")]


def check_after_a_crash_a_file_that_the_engine_finds_itself_is_not_given_twice() -> None:
    for after, given in (
        (snapshot(phase="reconciling"), []),
        (
            snapshot(phase="waiting-for-file", status="paused", file_access="choose"),
            [("RESELECT_FILE", "u", "a")],
        ),
    ):
        client, link, _ = client_with()
        link.say(snapshot())
        client.reselect_file("u", FakeFile("a"))
        link.reconnect(True)
        link.say(ready("u"))
        link.posted.clear()
        for _ in range(2):
            link.say(snapshot(phase="waiting-for-file", status="paused", file_access="open"))
        assert posted(link) == []
        link.say(after)
        assert posted(link) == given


def check_after_a_crash_what_had_ended_can_be_removed() -> None:
    client, link, changes = client_with()
    link.say(snapshot(phase="completed", status="completed", progress=100.0))
    link.reconnect(True)
    link.say(ready())
    changes.clear()
    client.remove_upload("u")
    link.say({"type": COMMAND_REFUSED, "upload_id": "u", "message": "There is no such upload any more."})
    assert changes == [{"type": "removed", "upload_id": "u"}]
    assert "u" not in client.active_uploads


def check_an_upload_known_already_keeps_the_file_of_its_twin() -> None:
    client, link, _ = client_with()
    link.say(snapshot())
    twin = client.start_upload(FakeFile("again"), "p")
    link.say({"type": UPLOAD_REPLACED, "upload_id": twin, "by": "u"})
    link.reconnect(True)
    link.say(ready("u"))
    link.posted.clear()
    link.say(snapshot(phase="waiting-for-file", status="paused", file_access="choose"))
    assert posted(link) == [("RESELECT_FILE", "u", "again")]


def check_a_page_that_was_away_says_hello_again_and_forgets_what_is_gone() -> None:
    client, link, changes = client_with()
    link.say(snapshot())
    link.say(snapshot(upload_id="removed elsewhere", phase="completed", status="completed", progress=100.0))
    started = client.start_upload(FakeFile("a"), "p")
    changes.clear()
    link.posted.clear()
    link.reconnect(False)
    assert link.posted == [({"type": "HELLO", "config": {}}, None)]
    link.say(ready("u"))
    assert (client.engine, list(client.active_uploads)) == ("ready", ["u", started])
    assert changes[1:] == [{"type": "removed", "upload_id": "removed elsewhere"}]
