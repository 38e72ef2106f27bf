"""Files are recognised, packed and locked; what comes out is what went in (ACCEPTANCE X7, X8)."""

from __future__ import annotations

import base64
import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upload_inspectors import compression, encryption, sniffing

from tests.unit.inspectors.memory import a_file, replaced


@pytest.mark.parametrize(
    ("content", "told", "reason"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg", ""),
        (b"\xff\xd8\xff\xe0", "image/jpg", ""),
        (b"\xff\xd8\xff\xe0", "", ""),
        (b"\xff\xd8\xff\xe0", "application/pdf", "The file is called application/pdf, and it is image/jpeg."),
        (b"MZ\x90", "image/png", "it is application/vnd.microsoft.portable-executable"),
        (b"MZ is how this text begins", "text/plain", ""),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""),
        (b"PK\x03\x04", "text/plain", "it is application/zip"),
        (b"RIFF\0\0\0\0WEBP", "image/webp", ""),
        (b"no signature", "image/png", ""),
    ],
)
def test_what_it_is_by_its_first_bytes(content: bytes, told: str, reason: str) -> None:
    assert reason in sniffing.inspect(a_file(content, content_type=told)).reason
    assert bool(reason) == bool(sniffing.inspect(a_file(content, content_type=told)).reason)


def test_a_mismatch_may_be_told_only_and_a_kind_refused() -> None:
    file = a_file(b"\x7fELF", content_type="image/png")
    verdict = sniffing.inspect(file, on_mismatch="tell")
    assert (verdict.reason, verdict.metadata) == ("", {"sniffed-type": "application/x-executable"})
    file.seek(0)
    assert (
        "not taken here"
        in sniffing.inspect(file, on_mismatch="tell", refuse=("application/x-executable",)).reason
    )


def test_gzip_and_back() -> None:
    content = b"the same again and again. " * 100_000
    verdict = compression.inspect(a_file(content))
    packed = replaced(verdict)
    assert gzip.decompress(packed) == content
    assert (verdict.content_encoding, verdict.metadata) == ("gzip", {"unpacked-size": str(len(content))})
    assert replaced(compression.inspect(a_file(content))) == packed, "the same file gives the same bytes"


def test_what_gets_no_smaller_is_left_alone() -> None:
    assert compression.inspect(a_file(os.urandom(100_000))).replacement is None
    with pytest.raises(ValueError, match="encoding must be"):
        compression.inspect(a_file(b"a"), encoding="br")


KEY = bytes(range(32))


def test_keys() -> None:
    assert encryption.key_from(base64.b64encode(KEY).decode()) == KEY
    for text, words in (("@@", "must be base64"), ("YQ==", "must have 32 bytes, it has 1")):
        with pytest.raises(ValueError, match=words):
            encryption.key_from(text)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_files_that_differ_have_other_keys(left: bytes, right: bytes) -> None:
    salts = [encryption.salt_for(KEY, a_file(content)) for content in (left, right)]
    assert (salts[0] == salts[1]) == (left == right)
    assert salts[0] != encryption.salt_for(bytes(32), a_file(left))
    assert (encryption.file_key(KEY, salts[0]) == encryption.file_key(KEY, salts[1])) == (left == right)


def test_a_file_key_is_hkdf() -> None:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    expected = HKDF(SHA256(), 32, b"s" * 16, b"upload-worker file").derive(KEY)
    assert encryption.file_key(KEY, b"s" * 16) == expected


def test_no_two_pieces_have_one_nonce() -> None:
    nonces = {encryption.nonce_of(number, is_last=last) for number in range(1000) for last in (False, True)}
    assert len(nonces) == 2000
    assert {len(nonce) for nonce in nonces} == {12}
