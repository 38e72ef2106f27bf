"""Files on their way from a person's hands to the hook: thousands at once, a few in each step, so that the page stays quick."""

from uploads.client import ClientError
from uploads.ui import dom, words
from uploads.ui.key_names import key_in_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from uploads.client import UploadClient
    from uploads.ui.files import Found


class Adding:
    """`take` and `take_all` queue files, of which each begins an upload by `start(js_file, key)`: key is the end of its object's

    key if it came with its folder, or "". `started(upload_id, js_file)` is told; `tell` says a sentence to the person.
    """

    def __init__(
        self,
        client: "UploadClient",
        start: "Callable[[Any, str], str]",
        started: "Callable[[str, Any], None]",
        tell: "Callable[[str], None]",
    ) -> None:
        self._client = client
        self._start = start
        self._started = started
        self._tell = tell
        self._singles: list[tuple[Any, str, str]] = []
        self._queue: list[Iterator[tuple[Any, str, str]]] = []
        self._left_out = 0
        self._later = dom.Later(self._step, 0)

    def batch(self) -> "Batch":
        """What takes files that are given together: their folders stay together, too."""
        return Batch(self, self._client.new_id())

    def take(self, js_file: "Any", folder: str = "", batch: str = "") -> None:
        """One more file, the path of its folder, and the id of all that are given with it."""
        if not self._singles:
            self._queue.append(self._drain())
        self._singles.append((js_file, folder, batch))
        self._later.ask()

    def take_all(self, found: "Found", batch: str = "") -> None:
        """Files, with the paths of their folders."""
        self._queue.append((js_file, folder, batch) for js_file, folder in found)
        self._later.ask()

    def _drain(self) -> "Iterator[tuple[Any, str, str]]":
        while self._singles:
            yield self._singles.pop(0)

    def _step(self) -> None:
        end = dom.now() + dom.STEP
        while self._queue and dom.now() < end:
            for js_file, folder, batch in self._queue[0]:
                self._add(js_file, folder, batch)
                if dom.now() >= end:
                    break
            else:
                self._queue.pop(0)
        if self._queue:
            self._later.ask()
            return
        if self._left_out:
            self._tell(words.too_many(self._client.config["max_files"], self._left_out))
            self._left_out = 0

    def _add(self, js_file: "Any", folder: str, batch: str) -> None:
        limit = self._client.config["max_files"]
        if limit is not None and self._client.tally.unfinished >= limit:
            self._left_out += 1
            return
        try:
            key = key_in_folder(batch, folder, str(js_file.name)) if folder else ""
            upload_id = self._start(js_file, key)
        except ClientError as error:
            self._tell(str(error))
        else:
            self._started(upload_id, js_file)


class Batch:
    """Files that are given together, however long it takes to find them all. `batch_id`: a part of the keys of those that come

    with their folders.
    """

    def __init__(self, adding: Adding, batch_id: str) -> None:
        self._adding = adding
        self._batch_id = batch_id

    def take(self, js_file: "Any", folder: str) -> None:
        """One more."""
        self._adding.take(js_file, folder, self._batch_id)

    def take_all(self, found: "Found") -> None:
        """Several."""
        self._adding.take_all(found, self._batch_id)
