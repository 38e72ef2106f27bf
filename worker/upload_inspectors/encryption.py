"""Locks a file before it leaves the browser: AES-256-GCM in pieces, by the browser's own WebCrypto. `serve.py decrypt` unlocks it.

    [[uploads.inspectors]]
    callable = "upload_inspectors.encryption:inspect"
    options = { key = "base64 of 32 bytes" }

Whoever has the key can unlock the files, so a page gets it from its own server for a person who is signed in, and passes it on in
the configuration; it is told to no upload server, and to no store.

The format, `UWENC1`: a header, then the pieces, each with its tag of 16 bytes behind it.

| bytes | what |
|---|---|
| 8 | `UWENC1` and two zeros |
| 4 | bytes of a piece, before it is locked; big-endian, as all numbers here |
| 16 | salt |

The file's own key is HKDF-SHA-256(key, salt, `upload-worker file`). A piece's nonce (12 bytes) is its number in 11, from 0, and a last
byte that is 1 for the last piece and else 0, so that no piece can be taken away, doubled or moved unnoticed (the STREAM
construction: Hoang, Reyhanitabar, Rogaway, Vizár, 2015). The header is authenticated with every piece. An empty file has one
empty piece. The salt is made from the key and all of the file's bytes: no two files that differ share a key and its nonces, and
the same file is locked in the same way when it is picked again after a restart, which is how its upload goes on. That two files
are the same can therefore be seen from outside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

from upload_inspectors.files import InspectedFile
from upload_inspectors.verdict import Verdict, replace

MAGIC = b"UWENC1\0\0"
PIECE = 1024 * 1024
"""Bytes."""
HEADER = struct.Struct(">8sI16s")
TAG = 16
"""Bytes behind every piece."""
READ = 4 * 1024 * 1024


def key_from(text: str) -> bytes:
    """The 32 bytes of a key in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("the key must be base64") from None
    if len(key) != 32:
        raise ValueError(f"the key must have 32 bytes, it has {len(key)}")
    return key


def file_key(key: bytes, salt: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of one block."""
    extracted = hmac.digest(salt, key, "sha256")
    return hmac.digest(extracted, b"upload-worker file\x01", "sha256")


def salt_for(key: bytes, file: InspectedFile) -> bytes:
    """Of 16 bytes, by the key and all of the file, which is read once for it."""
    digest = hmac.new(hmac.digest(key, b"upload-worker salt", "sha256"), digestmod=hashlib.sha256)
    file.seek(0)
    while content := file.read(READ):
        digest.update(content)
    file.seek(0)
    return digest.digest()[:16]


def nonce_of(number: int, *, is_last: bool) -> bytes:
    """Of a piece, by its number from 0."""
    return number.to_bytes(11, "big") + bytes([is_last])


async def inspect(file: InspectedFile, *, key: str, suffix: str = ".enc") -> Verdict:
    """suffix: of the object's name. Raises ValueError for what is no key, RuntimeError where there is no WebCrypto (plain http)."""
    from upload_inspectors.webcrypto import Lock

    master = key_from(key)
    salt = salt_for(master, file)
    header = HEADER.pack(MAGIC, PIECE, salt)
    lock = await Lock.with_key(file_key(master, salt), header)
    new = file.new_file()
    new.write(header)
    count = max(1, -(-file.size // PIECE))
    for number in range(count):
        content = file.read(PIECE)
        new.write(await lock.seal(nonce_of(number, is_last=number == count - 1), content))
    return replace(
        new, {"encryption": "UWENC1"}, name=file.name + suffix, content_type="application/octet-stream"
    )
