"""Is it what its name says? By its first bytes, as a browser would tell.

An entry of the configuration:

    [[uploads.inspectors]]
    callable = "upload_inspectors.sniffing:inspect"
    options = { on_mismatch = "reject" }
"""

from __future__ import annotations

from upload_inspectors.files import InspectedFile
from upload_inspectors.verdict import Verdict, accept, reject

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "application/ogg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
"""Where in the file, which bytes, and the media type: WHATWG's MIME Sniffing, and each format's own description."""
SAME = {
    "image/jpg": "image/jpeg",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/ogg": "application/ogg",
    "video/ogg": "application/ogg",
    "video/x-matroska": "video/webm",
    "audio/webm": "video/webm",
    "audio/mp4": "video/mp4",
    "audio/x-m4a": "video/mp4",
    "video/x-m4v": "video/mp4",
    "video/avi": "video/x-msvideo",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-msdownload": "application/vnd.microsoft.portable-executable",
    "application/x-msdos-program": "application/vnd.microsoft.portable-executable",
    "application/msword": "application/x-ole-storage",
    "application/vnd.ms-excel": "application/x-ole-storage",
    "application/vnd.ms-powerpoint": "application/x-ole-storage",
    "application/x-msi": "application/x-ole-storage",
}
"""Other names of these types, and types that are told from their containers by name alone."""
_ZIPPED = (
    "application/vnd.openxmlformats",
    "application/vnd.oasis.opendocument",
    "application/epub",
    "application/java-archive",
)
_TEXT = ("text/", "application/json", "application/xml", "image/svg")


def sniff(head: bytes) -> str:
    """The media type that the first 64 bytes show; "" for none that is known."""
    for at, signature, kind in SIGNATURES:
        if head.startswith(signature, at):
            return kind
    return ""


def inspect(file: InspectedFile, *, on_mismatch: str = "reject", refuse: tuple[str, ...] = ()) -> Verdict:
    """on_mismatch: "reject", or "tell": the metadata tell what it seems to be, and it is taken; refuse: media types that are

    not taken whatever they are called. What no signature tells is taken as it is called.
    """
    found = sniff(file.read(64))
    told = file.content_type.split(";")[0].strip().lower()
    if found and found in refuse:
        return reject(f"Files of this kind are not taken here: it is {found}.")
    if not found or not told or told == "application/octet-stream" or _agree(found, told):
        return accept({"sniffed-type": found} if found else None)
    if on_mismatch == "reject":
        return reject(f"The file is called {told}, and it is {found}. Save it under its right name.")
    return accept({"sniffed-type": found})


def _agree(found: str, told: str) -> bool:
    if found == SAME.get(told, told):
        return True
    if found == "application/zip":
        return told.startswith(_ZIPPED) or told.endswith("+zip")
    # Two letters may begin any text.
    return found in ("image/bmp", "application/vnd.microsoft.portable-executable") and told.startswith(_TEXT)
