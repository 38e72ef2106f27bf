"""What the page says and shows, on CPython: the shared checks. (The page itself is checked in a browser.)"""

from collections.abc import Callable

import pytest

from tests.interpreters.checks import speech_checks, ui_checks

CHECKS = [
    getattr(module, name)
    for module in (speech_checks, ui_checks)
    for name in dir(module)
    if name.startswith("check_")
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shared_check(check: Callable[[], None]) -> None:
    check()
