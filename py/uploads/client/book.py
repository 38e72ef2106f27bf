"""What the page knows about each upload, kept by the messages of the worker.

Of every upload its head is read, and its whole snapshot when somebody looks: `sessions`, `progress` and `errors` are mappings
that read on demand. Pure data: `record` and `take` take a decoded message and return the change it made, for the listeners.
"""

from uploads.client.ordered import OrderedMap
from uploads.client.snapshots import Snapshots, view_of
from uploads.client.tally import Tally
from uploads.protocol import (
    COMMAND_REFUSED,
    DEMO_OBJECT,
    ENGINE_FAILED,
    ENGINE_READY,
    SETTINGS,
    SIGN_IN_NEEDED,
    UPLOAD_DETAILS,
    UPLOAD_FIGURES,
    UPLOAD_REMOVED,
    UPLOAD_REPLACED,
    UPLOAD_VERIFIED,
    decode_parts,
    head_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.protocol import (
        EngineCapabilities,
        SessionSnapshot,
        UploadError,
        UploadHead,
        UploadProgress,
        UploadSession,
    )

ENGINE_LOST = {
    "type": "UPLOAD_INIT_FAILED",
    "retryable": False,
    "recovery": "Reload the page. If that does not help, use a current version of the browser.",
    "status": None,
    "code": None,
    "request_id": None,
    "story": [],
}


class UploadBook:
    """The uploads by id, in the order in which the page learned of them, and the state of the engine."""

    def __init__(self) -> None:
        self.heads: Any = OrderedMap()
        self._snapshots = Snapshots()
        self._failed = OrderedMap()
        snapshots = self._snapshots
        self.sessions: Mapping[str, SessionSnapshot] = view_of(self.heads, snapshots.session)
        self.progress: Mapping[str, UploadProgress] = view_of(self.heads, snapshots.progress)
        self.errors: Mapping[str, UploadError] = view_of(self._failed, snapshots.error)
        self.tally = Tally()
        self.engine = "starting"
        self.failure = ""
        self.capabilities: EngineCapabilities | None = None
        self.pages = 1
        self.settings: dict[str, Any] = {}
        self.site_settings: dict[str, Any] = {}
        self.is_token_refused = False
        self._placeholders: dict[str, bool] = {}
        self._orphans: dict[str, bool] = {}

    def place(
        self, upload_id: str, project_id: str, s3_key: str, file_name: str, now: int, phase: str = "queued"
    ) -> None:
        """Enters an upload that the engine has not seen yet. `now`: milliseconds since 1970."""
        head: Any = {
            "upload_id": upload_id,
            "status": "uploading",
            "phase": phase,
            "file_access": "open",
            "rank": float(now),
            "file_size": None,
            "uploaded_bytes": 0,
            "speed": 0.0,
            "has_error": False,
            "has_parts": False,
        }
        self._enter(head)
        self._snapshots.place(head, project_id, s3_key, file_name)
        self.await_engine(upload_id)
        if self.engine == "failed":
            self._fail(upload_id)

    def inspect(self, upload_id: str, phase: str, checked: "float | None" = None) -> None:
        """Of an upload that the engine has not seen yet: whether it is looked at, and how far that is, in percent."""
        head = self.heads[upload_id]
        head["phase"], head["checked"] = phase, checked
        self._enter(head)
        self._snapshots.touch(upload_id)

    def _enter(self, head: "UploadHead") -> None:
        upload_id = head["upload_id"]
        self.heads[upload_id] = head
        if head["has_error"]:
            self._failed[upload_id] = True
        else:
            self._failed.pop(upload_id, None)
        self.tally.put(head)

    def engine_lost(self) -> None:
        """The engine is gone with all it knew; another one is starting."""
        self.engine = "starting"
        self._orphans = dict.fromkeys(self.heads, True)

    def await_engine(self, upload_id: str) -> None:
        """The upload is on its way to an engine that does not know it yet."""
        self._placeholders[upload_id] = True

    def strangers(self, known: "list[str]") -> "list[str]":
        """What this page shows and an engine that knows `known` does not: gone in the meantime, or with a crash.

        What had ended before its engine crashed stays to be seen.
        """
        kept = dict.fromkeys(known, True)
        for upload_id in self._orphans:
            if self.heads[upload_id]["status"] in ("completed", "cancelled"):
                kept[upload_id] = True
        return [name for name in self.heads if name not in kept and name not in self._placeholders]

    def session(self, upload_id: str) -> "UploadSession":
        """A copy of the session, with its parts sorted by part number."""
        session: Any = dict(self.sessions[upload_id])
        parts = decode_parts(self._snapshots.parts_json(upload_id))
        session["parts"] = sorted(parts, key=lambda part: part["part_number"])
        return session  # type: ignore[no-any-return]

    def forget(self, upload_id: str) -> None:
        """Strikes out an upload, known or not."""
        self.heads.pop(upload_id)
        self._failed.pop(upload_id)
        self._placeholders.pop(upload_id, None)
        self._orphans.pop(upload_id, None)
        self._snapshots.forget(upload_id)
        self.tally.drop(upload_id)

    def record(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """Enters a decoded message from the worker.

        Returns the change: `{"type": "engine" | "upload" | "removed" | "replaced" | "refused" | "sign-in" | "demo" |
        "settings" | "details" | "figures" | "verified", "upload_id": …}`, with `by` for "replaced", `message` for "refused" (words) and "demo" (the
        demo's own message), `details` and `figures` (JSON text) for those of their names, `verdict` and `checked` (percent or None) for "verified".
        """
        kind = message["type"]
        if kind.startswith("DEMO_"):
            return self._take_from_demo(message)
        if kind == ENGINE_READY:
            self.engine = "ready"
            self.failure = ""
            self.capabilities = message["capabilities"]
            self.pages = message["pages"]
            return {"type": "engine", "upload_id": None, "known": message["upload_ids"]}
        if kind == ENGINE_FAILED:
            self.engine = "failed"
            self.failure = message["message"]
            for upload_id in list(self._placeholders):
                self._fail(upload_id)
            return {"type": "engine", "upload_id": None}
        if kind == COMMAND_REFUSED and message["upload_id"] in self._orphans:
            self.forget(message["upload_id"])  # it went with the engine that knew it
            return {"type": "removed", "upload_id": message["upload_id"]}
        if kind == COMMAND_REFUSED:
            if message["upload_id"] in self._placeholders:
                self.forget(message["upload_id"])  # it never began
            return {"type": "refused", "upload_id": message["upload_id"], "message": message["message"]}
        if kind == UPLOAD_REMOVED:
            self.forget(message["upload_id"])
            return {"type": "removed", "upload_id": message["upload_id"]}
        if kind == UPLOAD_REPLACED:
            self.forget(message["upload_id"])
            return {"type": "replaced", "upload_id": message["upload_id"], "by": message["by"]}
        if kind == SETTINGS:
            self.settings, self.site_settings = message["settings"], message["site"]
            return {"type": "settings", "upload_id": None}
        if kind == UPLOAD_DETAILS:
            return {"type": "details", "upload_id": message["upload_id"], "details": message}
        if kind == UPLOAD_VERIFIED:
            verified = {"type": "verified", "upload_id": message["upload_id"]}
            verified.update({"verdict": message["verdict"], "checked": message["checked"]})
            return verified
        if kind == UPLOAD_FIGURES:
            return {"type": "figures", "upload_id": None, "figures": message["figures"]}
        if kind == SIGN_IN_NEEDED:
            self.is_token_refused = True
            return {"type": "sign-in", "upload_id": None}
        return self.take(head_of(message), lambda: message)

    def take(self, head: "dict[str, Any]", read: "Callable[[], Any]") -> "dict[str, Any]":
        """Enters a snapshot by its head; `read()`: the whole, as JSON text or decoded. Returns the change."""
        upload_id = head["upload_id"]
        self._placeholders.pop(upload_id, None)
        self._orphans.pop(upload_id, None)
        entry: Any = head
        self._enter(entry)
        self._snapshots.keep(upload_id, read, head["has_parts"])
        return {"type": "upload", "upload_id": upload_id}

    def _take_from_demo(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """An object of the demo has another address when another worker stands in for the one that gave the first."""
        if message["type"] == DEMO_OBJECT:
            for upload_id, session in self.sessions.items():
                if session["s3_key"] == message["s3_key"]:
                    self._snapshots.move_object(upload_id, message["object_url"])
                    return {"type": "upload", "upload_id": upload_id}
        return {"type": "demo", "upload_id": None, "message": message}

    def _fail(self, upload_id: str) -> None:
        """A placeholder that no engine will ever take."""
        error: Any = dict(ENGINE_LOST)
        error["message"] = f"The uploader could not start: {self.failure}"
        head = self.heads[upload_id]
        head["status"] = head["phase"] = "failed"
        head["has_error"] = True
        self._enter(head)
        self._snapshots.fail(upload_id, error)
