"""The offline demo on the page (`?demo`): the panel, the proofs, and the demo's part of the talk with the worker."""

from uploads.protocol import (
    DEMO_CLEAR,
    DEMO_CRASH,
    DEMO_EXPIRE_LINKS,
    DEMO_FORGET,
    DEMO_KEEP,
    DEMO_NETWORK,
    DEMO_STATE,
    DEMO_VERIFIED,
    DEMO_VERIFY,
)
from uploads.ui import demo_view, demo_words, dom
from uploads.ui.demo_checks import DemoChecks
from uploads.ui.demo_file import PIECE, FileMaker
from uploads.ui.demo_panel import DemoPanel
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.client import UploadClient

MADE_SIZE = 100_000_000
"""Bytes of the file that the page makes."""


class Demo:
    """`take(js_file)`: begins an upload; `tell`: says a sentence to the person."""

    def __init__(
        self, client: "UploadClient", take: "Callable[[Any], None]", tell: "Callable[[str], None]"
    ) -> None:
        self._client = client
        self._take = take
        self._tell = tell
        self._files: dict[str, Any] = {}
        self._keys: dict[str, str] = {}  # of the objects that are shown, by upload id
        self._unanswered: dict[
            str, bool
        ] = {}  # uploads being compared, and whether there is a file to do it with
        self._doomed: dict[str, bool] = {}  # uploads to be taken off the list as soon as they have ended
        self._network: dict[str, Any] | None = None
        self._kept = ""
        self._was_ready = False
        self._made = 0
        self._history = demo_view.History()
        self._panel = DemoPanel(self._turned, self._pressed)
        self._checks = DemoChecks(self._panel.js_element)
        self._maker = FileMaker(self._file_made)
        dom.set_attribute(dom.js_root, "data-demo", "")
        client.subscribe(self._changed)

    def keep(self, upload_id: str, js_file: "Any") -> None:
        """This is the file of an upload: its object is compared with it in the end."""
        self._files[upload_id] = js_file

    def say_anew(self) -> None:
        """Another language is spoken."""
        self._panel.say_anew()
        self._panel.show_state(self._history, self._kept)
        if self._network is not None:
            self._panel.show_network(self._network)

    # What the worker tells.

    def _changed(self, change: "dict[str, Any]") -> None:
        kind, upload_id = change["type"], change["upload_id"]
        if kind == "demo":
            self._hear(change["message"])
        elif kind == "engine":
            self._engine_changed()
        elif kind == "upload":
            self._upload_changed(upload_id)
        elif kind == "replaced" and upload_id in self._files:
            self._files[change["by"]] = self._files.pop(upload_id)
        elif kind == "removed":
            self._forget(upload_id)

    def _hear(self, message: "dict[str, Any]") -> None:
        if message["type"] == DEMO_STATE:
            self._network = message["network"]
            self._kept = demo_view.kept(message["bytes_stored"], message["quota"])
            self._history.record(message["counters"], message["events"])
            self._panel.show_network(message["network"])
            self._panel.show_state(self._history, self._kept)
        elif message["type"] == DEMO_VERIFIED and message["upload_id"] in self._unanswered:
            upload_id = message["upload_id"]
            had_file = self._unanswered.pop(upload_id)
            sums = message["file_sha256"], message["object_sha256"]
            verdict = self._checks.end(upload_id, *sums, had_file)
            session = self._client.active_uploads.get(upload_id)
            if session is not None:
                self._panel.announce(demo_words.heard(session["file_name"], verdict))

    def _engine_changed(self) -> None:
        is_ready = self._client.engine == "ready"
        if self._was_ready and self._client.engine == "starting":
            self._start_over()
        self._was_ready = is_ready

    def _start_over(self) -> None:
        """A new worker knows neither the levers nor what is still to be seen here."""
        self._history.crashed()
        self._panel.show_state(self._history, self._kept)
        self._panel.announce(say(demo_words.CRASHED))
        if self._network is not None:
            self._set(self._network)
        self._client.demo({"type": DEMO_KEEP, "s3_keys": list(self._keys.values())})
        for upload_id in self._unanswered:
            self._compare(upload_id)

    def _upload_changed(self, upload_id: str) -> None:
        session = self._client.active_uploads[upload_id]
        if session["status"] == "completed" and upload_id not in self._keys:
            self._keys[upload_id] = session["s3_key"]
            self._unanswered[upload_id] = upload_id in self._files
            self._checks.begin(upload_id, session["file_name"])
            self._compare(upload_id)
        if upload_id in self._doomed and session["status"] in ("completed", "cancelled"):
            del self._doomed[upload_id]
            self._client.remove_upload(upload_id)

    def _compare(self, upload_id: str) -> None:
        message = {"type": DEMO_VERIFY, "upload_id": upload_id, "s3_key": self._keys[upload_id]}
        self._client.demo(message, self._files.get(upload_id))

    def _forget(self, upload_id: str) -> None:
        """The upload is off the list: nobody can have its object from here any more."""
        self._files.pop(upload_id, None)
        self._unanswered.pop(upload_id, None)
        self._doomed.pop(upload_id, None)
        self._checks.forget(upload_id)
        key = self._keys.pop(upload_id, None)
        if key is not None:
            self._client.demo({"type": DEMO_FORGET, "s3_key": key})

    # What a person wants.

    def _turned(self, network: "dict[str, Any]") -> None:
        self._network = network
        self._set(network)

    def _set(self, network: "dict[str, Any]") -> None:
        message = {name: network[name] for name in demo_view.CONTROLS}
        message["type"] = DEMO_NETWORK
        self._client.demo(message)

    def _pressed(self, action: str) -> None:
        if action == "make":
            self._made += 1
            self._panel.show_making(True)
            self._maker.make(MADE_SIZE // PIECE, say(demo_words.MADE_NAME).format(self._made))
        elif action == "clear":
            self._clear()
        else:
            self._client.demo({"type": {"expire": DEMO_EXPIRE_LINKS, "crash": DEMO_CRASH}[action]})

    def _file_made(self, js_file: "Any") -> None:
        self._panel.show_making(False)
        if js_file is None:
            self._tell(demo_words.NOT_MADE)
        else:
            self._take(js_file)

    def _clear(self) -> None:
        """Nothing is cancelled without a network."""
        if self._network is not None and self._network["offline"]:
            self._turned(dict(self._network, offline=False))
        for upload_id, session in list(self._client.active_uploads.items()):
            if session["status"] in ("completed", "cancelled"):
                self._client.remove_upload(upload_id)
            else:
                self._doomed[upload_id] = True
                self._client.cancel_upload(upload_id)
        self._client.demo({"type": DEMO_CLEAR})
