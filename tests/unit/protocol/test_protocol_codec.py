"""The codec on CPython: the shared checks, and round trips of messages nobody thought of."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads.protocol import (
    UPLOAD_SNAPSHOT,
    ProtocolError,
    decode_head,
    decode_worker_message,
    decode_worker_response,
    encode_message,
    encode_snapshot,
    head_of,
)
from uploads.protocol.config import CONFIG_CHANGES, PERSONS_SETTINGS
from uploads.protocol.kinds import (
    BearerToken,
    Choice,
    Flag,
    Kind,
    Link,
    LongText,
    Maybe,
    Number,
    Record,
    Text,
    TextMap,
    Texts,
    Whole,
)
from uploads.protocol.messages import LONGEST_PARTS_JSON, UPLOAD_WORKER_MESSAGES, UPLOAD_WORKER_RESPONSES

from tests.interpreters.checks import protocol_checks

CHECKS = [
    name for name in dir(protocol_checks) if name.startswith("check_") and name != "check_upload_config"
]

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "chunk_size": st.just("auto") | st.integers(5 * 2**20, 5 * 2**30),
        "max_retries": st.integers(0, 100),
        "max_file_size": st.none() | st.integers(0, 2**40),
        "allowed_types": st.lists(st.sampled_from(["image/*", ".csv", "text/plain"])),
    },
)


def values_of(kind: Kind) -> st.SearchStrategy[Any]:
    """Every value that a field of this kind may hold in Python."""
    strategy: st.SearchStrategy[Any]
    if kind is CONFIG_CHANGES:
        strategy = SETTINGS
    elif kind is PERSONS_SETTINGS:
        strategy = st.fixed_dictionaries(
            {},
            optional={
                "keep_copy": st.none() | st.integers(1, 2**30),
                "max_concurrent_chunks": st.integers(1, 64),
            },
        )
    elif isinstance(kind, Maybe):
        strategy = values_of(kind.kind)
    elif isinstance(kind, TextMap):
        strategy = st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5)
    elif isinstance(kind, Record):
        strategy = st.fixed_dictionaries({name: values_of(field) for name, field in kind.fields.items()})
    elif isinstance(kind, Choice):
        strategy = st.sampled_from(kind.words)
    elif isinstance(kind, BearerToken):
        strategy = st.text(kind.letters, min_size=kind.shortest, max_size=40)
    elif isinstance(kind, Link):
        strategy = st.sampled_from(["/s3/object?key=a", "https://store.example/x"])
    elif isinstance(kind, Text):
        strategy = st.text(
            st.characters(codec="utf-8"), min_size=kind.shortest, max_size=min(kind.longest, 60)
        )
    elif isinstance(kind, LongText):
        strategy = st.text(st.characters(codec="utf-8"), max_size=60)
    elif isinstance(kind, Whole):
        strategy = st.integers(kind.least, kind.most)
    elif isinstance(kind, Number):
        strategy = st.floats(0, kind.most)
    elif isinstance(kind, Flag):
        strategy = st.booleans()
    else:
        assert isinstance(kind, Texts)
        strategy = st.lists(st.text(max_size=20), max_size=5)
    return st.none() | strategy if kind.nullable else strategy


def messages_of(records: dict[str, Record]) -> st.SearchStrategy[dict[str, Any]]:
    """Every message of one direction."""
    return st.one_of([with_type(values_of(record), kind) for kind, record in records.items()])


def with_type(fields: st.SearchStrategy[dict[str, Any]], kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a message, and its type."""
    return fields.map(lambda values: {**values, "type": kind})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)


@pytest.mark.parametrize("name", CHECKS)
def test_shared_check(name: str) -> None:
    getattr(protocol_checks, name)()


@given(messages_of(UPLOAD_WORKER_MESSAGES))
def test_every_message_to_the_worker_survives_the_wire(message: dict[str, Any]) -> None:
    assert decode_worker_message(encode_message(message)) == message


@given(messages_of(UPLOAD_WORKER_RESPONSES))
def test_every_message_from_the_worker_survives_the_wire(message: dict[str, Any]) -> None:
    assert decode_worker_response(encode_message(message)) == message


@given(with_type(values_of(UPLOAD_WORKER_RESPONSES[UPLOAD_SNAPSHOT]), UPLOAD_SNAPSHOT))
def test_a_snapshot_that_is_not_looked_at_is_the_same(message: dict[str, Any]) -> None:
    body, head = encode_snapshot(message)
    assert decode_worker_response(body) == message
    assert json.loads(body) == json.loads(encode_message(message))
    assert decode_head(head) == head_of(message)


def test_a_snapshot_with_a_field_of_another_name_is_refused() -> None:
    wrong = protocol_checks.snapshot()
    wrong["session"]["colour"] = "red"
    with pytest.raises(KeyError, match="colour"):
        encode_snapshot(wrong)


@given(st.text(max_size=200))
def test_text_that_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode_worker_message(text)


@given(message=messages_of(UPLOAD_WORKER_RESPONSES), data=st.data(), value=JSON_VALUES)
def test_one_foreign_value_is_taken_or_refused_never_a_crash(
    message: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    """A message with one field replaced either is a message still, or is refused by name."""
    target = message
    while True:
        name = data.draw(st.sampled_from(sorted(target)))
        if not isinstance(target[name], dict) or not target[name] or data.draw(st.booleans()):
            break
        target = target[name]
    target[name] = value
    try:
        text = encode_message(message)
    except ProtocolError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert len(refusal) < 400
    if not refusal:
        assert decode_worker_response(text)["type"] == message["type"]


def test_nesting_never_reaches_the_parser() -> None:
    """Here and in Pyodide, where it would be fatal (see `MOST_OPENERS`)."""
    for text in ("[" * 65, '{"x":' * 65, '{"a":"\\\\","b":' + "[" * 65, '{"a":"\\"","b":' + "[" * 65):
        with pytest.raises(ProtocolError, match="at most 64 objects and lists"):
            decode_worker_message(text)


def test_parts_have_a_limit() -> None:
    message = protocol_checks.snapshot()
    message["parts_json"] = "a" * (LONGEST_PARTS_JSON + 1)
    with pytest.raises(
        ProtocolError, match="parts_json must have at most 2097152 characters, it has 2097153"
    ):
        encode_message(message)


def test_the_two_directions_share_no_type() -> None:
    assert not set(UPLOAD_WORKER_MESSAGES) & set(UPLOAD_WORKER_RESPONSES)
