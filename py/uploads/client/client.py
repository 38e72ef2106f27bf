"""`UploadClient`: the documented hook, in Python.

    client = use_upload_worker()
    upload_id = client.start_upload(file, "holiday-photos")
    client.subscribe(lambda change: print(client.upload_progress[upload_id]))

Calls return at once; what comes of them arrives in snapshots from the worker and shows in the mappings.
"""

import time

from uploads.client.book import UploadBook
from uploads.client.errors import ClientClosed, ClientError, NotAFile, UnknownUpload
from uploads.client.leaving import after_leaving
from uploads.client.recovery import Recovery
from uploads.client.report import report
from uploads.protocol import (
    CANCEL_ALL,
    CANCEL_UPLOAD,
    DEFAULT_UPLOAD_CONFIG,
    FILE_OFFERED,
    GOODBYE,
    HELLO,
    NETWORK_HINT,
    PAUSE_ALL,
    PAUSE_UPLOAD,
    REMOVE_UPLOAD,
    REOPEN_FILE,
    RESELECT_FILE,
    RESUME_ALL,
    RESUME_UPLOAD,
    RETRY_UPLOAD,
    SIGN_IN,
    START_UPLOAD,
    ProtocolError,
    check_upload_config,
    decode_worker_response,
    encode_message,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.client.link import WorkerLink
    from uploads.protocol import (
        EngineCapabilities,
        SessionSnapshot,
        UploadError,
        UploadProgress,
        UploadSession,
    )

LARGE_FILE = 100_000_000
"""Bytes of an upload for whose sake the browser is asked to keep this origin's storage."""

_shared: "dict[str, UploadClient]" = {}
"""The page's one client, under "client"."""


def use_upload_worker(config: "Mapping[str, object] | None" = None, token: str = "") -> "UploadClient":
    """The page's upload client; the first call makes it, later calls give the same one.

    `config`: settings that differ from `DEFAULT_UPLOAD_CONFIG`, by their snake_case names; `token`: see `sign_in`. Without
    one it is the page's cookie that says who is asking. Raises `ConfigError`
    for a setting that is unknown or makes no sense, `ClientError` when the worker's script is not on the page,
    or when the page's client runs already with other settings.
    """
    client = _shared.get("client")
    if client is None or client.closed:
        from uploads.client.link import WorkerLink

        client = UploadClient(WorkerLink(), config, token)
        _shared["client"] = client
        if client.config["analytics_url"]:
            from uploads.client.analytics import Analytics
            from uploads.client.beacon import BrowserEdge

            Analytics(client, client.config["analytics_url"], client.new_id(), BrowserEdge())
        return client
    if config is not None and check_upload_config(config) != client.config:
        raise ClientError("this page's upload client runs already, with other settings: close() it first")
    if token:
        client.sign_in(token)
    return client


class UploadClient:
    """Commands out, snapshots in. Every method raises `ClientClosed` after `close()`."""

    def __init__(
        self, link: "WorkerLink", config: "Mapping[str, object] | None" = None, token: str = ""
    ) -> None:
        self.config = check_upload_config(config)
        """The full configuration; read it only."""
        self.closed = False
        self._link = link
        self._book = UploadBook()
        self._recovery = Recovery(self._book)
        self._handles: dict[str, Any] = {}  # of files that the engine keeps and may not read
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self._differing = {
            name: value for name, value in self.config.items() if value != DEFAULT_UPLOAD_CONFIG[name]
        }
        self._hello = {"type": HELLO, "config": self._differing}
        self._token = ""
        self._is_persistence_asked = False
        link.listen(self._receive, self._reconnected)
        link.watch_network(self._network_hinted)
        if token:
            self.sign_in(token)
        self._post(self._hello)

    # What is known. The mappings are live: read them, never change them.

    @property
    def active_uploads(self) -> "Mapping[str, SessionSnapshot]":
        """Every upload that is not removed, by id. `file_size` is None until the engine has seen the file."""
        return self._book.sessions

    @property
    def upload_progress(self) -> "Mapping[str, UploadProgress]":
        """The progress of every upload, by id."""
        return self._book.progress

    @property
    def upload_errors(self) -> "Mapping[str, UploadError]":
        """The error of every upload that has one, by id; a new snapshot without an error takes it away."""
        return self._book.errors

    @property
    def engine(self) -> str:
        """ "starting", "ready" or "failed"."""
        return self._book.engine

    @property
    def failure(self) -> str:
        """Why the engine could not start, in words; "" unless `engine` is "failed"."""
        return self._book.failure

    @property
    def capabilities(self) -> "EngineCapabilities":
        """What this browser allows, and in `warnings` what is lost. Until the engine is ready: only the worker's kind."""
        known = self._book.capabilities
        if known is not None:
            return known
        kind: Any = self._link.kind
        return {
            "worker": kind,
            "storage": "memory",
            "transports": [],
            "python": "",
            "boot": "plain",
            "warnings": [],
        }

    @property
    def after_leaving(self) -> str:
        """What becomes of the uploads when this page is closed or left.

        "": nothing is under way; "goes-on": another page is open; "lingers": they go on for some minutes, then as
        "comes-back": when the page is opened again, by themselves or after one click; "waits": the same, once the
        network is back, for which they all wait; "stops": the file of at least one would have to be chosen again.
        """
        link = self._link
        takes_along = self._recovery.files() if link.leads else ()
        return after_leaving(self._book.sessions, self._book.pages, takes_along, link.outlives_pages)

    @property
    def pages(self) -> int:
        """How many open pages the worker serves, this one included."""
        return self._book.pages

    @property
    def needs_sign_in(self) -> bool:
        """Whether the server takes the token no more, or has refused an upload's call for want of a good one."""
        phases = [session["phase"] for session in self._book.sessions.values()]
        return self._book.is_token_refused or "waiting-for-sign-in" in phases

    def is_uploading(self, upload_id: str) -> bool:
        """Whether an upload is under way (waiting for the network included). False for an unknown id."""
        session = self._book.sessions.get(upload_id)
        return session is not None and session["status"] == "uploading"

    def get_upload_progress(self, upload_id: str) -> "UploadProgress":
        """The progress of one upload. Raises `UnknownUpload`."""
        self._known(upload_id)
        return self._book.progress[upload_id]

    def get_upload_session(self, upload_id: str) -> "UploadSession":
        """One session with its parts, sorted by part number. Parsing 10,000 parts takes MicroPython a moment.

        Raises `UnknownUpload`.
        """
        self._known(upload_id)
        return self._book.session(upload_id)

    def report(self) -> str:
        """All that a developer needs to hear of these uploads, as text. It names no file, key, person or address."""
        book = self._book
        return report(
            book.engine, self.capabilities, self._differing, book.sessions, book.progress, book.errors
        )

    def subscribe(self, listener: "Callable[[dict[str, Any]], None]") -> "Callable[[], None]":
        """Calls `listener(change)` after every change, until the returned function is called.

        `change`: `{"type", "upload_id"}`, where type is "engine" (its state changed; no id), "upload" (started, or
        a new snapshot), "removed", "replaced" (the upload was known already, as `by`), "refused" (a command was
        not carried out: `message` tells why), "sign-in" (the server does not take the token, or takes it no more) or
        "demo" (`message` is the offline demo's own).
        """
        self._open()
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    # Commands.

    def sign_in(self, token: str) -> None:
        """Says who is asking by a bearer token, from now on: what waits for a sign-in goes on, and what is another user's
        is put aside. The token is kept in memory alone. Raises `ProtocolError` for what cannot be one.
        """
        text = encode_message({"type": SIGN_IN, "token": token, "is_guest": False})
        self._open()
        self._token = token
        self._book.is_token_refused = False
        self._link.post(text)

    def new_id(self) -> str:
        """An id for an upload: a UUID."""
        return uuid4_text(self._link.random_bytes())

    def start_upload(self, file: "Any", project_id: str, s3_key: str = "", upload_id: str = "") -> str:
        """Starts the upload of a `File` or `FileSystemFileHandle`, and returns its id at once.

        `s3_key`: the object's key below the user's own prefix; empty, and the server makes one; `upload_id`: a new one, if
        there has to be one before. Raises `NotAFile`, `ClientError` for an id that there is already, and `ProtocolError`
        for what is not text or is too long.
        """
        self._open()
        self._check_file(file)
        upload_id = upload_id or self.new_id()
        if upload_id in self._book.sessions:
            raise ClientError("there is an upload of this id already")
        message = {"type": START_UPLOAD, "upload_id": upload_id, "project_id": project_id, "s3_key": s3_key}
        text = encode_message(message)
        name = self._link.file_name(file)
        self._book.place(upload_id, project_id, s3_key, name, time.time_ns() // 1_000_000)
        if self.engine != "failed":
            try:
                self._link.post(text, file)
            except ClientError:
                self._book.forget(upload_id)
                raise
            self._recovery.keep(upload_id, file, message)
        self._tell({"type": "upload", "upload_id": upload_id})
        return upload_id

    def pause_upload(self, upload_id: str) -> None:
        """Pauses an upload; its parts stay in the store. Raises `UnknownUpload`."""
        self._command(PAUSE_UPLOAD, upload_id)

    def resume_upload(self, upload_id: str) -> None:
        """Goes on with a paused upload. Raises `UnknownUpload`."""
        self._command(RESUME_UPLOAD, upload_id)

    def cancel_upload(self, upload_id: str) -> None:
        """Gives an upload up, and deletes its parts from the store. Raises `UnknownUpload`."""
        self._command(CANCEL_UPLOAD, upload_id)

    def retry_upload(self, upload_id: str) -> None:
        """Goes on with a failed upload from where it stopped. Raises `UnknownUpload`."""
        self._command(RETRY_UPLOAD, upload_id)

    def remove_upload(self, upload_id: str) -> None:
        """Takes a finished upload off the list. Raises `UnknownUpload`."""
        self._command(REMOVE_UPLOAD, upload_id)
        if self.engine == "failed":
            self._book.forget(upload_id)
            self._tell({"type": "removed", "upload_id": upload_id})

    def reselect_file(self, upload_id: str, file: "Any") -> None:
        """Gives an upload its file back, after a reload. Raises `UnknownUpload` and `NotAFile`."""
        self._open()
        self._known(upload_id)
        self._check_file(file)
        self._link.post(encode_message({"type": RESELECT_FILE, "upload_id": upload_id}), file)
        self._recovery.keep(upload_id, file)

    def continue_upload(self, upload_id: str) -> None:
        """Asks the person to let the upload's kept file be read again, and goes on with it. Call it in a click.

        For an upload whose `file_access` is "ask"; a refusal makes it "denied". Raises `UnknownUpload`.
        """
        self._open()
        self._known(upload_id)
        message = {"type": REOPEN_FILE, "upload_id": upload_id}

        def answered() -> None:
            if not self.closed:
                self._post(message)

        if upload_id in self._handles:
            self._link.ask_permission(self._handles[upload_id], answered)
        else:
            answered()

    def pause_all(self) -> None:
        """Pauses every upload that is under way."""
        self._post({"type": PAUSE_ALL})

    def resume_all(self) -> None:
        """Goes on with every paused upload."""
        self._post({"type": RESUME_ALL})

    def cancel_all(self) -> None:
        """Gives up every upload that is not finished."""
        self._post({"type": CANCEL_ALL})

    def demo(self, message: "dict[str, Any]", file: "Any" = None) -> None:
        """Sends a message of the offline demo (`DEMO_…`), and the file that belongs to it."""
        self._open()
        self._link.post(encode_message(message), file)

    def close(self) -> None:
        """Leaves the worker; uploads go on as long as the browser lets it live. Closing twice is harmless."""
        if not self.closed:
            self._post({"type": GOODBYE})
            self.closed = True
            self._listeners = []
            self._link.close()

    # Inside.

    def _command(self, kind: str, upload_id: str) -> None:
        self._open()
        self._known(upload_id)
        self._post({"type": kind, "upload_id": upload_id})

    def _post(self, message: "dict[str, Any]") -> None:
        self._open()
        self._link.post(encode_message(message))

    def _open(self) -> None:
        if self.closed:
            raise ClientClosed("this upload client is closed")

    def _known(self, upload_id: str) -> None:
        if upload_id not in self._book.sessions:
            raise UnknownUpload(f"no upload has the id {str(upload_id)[:80]!r}")

    def _check_file(self, file: "Any") -> None:
        if not self._link.is_file(file):
            raise NotAFile(f"an upload needs a File or a FileSystemFileHandle, not {type(file).__name__}")

    def _receive(self, text: str, js_handle: "Any" = None) -> None:
        """A message from the worker; one that is not of our protocol is told to the listeners, and dropped."""
        if self.closed:
            return
        try:
            message = decode_worker_response(text)
            if message["type"] == FILE_OFFERED:
                self._handles[message["upload_id"]] = js_handle
                return
            change = self._book.record(message)
        except ProtocolError as error:
            words = f"The page and its worker are of different versions; reload the page. ({error})"
            change = {"type": "refused", "upload_id": None, "message": words}
        for message, file in self._recovery.after(change):
            self._link.post(encode_message(message), file)
        changes = [change]
        if "known" in change:
            for upload_id in self._book.strangers(change.pop("known")):
                self._book.forget(upload_id)
                changes.append({"type": "removed", "upload_id": upload_id})
        for change in changes:
            if change["type"] in ("removed", "replaced"):
                self._handles.pop(change["upload_id"], None)
            self._ask_for_persistence(change)
            self._tell(change)

    def _ask_for_persistence(self, change: "dict[str, Any]") -> None:
        """At the first upload that it would be a pity to lose: an origin's storage may be evicted until it is granted."""
        if self._is_persistence_asked or change["type"] != "upload":
            return
        size = self._book.sessions[change["upload_id"]]["file_size"]
        if size is not None and size >= LARGE_FILE:
            self._is_persistence_asked = True
            self._link.ask_for_persistence()

    def _reconnected(self, anew: bool) -> None:
        """The page is back from the back/forward cache, or speaks with a new worker in place of one that crashed."""
        if self.closed:
            return
        if anew:
            self._book.engine_lost()
            self._recovery.crashed()
        if self._token:
            self.sign_in(self._token)
        self._post(self._hello)
        if anew:
            self._tell({"type": "engine", "upload_id": None})

    def _network_hinted(self) -> None:
        """What waits for the network, or for a person who signs in elsewhere, need not wait for its next look."""
        for session in self._book.sessions.values():
            if session["phase"] in ("waiting-for-network", "waiting-for-sign-in"):
                self._post({"type": NETWORK_HINT})
                return

    def _tell(self, change: "dict[str, Any]") -> None:
        """Tells every listener, then raises the first listener's error, if any."""
        errors = []
        for listener in list(self._listeners):
            try:
                listener(change)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


def uuid4_text(random_bytes: bytes) -> str:
    """A version 4 UUID (RFC 9562) from 16 random bytes."""
    values = list(random_bytes)
    values[6] = values[6] & 0x0F | 0x40
    values[8] = values[8] & 0x3F | 0x80
    digits = "".join([f"{value:02x}" for value in values])
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
