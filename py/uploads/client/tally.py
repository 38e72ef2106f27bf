"""Sums over all uploads, brought up to date one upload at a time: ten thousand are too many to look through at each change."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.protocol import UploadHead


class Tally:
    """Read only, outside of the book. Sizes in bytes; cancelled uploads and those of unknown size have none."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        """How many uploads there are of each status."""
        self.phases: dict[str, int] = {}
        """The same by phase."""
        self.at_work: dict[tuple[str, str], int] = {}
        """The same of those that are under way, by phase and `file_access`."""
        self.total_bytes = 0
        self.uploaded_bytes = 0
        self._entries: dict[str, tuple[str, str, str, int, int]] = {}
        self._speeds: dict[str, float] = {}

    @property
    def uploads(self) -> int:
        """How many there are."""
        return len(self._entries)

    @property
    def unfinished(self) -> int:
        """How many are under way or paused."""
        return self.statuses.get("uploading", 0) + self.statuses.get("paused", 0)

    @property
    def speed(self) -> float:
        """Bytes per second, of all that are being sent."""
        return sum(self._speeds.values())

    @property
    def is_finished(self) -> bool:
        """Whether there are uploads, and all of them have come to an end: good, bad, or cancelled."""
        ended = [self.statuses.get(status, 0) for status in ("completed", "failed", "cancelled")]
        return 0 < sum(ended) == self.uploads

    def put(self, head: "UploadHead") -> None:
        """An upload is new, or stands differently."""
        upload_id, status, phase, size = head["upload_id"], head["status"], head["phase"], head["file_size"]
        self.drop(upload_id)
        total = done = 0
        if size is not None and status != "cancelled":
            total = size
            done = size if status == "completed" else min(size, head["uploaded_bytes"])
        if phase == "uploading":
            self._speeds[upload_id] = head["speed"]
        entry = (status, phase, head["file_access"], total, done)
        self._entries[upload_id] = entry
        self._count(entry, 1)

    def drop(self, upload_id: str) -> None:
        """An upload is there no more, if it was."""
        entry = self._entries.pop(upload_id, None)
        self._speeds.pop(upload_id, None)
        if entry is not None:
            self._count(entry, -1)

    def _count(self, entry: "tuple[str, str, str, int, int]", step: int) -> None:
        status, phase, access, total, done = entry
        _add(self.statuses, status, step)
        _add(self.phases, phase, step)
        if status == "uploading":
            _add(self.at_work, (phase, access), step)
        self.total_bytes += step * total
        self.uploaded_bytes += step * done


def _add(counts: "dict[Any, int]", key: "Any", step: int) -> None:
    count = counts.get(key, 0) + step
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)
