"""Files that were still being checked when their page went. No worker had heard of them: what can be told afterwards is their names."""

import json
from collections import OrderedDict

from uploads.ui import dom, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_AS = "uploads.unchecked"
WRITE_INTERVAL = 100
MOST_NAMES = 5
"""That are told; the others are counted."""


class Unchecked:
    """Keeps the names with this tab. `tell` is told of those of the page that was here before, at once."""

    def __init__(self, tell: "Callable[[str], None]") -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        self._writing = dom.Later(self._write, WRITE_INTERVAL)
        count, names = _read(dom.read_kept(KEPT_AS, in_tab=True))
        if count:
            tell(words.unchecked(count, names))
            self._write()

    def note(self, upload_id: str, name: str) -> None:
        """A file is going to be checked."""
        self._names[upload_id] = name
        self._writing.ask()

    def drop(self, upload_id: str) -> None:
        """It has been, or nobody wants it any more."""
        if self._names.pop(upload_id, None) is not None:
            self._writing.ask()

    def _write(self) -> None:
        names = [name for name, _ in zip(self._names.values(), range(MOST_NAMES))]
        dom.keep(KEPT_AS, json.dumps([len(self._names), names]) if names else "", in_tab=True)


def _read(text: str) -> "tuple[int, list[str]]":
    """What `_write` has written; anything else counts as nothing: another page of this site may have been here."""
    try:
        count, names = json.loads(text)
        if isinstance(count, int) and names and all(isinstance(name, str) for name in names):
            return count, names[:MOST_NAMES]
    except (ValueError, TypeError):
        pass
    return 0, []
