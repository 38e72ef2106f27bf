"""Plain checks of the widget without a browser: its messages, its handshake, what it carries out and what it tells.

Run on CPython, MicroPython and Pyodide.
"""

import json

from uploads.client import UploadClient
from uploads.protocol import (
    COMMAND_REFUSED,
    ENGINE_FAILED,
    SIGN_IN_NEEDED,
    UPLOAD_REPLACED,
    ProtocolError,
)
from uploads.protocol import embed as e
from uploads.ui.embed_news import News
from uploads.ui.embed_orders import Orders
from uploads.ui.key_names import LONGEST_NAME, key_name

from tests.interpreters.checks.client_checks import FakeFile, FakeLink, ready
from tests.interpreters.checks.protocol_checks import error_of, snapshot, snapshot_with_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOST = "https://host.example"
NONCE = "0123456789abcdef0123456789abcdef"


def connect(**changes: object) -> str:
    """The page around's half of the handshake, in JSON; a change to None leaves a field out."""
    message: dict[str, Any] = {"type": e.WIDGET_CONNECT, "version": 1, "nonce": NONCE}
    message.update(changes)
    return json.dumps({name: message[name] for name in message if message[name] is not None})


def check_the_offer_tells_the_nonce() -> None:
    offer = json.loads(e.Handshake(HOST, NONCE).offer())
    assert offer == {"type": "upload-widget:ready", "version": 1, "nonce": NONCE}


def check_only_the_parent_of_the_right_origin_is_listened_to() -> None:
    handshake = e.Handshake(HOST, NONCE)
    assert handshake.comes_from_host(True, HOST)
    assert not handshake.comes_from_host(False, HOST)
    for origin in (
        "https://evil.example",
        "null",
        "",
        HOST + ":8443",
        HOST + ".evil.example",
        "http://host.example",
    ):
        assert not handshake.comes_from_host(True, origin)


def check_a_handshake_is_taken_once() -> None:
    handshake = e.Handshake(HOST, NONCE)
    for text, ports, expected in (
        (None, 1, "the message is no handshake"),
        ("x", 1, "the message is no handshake"),
        ("[]", 1, "the message is no handshake"),
        ('{"type": "other"}', 1, "the message is no handshake"),
        (connect(type=e.WIDGET_READY), 1, "the message is no handshake"),
        (connect(padding="x" * 1000), 1, "the message is no handshake"),
        (connect(version=2), 1, "version must be 1"),
        (connect(version=True), 1, "version must be 1"),
        (connect(version=None), 1, "version must be 1"),
        (connect(nonce="0" * 32), 1, "the nonce is not the one that this widget has told"),
        (connect(nonce=None), 1, "the nonce is not the one that this widget has told"),
        (connect(more=1), 1, "there must be a type, a version and a nonce, and nothing else"),
        (connect(), 0, "there must be one port, not 0"),
        (connect(), 2, "there must be one port, not 2"),
    ):
        assert error_of(ProtocolError, handshake.accept, text, ports) == expected
    handshake.accept(connect(), 1)
    again = error_of(ProtocolError, handshake.accept, connect(), 1)
    assert again == "there has been a handshake already"


def check_orders_are_renamed_and_may_leave_out_what_they_need_not_say() -> None:
    text = '{"type": "CONFIGURE", "projectId": "p", "restrictions": {"maxFileSize": 5368709120}}'
    message = e.decode_order(text)
    assert message["project_id"] == "p"
    assert message["restrictions"]["max_file_size"] == 5 * 2**30
    assert message["restrictions"]["allowed_types"] is None
    assert message["token"] is None
    assert e.decode_order('{"type": "PAUSE", "version": 1, "uploadId": "u"}') == {
        "type": "PAUSE",
        "upload_id": "u",
    }
    assert e.decode_order('{"type": "ADD_FILE"}')["upload_id"] is None


