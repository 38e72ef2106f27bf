"""Plain checks of `uploads.protocol`, run on CPython by the unit tests and on MicroPython and Pyodide in Node.

Each `check_…` function asserts; none uses anything that MicroPython lacks.
"""

import json

from uploads.protocol import (
    COMMAND_REFUSED,
    DEFAULT_UPLOAD_CONFIG,
    ENGINE_FAILED,
    ENGINE_READY,
    FILE_OFFERED,
    GOODBYE,
    HELLO,
    MAX_MESSAGE_LENGTH,
    NETWORK_HINT,
    PAUSE_ALL,
    REOPEN_FILE,
    SIGN_IN,
    SIGN_IN_NEEDED,
    START_UPLOAD,
    UPLOAD_REPLACED,
    UPLOAD_SNAPSHOT,
    ConfigError,
    ProtocolError,
    check_upload_config,
    decode_parts,
    decode_worker_message,
    decode_worker_response,
    encode_message,
    from_wire_settings,
    to_wire_settings,
)
from uploads.protocol.kinds import Kind, Texts, Whole, camel_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GIB_3 = 3 * 1024**3


def error_of(kind: type[ValueError], action: "Callable[..., object]", *values: object) -> str:
    """The text of the error that `action(*values)` must raise."""
    try:
        action(*values)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was refused")


def snapshot(**changes: object) -> "dict[str, Any]":
    """A message `UPLOAD_SNAPSHOT` of a 3 GiB file in mid-upload, with changes to its session."""
    session = {
        "project_id": "p",
        "upload_id": "u",
        "s3_key": "k",
        "next_part_number": 8,
        "status": "uploading",
        "phase": "uploading",
        "progress": 12.5,
        "started_at": 1_790_000_000_000,
        "last_activity": 1_790_000_001_000,
        "file_size": GIB_3,
        "file_name": "holiday é \u202e\x00😀.mov",
        "chunk_size": 33_554_432,
        "content_type": "video/quicktime",
        "user_id": "guest",
        "parts_uploaded": 7,
        "object_url": None,
        "etag": None,
        "checksum": None,
        "checked": None,
        "metadata": None,
        "file_access": "open",
        "rank": 1_790_000_000_000.0,
    }
    for name in changes:
        session[name] = changes[name]
    progress = {
        "project_id": "p",
        "progress": 12.5,
        "uploaded_bytes": GIB_3 // 8,
        "total_bytes": GIB_3,
        "current_chunk": 8,
        "total_chunks": 96,
        "estimated_time_remaining": 60.5,
        "speed": 1e6,
    }
    return {
        "type": UPLOAD_SNAPSHOT,
        "session": session,
        "progress": progress,
        "error": None,
        "parts_json": '[{"partNumber": 1, "etag": "\\"a\\"", "size": 33554432}]',
    }


def snapshot_with_error(**changes: object) -> "dict[str, Any]":
    """The same, with an error record and changes to it."""
    message = snapshot(status="failed", phase="failed")
    error = {
        "type": "NETWORK_ERROR",
        "message": "The connection was lost.",
        "retryable": True,
        "recovery": "Check your connection, then choose Retry.",
        "status": 503,
        "code": "SlowDown",
        "request_id": None,
        "story": ["1.000 uploading: PartFailed 3 (ServiceFault: HTTP 503 SlowDown)"],
    }
    for name in changes:
        error[name] = changes[name]
    message["error"] = error
    return message


def with_wire_change(message: "dict[str, Any]", path: "tuple[str, ...]", value: object) -> str:
    """The JSON text of a message after one change to the field at `path`."""
    body = json.loads(encode_message(message))
    target = body
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return json.dumps(body)


def check_an_emoji_travels_in_one_piece() -> None:
    text = encode_message(snapshot(file_name="😀.mov"))
    assert "😀.mov" in text
    assert decode_worker_response(text)["session"]["file_name"] == "😀.mov"


def check_snapshot_survives_the_wire() -> None:
    for message in (snapshot(), snapshot_with_error()):
        text = encode_message(message)
        assert decode_worker_response(text) == message
    body = json.loads(encode_message(snapshot()))
    assert body["version"] == 1
    assert body["session"]["fileSize"] == GIB_3
    assert body["progress"]["estimatedTimeRemaining"] == 60.5


