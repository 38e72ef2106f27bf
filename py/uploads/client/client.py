"""`UploadClient`: the documented hook, in Python.

    client = use_upload_worker()
    upload_id = client.start_upload(file, "holiday-photos")
    client.subscribe(lambda change: print(client.upload_progress[upload_id]))

Calls return at once; what comes of them arrives in snapshots from the worker and shows in the mappings.
"""

import time

from uploads.client.book import UploadBook
from uploads.client.errors import ClientClosed, ClientError, NotAFile
from uploads.client.known import KnownUploads
from uploads.client.recovery import Recovery
from uploads.protocol import (
    ASK_FIGURES,
    CANCEL_ALL,
    CANCEL_UPLOAD,
    CHANGE_SETTINGS,
    DEFAULT_UPLOAD_CONFIG,
    FILE_OFFERED,
    GOODBYE,
    HELLO,
    MOVE_UPLOAD,
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
    VERIFY_UPLOAD,
    WATCH_UPLOAD,
    ProtocolError,
    check_upload_config,
    decode_head,
    decode_worker_response,
    encode_message,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.client.inspection import Inspected, Inspection
    from uploads.client.link import WorkerLink

LARGE_FILE = 100_000_000
"""Bytes of an upload for whose sake the browser is asked to keep this origin's storage."""


class UploadClient(KnownUploads):
    """Commands out, snapshots in. Every method raises `ClientClosed` after `close()`."""

    def __init__(
        self, link: "WorkerLink", config: "Mapping[str, object] | None" = None, token: str = ""
    ) -> None:
        self.config = check_upload_config(config)
        """The full configuration; read it only."""
        self.closed = False
        book = UploadBook()
        differing = {
            name: value for name, value in self.config.items() if value != DEFAULT_UPLOAD_CONFIG[name]
        }
        inspectors = differing.pop("inspectors", [])  # this page's own affair; their options may hold a key
        KnownUploads.__init__(self, link, book, Recovery(book), differing)
        self._inspection = _new_inspection(link, inspectors, self._inspecting) if inspectors else None
        # Uploads that the engine has not heard of, since inspectors have their files: are they to be paused?
        self._inspected_first: dict[str, bool] = {}
        self._handles: dict[str, Any] = {}  # of files that the engine keeps and may not read
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self._hello = {"type": HELLO, "config": self._differing}
        self._token = ""
        self._is_persistence_asked = False
        link.listen(self._receive, self._reconnected)
        link.watch_network(self._network_hinted)
        if token:
            self.sign_in(token)
        self._post(self._hello)

    def subscribe(self, listener: "Callable[[dict[str, Any]], None]") -> "Callable[[], None]":
        """Calls `listener(change)` after every change, until the returned function is called.

        `change`: `{"type", "upload_id"}`, where type is "engine" (its state changed; no id), "upload" (started, or
        a new snapshot), "removed", "replaced" (the upload was known already, as `by`), "refused" (a command was
        not carried out: `message` tells why), "sign-in" (the server does not take the token, or takes it no more),
        "settings" (a person has changed theirs), "details" (of the upload that is watched: `details`), "figures" (`figures` is
        JSON text), "verified" (see `verify_upload`) or "demo" (`message` is the offline demo's own).
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
        return self._link.new_id()

    def start_upload(self, file: "Any", project_id: str, s3_key: str = "", upload_id: str = "") -> str:
        """Starts the upload of a `File` or `FileSystemFileHandle`, and returns its id at once.

        `s3_key`: the object's key below the user's own prefix; empty, and the server makes one; `upload_id`: a new one, if
        there has to be one before. Raises `NotAFile`, `ClientError` for an id that there is already, and `ProtocolError`
        for what is not text or is too long.
        """
        self._open()
        self._check_file(file)
        upload_id = upload_id or self.new_id()
        if upload_id in self._book.heads:
            raise ClientError("there is an upload of this id already")
        message = {"type": START_UPLOAD, "upload_id": upload_id, "project_id": project_id, "s3_key": s3_key}
        text = encode_message(message)
        name, now = self._link.file_name(file), time.time_ns() // 1_000_000
        if self._inspection is not None and self.engine != "failed":
            self._book.place(upload_id, project_id, s3_key, name, now, "inspecting")
            self._inspected_first[upload_id] = False
            self._tell({"type": "upload", "upload_id": upload_id})
            self._inspection.begin(upload_id, file, lambda found: self._inspected(message, found))
            return upload_id
        self._book.place(upload_id, project_id, s3_key, name, now)
        if self.engine != "failed":
            self._hand_over(message, text, file)
        self._tell({"type": "upload", "upload_id": upload_id})
        return upload_id

    def _hand_over(self, message: "dict[str, Any]", text: str, file: "Any") -> None:
        """A new upload to the engine. Raises `ClientError`."""
        upload_id = message["upload_id"]
        try:
            self._link.post(text, file)
        except ClientError:
            self._book.forget(upload_id)
            raise
        self._recovery.keep(upload_id, file, message)

    def _inspecting(self, upload_id: str, checked: float) -> None:
        if upload_id in self._inspected_first:  # the engine tells of all others
            self._book.inspect(upload_id, "inspecting", checked)
            self._tell({"type": "upload", "upload_id": upload_id})

    def _inspected(self, message: "dict[str, Any]", found: "Inspected") -> None:
        """The site's inspectors have looked at a new upload's file."""
        upload_id = message["upload_id"]
        is_to_pause = self._inspected_first.pop(upload_id)
        if self.engine == "failed" or upload_id not in self._book.heads:
            return
        self._book.inspect(upload_id, "queued")
        message["inspected"] = {
            "metadata": found.metadata,
            "content_encoding": found.content_encoding,
            "rejection": found.rejection,
        }
        self._hand_over(message, encode_message(message), found.js_file)
        if is_to_pause:
            self._command(PAUSE_UPLOAD, upload_id)
        self._tell({"type": "upload", "upload_id": upload_id})

    def _give_up_inspection(self, upload_id: str) -> None:
        """Of a file that inspectors have; a new upload goes with it."""
        if self._inspection is not None and upload_id in self._inspection:
            self._inspection.drop(upload_id)
        if upload_id in self._inspected_first:
            del self._inspected_first[upload_id]
            self._book.forget(upload_id)
            self._tell({"type": "removed", "upload_id": upload_id})

    def pause_upload(self, upload_id: str) -> None:
        """Pauses an upload; its parts stay in the store. Raises `UnknownUpload`."""
        if upload_id in self._inspected_first:
            self._inspected_first[upload_id] = True
            return
        self._command(PAUSE_UPLOAD, upload_id)

    def resume_upload(self, upload_id: str) -> None:
        """Goes on with a paused upload. Raises `UnknownUpload`."""
        if upload_id in self._inspected_first:
            self._inspected_first[upload_id] = False
            return
        self._command(RESUME_UPLOAD, upload_id)

    def cancel_upload(self, upload_id: str) -> None:
        """Gives an upload up, and deletes its parts from the store. Raises `UnknownUpload`."""
        is_new = upload_id in self._inspected_first
        self._give_up_inspection(upload_id)
        if not is_new:
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
        text = encode_message({"type": RESELECT_FILE, "upload_id": upload_id})

        def give(made: "Any") -> None:
            if upload_id in self._book.heads:
                self._link.post(text, made)
                self._recovery.keep(upload_id, made)

        self._make_again(upload_id, file, give)

    def _make_again(self, upload_id: str, file: "Any", take: "Callable[[Any], None]") -> None:
        """What was uploaded may be what inspectors have made of a file, and they make the same of it again: `take` gets that."""
        if self._inspection is None or upload_id in self._inspection:
            take(file)
        else:
            self._inspection.begin(upload_id, file, lambda found: take(found.js_file))

    def verify_upload(self, upload_id: str, file: "Any") -> None:
        """Compares a completed upload's object, as it is in the store now, with a file, which is read once for it.

        Changes of type "verified" tell: `verdict` is one of `VERDICTS`, "reading" until it ends, with `checked` in percent.
        Raises `UnknownUpload` and `NotAFile`.
        """
        self._open()
        self._known(upload_id)
        self._check_file(file)
        text = encode_message({"type": VERIFY_UPLOAD, "upload_id": upload_id})
        self._make_again(upload_id, file, lambda made: self._link.post(text, made))

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
        self._inspected_first = dict.fromkeys(self._inspected_first, True)
        self._post({"type": PAUSE_ALL})

    def resume_all(self) -> None:
        """Goes on with every paused upload."""
        self._inspected_first = dict.fromkeys(self._inspected_first, False)
        self._post({"type": RESUME_ALL})

    def cancel_all(self) -> None:
        """Gives up every upload that is not finished."""
        for upload_id in list(self._inspected_first):
            self._give_up_inspection(upload_id)
        self._post({"type": CANCEL_ALL})

    def move_upload(self, upload_id: str, before: "str | None" = None) -> None:
        """Puts an upload before another one in the list and in the queue, or at the end. Raises `UnknownUpload`."""
        self._open()
        self._known(upload_id)
        if before is not None:
            self._known(before)
        self._post({"type": MOVE_UPLOAD, "upload_id": upload_id, "before": before})

    def change_settings(self, settings: "Mapping[str, object]") -> None:
        """Sets what a person wants for their own uploads, and nothing else; it counts at once, in all tabs, and is kept.

        `settings`: any of `ADJUSTABLE`, by their names in `DEFAULT_UPLOAD_CONFIG`; what is left out is as the site has it.
        Raises `ProtocolError` for what is no such setting or makes no sense.
        """
        self._post({"type": CHANGE_SETTINGS, "settings": dict(settings)})

    def watch_upload(self, upload_id: "str | None") -> None:
        """Asks to be told, once a second, all that happens to an upload (changes of type "details"); None ends it.

        Raises `UnknownUpload`.
        """
        self._open()
        if upload_id is not None:
            self._known(upload_id)
        self._post({"type": WATCH_UPLOAD, "upload_id": upload_id})

    def ask_figures(self) -> None:
        """Asks what all uploads took: a change of type "figures" will tell."""
        self._post({"type": ASK_FIGURES})

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
            self._inspected_first = {}
            if self._inspection is not None:
                self._inspection.close()
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

    def _check_file(self, file: "Any") -> None:
        if not self._link.is_file(file):
            raise NotAFile(f"an upload needs a File or a FileSystemFileHandle, not {type(file).__name__}")

    def _receive(self, text: str, js_handle: "Any" = None, read: "Callable[[], str] | None" = None) -> None:
        """A message from the worker; one that is not of our protocol is told to the listeners, and dropped."""
        if self.closed:
            return
        try:
            if read is None:
                message = decode_worker_response(text)
                if message["type"] == FILE_OFFERED:
                    self._handles[message["upload_id"]] = js_handle
                    return
                change = self._book.record(message)
            else:
                change = self._book.take(decode_head(text), read)
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
        size = self._book.heads[change["upload_id"]]["file_size"]
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
        if not {"waiting-for-network", "waiting-for-sign-in"}.isdisjoint(self._book.tally.phases):
            self._post({"type": NETWORK_HINT})

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


def _new_inspection(
    link: "WorkerLink", inspectors: "list[dict[str, Any]]", progressed: "Callable[[str, float], None]"
) -> "Inspection":
    """Loaded only where a site has inspectors."""
    from uploads.client.inspection import Inspection

    return Inspection(link, inspectors, progressed)
