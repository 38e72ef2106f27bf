"""Opening a database of IndexedDB, and saying by name why it cannot be opened or used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import js
from pyodide.ffi import JsException

from upload_engine.browser.bridge import Listeners, error_name
from upload_engine.core.errors import StorageFault

OPEN_TIMEOUT = 10.0
"""Seconds to wait for the database: WebKit has been seen never to answer."""

Migration = Callable[[Any], None]
"""Takes a database, inside its upgrade, one version further."""


async def open_database(name: str, migrations: Sequence[Migration]) -> Any:
    """Open and, where needed, migrate: step n takes the database from version n to n + 1.

    A request that is given up still ends one day; it migrates then all the same, and is let go. Raises StorageFault.
    """
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listeners = Listeners()
    failures: list[str] = []

    def migrate(js_event: Any) -> None:
        try:
            for step in migrations[int(js_event.oldVersion) :]:
                step(js_request.result)
        except JsException as error:
            failures.append(failure_name(error))
            js_request.transaction.abort()

    def end(failure: str) -> None:
        listeners.clear()
        if not ended.done():
            ended.set_result(failure)
        elif not failure:
            js_request.result.close()

    def blocked(_: Any) -> None:
        if not ended.done():
            ended.set_result("blocked by another tab")

    try:
        js_request = js.indexedDB.open(name, len(migrations))
    except (AttributeError, JsException) as error:
        raise StorageFault(f"the browser offers no storage here ({failure_name(error)})") from None
    listeners.add(js_request, "upgradeneeded", migrate)
    listeners.add(js_request, "success", lambda _: end(""))
    listeners.add(js_request, "error", lambda _: end(failures[0] if failures else reason(js_request)))
    listeners.add(js_request, "blocked", blocked)
    try:
        failure = await asyncio.wait_for(ended, OPEN_TIMEOUT)
    except TimeoutError:
        failure = "no answer"
    if failure:
        raise StorageFault(f"the browser's storage could not be opened ({failure})")
    return js_request.result


def reason(js_failed: Any) -> str:
    """Why a request or transaction failed: its DOMException's name."""
    return str(getattr(js_failed.error, "name", "AbortError"))


def failure_name(error: Exception) -> str:
    return error_name(error) if isinstance(error, JsException) else type(error).__name__
