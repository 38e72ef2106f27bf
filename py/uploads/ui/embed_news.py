"""What the page around a widget is told of a change. Plain data in, plain data out."""

from uploads.client.book import ENGINE_LOST
from uploads.protocol import embed as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.client import UploadClient

PASSING = ("progress", "last_activity", "parts_uploaded", "next_part_number")
"""What changes of a session while its upload simply moves on."""
NEEDS_TOKEN = "waiting-for-sign-in"  # noqa: S105 - a phase's name


class News:
    """Knows what was told, so that only a change of more than the progress tells a whole upload once more."""

    def __init__(self, client: "UploadClient") -> None:
        self._client = client
        self._engine = "starting"
        self._told: dict[str, dict[str, Any]] = {}

    def of(self, change: "dict[str, Any]") -> "list[dict[str, Any]]":
        """The messages to send for a change told by the hook, in order."""
        kind, upload_id = change["type"], change["upload_id"]
        if kind == "engine":
            return self._of_engine()
        if kind == "sign-in":
            return [{"type": e.TOKEN_NEEDED}]
        if kind in ("removed", "replaced"):
            self._told.pop(upload_id, None)
            return [{"type": e.REMOVED, "upload_id": upload_id, "by": change.get("by")}]
        if kind == "refused":
            refusal = {"request": None, "upload_id": upload_id, "message": change["message"]}
            refusal["type"] = e.REFUSED
            return [refusal]
        return self._of_upload(upload_id) if kind == "upload" else []

    def _of_engine(self) -> "list[dict[str, Any]]":
        client = self._client
        before, self._engine = self._engine, client.engine
        if before == client.engine:
            return []
        if client.engine == "ready":
            return [{"type": e.READY, "capabilities": client.capabilities}]
        if client.engine != "failed":
            return []
        error = dict(ENGINE_LOST)
        error["message"] = client.failure
        return [{"type": e.FAILED, "upload_id": None, "error": error}]

    def _of_upload(self, upload_id: str) -> "list[dict[str, Any]]":
        client = self._client
        error = client.upload_errors.get(upload_id)
        progress = client.upload_progress[upload_id]
        session: dict[str, Any] = dict(client.active_uploads[upload_id])
        session.pop("object_url")
        state = {name: session[name] for name in session if name not in PASSING}
        state["error"] = error
        before = self._told.get(upload_id, {})
        if state == before:
            return [{"type": e.PROGRESSED, "upload_id": upload_id, "progress": progress}]
        self._told[upload_id] = state
        news: list[dict[str, Any]] = [
            {"type": e.SNAPSHOT, "session": session, "progress": progress, "error": error}
        ]
        if state["phase"] != before.get("phase"):
            news += _of_phase(session, error)
        return news


def _of_phase(session: "dict[str, Any]", error: "Any") -> "list[dict[str, Any]]":
    """What a new phase is, besides a snapshot."""
    phase = session["phase"]
    if phase == "completed":
        told = {
            name: session[name]
            for name in ("upload_id", "project_id", "s3_key", "file_name", "content_type", "etag")
        }
        told["type"] = e.COMPLETED
        told["size"] = session["file_size"]
        return [told]
    if phase == "failed" and error is not None:
        return [{"type": e.FAILED, "upload_id": session["upload_id"], "error": error}]
    return [{"type": e.TOKEN_NEEDED}] if phase == NEEDS_TOKEN else []
