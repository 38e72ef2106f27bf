"""The interpreter itself, made whole: Python may have been restored from an image of its memory, taken at build time.

What must differ from worker to worker is made anew here, and what the image lacks of the standard library is fetched
when something imports it.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import js
from pyodide.ffi import JsException

ARCHIVE = Path("/lib/python{}{}.zip".format(*sys.version_info))
"""Where Pyodide keeps the library."""
NAMES = sys.stdlib_module_names | {"pyodide", "_pyodide"}
"""What may be in it."""


def wake(library_url: str) -> None:
    """Call it once, before anything else. library_url: of the archive with the whole standard library."""
    random.seed()  # from the browser's entropy; in the image lies the state of the machine that built it
    sys.meta_path.append(WholeLibrary(library_url))


class WholeLibrary:
    """Finds modules of the standard library that are not there: gets the whole of it, once, in place of what there is."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_here = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder` has it. Blocks while the archive is fetched, since an import has to."""
        if self._is_here or name.partition(".")[0] not in NAMES:
            return None
        self._is_here = True  # whatever this imports itself is not to be looked for here
        content = _fetch(self._url)
        if content is None:  # no network: whoever imports hears that there is no such module
            self._is_here = False
            return None
        ARCHIVE.write_bytes(content)
        importlib.invalidate_caches()
        sys.path_importer_cache.clear()
        return PathFinder.find_spec(name, path, target)


def _fetch(url: str) -> bytes | None:
    js_request = js.XMLHttpRequest.new()
    try:
        js_request.open("GET", url, False)
        js_request.responseType = "arraybuffer"  # which a page may not have without waiting
        js_request.send()
    except JsException:
        return None
    return js_request.response.to_bytes() if js_request.status == 200 else None
