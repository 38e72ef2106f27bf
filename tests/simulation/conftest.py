"""What a run of the simulation reports at its end: how often each fault really struck."""

from __future__ import annotations

import pytest

from tests.simulation.runner import Report

REPORT = pytest.StashKey[Report]()


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash.get(REPORT, None)
    if report is not None:
        terminalreporter.section("simulation: how often each fault really struck")
        terminalreporter.write_line(report.table())
