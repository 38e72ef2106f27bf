"""What the demo's panel says and shows, on CPython: the shared checks. (The panel itself is used in `browser/test_demo.py`.)"""

import pytest

from tests.interpreters.checks import demo_checks

CHECKS = [name for name in dir(demo_checks) if name.startswith("check_")]


@pytest.mark.parametrize("name", CHECKS)
def test_shared_check(name: str) -> None:
    getattr(demo_checks, name)()
