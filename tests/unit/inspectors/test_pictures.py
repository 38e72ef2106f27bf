"""What a picture tells beside what it shows is taken out, the picture is not touched (ACCEPTANCE X4). Pillow is the other opinion."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from upload_inspectors.exif import inspect

from tests.unit.inspectors.memory import a_file, replaced

PLACE = "somewhere in Vienna"


def picture(kind: str, orientation: int = 1, **more: Any) -> bytes:
    image = Image.frombytes("RGB", (64, 48), random.Random(kind).randbytes(64 * 48 * 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = PLACE
    exif.get_ifd(0x8825)[1] = "N"
    saved = io.BytesIO()
    image.save(saved, kind, exif=exif, **more)
    return saved.getvalue()


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).tobytes()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photograph_keeps_nothing_but_how_it_is_to_be_turned(orientation: int) -> None:
    content = picture(
        "JPEG", orientation, comment=b"by me", xmp=b"<x:xmpmeta>me</x:xmpmeta>", icc_profile=b"p" * 200
    )
    clean = replaced(inspect(a_file(content)))
    assert PLACE.encode() not in clean
    assert b"xmpmeta" not in clean
    assert b"by me" not in clean
    image = Image.open(io.BytesIO(clean))
    assert dict(image.getexif()) == ({} if orientation == 1 else {0x0112: orientation})
    assert image.info["icc_profile"] == b"p" * 200
    assert pixels(clean) == pixels(content)
    again = inspect(a_file(clean))
    assert (again.reason, again.replacement) == ("", None), "nothing is left to be taken out"


def test_a_png() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "me")
    content = picture("PNG", pnginfo=text)
    clean = replaced(inspect(a_file(content)))
    assert PLACE.encode() not in clean
    assert b"Author" not in clean
    assert pixels(clean) == pixels(content)
    assert inspect(a_file(clean)).replacement is None


def test_a_webp() -> None:
    content = picture("WEBP", lossless=True, xmp=b"<x:xmpmeta/>")
    clean = replaced(inspect(a_file(content)))
    assert PLACE.encode() not in clean
    assert b"xmpmeta" not in clean
    assert not Image.open(io.BytesIO(clean)).getexif()
    assert pixels(clean) == pixels(content)
    assert inspect(a_file(clean)).replacement is None


def test_what_it_cannot_clean_it_says() -> None:
    assert "cannot be taken out" in inspect(a_file(b"II*\0 a TIFF")).reason
    assert inspect(a_file(b"II*\0 a TIFF"), others="accept").reason == ""


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_a_damaged_picture_is_refused_or_has_nothing_to_tell(kind: str, data: st.DataObject) -> None:
    content = bytearray(picture(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(400, len(content) - 1)))] = data.draw(st.integers(0, 255))
    verdict = inspect(a_file(bytes(content[: data.draw(st.integers(12, len(content)))])))
    assert verdict.reason or verdict.replacement or not verdict.metadata