def check_parts_may_be_left_out() -> None:
    message = snapshot()
    del message["parts_json"]
    assert decode_worker_response(encode_message(message))["parts_json"] is None
    body = json.loads(encode_message(message))
    del body["partsJson"]
    assert decode_worker_response(json.dumps(body))["parts_json"] is None


def check_a_person_may_set_some_settings() -> None:
    message = {"type": "CHANGE_SETTINGS", "settings": {"bandwidth_limit": 1_000_000, "keep_copy": None}}
    assert decode_worker_message(encode_message(message)) == message
    message["settings"] = {"signer_url": "https://evil.example"}
    told = error_of(ProtocolError, encode_message, message)
    assert told == "CHANGE_SETTINGS: settings: 'signer_url' is not for a person to set"
    text = '{"version": 1, "type": "CHANGE_SETTINGS", "settings": {"signerUrl": ""}}'
    assert "is not for a person to set" in error_of(ProtocolError, decode_worker_message, text)
    text = '{"version": 1, "type": "CHANGE_SETTINGS", "settings": {"bandwidthLimit": 5}}'
    assert "bandwidth_limit must be from 1024" in error_of(ProtocolError, decode_worker_message, text)
    assert from_wire_settings(to_wire_settings({"chunk_size": "auto"})) == {"chunk_size": "auto"}
    assert "settings must be an object" in error_of(ProtocolError, from_wire_settings, [])


def check_many_brackets_in_text_are_no_nesting() -> None:
    for key in ("[" * 200, "\\" + "{" * 200, '"' * 7 + "[" * 200 + "\\"):
        message = {
            "type": START_UPLOAD,
            "upload_id": "u",
            "project_id": "p",
            "s3_key": key,
            "inspected": None,
        }
        assert decode_worker_message(encode_message(message)) == message
    message = snapshot()
    message["parts_json"] = json.dumps([{"partNumber": n, "etag": '"e"', "size": 5} for n in range(1, 201)])
    decoded = decode_worker_response(encode_message(message))
    assert decoded["parts_json"] == message["parts_json"]
    parts = decode_parts(decoded["parts_json"])
    assert len(parts) == 200
    assert parts[199] == {"part_number": 200, "etag": '"e"', "size": 5}


def check_long_text_travels_in_pieces() -> None:
    for length in (0, 1, 4095, 4096, 4097, 50_000):
        message = snapshot()
        message["parts_json"] = "p" * length
        text = encode_message(message)
        assert max([0] + [len(piece) for piece in json.loads(text)["partsJson"]]) <= 4096
        assert decode_worker_response(text) == message
    message = snapshot()
    message["parts_json"] = 7
    assert "parts_json must be text, not a number" in error_of(ProtocolError, encode_message, message)


def check_parts_are_checked() -> None:
    assert decode_parts("[]") == []
    for text, expected in (
        ("[" * 100_000, "parts must be a list of flat objects"),
        ('[{"a":' + '{"a":' * 100_000, "parts must be a list of flat objects"),
        ("{}", "parts must be a list of flat objects"),
        ("[", "parts must be a list of flat objects"),
        ("[5]", "parts[0] must be an object, not a number"),
        ('[{"partNumber": 0, "etag": "", "size": 1}]', "parts[0].partNumber must be from 1 to 10000"),
        ('[{"partNumber": 1, "etag": ""}]', "parts[0].size is missing"),
    ):
        assert error_of(ProtocolError, decode_parts, text) == expected


def check_commands_survive_the_wire() -> None:
    for message in (
        {"type": START_UPLOAD, "upload_id": "u", "project_id": "p", "s3_key": "", "inspected": None},
        {"type": HELLO, "config": {"max_retries": 5, "allowed_types": ["image/*"]}},
        {"type": HELLO, "config": {}},
        {"type": REOPEN_FILE, "upload_id": "u"},
        {"type": SIGN_IN, "token": "eyJh.eyJz-_~+/.c2ln==", "is_guest": False},
        {"type": PAUSE_ALL},
        {"type": NETWORK_HINT},
        {"type": GOODBYE},
    ):
        assert decode_worker_message(encode_message(message)) == message
    responses: list[dict[str, Any]] = [
        {"type": ENGINE_FAILED, "message": "no wasm"},
        {"type": UPLOAD_REPLACED, "upload_id": "a", "by": "b"},
        {"type": FILE_OFFERED, "upload_id": "a"},
        {"type": COMMAND_REFUSED, "upload_id": None, "message": "no such upload"},
        {"type": SIGN_IN_NEEDED},
        {
            "type": ENGINE_READY,
            "capabilities": {
                "worker": "shared",
                "storage": "indexeddb",
                "transports": ["fetch", "xhr"],
                "python": "3.14.0",
                "boot": "snapshot",
                "warnings": [],
            },
            "upload_ids": ["a", "b"],
            "pages": 2,
        },
    ]
    for message in responses:
        assert decode_worker_response(encode_message(message)) == message


