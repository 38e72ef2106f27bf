"""``upload_engine.main`` for the contracts: runs one clause per message, with the browser's adapters.

A message's body is ``{"role", "adapter", "clause", "settings"}``; the answer is ``{"clause", "failure"}``, a traceback
or "". Not part of the engine: the site of the contracts puts it in the engine's place.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import random
import secrets
import tempfile
import traceback
import uuid
from dataclasses import asdict
from typing import Any

import js
from pyodide.ffi import create_proxy
from upload_engine.browser import runtime
from upload_engine.browser.blob import BlobFile
from upload_engine.browser.bridge import to_object
from upload_engine.browser.capabilities import detect
from upload_engine.browser.clock import BrowserClock
from upload_engine.browser.fetch import FetchSigner
from upload_engine.browser.indexeddb import IndexedDbStore
from upload_engine.browser.kept_files import IndexedDbFiles
from upload_engine.browser.port import MessagePortLine
from upload_engine.browser.transports import FetchTransport, XhrTransport
from upload_engine.demo.shelf_of_blobs import ShelfOfBlobs
from upload_engine.interfaces import ApiRequest, PartBody

from tests.contracts.roles import (
    changing_file,
    clauses,
    clock,
    cors,
    file_keeper,
    file_source,
    indexeddb,
    port,
    session_store,
    shelf,
    signer,
    transport,
)

ROLES = {
    "transport": transport,
    "cors": cors,
    "signer": signer,
    "file_source": file_source,
    "changing_file": changing_file,
    "session_store": session_store,
    "file_keeper": file_keeper,
    "indexeddb": indexeddb,
    "clock": clock,
    "port": port,
    "shelf": shelf,
}
TRANSPORTS: dict[str, tuple[type[XhrTransport] | type[FetchTransport], bool]] = {
    "xhr": (XhrTransport, True),
    "fetch": (FetchTransport, False),
}
counter = itertools.count(1)
running: set[asyncio.Task[None]] = set()
gone: list[MessagePortLine] = []


def start(js_host: Any) -> None:
    runtime.wake(js_host.config.standardLibrary)

    def on_port(js_port: Any) -> None:
        line = MessagePortLine(js_port, hand_out_slices=detect().chromium)

        def on_message(body: str, file: Any) -> None:
            task = asyncio.ensure_future(answer(line, json.loads(body), file, js_host))
            running.add(task)
            task.add_done_callback(running.discard)

        line.listen(on_message, lambda: gone.append(line))

    js_host.onPort(create_proxy(on_port))


async def answer(line: MessagePortLine, order: dict[str, Any], file: Any, js_host: Any) -> None:
    failure = ""
    result: Any = None
    try:
        if order["role"] == "describe":
            result = {"kind": js_host.kind, "siteUrl": js_host.config.siteUrl, **asdict(detect())}
        elif order["role"] == "pages gone":
            result = len(gone)
        elif order["role"] == "count":
            result = next(counter)
        elif order["role"] == "boot":
            result = js_host.boot
        elif order["role"] == "chance":
            result = chance()
        elif order["role"] == "import":
            result = str(importlib.import_module(order["settings"]["name"]).__name__)
        elif order["role"] == "who am i":
            result = (await FetchSigner(js_host.config.siteUrl).call(ApiRequest("GET", "/cookies"))).text
        elif order["role"] == "records":
            result = await records(order["settings"])
        else:
            bench = make_bench(order["role"], order["adapter"], order["settings"], file)
            await clauses(ROLES[order["role"]])[order["clause"]](bench)
    except BaseException:
        failure = traceback.format_exc()
    line.post(json.dumps({"clause": order["clause"], "failure": failure, "result": result}))


def chance() -> list[str]:
    """What no two workers may have in common."""
    drawn = (random.random(), random.SystemRandom().random(), secrets.token_hex(8), uuid.uuid4())
    return [str(value) for value in drawn] + [tempfile.mktemp()]  # noqa: S306 - a name alone


async def records(settings: dict[str, Any]) -> Any:
    """Save, load or do both with the store, for tests about kills."""
    store = IndexedDbStore(settings["database"])
    if "save" in settings:
        record = {"userId": "ann", "uploadId": "u1", "text": secrets.token_hex(settings["save"] // 2)}
        await store.save([record])
    return [len(record["text"]) for record in await store.load("ann")]


def make_bench(role: str, adapter: str, settings: dict[str, Any], file: Any) -> Any:
    if role in ("transport", "cors"):
        return transport_bench(adapter, settings)
    if role == "signer":
        return signer.Bench(
            FetchSigner(settings["store"]),
            FetchSigner(settings["refused"]),
            settings["path"],
            control_of(settings["store"]),
        )
    if role in ("file_source", "changing_file"):
        transport_name, _, kind = adapter.rpartition("-")
        source = BlobFile(file.js_file, hand_out_slices=kind == "slices")
        content = transport.content(settings["size"])

        async def change(how: str) -> None:
            await post_json("/disk", {"name": file.name, "how": how})

        if role == "file_source":
            return file_source.Bench(source, content, read, change)
        line = transport_bench(transport_name, settings)
        return changing_file.Bench(line, source, content, change, notices=kind == "slices")
    if role in ("session_store", "indexeddb"):
        return session_store.Bench(lambda *more: IndexedDbStore(settings["database"], *more))
    if role == "file_keeper":
        return keeper_bench(settings["database"])
    if role == "shelf":
        return shelf_bench(None if adapter == "memory" else settings["database"])
    if role == "clock":
        return clock.Bench(BrowserClock())
    return port_bench()


def transport_bench(adapter: str, settings: dict[str, Any]) -> transport.Bench:
    kind, reports_progress = TRANSPORTS[adapter.removesuffix("-buffer")]
    return transport.Bench(
        transport=kind(),
        address=settings["store"],
        path=settings["path"],
        reports_progress=reports_progress,
        body=buffer_body if adapter.endswith("-buffer") else blob_body,
        control=control_of(settings["store"]),
        refused=settings["refused"],
    )


def blob_body(content: bytes) -> PartBody:
    return PartBody(js.Blob.new(to_object([buffer_body(content).content])), len(content))


def buffer_body(content: bytes) -> PartBody:
    js_array = js.Uint8Array.new(len(content))
    js_array.assign(content) if content else None
    return PartBody(js_array.buffer, len(content))


async def read(body: PartBody) -> bytes:
    js_content = body.content
    if hasattr(js_content, "arrayBuffer"):
        js_content = await js_content.arrayBuffer()
    content: bytes = js_content.to_bytes()
    return content


async def post_json(url: str, value: Any) -> Any:
    js_answer = await js.fetch(url, to_object({"method": "POST", "body": json.dumps(value)}))
    return json.loads(await js_answer.text())


def control_of(address: str) -> Any:
    async def control(command: dict[str, Any]) -> Any:
        return await post_json(f"{address}/control", command)

    return control


async def handle_or_file(name: str) -> Any:
    """A handle that leads to a file; the file itself where a browser has no handles for scripts to make."""
    if not hasattr(js.navigator, "storage"):
        return js.File.new(to_object([]), name)
    js_directory = await js.navigator.storage.getDirectory()
    return await js_directory.getFileHandle(name, to_object({"create": True}))


def port_bench() -> port.Bench:
    js_channel = js.MessageChannel.new()
    heard: list[str] = []
    beside: list[Any] = []

    def hear(js_event: Any) -> None:
        heard.append(js_event.data.body)
        beside.append(getattr(js_event.data, "file", None))

    js_channel.port2.onmessage = create_proxy(hear)

    async def say(body: str, name: str) -> None:
        js_message = to_object({"body": body})
        if name:
            js_message.file = await handle_or_file(name)
        js_channel.port2.postMessage(js_message)
        for js_other in (None, 5, "text", to_object({}), to_object({"body": 5}), to_object(["body"])):
            js_channel.port2.postMessage(js_other)  # what is not a message is dropped

    def leave() -> None:
        js_channel.port2.postMessage(to_object({"gone": True}))
        js_channel.port2.close()

    line = MessagePortLine(js_channel.port1, hand_out_slices=True)
    return port.Bench(line, say, lambda: heard, leave, js.Object.new(), lambda: beside)


js_estimate = js.StorageManager.prototype.estimate if hasattr(js, "StorageManager") else None
STATES = {"open": "granted", "ask": "prompt", "denied": "denied"}


def fill() -> None:
    """There is room for 1,000 bytes."""

    async def answer(*_: Any) -> Any:
        return to_object({"quota": 10_000, "usage": 9_000})

    js.StorageManager.prototype.estimate = create_proxy(answer)


def empty() -> None:
    """There is as much room as the browser says."""
    if js_estimate is not None:
        js.StorageManager.prototype.estimate = js_estimate


def shelf_bench(database: str | None) -> shelf.Bench:
    empty()
    in_memory = ShelfOfBlobs(None)
    return shelf.Bench(lambda: ShelfOfBlobs(database) if database else in_memory, blob_body, fill)


def keeper_bench(database: str) -> file_keeper.Bench:
    """Handles lead into the origin's private file system, for which nobody is ever asked: what the browser says of
    them is said here instead.
    """
    hand_out_slices = detect().chromium

    async def handed(name: str, has_handle: bool) -> BlobFile:
        js_content = to_object([buffer_body(file_keeper.CONTENT).content])
        if not has_handle:
            return BlobFile(js.File.new(js_content, name), hand_out_slices=hand_out_slices)
        js_handle = await handle_or_file(name)
        js_writable = await js_handle.createWritable()
        await js_writable.write(js_content[0])
        await js_writable.close()
        return BlobFile(await js_handle.getFile(), hand_out_slices=hand_out_slices, js_handle=js_handle)

    def allow(access: str) -> None:
        async def answer(*_: Any) -> str:
            return STATES[access]

        js.FileSystemHandle.prototype.queryPermission = create_proxy(answer)

    if hasattr(js, "FileSystemHandle"):
        allow("open")
    empty()
    return file_keeper.Bench(
        lambda *limits: IndexedDbFiles(IndexedDbStore(database), *limits, hand_out_slices=hand_out_slices),
        handed,
        allow,
        read,
        fill,
    )
