"""What this page has started, and how another worker gets it when the one that had it is gone. Pure data.

A worker that crashes takes the files along that it was given. The page still has them: they are handed over again as
soon as the new engine tells of their uploads. What no storage had kept is started once more, under the same id.
"""

from uploads.client.ordered import OrderedMap
from uploads.protocol import FILES_AT_HAND, PAUSE_UPLOAD, RESELECT_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.client.book import UploadBook
    from uploads.protocol import UploadHead

ENDED = ("completed", "cancelled")


def _is_opening(head: "UploadHead") -> bool:
    """Whether the new engine has found the file itself, and is looking at it."""
    return head["phase"] == "waiting-for-file" and head["file_access"] in FILES_AT_HAND


class Recovery:
    """The files of unfinished uploads by id, and since a crash those that the new engine has to be given."""

    def __init__(self, book: "UploadBook") -> None:
        self._book = book
        self._files: Any = OrderedMap()
        self._starts: dict[str, Any] = {}
        self._owed: Any = OrderedMap()  # by id: whether it was paused

    def keep(self, upload_id: str, file: "Any", start: "dict[str, Any] | None" = None) -> None:
        """Remembers an upload's file, and the message that started it."""
        self._files[upload_id] = file
        if start is not None:
            self._starts[upload_id] = start

    def files(self) -> "Mapping[str, Any]":
        """The files that this page has given, by upload id."""
        files: Mapping[str, Any] = self._files
        return files

    def crashed(self) -> None:
        """The worker is gone; another one begins."""
        for upload_id in self._files:
            head = self._book.heads.get(upload_id)
            if head is not None:
                self._owed[upload_id] = head["phase"] == "paused"

    def after(self, change: "dict[str, Any]") -> "list[tuple[dict[str, Any], Any]]":
        """The messages that a change of the book asks for, each with its file or None."""
        kind, upload_id = change["type"], change["upload_id"]
        if "known" in change:
            return self._start_again(change["known"])
        if kind == "upload":
            head = self._book.heads[upload_id]
            if head["status"] in ENDED:
                self._forget(upload_id)
            elif upload_id in self._owed and not _is_opening(head):
                give = {"type": RESELECT_FILE, "upload_id": upload_id}
                return self._give(upload_id, give, head["phase"] == "waiting-for-file")
        elif kind == "replaced" and upload_id in self._files:
            self._files[change["by"]] = self._files[upload_id]
        if kind in ("removed", "replaced"):
            self._forget(upload_id)
        return []

    def _start_again(self, known: "list[str]") -> "list[tuple[dict[str, Any], Any]]":
        """What the new engine does not know: it was never stored."""
        messages = []
        for upload_id in list(self._owed):
            if upload_id in self._starts and upload_id not in known:
                self._book.await_engine(upload_id)
                messages += self._give(upload_id, self._starts[upload_id], True)
        return messages

    def _give(
        self, upload_id: str, message: "dict[str, Any]", wanted: bool
    ) -> "list[tuple[dict[str, Any], Any]]":
        """The file, where the engine has none; an upload that was paused does not go on behind a person's back."""
        paused = self._owed.pop(upload_id)
        if not wanted:
            return []
        pause = [({"type": PAUSE_UPLOAD, "upload_id": upload_id}, None)] if paused else []
        return [(message, self._files[upload_id])] + pause

    def _forget(self, upload_id: str) -> None:
        for mapping in (self._files, self._starts, self._owed):
            mapping.pop(upload_id, None)
