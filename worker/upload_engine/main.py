"""The entry: the browser's adapters meet the engine, and pages meet both. Called once by ``upload_worker.js``."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import js
from pyodide.ffi import create_proxy
from uploads import protocol as p

from upload_engine.browser import runtime
from upload_engine.browser.capabilities import Capabilities, detect
from upload_engine.browser.clock import BrowserClock
from upload_engine.browser.fetch import FetchSigner
from upload_engine.browser.guest_key import CryptoGuestKey
from upload_engine.browser.indexeddb import IndexedDbStore
from upload_engine.browser.kept_files import IndexedDbFiles
from upload_engine.browser.packages import install_packages
from upload_engine.browser.port import MessagePortLine
from upload_engine.browser.transports import FetchTransport, XhrTransport
from upload_engine.core.requests import object_path
from upload_engine.demo.demo import Demo
from upload_engine.demo.shelf_of_blobs import ShelfOfBlobs
from upload_engine.dispatcher import Outside
from upload_engine.engine import Engine
from upload_engine.interfaces import FileKeeper, FileSource, GuestKey, Port, SessionStore
from upload_engine.memory_store import MemoryStore, NoFileKeeper, NoGuestKey
from upload_engine.operations import Transports
from upload_engine.signers.either import EitherSigner

DEMO_DATABASE = "uploads-demo"
"""The demo's sessions and kept files are never among the real ones."""


async def start(js_host: Any) -> None:
    """Serve the pages of ``js_host`` (see ``upload_worker.js``) for ever; raises when the engine has a bug."""
    runtime.wake(str(js_host.config.standardLibrary))
    reception = _Reception(js_host)
    js_host.onDrain(create_proxy(reception.drain))
    js_host.onPort(create_proxy(reception.welcome))
    engine = await reception.engine
    if reception.demo is None:
        await engine.run()
        return
    async with asyncio.TaskGroup() as group:
        group.create_task(reception.demo.desk.run())
        group.create_task(engine.run())


class _Reception:
    """Takes in pages. The first ``HELLO`` brings the configuration with which the one engine is made; tokens may come before
    it.
    """

    def __init__(self, js_host: Any) -> None:
        self.engine: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        self._js_host = js_host
        self._capabilities = detect()
        self._signed_in: dict[str, Any] = {"token": str(js_host.config.guestToken), "is_guest": True}
        self.demo = _demo(js_host, self._capabilities) if js_host.config.demo else None
        self._making: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Port, str, FileSource | None]] = []

    def welcome(self, js_port: Any) -> None:
        line = MessagePortLine(js_port, hand_out_slices=self._capabilities.chromium)
        line.listen(
            on_message=lambda body, file: self._receive(line, body, file),
            on_gone=lambda: self._receive(line, p.encode_message({"type": p.GOODBYE}), None),
        )

    async def drain(self) -> None:
        """Another worker is to take over. See ``Engine.drain``."""
        if self.engine.done():
            await self.engine.result().drain()

    def _receive(self, port: Port, body: str, file: FileSource | None) -> None:
        if self.demo and self.demo.desk.hear(port, body, file):
            return
        if self.engine.done():
            self.engine.result().receive(port, body, file)
            return
        if self._making is None:
            try:
                message = p.decode_worker_message(body)
                if message["type"] == p.SIGN_IN:
                    if not message["is_guest"] or not self._signed_in["token"]:
                        self._signed_in = message
                    return
                if message["type"] != p.HELLO:
                    raise p.ProtocolError("the first message must be HELLO")
                config = p.check_upload_config(message["config"])
            except ValueError as error:
                refusal = {"type": p.COMMAND_REFUSED, "upload_id": None, "message": str(error)}
                port.post(p.encode_message(refusal))
                return
            self._making = asyncio.create_task(self._make(config))
            self._making.add_done_callback(self._made)
        self._waiting.append((port, body, file))

    async def _make(self, config: dict[str, Any]) -> None:
        warnings = []
        if config["packages"] and not self.demo and (problem := await install_packages(config["packages"])):
            warnings.append(problem)
        if self.demo:
            engine = _demo_engine(self._js_host, self._capabilities, config, self.demo)
        else:
            engine = _engine(self._js_host, self._capabilities, config, warnings, self._signed_in)
        self.engine.set_result(engine)
        for waiting in self._waiting:
            engine.receive(*waiting)

    def _made(self, making: asyncio.Task[None]) -> None:
        """Let ``start`` raise what went wrong, so that every page hears of it."""
        if error := making.exception():
            self.engine.set_exception(error)