def check_configuration_is_renamed_on_the_wire() -> None:
    text = encode_message({"type": HELLO, "config": {"max_concurrent_chunks": 2}})
    assert json.loads(text)["config"] == {"maxConcurrentChunks": 2}
    for config, expected in (
        ({"max_retries": 1}, "HELLO: config: 'max_retries' is not a setting; did you mean 'maxRetries'?"),
        ({"maxRetries": -1}, "HELLO: config: max_retries must be from 0 to 100 retries, not -1"),
        ([], "HELLO: config must be an object, not a list"),
    ):
        body = json.dumps({"type": HELLO, "version": 1, "config": config})
        assert error_of(ProtocolError, decode_worker_message, body) == expected


def check_foreign_messages_are_refused_by_name() -> None:
    for text, expected in (
        (None, "a message must be JSON text, not null"),
        (5, "a message must be JSON text, not a number"),
        ("{", "a message must be a JSON object"),
        ("[]", "a message must be a JSON object"),
        ("null", "a message must be a JSON object"),
        ("[" * 100_000, "a message must "),
        ('{"x":' * 100_000, "a message must "),
        ("x" * (MAX_MESSAGE_LENGTH + 1), "at most " + str(MAX_MESSAGE_LENGTH)),
        ("{}", "version must be 1, not None"),
        ('{"version": 2, "type": "HELLO"}', "version must be 1, not 2"),
        ('{"version": true, "type": "HELLO"}', "version must be 1, not True"),
        ('{"version": 1}', "type None is not a known message type"),
        ('{"version": 1, "type": 5}', "type 5 is not a known message type"),
        ('{"version": 1, "type": "HI"}', "type 'HI' is not a known message type"),
        ('{"version": 1, "type": "ENGINE_FAILED", "message": ""}', "type 'ENGINE_FAILED' is not"),
        ('{"version": 1, "type": "PAUSE_UPLOAD"}', "PAUSE_UPLOAD: uploadId is missing"),
        ('{"version": 1, "type": "PAUSE_ALL", "x": 1}', "PAUSE_ALL: x is not a known field"),
        ('{"version": 1, "type": "PAUSE_UPLOAD", "uploadId": ""}', "uploadId must have 1 to 200 characters"),
        ('{"version": 1, "type": "PAUSE_UPLOAD", "uploadId": 7}', "uploadId must be text, not a number"),
    ):
        message = error_of(ProtocolError, decode_worker_message, text)
        assert expected in message, message
    assert "'HELLO' is not" in error_of(
        ProtocolError, decode_worker_response, '{"version": 1, "type": "HELLO"}'
    )


def check_long_values_are_never_repeated() -> None:
    long = "s" * 5000
    for text in (
        json.dumps({"version": long}),
        json.dumps({"version": 1, "type": long}),
        json.dumps({"version": 1, "type": "PAUSE_ALL", long: 1}),
        json.dumps({"version": 1, "type": "PAUSE_UPLOAD", "uploadId": long}),
        json.dumps({"version": 1, "type": "HELLO", "config": {long: 1}}),
        json.dumps({"version": 1, "type": "HELLO", "config": {"transport": long}}),
    ):
        assert len(error_of(ProtocolError, decode_worker_message, text)) < 250
    assert len(error_of(ProtocolError, encode_message, {"type": long})) < 250


def check_what_is_no_token_is_refused_and_never_repeated() -> None:
    for token in ("", "secret token", "secret\r\nCookie: a", "s\u00e9cret", "secret" * 1366):
        message = {"type": SIGN_IN, "token": token, "is_guest": True}
        assert "secret" not in error_of(ProtocolError, encode_message, message)
        body = json.dumps({"type": SIGN_IN, "version": 1, "token": token, "isGuest": True})
        text = error_of(ProtocolError, decode_worker_message, body)
        assert text.startswith("SIGN_IN: token must "), text
        assert "secret" not in text