def check_foreign_orders_are_refused_by_name() -> None:
    for text, expected in (
        (None, "a message must be JSON text, not null"),
        ("{", "a message must be a JSON object"),
        ("[" * 60_000, "a message must "),
        ("x" * (e.LONGEST_ORDER + 1), "a message must have at most 65536 characters, it has 65537"),
        ("{}", "type None is not a known message type"),
        ('{"type": "READY"}', "type 'READY' is not a known message type"),
        ('{"type": "START_UPLOAD"}', "type 'START_UPLOAD' is not a known message type"),
        ('{"type": "PAUSE_ALL", "version": 2}', "version must be 1, not 2"),
        ('{"type": "PAUSE_ALL", "x": 1}', "PAUSE_ALL: x is not a known field"),
        ('{"type": "PAUSE"}', "PAUSE: uploadId is missing"),
        ('{"type": "PAUSE", "uploadId": 7}', "PAUSE: uploadId must be text, not a number"),
        ('{"type": "CONFIGURE", "theme": "pink"}', "CONFIGURE: theme must be one of light, dark, system"),
        ('{"type": "CONFIGURE", "token": "a b"}', "CONFIGURE: token must be a bearer token"),
        ('{"type": "CONFIGURE", "restrictions": {"x": 1}}', "CONFIGURE: restrictions.x is not a known field"),
        (
            '{"type": "CONFIGURE", "restrictions": {"maxFiles": 0}}',
            "CONFIGURE: restrictions.maxFiles must be",
        ),
        ('{"type": "SET_TOKEN", "token": null}', "SET_TOKEN: token must be a bearer token, not null"),
    ):
        message = error_of(ProtocolError, e.decode_order, text)
        assert expected in message, message


def check_news_are_checked_too() -> None:
    assert json.loads(e.encode_news({"type": e.HEIGHT, "height": 300})) == {
        "type": "HEIGHT",
        "version": 1,
        "height": 300,
    }
    for message in (
        {"type": "CONFIGURE"},
        {"type": None},
        {"type": e.HEIGHT},
        {"type": e.HEIGHT, "height": -1},
    ):
        error_of(ProtocolError, e.encode_news, message)


