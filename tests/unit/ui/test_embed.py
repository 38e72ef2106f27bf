"""The widget on CPython: the shared checks (ACCEPTANCE W3, W4)."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads.protocol import ProtocolError
from uploads.protocol.embed import HOST_MESSAGES, decode_order
from uploads.server.keys import wanted_key
from uploads.ui.key_names import key_name

from tests.interpreters.checks import embed_checks

CHECKS = [name for name in dir(embed_checks) if name.startswith("check_")]


@pytest.mark.parametrize("name", CHECKS)
def test_shared_check(name: str) -> None:
    getattr(embed_checks, name)()


@given(st.text() | st.sampled_from(sorted(HOST_MESSAGES)).map(lambda kind: f'{{"type": "{kind}", "x": [1]}}'))
def test_whatever_the_page_around_says_is_refused_in_words(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_order(text)
    assert 0 < len(str(caught.value)) < 300


def test_the_server_takes_every_key_that_the_widget_makes() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or chr(code) in "/\\":
            assert key_name(f"a{chr(code)}.b") == "a_.b", hex(code)


@given(st.text())
def test_the_server_takes_any_name(name: str) -> None:
    assert wanted_key("uploads", "alice", f"in/u1/{key_name(name)}")
