"""What the page says and shows, on CPython: the shared checks. (The page itself is checked in a browser.)"""

import pytest

from tests.interpreters.checks import ui_checks

CHECKS = [name for name in dir(ui_checks) if name.startswith("check_")]


@pytest.mark.parametrize("name", CHECKS)
def test_shared_check(name: str) -> None:
    getattr(ui_checks, name)()
