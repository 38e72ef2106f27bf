"""`serve.py decrypt`: opens files that the page has locked (`worker/upload_inspectors/encryption.py` describes the format).

It reads the format by itself, with another library than what wrote it: what one gets wrong, the other does not repeat.
Reads and writes the files it is given.
"""

from __future__ import annotations

import base64
import os
import struct
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from uploads.server.errors import UserError

_HEADER = struct.Struct(">8sI16s")
_MAGIC = b"UWENC1\0\0"
_TAG = 16
_LARGEST_PIECE = 64 * 1024 * 1024
KEY_VARIABLE = "UPLOADS_FILE_KEY"


def decrypt_file(locked: Path, out: Path | None, key_file: Path | None) -> Path:
    """Write what is in `locked`; where. out: by default its name without `.enc`.

    The key is base64, in `key_file` or in UPLOADS_FILE_KEY. Nothing is left of a file that is damaged, or whose key is another
    one. Raises `UserError`.
    """
    target = out or locked.with_suffix("" if locked.suffix == ".enc" else ".decrypted")
    if target.exists():
        raise UserError(f"{target} is there already: name another file by --out.")
    key = _read_key(key_file)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with locked.open("rb") as source, partial.open("xb") as clear:
            decrypt(source, clear, key)
        partial.rename(target)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be used: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def decrypt(source: BinaryIO, clear: BinaryIO, key: bytes) -> None:
    """Open it piece by piece. Raises `UserError` for what is damaged, cut off, or locked with another key."""
    head = source.read(_HEADER.size)
    if len(head) != _HEADER.size or not head.startswith(_MAGIC):
        raise UserError("This is no file that was locked by the page.")
    _, size, salt = _HEADER.unpack(head)
    if not 0 < size <= _LARGEST_PIECE:
        raise UserError("The file is damaged: its header makes no sense.")
    cipher = AESGCM(HKDF(SHA256(), 32, salt, b"upload-worker file").derive(key))
    number, piece = 0, source.read(size + _TAG)
    while True:
        following = source.read(size + _TAG)
        nonce = number.to_bytes(11, "big") + bytes([not following])
        try:
            clear.write(cipher.decrypt(nonce, piece, head))
        except InvalidTag:
            where = "at its start: or it is another key's" if number == 0 else f"at byte {number * size:,}"
            raise UserError(f"The file is damaged {where}.") from None
        if not following:
            return
        number, piece = number + 1, following


def _read_key(key_file: Path | None) -> bytes:
    text = os.environ.get(KEY_VARIABLE, "")
    if key_file is not None:
        try:
            text = key_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UserError(f"The key cannot be read from {key_file}.") from None
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UserError(f"The key has to be base64 of 32 bytes, in a file (--key-file) or in {KEY_VARIABLE}.")
    return key
