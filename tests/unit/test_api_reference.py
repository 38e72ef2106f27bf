"""The hook's reference says what its sources say. ACCEPTANCE F6."""

from __future__ import annotations

import uploads.client
from uploads.protocol import DEFAULT_UPLOAD_CONFIG

from tests.api_reference import COMMAND, PAGE, page


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run {COMMAND}"


def test_everything_public_is_in_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    client = uploads.client.UploadClient
    names = [name for name in dir(client) if not name.startswith("_")]
    assert [name for name in names if f"`{name}(" not in text and f"`{name}:" not in text] == []
    assert [name for name in DEFAULT_UPLOAD_CONFIG if f'"{name}"' not in text] == []
    assert [name for name in uploads.client.__all__ if f"`{name}" not in text] == []
