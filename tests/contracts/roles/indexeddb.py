"""SessionStore, for IndexedDB alone: versions, migrations, and a database that is closed behind one's back.

Runs in a browser only, so this module of the contracts may import ``js``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import js
from upload_engine.browser.bridge import to_object
from upload_engine.browser.indexeddb import MIGRATIONS
from upload_engine.core.errors import StorageFault

from tests.contracts.roles import raised
from tests.contracts.roles.session_store import Bench, record

Open = Callable[..., Any]


def _add_notes(js_database: Any) -> None:
    js_database.createObjectStore("notes")


async def a_newer_version_keeps_what_is_there(bench: Bench) -> None:
    reopen: Open = bench.open
    older = reopen()
    await older.save([record("u1")])
    newer = reopen([*MIGRATIONS, _add_notes])
    assert await newer.load("ann") == [record("u1")]
    js_database = await newer._open()
    assert list(js_database.objectStoreNames) == ["files", "meta", "notes", "sessions"]


async def an_older_version_is_told_no(bench: Bench) -> None:
    reopen: Open = bench.open
    older = reopen()
    await older.save([record("u1")])
    newer = reopen([*MIGRATIONS, _add_notes])
    await newer.save([record("u2")])  # the older one let go, or this would hang
    fault = await raised(StorageFault, older.load("ann"))
    assert "VersionError" in str(fault), fault


async def a_migration_that_fails_changes_nothing(bench: Bench) -> None:
    def fail(js_database: Any) -> None:
        js_database.createObjectStore("half")
        js_database.createObjectStore("half")

    reopen: Open = bench.open
    older = reopen()
    await older.save([record("u1")])
    older.close()
    await raised(StorageFault, reopen([*MIGRATIONS, fail]).load("ann"))
    assert await reopen().load("ann") == [record("u1")]


async def a_closed_database_is_opened_again(bench: Bench) -> None:
    store: Any = bench.open()
    await store.save([record("u1")])
    store._js_database.close()
    assert await store.load("ann") == [record("u1")]
    await store.save([record("u2")])
    assert len(await store.load("ann")) == 2


async def a_blocked_upgrade_is_a_fault_and_holds_nothing(bench: Bench) -> None:
    reopen: Open = bench.open
    holder: Any = reopen()
    await holder.save([record("u1")])
    js_holder = holder._js_database
    holder._listeners.clear()  # a tab that does not let go
    fault = await raised(StorageFault, reopen([*MIGRATIONS, _add_notes]).load("ann"))
    assert "blocked" in str(fault), fault
    js_holder.close()
    await asyncio.sleep(0.1)
    third = reopen([*MIGRATIONS, _add_notes, lambda _: None])
    assert await third.load("ann") == [record("u1")]


async def records_are_plain_objects_to_the_developer_tools(bench: Bench) -> None:
    store: Any = bench.open()
    await store.save([record("u1", fileSize=2**40, parts=[{"partNumber": 1}])])
    js_records = await store.run("sessions", "readonly", lambda js_store: js_store.getAll())
    text = js.JSON.stringify(js_records)
    expected = '[{"uploadId":"u1","userId":"ann","fileSize":1099511627776,"parts":[{"partNumber":1}]}]'
    assert text == expected, text


async def a_transaction_that_fails_at_its_end_wrote_nothing(bench: Bench) -> None:
    """As with a full disk: every request was accepted, and only the end says no."""
    store: Any = bench.open()
    await store.save([record("u1")])

    def add_twice(js_store: Any) -> None:
        js_store.put(to_object(record("u2")))
        js_store.add(to_object(record("u1")))

    fault = await raised(StorageFault, store.run("sessions", "readwrite", add_twice))
    assert "ConstraintError" in str(fault), fault
    assert await store.load("ann") == [record("u1")]
