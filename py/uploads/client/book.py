"""What the page knows about each upload: three mappings, kept by the messages of the worker.

Pure data: `record(message)` takes a decoded message and returns the change it made, for the listeners.
"""

from collections import OrderedDict

from uploads.protocol import (
    COMMAND_REFUSED,
    DEMO_OBJECT,
    ENGINE_FAILED,
    ENGINE_READY,
    SIGN_IN_NEEDED,
    UPLOAD_REMOVED,
    UPLOAD_REPLACED,
    decode_parts,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.protocol import (
        EngineCapabilities,
        SessionSnapshot,
        UploadError,
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
        self.sessions: OrderedDict[str, SessionSnapshot] = OrderedDict()
        self.progress: OrderedDict[str, UploadProgress] = OrderedDict()
        self.errors: OrderedDict[str, UploadError] = OrderedDict()
        self.engine = "starting"
        self.failure = ""
        self.capabilities: EngineCapabilities | None = None
        self.pages = 1
        self.is_token_refused = False
        self._parts: dict[str, str] = {}
        self._placeholders: dict[str, bool] = {}
        self._orphans: dict[str, bool] = {}

    def place(self, upload_id: str, project_id: str, s3_key: str, file_name: str, now: int) -> None:
        """Enters an upload that the engine has not seen yet. `now`: milliseconds since 1970."""
        session: Any = {
            "project_id": project_id,
            "upload_id": upload_id,
            "s3_key": s3_key,
            "next_part_number": 1,
            "status": "uploading",
            "phase": "queued",
            "progress": 0.0,
            "started_at": now,
            "last_activity": now,
            "file_size": None,
            "file_name": file_name,
            "chunk_size": 0,
            "content_type": "",
            "user_id": "",
            "parts_uploaded": 0,
            "object_url": None,
            "etag": None,
            "file_access": "open",
        }
        progress: Any = {
            "project_id": project_id,
            "progress": 0.0,
            "uploaded_bytes": 0,
            "total_bytes": 0,
            "current_chunk": 0,
            "total_chunks": 0,
            "estimated_time_remaining": None,
            "speed": 0.0,
        }
        self.sessions[upload_id] = session
        self.progress[upload_id] = progress
        self.await_engine(upload_id)
        if self.engine == "failed":
            self._fail(upload_id)

    def engine_lost(self) -> None:
        """The engine is gone with all it knew; another one is starting."""
        self.engine = "starting"
        self._orphans = dict.fromkeys(self.sessions, True)

    def await_engine(self, upload_id: str) -> None:
        """The upload is on its way to an engine that does not know it yet."""
        self._placeholders[upload_id] = True

    def strangers(self, known: "list[str]") -> "list[str]":
        """What this page shows and an engine that knows `known` does not: gone in the meantime, or with a crash.

        What had ended before its engine crashed stays to be seen.
        """
        kept = dict.fromkeys(known, True)
        for upload_id in self._orphans:
            if self.sessions[upload_id]["status"] in ("completed", "cancelled"):
                kept[upload_id] = True
        return [name for name in self.sessions if name not in kept and name not in self._placeholders]

    def session(self, upload_id: str) -> "UploadSession":
        """A copy of the session, with its parts sorted by part number."""
        session: Any = dict(self.sessions[upload_id])
        parts = decode_parts(self._parts.get(upload_id, "[]"))
        session["parts"] = sorted(parts, key=lambda part: part["part_number"])
        return session  # type: ignore[no-any-return]

    def forget(self, upload_id: str) -> None:
        """Strikes out an upload, known or not."""
        mappings = (self.sessions, self.progress, self.errors, self._parts, self._placeholders, self._orphans)
        for mapping in mappings:
            mapping.pop(upload_id, None)

    def record(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """Enters a decoded message from the worker.

        Returns the change: `{"type": "engine" | "upload" | "removed" | "replaced" | "refused" | "sign-in" | "demo",
        "upload_id": …}`, with `by` for "replaced", and `message` for "refused" (words) and "demo" (the demo's own message).
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
        if kind == SIGN_IN_NEEDED:
            self.is_token_refused = True
            return {"type": "sign-in", "upload_id": None}
        return self._take_snapshot(message)

    def _take_from_demo(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """An object of the demo has another address when another worker stands in for the one that gave the first."""
        for upload_id, session in self.sessions.items():
            if message["type"] == DEMO_OBJECT and session["s3_key"] == message["s3_key"]:
                session["object_url"] = message["object_url"]
                return {"type": "upload", "upload_id": upload_id}
        return {"type": "demo", "upload_id": None, "message": message}

    def _take_snapshot(self, message: "dict[str, Any]") -> "dict[str, Any]":
        session = message["session"]
        upload_id = session["upload_id"]
        self._placeholders.pop(upload_id, None)
        self._orphans.pop(upload_id, None)
        self.sessions[upload_id] = session
        self.progress[upload_id] = message["progress"]
        if message["error"] is None:
            self.errors.pop(upload_id, None)
        else:
            self.errors[upload_id] = message["error"]
        if message["parts_json"] is not None:
            self._parts[upload_id] = message["parts_json"]  # parsed only when somebody asks
        return {"type": "upload", "upload_id": upload_id}

    def _fail(self, upload_id: str) -> None:
        """A placeholder that no engine will ever take."""
        error: Any = dict(ENGINE_LOST)
        error["message"] = f"The uploader could not start: {self.failure}"
        self.sessions[upload_id]["status"] = "failed"
        self.sessions[upload_id]["phase"] = "failed"
        self.errors[upload_id] = error
