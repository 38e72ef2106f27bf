"""The hook on CPython: the shared checks. (The JavaScript edge is checked on the interpreters and in the browser.)"""

import pytest

from tests.interpreters.checks import client_checks

CHECKS = [name for name in dir(client_checks) if name.startswith("check_")]


@pytest.mark.parametrize("name", CHECKS)
def test_shared_check(name: str) -> None:
    getattr(client_checks, name)()
