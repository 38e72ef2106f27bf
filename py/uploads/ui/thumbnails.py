"""Small pictures of image files, which the browser decodes beside the page's own work. An edge to JavaScript, like `dom`."""

import js

from uploads.client.link import attempt, tag_of
from uploads.ui.files import FILE_HANDLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WIDTH = 80
"""Pixels: twice the icon's, for fine screens."""
LARGEST = 64_000_000
"""Bytes of an image that is decoded for a picture of it."""
MOST = 200
"""Pictures that are kept; of files also those that may get one."""


class Thumbnails:
    """One picture at a time, of the uploads whose rows are in the page."""

    def __init__(self) -> None:
        self._js_files: dict[str, Any] = {}
        self._js_pictures: dict[str, Any] = {}
        self._wanted: list[tuple[str, Any]] = []
        self._is_busy = False

    def keep(self, upload_id: str, js_file: "Any") -> None:
        """The upload's file, of which there may be a picture."""
        self._js_files[upload_id] = js_file

    def forget(self, upload_id: str) -> None:
        """The upload is off the list."""
        self._js_files.pop(upload_id, None)
        self._js_pictures.pop(upload_id, None)

    def show(self, upload_id: str, js_icon: "Any") -> None:
        """Puts the picture in the place of what is in `js_icon`, now or later; nothing, where there is none."""
        if upload_id in self._js_pictures:
            js_icon.replaceChildren(self._js_pictures[upload_id])
        elif upload_id in self._js_files:
            self._wanted.append((upload_id, js_icon))
            self._go_on()

    def _go_on(self) -> None:
        while self._wanted and not self._is_busy:
            upload_id, js_icon = self._wanted.pop(0)
            js_file = self._js_files.pop(upload_id, None)
            if js_file is None:
                continue
            self._is_busy = True
            if tag_of(js_file) == FILE_HANDLE:
                attempt(self._decoder(upload_id, js_icon), self._failed, js_file, "getFile")
            else:
                self._decoder(upload_id, js_icon)(js_file)

    def _decoder(self, upload_id: str, js_icon: "Any") -> "Any":
        def decode(js_file: "Any", *_: object) -> None:
            size = int(
                js_file.size
            )  # MicroPython wraps what is larger than 2 GiB: to less than nothing, or too much
            if not 0 < size <= LARGEST:
                self._failed()
                return
            js_options = js.Object.new()
            js_options.resizeWidth = WIDTH
            js_options.resizeQuality = "medium"

            def decoded(js_bitmap: "Any", *_: object) -> None:
                js_canvas = js.document.createElement("canvas")
                js_canvas.width, js_canvas.height = js_bitmap.width, js_bitmap.height
                js_canvas.getContext("bitmaprenderer").transferFromImageBitmap(js_bitmap)
                self._js_pictures[upload_id] = js_canvas
                if len(self._js_pictures) > MOST:
                    del self._js_pictures[next(iter(self._js_pictures))]
                js_icon.replaceChildren(js_canvas)
                self._failed()

            attempt(decoded, self._failed, js.window, "createImageBitmap", js_file, js_options)

        return decode

    def _failed(self, *_: object) -> None:
        """The next one, whatever became of this."""
        self._is_busy = False
        self._go_on()
