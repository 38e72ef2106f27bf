"""What the browser's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.line import Line, open_line


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One line for the tests of a module."""
    with open_line(tmp_path_factory.mktemp("line") / "data") as opened:
        yield opened