def _engine(
    js_host: Any,
    capabilities: Capabilities,
    config: dict[str, Any],
    warnings: list[str],
    signed_in: dict[str, Any],
) -> Engine:
    site_url = str(js_host.config.siteUrl).rstrip("/")
    signer_url = str(config["signer_url"]).rstrip("/") or site_url
    if signer_url.startswith("/"):
        signer_url = _origin(site_url) + signer_url
    is_ours = _origin(signer_url) == _origin(site_url)
    token = signed_in["token"] if is_ours or not signed_in["is_guest"] else ""
    guest_token = token if signed_in["is_guest"] else ""
    is_stored = capabilities.indexeddb and not guest_token  # the next visit is another guest's
    store: SessionStore = MemoryStore()
    guest_key: GuestKey = NoGuestKey()
    file_keeper: FileKeeper = NoFileKeeper()
    if is_stored:
        store = database = IndexedDbStore()
        guest_key = CryptoGuestKey(database)
        file_keeper = IndexedDbFiles(
            database, config["keep_copy"], config["keep_offline"], hand_out_slices=capabilities.chromium
        )
    fetch = FetchTransport()
    signer = EitherSigner(
        FetchSigner(signer_url, "include", token),
        lambda key: signer_url + object_path(key),
        config["signer"],
    )
    outside = Outside(
        signer=signer,
        object_url=signer.object_url,
        takes_guests=is_ours,
        guest_key=guest_key,
        transports=Transports(fetch=fetch, xhr=XhrTransport() if capabilities.xhr else fetch),
        store=store,
        file_keeper=file_keeper,
        clock=BrowserClock(),
        rng=random.SystemRandom(),
        log=js_host.log,
    )
    warnings = [*warnings, *_losses(js_host, is_stored, guest_token)]
    return Engine(outside, config, _told(js_host, capabilities, is_stored, warnings))


def _demo(js_host: Any, capabilities: Capabilities) -> Demo:
    def crash() -> None:
        if js_host.kind == "page" or not hasattr(js.navigator, "locks"):
            raise RuntimeError("It was told to crash.")
        js.close()

    shelf = ShelfOfBlobs() if capabilities.indexeddb else ShelfOfBlobs(None)
    return Demo(shelf, BrowserClock(), random.SystemRandom(), crash)


def _demo_engine(js_host: Any, capabilities: Capabilities, config: dict[str, Any], demo: Demo) -> Engine:
    """The same engine, with a store and a network that are in this browser alone."""
    store: SessionStore = MemoryStore()
    file_keeper: FileKeeper = NoFileKeeper()
    if capabilities.indexeddb:
        store = database = IndexedDbStore(DEMO_DATABASE)
        file_keeper = IndexedDbFiles(
            database, config["keep_copy"], config["keep_offline"], hand_out_slices=capabilities.chromium
        )
    outside = Outside(
        signer=demo.signer,
        object_url=demo.object_url,
        takes_guests=False,
        guest_key=NoGuestKey(),
        transports=Transports(fetch=demo.transport, xhr=demo.transport),
        store=store,
        file_keeper=file_keeper,
        clock=BrowserClock(),
        rng=random.SystemRandom(),
        log=js_host.log,
    )
    warnings = list(_losses(js_host, capabilities.indexeddb, ""))
    return Engine(outside, config, _told(js_host, capabilities, capabilities.indexeddb, warnings))


def _told(js_host: Any, capabilities: Capabilities, is_stored: bool, warnings: list[str]) -> dict[str, Any]:
    """What pages are told that the engine can do."""
    return {
        "worker": str(js_host.kind),
        "storage": "indexeddb" if is_stored else "memory",
        "transports": ["xhr", "fetch"] if capabilities.xhr else ["fetch"],
        "python": sys.version.split()[0],
        "boot": str(js_host.boot),
        "warnings": warnings,
    }


def _losses(js_host: Any, is_stored: bool, guest_token: str) -> Iterator[str]:
    """What this place takes away from a person, a sentence each."""
    if js_host.kind == "page":
        yield "This browser starts no worker here: uploads run in the page itself, which may be slow and has to stay open."
    if not is_stored:
        yield "This browser offers no storage here: keep this page open, since uploads will not survive a reload."
    elif js_host.alone:
        yield "This browser lets every tab upload on its own here: use one tab at a time."
    if guest_token:
        yield "This browser keeps no cookie here: what has arrived cannot be downloaded from this page."


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
