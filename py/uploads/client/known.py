"""What a page knows of its uploads: the half of `UploadClient` that only reads."""

from uploads.client.errors import UnknownUpload
from uploads.client.leaving import after_leaving
from uploads.client.report import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.client.book import UploadBook
    from uploads.client.link import WorkerLink
    from uploads.client.recovery import Recovery
    from uploads.client.tally import Tally
    from uploads.protocol import (
        EngineCapabilities,
        SessionSnapshot,
        UploadError,
        UploadHead,
        UploadProgress,
        UploadSession,
    )


class KnownUploads:
    """The mappings are live: read them, never change them."""

    def __init__(
        self, link: "WorkerLink", book: "UploadBook", recovery: "Recovery", differing: "dict[str, Any]"
    ) -> None:
        self._link = link
        self._book = book
        self._recovery = recovery
        self._differing = differing  # settings that are not the defaults

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
    def heads(self) -> "Mapping[str, UploadHead]":
        """Of every upload what is needed most, by id: its status, phase, sizes and speed. Reading it is quick, where reading
        `active_uploads` of thousands takes MicroPython seconds.
        """
        heads: Mapping[str, UploadHead] = self._book.heads
        return heads

    @property
    def tally(self) -> "Tally":
        """Sums over all uploads: how many of each status and phase, bytes, speed."""
        return self._book.tally

    @property
    def settings(self) -> "Mapping[str, Any]":
        """What counts of the settings that a person may change (`ADJUSTABLE`), once the engine has told; see `change_settings`."""
        settings = dict(self._book.site_settings)
        settings.update(self._book.settings)
        return settings

    @property
    def site_settings(self) -> "Mapping[str, Any]":
        """The same as the site has them; empty until the engine has told."""
        return self._book.site_settings

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
        book = self._book
        return after_leaving(book.tally, book.heads, book.pages, takes_along, link.outlives_pages)

    @property
    def pages(self) -> int:
        """How many open pages the worker serves, this one included."""
        return self._book.pages

    @property
    def needs_sign_in(self) -> bool:
        """Whether the server takes the token no more, or has refused an upload's call for want of a good one."""
        return self._book.is_token_refused or "waiting-for-sign-in" in self._book.tally.phases

    def is_uploading(self, upload_id: str) -> bool:
        """Whether an upload is under way (waiting for the network included). False for an unknown id."""
        head = self._book.heads.get(upload_id)
        return head is not None and head["status"] == "uploading"

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

    def _known(self, upload_id: str) -> None:
        if upload_id not in self._book.heads:
            raise UnknownUpload(f"no upload has the id {str(upload_id)[:80]!r}")
