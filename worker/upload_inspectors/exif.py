"""Takes out of photographs what tells where, when and by whom they were taken; the picture itself is not touched.

JPEG (Exif, XMP, IPTC, comments), PNG and WebP. How the picture is to be turned stays, as do colour profiles.

    [[uploads.inspectors]]
    match = ["image/*"]
    callable = "upload_inspectors.exif:inspect"
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from upload_inspectors.files import InspectedFile, NewFile
from upload_inspectors.verdict import Verdict, accept, reject, replace

PIECE = 1024 * 1024
"""Bytes copied at a time."""
_ORIENTATION = 0x0112
_TELLING_SEGMENTS = {
    0xE1,
    0xED,
    0xFE,
}  # APP1 (Exif, XMP), APP13 (IPTC), COM; ISO/IEC 10918-1, Exif 2.32, IPTC-IIM
_TELLING_CHUNKS = {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}  # PNG, third edition, 11.3
_NO_SUCH = "Details of the picture, such as where it was taken, cannot be taken out of this kind of file. Save it as JPEG, PNG or WebP."
_DAMAGED = "The picture is damaged: its details cannot be found."


class _Damaged(Exception):
    pass


def inspect(file: InspectedFile, *, others: str = "reject") -> Verdict:
    """others: what becomes of other kinds of pictures, which may tell as much: "reject" or "accept"."""
    head = file.read(16)
    file.seek(0)
    try:
        if head.startswith(b"\xff\xd8"):
            return _without(file, _clean_jpeg(file))
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return _without(file, _clean_png(file))
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _without(file, _clean_webp(file))
    except (_Damaged, struct.error):
        return reject(_DAMAGED)
    return accept() if others == "accept" else reject(_NO_SUCH)


Piece = bytes | tuple[int, int]
"""Bytes, or a range of the file's."""


def _without(file: InspectedFile, kept: list[Piece]) -> Verdict:
    """The file of these pieces; as it is, where they are all of it."""
    if kept == [(0, file.size)]:
        return accept()
    new = file.new_file()
    for piece in kept:
        if isinstance(piece, bytes):
            new.write(piece)
        else:
            _copy(file, new, *piece)
    return replace(new)


def _copy(file: InspectedFile, new: NewFile, start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        content = file.read(min(PIECE, end - start))
        if not content:
            raise _Damaged
        new.write(content)
        start += len(content)


def _clean_jpeg(file: InspectedFile) -> list[Piece]:
    kept: list[Piece] = [(0, 2)]
    at, orientation = 2, 1
    while True:
        file.seek(at)
        marker = file.read(2)
        if len(marker) != 2 or marker[0] != 0xFF:
            raise _Damaged
        if marker[1] == 0xFF:  # a byte that fills up
            at += 1
            continue
        if marker[1] == 0xDA:  # the picture begins; up to its end nothing else is looked for
            break
        (length,) = struct.unpack(">H", file.read(2))
        if length < 2:
            raise _Damaged
        end = at + 2 + length
        if marker[1] in _TELLING_SEGMENTS:
            content = file.read(length - 2)
            if content.startswith(b"Exif\x00\x00"):
                orientation = _orientation_of(content[6:]) or orientation
                if content == _exif_with(orientation)[4:]:
                    kept.append((at, end))  # our own: nothing is left to be taken out
                    orientation = 1
        else:
            kept.append((at, end))
        at = end
    kept.append((at, file.size))
    if orientation != 1:
        kept.insert(1, _exif_with(orientation))
    return _joined(kept)


def _joined(kept: list[Piece]) -> list[Piece]:
    """Ranges that follow one another as one."""
    found: list[Piece] = []
    for piece in kept:
        before = found[-1] if found else b""
        if isinstance(piece, tuple) and isinstance(before, tuple) and before[1] == piece[0]:
            found[-1] = (before[0], piece[1])
        else:
            found.append(piece)
    return found


def _orientation_of(tiff: bytes) -> int:
    """How the picture is to be turned, 1 to 8; 0: it does not say. TIFF 6.0, section 2."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 0
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, at)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, at + 2 + 12 * number)
            if tag == _ORIENTATION and kind == 3 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        return 0
    return 0


def _exif_with(orientation: int) -> bytes:
    """A segment that says nothing but how the picture is to be turned."""
    tiff = b"MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, _ORIENTATION, 3, 1, orientation, 0, 0)
    content = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _clean_png(file: InspectedFile) -> list[Piece]:
    kept: list[Piece] = [(0, 8)]
    at = 8
    while at < file.size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        end = at + 12 + length
        if end > file.size:
            raise _Damaged
        if kind not in _TELLING_CHUNKS:
            kept.append((at, end))
        if kind == b"IEND":  # what is behind it is not the picture's
            break
        at = end
    return _joined(kept)


def _clean_webp(file: InspectedFile) -> list[Piece]:
    chunks = list(_webp_chunks(file))
    telling = [chunk for chunk in chunks if chunk[0] in (b"EXIF", b"XMP ")]
    if not telling:
        return [(0, file.size)]
    kept: list[Piece] = []
    for kind, start, end in chunks:
        if kind == b"VP8X":
            file.seek(start)
            content = bytearray(file.read(end - start))
            content[8] &= ~0x0C & 0xFF  # the flags of EXIF and XMP; RFC 9649, 2.7
            kept.append(bytes(content))
        elif kind not in (b"EXIF", b"XMP "):
            kept.append((start, end))
    size = sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in kept)
    return [b"RIFF" + struct.pack("<I", size + 4) + b"WEBP", *kept]


def _webp_chunks(file: InspectedFile) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while at + 8 <= file.size:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        end = at + 8 + length + length % 2
        if end > file.size:
            raise _Damaged
        yield kind, at, end
        at = end
