"""What a run of the simulation reports at the run's end: how often each fault really struck.

A plugin rather than a conftest: when tests run in several processes, the one that tells is not the one that played.
"""

from __future__ import annotations

from typing import Any

import pytest

TABLE = pytest.StashKey[str]()
_KEY = "simulation"


@pytest.hookimpl
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker process: hand the table over."""
    config = session.config
    if TABLE in config.stash and hasattr(config, "workeroutput"):
        config.workeroutput[_KEY] = config.stash[TABLE]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the process that tells: take it in."""
    if table := getattr(node, "workeroutput", {}).get(_KEY):
        node.config.stash[TABLE] = table


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if table := config.stash.get(TABLE, None):
        terminalreporter.section("simulation: how often each fault really struck")
        terminalreporter.write_line(table)
