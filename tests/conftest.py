"""Fixtures for all tests: the real server with its real store, started once for a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ServerProcess

pytest_plugins = [
    "tests.harness.browser",
    "tests.harness.firefox",
    "tests.harness.webkit",
    "tests.harness.simulation_report",
]


@pytest.fixture(scope="session", autouse=True)
def no_secret_was_written() -> Iterator[None]:
    """I7, for all that our code wrote and answered: looked for when the last test has ended, in every process that ran some."""
    send = httpx.Client.send

    def send_and_look(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = send(client, request, **options)
        EVIDENCE.look_at_answer(answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.Client, "send", send_and_look)
        yield
    assert EVIDENCE.leaks() == []


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The real server, shared by the run: whoever kills it starts it again, on the same port and data."""
    process = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    try:
        process.start()
        yield process
    finally:
        process.discard()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for one test alone, on an empty data directory, not yet started."""
    process = ServerProcess(tmp_path / "data")
    try:
        yield process
    finally:
        process.discard()
