"""Names and keys: any name a person's file may have is stored safely and comes back as it was (row 65)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads.server import keys

UNIQUE = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    ("given_name", "kept", "safe"),
    [
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt", "a.txt"),
        ("a\x00b\x1f.txt", "ab.txt", "ab.txt"),
        ("‮gpj.exe", "gpj.exe", "gpj.exe"),
        ("\U0001f680 é+%&.png", "\U0001f680 é+%&.png", "_é_.png"),
        ("e\u0301.txt", "é.txt", "é.txt"),
        ("..", "file", "file"),
        ("", "file", "file"),
        (".htaccess", ".htaccess", "htaccess"),
        ("\ud800.txt", "?.txt", "_.txt"),
        ("日本語.tar.gz", "日本語.tar.gz", "日本語.tar.gz"),
    ],
)
def test_a_name_is_kept_for_people_and_made_safe_for_keys(given_name: str, kept: str, safe: str) -> None:
    assert keys.original_name(given_name) == kept
    assert keys.safe_name(given_name) == safe


def test_a_long_name_keeps_its_suffix() -> None:
    name = "é" * 300 + ".tiff"
    assert keys.original_name(name).endswith(".tiff")
    assert len(keys.original_name(name).encode()) <= 255
    assert keys.safe_name(name).endswith("é.tiff")


@given(st.text(max_size=400))
def test_any_name_makes_a_safe_key_and_a_header(name: str) -> None:
    key = keys.new_key("uploads", "guest-1", "p", UNIQUE, name)
    assert len(key.split("/")) == 5
    assert len(key.encode()) < keys.MAX_KEY_BYTES
    assert not {".", "..", ""} & set(key.split("/"))
    assert keys.is_server_made("uploads", "guest-1", key)
    header = keys.content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    match = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''(\S+)", header)
    assert match
    assert unquote(match[2]) == keys.original_name(name)
    assert not any(unicodedata.category(char) == "Cc" for char in keys.original_name(name))


@pytest.mark.parametrize(
    ("project", "step"), [("", "default"), ("..", "default"), ("a/b c", "a_b_c"), ("x" * 99, "x" * 64)]
)
def test_a_project_is_one_step_of_the_key(project: str, step: str) -> None:
    assert keys.new_key("p", "u", project, UNIQUE, "f") == f"p/u/{step}/{UNIQUE}/f"


def test_an_own_key_lies_under_the_user() -> None:
    assert keys.wanted_key("p", "u", "a/b.txt") == "p/u/a/b.txt"
    assert keys.wanted_key("p", "u", "p/u/a/b.txt") == "p/u/a/b.txt"
    assert keys.wanted_key("p", "u", "p/other/b.txt") == "p/u/p/other/b.txt"


@pytest.mark.parametrize(
    "wanted", ["/x", "a//b", "a/../b", "a/", ".", "a\\b", "a\nb", "a‮b", "x" * 1024, f"default/{UNIQUE}/f"]
)
def test_a_key_that_cannot_be_is_refused(wanted: str) -> None:
    with pytest.raises(keys.BadKey):
        keys.wanted_key("p", "u", wanted)
