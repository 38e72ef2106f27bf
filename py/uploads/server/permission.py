"""Who may upload what, and where to: a function of the operator's own, asked before anything is created.

    def authorize(user: User, file: File) -> Decision: ...

It is named by `UPLOADS_AUTHORIZE=package.module:function` or given to `create_app`. It may be `async`. One that fails or
takes too long has said neither yes nor no: nothing is created, and the upload may be tried again.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.from_thread

from uploads.server.errors import UserError, place_of
from uploads.server.problems import Problem

log = logging.getLogger("uploads.server")

_PATIENCE = 10.0  # seconds
_AT_ONCE = 16  # decisions that can be under way; those of a function that hangs stay so


@dataclass(frozen=True)
class User:
    """Who asks. `claims` is what the application's token says; a guest has none."""

    id: str
    is_guest: bool
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """The file that is to be uploaded, as the page tells of it. `size` in bytes; `None` where it was not told."""

    name: str
    content_type: str
    size: int | None
    project_id: str
    key: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Decision:
    """Yes or no. With a yes, where to and how large; what is `None` stays as the page wants it.

    `reason` is for the person. `key` is below the user's own prefix; `max_size` in bytes, and binds even where the page
    told no size; `metadata` goes beside the page's own, and wins.
    """

    allowed: bool
    reason: str = ""
    key: str | None = None
    project_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    max_size: int | None = None


Authorize = Callable[[User, File], "Decision | bool | Awaitable[Decision | bool]"]


def load_function(setting: str, name: str) -> Callable[..., Any]:
    """The function that `package.module:function` names. Modules beside the working directory are found as well.

    Raises `UserError` naming the setting.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UserError(f"{setting}: {name!r} is no package.module:function.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ImportError as error:
        raise UserError(f"{setting}: {module_name} cannot be imported: {error}.") from None
    except AttributeError:
        raise UserError(f"{setting}: there is no {attribute} in {module_name}.") from None
    if not callable(found):
        raise UserError(f"{setting}: {name} cannot be called.")
    return found  # type: ignore[no-any-return]


class Permission:
    """Asks the function. Called from the threads of an event loop, on which an `async` function runs."""

    def __init__(self, authorize: Authorize, patience: float = _PATIENCE) -> None:
        """`patience` in seconds."""
        self._authorize = authorize
        self._patience = patience
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="authorize")

    def ask(self, user: User, file: File) -> Decision:
        """The decision, which is a yes. Raises `Problem`: 403 `NotAllowed`, 503 `Undecided`."""
        try:
            if inspect.iscoroutinefunction(self._authorize):
                answer = anyio.from_thread.run(self._await, user, file)
            else:
                answer = self._threads.submit(self._authorize, user, file).result(self._patience)
            decision = _decision(answer)
        except Exception as error:  # it is somebody else's code
            log.error("UPLOADS_AUTHORIZE failed: %s", place_of(error))  # noqa: TRY400 - its text may hold anything
            raise Problem(
                503,
                "Undecided",
                "It could not be decided whether this file may be uploaded.",
                retryable=True,
                retry_after=5,
            ) from None
        if not decision.allowed:
            raise Problem(403, "NotAllowed", decision.reason or "You may not upload this file.")
        return decision

    async def _await(self, user: User, file: File) -> Any:
        async with asyncio.timeout(self._patience):
            return await self._authorize(user, file)  # type: ignore[misc]


def _decision(answer: Any) -> Decision:
    if isinstance(answer, bool):
        return Decision(answer)
    if not isinstance(answer, Decision):
        raise TypeError("neither a Decision nor a bool")
    return answer