def check_every_kind_refuses_what_it_should() -> None:
    for path, value, expected in (
        (("session",), None, "session must be an object, not null"),
        (("session", "fileSize"), -1, "session.fileSize must be from 0 to"),
        (("session", "fileSize"), 2**53, "session.fileSize must be from 0 to"),
        (("session", "fileSize"), 1.5, "session.fileSize must be a whole number, not a number"),
        (("session", "fileSize"), True, "session.fileSize must be a whole number, not true or false"),
        (("session", "status"), "done", "session.status must be one of uploading, paused"),
        (("session", "status"), {}, "session.status must be one of the known words, not an object"),
        (("session", "progress"), 100.5, "session.progress must be a finite number from 0 to 100"),
        (("session", "progress"), "5", "session.progress must be a number, not text"),
        (("session", "progress"), False, "session.progress must be a number, not true or false"),
        (("session", "objectUrl"), "javascript:alert(1)", "session.objectUrl must be a relative, http"),
        (("session", "objectUrl"), "java\tscript:alert(1)", "session.objectUrl must be a URL without white"),
        (("session", "objectUrl"), 1, "session.objectUrl must be text"),
        (
            ("session", "fileAccess"),
            "granted",
            "session.fileAccess must be one of open, handle, copy, ask, denied",
        ),
        (("error", "retryable"), 1, "error.retryable must be true or false, not a number"),
        (("error", "status"), 1000, "error.status must be from 0 to 999"),
        (("partsJson",), 7, "partsJson must be a list of texts, not a number"),
        (("partsJson",), ["a", 7], "partsJson must be a list of texts, not a list"),
    ):
        text = with_wire_change(snapshot_with_error(), path, value)
        message = error_of(ProtocolError, decode_worker_response, text)
        assert message.startswith("UPLOAD_SNAPSHOT: " + expected), message
    assert "inf" not in encode_message(snapshot())
    for value in (float("nan"), float("inf")):
        assert "session.progress" in error_of(ProtocolError, encode_message, snapshot(progress=value))
        error = error_of(ProtocolError, encode_message, snapshot_with_error(status=value))
        assert "error.status must be a whole number" in error
    texts = Texts(most=2)
    assert texts.convert(["a"], "w", False) == ["a"]
    assert error_of(ProtocolError, texts.convert, "a", "w", False) == "w must be a list of texts, not text"
    assert "at most 2" in error_of(ProtocolError, texts.convert, ["a", "b", "c"], "w", False)
    assert error_of(ProtocolError, texts.convert, ["a", 1], "w", False) == "w[1] must be text, not a number"
    assert Whole(nullable=True).convert(None, "w", False) is None
    assert error_of(ProtocolError, Kind().convert, b"", "w", False) == "w must be absent, not something else"


def check_links_that_may_pass() -> None:
    for url in ("s3/object?key=a:b", "/s3/object?key=x", "https://h/x", "blob:https://h/1", "#a:b"):
        text = encode_message(snapshot(object_url=url))
        assert decode_worker_response(text)["session"]["object_url"] == url


def check_encoding_checks_too() -> None:
    refused = error_of(ProtocolError, encode_message, {"type": "PAUSE_UPLOAD"})
    assert refused == "PAUSE_UPLOAD: upload_id is missing"
    refused = error_of(ProtocolError, encode_message, {"type": "PAUSE_UPLOAD", "uploadId": "u"})
    assert refused == "PAUSE_UPLOAD: upload_id is missing"
    assert "type None" in error_of(ProtocolError, encode_message, {})
    assert "'x' is not a setting" in error_of(
        ProtocolError, encode_message, {"type": HELLO, "config": {"x": 1}}
    )


def check_defaults_are_the_documented_ones() -> None:
    config = check_upload_config()
    assert config == DEFAULT_UPLOAD_CONFIG
    assert config["chunk_size"] == "auto"
    assert (config["max_concurrent_chunks"], config["max_retries"], config["retry_delay"]) == (3, 3, 1000)
    assert config["session_ttl"] == 604_800_000
    config["allowed_types"].append("image/*")
    assert DEFAULT_UPLOAD_CONFIG["allowed_types"] == []
    given = ["a"]
    check_upload_config({"packages": given})["packages"].append("b")
    assert given == ["a"]