def check_no_name_spoils_a_key() -> None:
    for name, expected in (
        ("a b.bin", "a_b.bin"),
        ("\u00fcber-\u5199\u771f_1.jpg", "\u00fcber-\u5199\u771f_1.jpg"),
        ("../../etc\\passwd", ".._.._etc_passwd"),
        ("..", "file"),
        ("", "file"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("a\u200d\u00ad\n.b", "a___.b"),
    ):
        assert key_name(name) == expected, key_name(name)
    assert len(key_name("x" * 500)) == LONGEST_NAME


class Bench:
    """Orders over a client that speaks with a pretended worker."""

    def __init__(self) -> None:
        self.link: Any = FakeLink()
        self.refused: list[dict[str, Any]] = []
        self.looks: list[Any] = []
        self.settings: Any = None
        self.picked = 0
        self.complaint = ""
        self.orders = Orders(self.start, self.look, self.pick, self.file_name, self.refused.append)

    def start(self, settings: "dict[str, Any]", token: str) -> "UploadClient":
        client = UploadClient(self.link, settings, token)
        self.settings = settings
        return client

    def look(self, *look: object) -> str:
        self.looks.append(look)
        return self.complaint

    def pick(self) -> str:
        self.picked += 1
        return self.complaint

    def file_name(self, file: "Any") -> "str | None":
        return file.name if isinstance(file, FakeFile) else None

    def say(self, kind: str, file: "Any" = None, **fields: object) -> str:
        """Hands a message over; why it was refused, or ""."""
        fields["type"] = kind
        return self.say_text(json.dumps(fields), file)

    def say_text(self, text: "str | None", file: "Any" = None, length: int = 0) -> str:
        before = len(self.refused)
        self.orders.hear(text, file, length)
        assert len(self.refused) <= before + 1
        return str(self.refused[-1]["message"]) if len(self.refused) > before else ""

    @property
    def posted(self) -> "list[dict[str, Any]]":
        """What the worker was told."""
        return [message for message, _ in self.link.posted]


def check_the_first_order_is_to_configure() -> None:
    bench = Bench()
    for kind in ("PAUSE_ALL", "OPEN_PICKER"):
        assert bench.say(kind) == "CONFIGURE must come first."
    assert bench.say("SET_TOKEN", token="a.b.c") == "CONFIGURE must come first."
    assert bench.posted == []
    assert bench.say("CONFIGURE", token="a.b.c", theme="dark", restrictions={"maxFiles": 3}) == ""
    assert bench.settings == {"max_files": 3}
    assert bench.looks == [("dark", None, None)]
    assert [message["type"] for message in bench.posted] == ["SIGN_IN", "HELLO"]
    assert bench.posted[1]["config"] == {"max_files": 3}
    assert bench.say("CONFIGURE", restrictions={"maxFiles": 4}).startswith(
        "The restrictions are those of the first"
    )
    assert bench.say("CONFIGURE", restrictions={"maxFiles": 3}, token="d.e.f", locale="de") == ""
    assert bench.looks[-1] == (None, "de", None)
    assert bench.posted[2:] == [{"type": "SIGN_IN", "token": "d.e.f", "is_guest": False}]
    assert bench.say("SET_TOKEN", token="g.h.i") == ""
    assert bench.posted[-1]["token"] == "g.h.i"


def check_a_bad_configuration_changes_nothing() -> None:
    bench = Bench()
    bench.complaint = "no such language"
    assert bench.say("CONFIGURE", locale="x") == "no such language"
    bench.complaint = ""
    rules = {"minFileSize": 2, "maxFileSize": 1}
    assert "min_file_size" in bench.say("CONFIGURE", restrictions=rules)
    assert bench.posted == []
    assert bench.refused[-1]["request"] == "CONFIGURE"
    assert bench.say("CONFIGURE") == ""


def check_files_go_where_the_page_around_wants_them() -> None:
    bench = Bench()
    bench.say("CONFIGURE")
    assert bench.say("ADD_FILE", FakeFile("a b.bin"), uploadId="u1") == ""
    started = bench.posted[-1]
    assert (started["upload_id"], started["project_id"], started["s3_key"]) == ("u1", "default", "")
    bench.say("CONFIGURE", projectId="p", keyPrefix="in/2026/")
    bench.say("ADD_FILE", FakeFile("a b.bin"), uploadId="u2")
    assert bench.posted[-1]["s3_key"] == "in/2026/u2/a_b.bin"
    assert bench.posted[-1]["project_id"] == "p"
    bench.say("ADD_FILE", FakeFile("a b.bin"), uploadId="u3", projectId="q", s3Key="mine.bin")
    assert (bench.posted[-1]["s3_key"], bench.posted[-1]["project_id"]) == ("mine.bin", "q")
    bench.say("CONFIGURE", keyPrefix="")
    bench.say("ADD_FILE", FakeFile("c.bin"))
    assert (bench.posted[-1]["s3_key"], len(bench.posted[-1]["upload_id"])) == ("", 36)
    assert "already" in bench.say("ADD_FILE", FakeFile("d.bin"), uploadId="u1")
    assert bench.refused[-1]["upload_id"] == "u1"


def check_files_come_with_their_order_only() -> None:
    bench = Bench()
    bench.say("CONFIGURE")
    sentence = "A File must come with ADD_FILE, and with nothing else."
    assert bench.say("ADD_FILE") == sentence
    assert bench.say("ADD_FILE", "a text") == sentence
    assert bench.say("PAUSE_ALL", FakeFile("a.bin")) == sentence
    assert [message["type"] for message in bench.posted] == ["HELLO"]


def check_orders_are_carried_out_or_refused() -> None:
    bench = Bench()
    bench.say("CONFIGURE")
    bench.say("ADD_FILE", FakeFile("a.bin"), uploadId="u")
    for kind in ("PAUSE", "RESUME", "CANCEL", "RETRY", "REMOVE"):
        assert bench.say(kind, uploadId="u") == ""
        assert bench.posted[-1] == {"type": kind + "_UPLOAD", "upload_id": "u"}
        assert "no upload has the id" in bench.say(kind, uploadId="v")
        assert bench.refused[-1] == {
            "request": kind,
            "upload_id": "v",
            "message": "no upload has the id 'v'",
        }
    for kind in ("PAUSE_ALL", "RESUME_ALL", "CANCEL_ALL"):
        assert bench.say(kind) == ""
        assert bench.posted[-1] == {"type": kind}
    assert bench.say("OPEN_PICKER") == ""
    bench.complaint = "no gesture"
    assert bench.say("OPEN_PICKER") == "no gesture"
    assert bench.picked == 2


def check_what_is_too_long_was_never_read() -> None:
    bench = Bench()
    said = bench.say_text(None, None, 70_000)
    assert said == "the message is too long: at most 65536 characters, it has 70000"
    assert bench.say_text(None) == "a message must be JSON text, not null"
    assert bench.refused[-1] == {"request": None, "upload_id": None, "message": bench.refused[-1]["message"]}


def news_bench() -> "tuple[Any, FakeLink, list[Any]]":
    """A client, its pretended worker, and a list that collects the types of the news and their messages."""
    link: Any = FakeLink()
    client = UploadClient(link)
    news = News(client)
    told: list[Any] = []

    def changed(change: "dict[str, Any]") -> None:
        for message in news.of(change):
            e.encode_news(message)  # each is a message of ours
            told.append(message)

    client.subscribe(changed)
    return client, link, told


def kinds(told: "list[Any]") -> "list[str]":
    """The types of what was told since the last look."""
    found = [message["type"] for message in told]
    del told[:]
    return found


def check_a_whole_upload_is_told_only_when_more_than_its_progress_has_changed() -> None:
    client, link, told = news_bench()
    upload_id = client.start_upload(FakeFile("a.bin"), "p")
    assert told[0]["session"]["file_size"] is None
    assert kinds(told) == ["SNAPSHOT"]
    link.say(snapshot(upload_id=upload_id))
    assert "object_url" not in told[0]["session"]
    assert kinds(told) == ["SNAPSHOT"]
    link.say(snapshot(upload_id=upload_id, progress=13.0, last_activity=1_790_000_009_000, parts_uploaded=9))
    assert (told[0]["upload_id"], told[0]["progress"]["total_bytes"]) == (upload_id, 3 * 2**30)
    assert kinds(told) == ["PROGRESS"]
    link.say(snapshot(upload_id=upload_id, phase="paused", status="paused"))
    assert kinds(told) == ["SNAPSHOT"]


def check_ends_are_told_once() -> None:
    _, link, told = news_bench()
    ended = snapshot(status="completed", phase="completed", object_url="/s3/object?key=k", etag="e-2")
    link.say(ended)
    assert told[1] == {
        "type": "COMPLETED",
        "upload_id": "u",
        "project_id": "p",
        "s3_key": "k",
        "file_name": told[0]["session"]["file_name"],
        "content_type": told[0]["session"]["content_type"],
        "size": told[0]["session"]["file_size"],
        "etag": "e-2",
    }
    assert kinds(told) == ["SNAPSHOT", "COMPLETED"]
    link.say(ended)
    assert kinds(told) == ["PROGRESS"]
    failed = snapshot_with_error()
    failed["session"]["status"] = failed["session"]["phase"] = "failed"
    link.say(failed)
    assert (told[1]["upload_id"], told[1]["error"]["retryable"]) == ("u", failed["error"]["retryable"])
    assert kinds(told) == ["SNAPSHOT", "FAILED"]
    link.say({"type": UPLOAD_REPLACED, "upload_id": "u", "by": "v"})
    assert told == [{"type": "REMOVED", "upload_id": "u", "by": "v"}]


def check_a_token_is_asked_for_when_one_is_needed() -> None:
    _, link, told = news_bench()
    link.say({"type": SIGN_IN_NEEDED})
    assert kinds(told) == ["TOKEN_NEEDED"]
    link.say(snapshot(phase="waiting-for-sign-in"))
    assert kinds(told) == ["SNAPSHOT", "TOKEN_NEEDED"]
    link.say(snapshot(phase="waiting-for-sign-in", progress=1.0))
    assert kinds(told) == ["PROGRESS"]


def check_the_engine_and_refusals_are_told() -> None:
    client, link, told = news_bench()
    link.say(ready())
    link.say(ready())
    assert told[0]["capabilities"]["worker"] == "shared"
    assert kinds(told) == ["READY"], "once"
    link.say({"type": COMMAND_REFUSED, "upload_id": None, "message": "why"})
    assert told == [{"type": "REFUSED", "request": None, "upload_id": None, "message": "why"}]
    kinds(told)
    link.reconnect(True)
    assert kinds(told) == []
    link.say(ready())
    assert kinds(told) == ["READY"]
    link.say({"type": ENGINE_FAILED, "message": "no wasm"})
    assert (told[0]["upload_id"], told[0]["error"]["message"]) == (None, "no wasm")
    assert kinds(told) == ["FAILED"]
    assert client.engine == "failed"
