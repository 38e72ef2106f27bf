"""What every browser of the tests can do, whatever drives it: enough for the contracts and for the main job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Error


class Document(Protocol):
    """A page, or a frame in one. Playwright's own ``Frame`` is one.

    ``evaluate``: call a JavaScript function, given as its source, with one JSON-able argument; what it returns, or
    what its promise is resolved with.
    """

    def evaluate(self, expression: str, arg: Any = None, /) -> Any: ...


class Tab(Document, Protocol):
    """One page. Playwright's own ``Page`` is one."""

    def goto(self, url: str, /) -> object: ...

    def reload(self) -> object: ...

    def evaluate(self, expression: str, arg: Any = None, /) -> Any: ...

    def close(self) -> object: ...


class AnyBrowser(Protocol):
    """page: its first tab; frame: the one frame in it, of any origin; console: warnings, errors and uncaught exceptions of

    all its tabs so far.
    """

    @property
    def page(self) -> Tab: ...

    def frame(self) -> Document: ...

    @property
    def console(self) -> list[str]: ...

    def choose_files(self, *paths: Path, page: Any = None) -> None:
        """In its first tab, unless another ``page`` is named."""

    def new_page(self) -> Tab:
        """Another tab of the same window. One of the two is hidden behind the other; which one, they tell."""

    def close(self) -> None: ...


def until(tab: Document, script: str, argument: Any = None, *, limit: float = 240.0) -> Any:
    """Ask a page until the answer is true, and return it; also while another page takes its place. Raises
    ``AssertionError`` after ``limit`` seconds, which only a hang takes.
    """
    end = time.monotonic() + limit
    while not (answer := _ask(tab, script, argument)):
        assert time.monotonic() < end, f"never true: {script} {argument!r}"
        time.sleep(0.05)
    return answer


def _ask(tab: Document, script: str, argument: Any) -> Any:
    try:
        return tab.evaluate(script, argument)
    except Error as error:
        if "because of a navigation" not in str(error):
            raise
        return None  # asked of a page that was just left