def check_good_settings_are_taken() -> None:
    for name, value in (
        ("chunk_size", 5 * 1024 * 1024),
        ("bandwidth_limit", 4 * GIB_3),
        ("max_file_size", None),
        ("allowed_types", ["image/*", "text/plain", ".csv", ".tar.gz"]),
        ("keep_copy", 4 * GIB_3),
        ("keep_copy", None),
        ("keep_offline", 0),
        ("keep_offline", GIB_3),
        ("keep_offline", None),
        ("checksums", False),
        ("transport", "xhr"),
        ("signer_url", "https://sign.example/api"),
        ("signer_url", "HTTP://localhost:8000"),
        ("signer_url", "/api"),
        ("signer_url", ""),
        ("signer", "companion"),
        ("analytics_url", "https://count.example/events"),
        ("packages", ["pillow"]),
    ):
        config = check_upload_config({name: value})
        assert config[name] == value
        assert len(config) == len(DEFAULT_UPLOAD_CONFIG)


def check_bad_settings_are_refused_by_name() -> None:
    for values, expected in (
        ({"chunkSize": 1}, "'chunkSize' is not a setting; did you mean 'chunk_size'?"),
        ({"max_retires": 1}, "did you mean 'max_retries'?"),
        ({"colour": 1}, "'colour' is not a setting"),
        ({"": 1}, "'' is not a setting"),
        ({"chunk_size": 1000}, "chunk_size must be from 5242880 to 5368709120 bytes, not 1000"),
        (
            {"chunk_size": "big"},
            "chunk_size must be 'auto' or 'adaptive', or it must be a whole number of bytes, not text",
        ),
        ({"max_retries": "3"}, "max_retries must be a whole number of retries, not text"),
        ({"max_retries": True}, "max_retries must be a whole number of retries, not true or false"),
        ({"bandwidth_limit": 0}, "bandwidth_limit must be from 1024"),
        ({"bandwidth_limit": "1"}, "bandwidth_limit must be None, or it must be a whole number"),
        ({"keep_copy": 0}, "keep_copy must be from 1 to"),
        ({"keep_offline": -1}, "keep_offline must be from 0 to"),
        ({"keep_offline": "all"}, "keep_offline must be None, or it must be a whole number of bytes"),
        ({"keep_copy": True}, "keep_copy must be a whole number of bytes, not true or false"),
        ({"transport": "carrier pigeon"}, 'transport must be "auto", "fetch" or "xhr", not'),
        ({"transport": []}, 'transport must be "auto", "fetch" or "xhr", not []'),
        ({"debug": 1}, "debug must be True or False, not a number"),
        ({"allowed_types": "image/*"}, "allowed_types must be a list of texts, not text"),
        ({"allowed_types": ["images"]}, 'allowed_types must hold entries such as "image/*"'),
        ({"allowed_types": ["*/*"]}, "allowed_types must hold entries"),
        ({"allowed_types": ["a/b/c"]}, "allowed_types must hold entries"),
        ({"allowed_types": ["."]}, "allowed_types must hold entries"),
        ({"packages": [1]}, "packages must hold only texts"),
        ({"packages": [""]}, "packages must hold only texts"),
        ({"packages": ["p"] * 1001}, "packages must have at most 1000 entries"),
        ({"signer_url": None}, "signer_url must be text, not null"),
        ({"signer_url": "javascript:alert(1)"}, "signer_url must begin with https://"),
        ({"signer_url": "//elsewhere.example"}, "signer_url must begin with https://"),
        ({"signer_url": "https://a.example/?token=1"}, "signer_url must be a URL without a query"),
        ({"signer_url": "https://a.example/ x"}, "signer_url must be a URL of at most 2048"),
        ({"min_file_size": 2, "max_file_size": 1}, "min_file_size (2) is greater than max_file_size (1)"),
    ):
        message = error_of(ConfigError, check_upload_config, values)
        assert expected in message, message


def check_names_are_the_documented_ones() -> None:
    assert camel_case("s3_key") == "s3Key"
    assert camel_case("estimated_time_remaining") == "estimatedTimeRemaining"
    assert camel_case("status") == "status"
