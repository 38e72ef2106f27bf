"""The engine: a mailbox of events and of pages' messages, worked off one at a time.

What pages want becomes events (here) or begins with a file (``intake``); events are carried to the core, and its effects
out, by the ``dispatcher``; whose uploads these are is the business of ``account``. Nothing in these four decides anything
about an upload: the core does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from uploads import protocol as p

from upload_engine.account import Account
from upload_engine.adjustments import Adjustments
from upload_engine.core import events as e
from upload_engine.core.states import ENDED, Phase
from upload_engine.details import Details
from upload_engine.dispatcher import Dispatcher, Outside
from upload_engine.intake import Intake
from upload_engine.interfaces import FileSource, Port
from upload_engine.verification import Verification

Message = dict[str, Any]


class Engine:
    """One engine serves any number of pages. ``capabilities`` is what they are told it can do."""

    def __init__(self, outside: Outside, config: Mapping[str, Any], capabilities: Mapping[str, Any]) -> None:
        self._config = config
        self.dispatcher = Dispatcher(
            outside,
            config,
            capabilities,
            self.post,
            ask_who=lambda: self._account.ask(),
            find_server=lambda: self._account.look(),
        )
        self._account = Account(
            self.dispatcher,
            outside.signer,
            outside.store,
            outside.clock,
            config["session_ttl"],
            on_loaded=self._loaded,
            on_refused=lambda: self._outbox.send({"type": p.SIGN_IN_NEEDED}),
        )
        self._signer, self._takes_guests = outside.signer, outside.takes_guests
        self._adjustments = Adjustments(config, self.dispatcher, outside.store, lambda: self._account.user_id)
        self._intake = Intake(self.dispatcher, self._account, self._adjustments.effective)
        self._details = Details(self.dispatcher, outside.clock, self._account.wall_ms)
        self._verification = Verification(self.dispatcher.operations.look, outside.clock)
        self._outbox = self.dispatcher.outbox
        self._sessions = self.dispatcher.queue.sessions
        self._mailbox: asyncio.Queue[e.Event | tuple[Port, Message, FileSource | None]] = asyncio.Queue()
        self._coming: dict[Port, list[tuple[Message, FileSource | None]]] = {}

    def receive(self, port: Port, body: str, file: FileSource | None) -> None:
        """Take in one message of a page."""
        try:
            message = p.decode_worker_message(body)
            if file is not None and message["type"] not in p.FILE_MESSAGES:
                raise p.ProtocolError(
                    f"{message['type']}: a file must come with {', '.join(p.FILE_MESSAGES)} only"
                )
        except p.ProtocolError as error:
            self._refuse(port, None, str(error))
            return
        if file is None and message["type"] in p.FILE_MESSAGES:  # or its handle leads nowhere any more
            self._refuse(port, message["upload_id"], "The file cannot be opened: choose it again.")
            return
        self._mailbox.put_nowait((port, message, file))

    def post(self, event: e.Event) -> None:
        """Take in one event."""
        self._mailbox.put_nowait(event)

    async def run(self) -> None:
        """Restore what is stored, then serve for ever. Only bugs come out, as an ExceptionGroup."""
        async with asyncio.TaskGroup() as self.dispatcher.group:
            await self._account.open()
            self.dispatcher.spawn(self._outbox.run())
            self.dispatcher.spawn(self._details.run())
            self.dispatcher.spawn(self._account.sweep_for_ever())
            while True:
                item = await self._mailbox.get()
                if isinstance(item, e.Event):
                    self._handle(item)
                else:
                    self._hear(*item)

    async def drain(self) -> None:
        """Another engine is to take over: end what is under way, and begin nothing. See ``Dispatcher.drain``."""
        await self.dispatcher.drain(self._mailbox.empty)

    async def _loaded(self) -> None:
        """It is known whose uploads these are."""
        await self._adjustments.recall()
        await self._intake.recall()

    def _handle(self, event: e.Event) -> None:
        if isinstance(event, e.PartUploaded) and (session := self._sessions.get(event.upload_id)):
            session.last_activity = self._account.wall_ms()
        was_waiting = self._waits_for_kept(event.upload_id)
        self.dispatcher.handle(event)
        if not was_waiting and self._waits_for_kept(event.upload_id):
            self.dispatcher.spawn(self._intake.recall())

    def _waits_for_kept(self, upload_id: str) -> bool:
        """Whether an upload waits for a file that is kept and not open: with all parts stored it finds out late that it needs it."""
        session = self._sessions.get(upload_id)
        waits = session is not None and session.phase is Phase.WAITING_FOR_FILE
        return waits and self.dispatcher.kept.is_closed(upload_id)

    # Pages.

    def _hear(self, port: Port, message: Message, file: FileSource | None) -> None:
        """Do what a page wants, once it is known whose page it is."""
        if port in self._coming:
            self._coming[port].append((message, file))
        elif message["type"] == p.HELLO:
            self._coming[port] = []
            self.dispatcher.spawn(self._welcome(port, message["config"]))
        else:
            self._command(port, message, file)

    async def _welcome(self, port: Port, config: Message) -> None:
        await self._account.confirm()
        if port not in self._outbox.ports:
            self._outbox.ports.append(port)
        different = sorted(name for name, value in config.items() if self._config[name] != value)
        if different:
            reason = f"The engine runs already, with other settings for: {', '.join(different)}. They stay in force."
            self._refuse(port, None, reason)
        self.dispatcher.tell_ready()
        self._outbox.send(self._adjustments.message(), port)
        self.dispatcher.offer_files(port)
        if self._account.is_refused:
            self._outbox.send({"type": p.SIGN_IN_NEEDED}, port)
        self._outbox.introduce()
        for message, file in self._coming.pop(port):
            self._hear(port, message, file)

    def _command(self, port: Port, message: Message, file: FileSource | None) -> None:
        kind = message["type"]
        if kind == p.GOODBYE:
            if port in self._outbox.ports:
                self._outbox.ports.remove(port)
                self._details.watch(port, None)
                self.dispatcher.tell_ready()
        elif kind == p.SIGN_IN:
            if not message["is_guest"] or (self._takes_guests and not self._signer.token):
                self._account.sign_in(message["token"])
        elif kind == p.START_UPLOAD and self._is_known(message["upload_id"]):
            self._refuse(port, message["upload_id"], "There is an upload of this id already.")
        elif kind.startswith("DEMO_"):
            self._refuse(port, None, f"{kind}: this engine is not the demo's.")
        elif kind == p.VERIFY_UPLOAD and file is not None:
            self._verify(port, message["upload_id"], file)
        elif file is not None:
            self._intake.take(port, message, file)
        elif kind == p.CHANGE_SETTINGS:
            self.dispatcher.spawn(self._adjustments.change(message["settings"]))
        elif kind == p.ASK_FIGURES:
            self._outbox.send(self._details.figures(), port)
        elif kind == p.WATCH_UPLOAD:
            self._details.watch(port, message["upload_id"])
        elif kind in _FOR_ALL:
            for upload_id in [*self._sessions, *self.dispatcher.arriving]:
                self.dispatcher.request(_FOR_ALL[kind](upload_id))
            if kind == p.NETWORK_HINT and self._account.waits_for_sign_in():
                self.dispatcher.spawn(self._account.confirm())
            elif kind in _HINTS:
                self._account.hint()
        elif not self._is_known(message["upload_id"]):
            self._refuse(port, message["upload_id"], "There is no such upload any more.")
        elif kind == p.REMOVE_UPLOAD:
            self._remove(port, message["upload_id"])
        elif kind == p.MOVE_UPLOAD:
            self.dispatcher.move(message["upload_id"], message["before"])
        elif kind == p.REOPEN_FILE:
            self.dispatcher.spawn(self._intake.recall(message["upload_id"]))
        else:
            self.dispatcher.request(_FOR_ONE[kind](message["upload_id"]))
            if kind in _HINTS:
                self._account.hint()

    def _verify(self, port: Port, upload_id: str, file: FileSource) -> None:
        session = self._sessions.get(upload_id)
        if session is None or session.phase is not Phase.COMPLETED:
            self._refuse(port, upload_id, "Only an upload that is completed can be compared with a file.")
            return

        def tell(message: Message) -> None:
            if port in self._outbox.ports:
                self._outbox.send(message, port)

        self.dispatcher.spawn(self._verification.run(session, file, tell))

    def _is_known(self, upload_id: str) -> bool:
        return upload_id in self._sessions or upload_id in self.dispatcher.arriving

    def _refuse(self, port: Port, upload_id: str | None, reason: str) -> None:
        self._outbox.send({"type": p.COMMAND_REFUSED, "upload_id": upload_id, "message": reason}, port)

    def _remove(self, port: Port, upload_id: str) -> None:
        session = self._sessions.get(upload_id)
        if session is None or session.phase not in ENDED:
            self._refuse(
                port, upload_id, "Only an upload that is completed or cancelled can be taken off the list."
            )
            return
        self.dispatcher.drop(upload_id)


_FOR_ONE: dict[str, type[e.Event]] = {
    p.PAUSE_UPLOAD: e.PauseRequested,
    p.RESUME_UPLOAD: e.ResumeRequested,
    p.RETRY_UPLOAD: e.ResumeRequested,
    p.CANCEL_UPLOAD: e.CancelRequested,
}
_HINTS = (p.NETWORK_HINT, p.RESUME_ALL, p.RESUME_UPLOAD, p.RETRY_UPLOAD)
"""What says that the signing server may be within reach again."""
_FOR_ALL: dict[str, type[e.Event]] = {
    p.PAUSE_ALL: e.PauseRequested,
    p.RESUME_ALL: e.ResumeRequested,
    p.CANCEL_ALL: e.CancelRequested,
    p.NETWORK_HINT: e.NetworkHinted,
}
