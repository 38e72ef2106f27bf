"""What was locked opens with its key, and nothing else does (ACCEPTANCE X8)."""

from __future__ import annotations

import asyncio
import base64
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from upload_inspectors import encryption
from uploads.server import cli, options
from uploads.server.decrypting import decrypt
from uploads.server.errors import UserError

from tests.unit.inspectors.memory import a_file, replaced

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


class Lock:
    """WebCrypto's part, by another library."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._cipher, self._header = AESGCM(key), header

    @classmethod
    async def with_key(cls, key: bytes, header: bytes) -> Lock:
        return cls(key, header)

    async def seal(self, nonce: bytes, content: bytes) -> bytes:
        return self._cipher.encrypt(nonce, content, self._header)


@pytest.fixture(autouse=True)
def _webcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "upload_inspectors.webcrypto", SimpleNamespace(Lock=Lock))
    monkeypatch.setattr(encryption, "PIECE", 100)


def locked(content: bytes) -> bytes:
    return replaced(asyncio.run(encryption.inspect(a_file(content), key=TEXT)))


def opened(content: bytes, key: bytes = KEY) -> bytes:
    clear = io.BytesIO()
    decrypt(io.BytesIO(content), clear, key)
    return clear.getvalue()


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1234])
def test_there_and_back(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    made = locked(content)
    assert opened(made) == content
    assert made == locked(content), "an upload goes on when the file is picked again"


def test_the_object_says_what_it_is() -> None:
    verdict = asyncio.run(encryption.inspect(a_file(b"x", "tax.pdf"), key=TEXT))
    assert (verdict.name, verdict.content_type) == ("tax.pdf.enc", "application/octet-stream")


@given(st.data())
def test_whatever_is_changed_is_noticed(data: st.DataObject) -> None:
    content = bytearray(locked(bytes(range(250))))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UserError):
        opened(bytes(content))


@pytest.mark.parametrize("change", ["cut", "doubled", "swapped", "cut within", "empty", "key"])
def test_pieces_stay_where_they_are(change: str) -> None:
    content = locked(bytes(range(250)) * 2)  # five pieces
    head, pieces = content[:28], [content[28 + 116 * number :][:116] for number in range(5)]
    changed = {
        "cut": head + b"".join(pieces[:4]),
        "doubled": head + b"".join([pieces[0], *pieces]),
        "swapped": head + b"".join([pieces[1], pieces[0], *pieces[2:]]),
        "cut within": content[:-5],
        "empty": head,
        "key": content,
    }[change]
    with pytest.raises(UserError, match="damaged"):
        opened(changed, bytes(32) if change == "key" else KEY)


def run(*argv: str) -> int:
    return cli.main(options.parse(["decrypt", *argv]))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, key_file = tmp_path / "a.txt.enc", tmp_path / "key"
    file.write_bytes(locked(b"hello"))
    key_file.write_text(TEXT + "\n")
    assert run(str(file), "--key-file", str(key_file)) == 0
    assert (tmp_path / "a.txt").read_bytes() == b"hello"
    with pytest.raises(UserError, match="there already"):
        run(str(file), "--key-file", str(key_file))
    monkeypatch.setenv("UPLOADS_FILE_KEY", TEXT)
    assert run(str(file), "--out", str(tmp_path / "b.txt")) == 0
    assert (tmp_path / "b.txt").read_bytes() == b"hello"


def test_nothing_is_left_of_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.enc"
    file.write_bytes(locked(bytes(1000))[:-1])
    monkeypatch.setenv("UPLOADS_FILE_KEY", TEXT)
    for argv, words in (
        ([str(file)], "damaged at byte 900"),
        ([str(tmp_path / "none.enc")], "cannot be used"),
        ([str(file), "--key-file", str(tmp_path / "none")], "cannot be read"),
    ):
        with pytest.raises(UserError, match=words):
            run(*argv)
    monkeypatch.setenv("UPLOADS_FILE_KEY", "short")
    with pytest.raises(UserError, match="base64 of 32 bytes"):
        run(str(file))
    file.write_bytes(b"something else")
    monkeypatch.setenv("UPLOADS_FILE_KEY", TEXT)
    with pytest.raises(UserError, match="no file that was locked"):
        run(str(file))
    assert [path.name for path in tmp_path.iterdir()] == ["a.enc"]
