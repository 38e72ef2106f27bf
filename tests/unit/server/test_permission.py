"""The operator's own function that decides who may upload what (ACCEPTANCE K3)."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from uploads.server.errors import UserError
from uploads.server.permission import Authorize, Decision, File, Permission, User, load_function
from uploads.server.problems import Problem

ALICE = User("alice", is_guest=False, claims={"plan": "pro"})
FILE = File("a.txt", "text/plain", 5, "p", None, {})


def ask(authorize: Authorize, patience: float = 5.0) -> Decision:
    """As the server does: from a thread of an event loop."""
    permission = Permission(authorize, patience)

    async def run() -> Decision:
        return await anyio.to_thread.run_sync(permission.ask, ALICE, FILE)

    return asyncio.run(run())


def refused(authorize: Authorize, patience: float = 5.0) -> tuple[int, str, str, bool]:
    with pytest.raises(Problem) as caught:
        ask(authorize, patience)
    problem = caught.value
    return problem.status, problem.code, problem.message, problem.retryable


def test_it_is_told_who_and_what_and_its_word_counts() -> None:
    told: list[Any] = []

    def authorize(user: User, file: File) -> Decision:
        told.extend((user, file))
        return Decision(user.claims["plan"] == "pro", key="k")

    assert ask(authorize) == Decision(True, key="k")
    assert told == [ALICE, FILE]
    assert ask(lambda user, file: True) == Decision(True)
    assert refused(lambda user, file: False) == (403, "NotAllowed", "You may not upload this file.", False)
    assert refused(lambda user, file: Decision(False, "Not today.")) == (
        403,
        "NotAllowed",
        "Not today.",
        False,
    )


def test_it_may_be_async_and_runs_on_the_servers_loop() -> None:
    threads = []

    async def authorize(user: User, file: File) -> Decision:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())
        return Decision(True)

    assert ask(authorize).allowed
    assert threads == [threading.main_thread()]


def fails(user: User, file: File) -> Decision:
    raise RuntimeError("a secret of theirs")


async def fails_later(user: User, file: File) -> Decision:
    raise RuntimeError("a secret of theirs")


async def hangs_later(user: User, file: File) -> Decision:
    await asyncio.Event().wait()
    raise AssertionError


def says_nothing(user: User, file: File) -> Any:
    return None


@pytest.mark.parametrize("authorize", [fails, fails_later, hangs_later, says_nothing])
def test_what_fails_or_hangs_has_said_neither(authorize: Authorize, caplog: pytest.LogCaptureFixture) -> None:
    status, code, message, retryable = refused(authorize, 0.1)
    assert (status, code, retryable) == (503, "Undecided", True)
    assert "secret" not in message + caplog.text
    assert "UPLOADS_AUTHORIZE failed" in caplog.text


def test_one_that_hangs_in_a_thread_is_given_up() -> None:
    free = threading.Event()

    def hangs(user: User, file: File) -> bool:
        free.wait(30)
        return True

    assert refused(hangs, 0.1)[1] == "Undecided"
    free.set()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "no package.module:function"),
        ("nowhere.at.all:f", "cannot be imported"),
        ("json:nothing", "no nothing in json"),
        ("json:__name__", "cannot be called"),
    ],
)
def test_a_name_that_is_none_is_told_at_the_start(name: str, words: str) -> None:
    with pytest.raises(UserError, match=f"UPLOADS_AUTHORIZE.*{words}"):
        load_function("UPLOADS_AUTHORIZE", name)


def test_it_is_found_beside_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rules_of_today.py").write_text("def authorize(user, file):\n    return True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    assert load_function("UPLOADS_AUTHORIZE", "my_rules_of_today:authorize")(ALICE, FILE) is True
