"""Every catalogue has every sentence that people can meet, with all that is put into it. ACCEPTANCE U15."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from upload_engine import rules
from upload_engine.core import explain, retry
from upload_engine.core.errors import FileFault, NetworkFault, ServiceFault, UploadFault
from uploads.ui import format as fmt
from uploads.ui import speech
from uploads.ui.speech import ENGLISH, LANGUAGES, say, sentences

from tests import catalogues
from tests.interpreters.checks.speech_checks import Numbers

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
FORMS = {"zero", "one", "two", "few", "many", "other"}
PLACE = re.compile(r"\{(\d*)\}")


def forms(found: str | dict[str, str]) -> list[str]:
    return [found] if isinstance(found, str) else list(found.values())


@pytest.fixture
def german() -> Iterator[None]:
    numbers = Numbers()
    speech.speak("de", catalogues.read("de"), numbers)
    fmt.use_numbers(numbers)
    yield
    speech.speak(ENGLISH, {})
    fmt.use_numbers(None)


def test_the_sentences_are_found_where_they_are_written() -> None:
    keys = set(catalogues.keys())
    assert {
        "Choose files",  # index.html
        "All uploads",  # …, as a label
        "Waiting for the network",  # words
        "{} files are uploaded.",  # words, counted
        "What is stored already will not be sent again.",  # words, in parts
        "The object is the file, bit for bit.",  # the demo's
        "{} left",  # said elsewhere
        "What has arrived is kept.",  # the worker, in parts
        "The file has {} bytes; at most {} are allowed.",  # …, with values
        "The browser's storage cannot be used ({}): uploads will not survive a reload.",
        "You may not upload this file.",  # the server
        "it is called “{}”, not “{}”",  # within another sentence
    } <= keys
    assert "started" not in keys


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_exactly_these_sentences(language: str) -> None:
    keys, known = catalogues.keys(), catalogues.read(language)
    assert [key for key in keys if key not in known] == []
    assert [key for key in known if key not in keys] == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_that_is_put_into_a_sentence_gets_lost(language: str) -> None:
    for key, found in catalogues.read(language).items():
        wanted = len(PLACE.findall(key))
        for form in forms(found):
            places = PLACE.findall(form)
            assert form.strip(), key
            if isinstance(found, str):
                assert len(places) == wanted, (key, form)
            assert len(places) <= wanted, (key, form)  # “one file” needs no number
            if any(places):
                assert len({*places}) == len(places), (key, form)
                assert max(int(place) for place in places) < wanted, (key, form)
        if isinstance(found, dict):
            assert "other" in found, key
            assert set(found) <= FORMS, key
            assert "{}" in key
            assert "{" in found["other"], key


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_ends_as_its_original(language: str) -> None:
    ends = {".": ".。", "…": "…", ":": ":"}
    for key, found in catalogues.read(language).items():
        for form in forms(found):
            if key[-1] in ends:
                assert form[-1] in ends[key[-1]], (key, form)
            else:
                assert form[-1] not in ".。…:", (key, form)


def test_every_fault_is_explained_in_the_language(german: None) -> None:
    known = catalogues.read("de")
    source = ast.parse(Path(explain.__file__).read_text(encoding="utf-8"))
    codes = {node.value for node in ast.walk(source) if isinstance(node, ast.Constant)}
    faults: list[UploadFault] = [NetworkFault("gone"), FileFault("it changes while it is sent")]
    faults += [
        ServiceFault(status, str(code), "It was so.")
        for code in codes | retry.REFUSED | retry.LIMITED | {""}
        if isinstance(code, str) and re.fullmatch(r"[A-Za-z]*", code)
        for status in (400, 403, 413, 429, 500, 502, 503, 504)
    ]
    told = [
        explain.explain(fault, kind)
        for fault in faults
        for kind in (
            explain.UPLOAD_INIT_FAILED,
            explain.CHUNK_UPLOAD_FAILED,
            explain.UPLOAD_COMPLETE_FAILED,
            explain.NETWORK_ERROR,
        )
    ]
    told += [explain.delayed(fault) for fault in faults]
    told += [explain.must_sign_in(), explain.unreadable_file(), explain.started_over()]
    told += [explain.wrong_file("its content is different"), explain.refused_file("The file cannot be read.")]
    checked = 0
    for error in told:
        for sentence in sentences(f"{error.message} {error.recovery}".strip()):
            if sentence == "It was so.":  # where the server says it itself, in its own words
                continue
            said = say(sentence)
            assert said != sentence or sentence in known, sentence
            checked += 1
    assert checked > 1000


def test_rules_are_told_in_the_language(german: None) -> None:
    config = {"max_file_size": 5, "min_file_size": 3, "allowed_types": ["image/*"]}
    told = [
        rules.complaint(name, size, kind, config)
        for name, size, kind in (
            ("a.png", 9, "image/png"),
            ("a.png", 1, "image/png"),
            ("a.txt", 4, "text/plain"),
        )
    ]
    assert [say(text) for text in told] == [
        "Die Datei hat #9 Bytes; höchstens #5 sind erlaubt.",
        "Die Datei hat #1 Bytes; mindestens #3 sind verlangt.",
        "Dateien dieses Typs sind hier nicht erlaubt; erlaubt sind: image/*.",
    ]
