"""The hook on CPython: the shared checks. (The JavaScript edge is checked on the interpreters and in the browser.)"""

from types import ModuleType

import pytest

from tests.interpreters.checks import analytics_checks, client_checks, inspection_checks

CHECKS = [
    pytest.param(module, name, id=name)
    for module in (client_checks, analytics_checks, inspection_checks)
    for name in dir(module)
    if name.startswith("check_")
]


@pytest.mark.parametrize(("module", "name"), CHECKS)
def test_shared_check(module: ModuleType, name: str) -> None:
    getattr(module, name)()
