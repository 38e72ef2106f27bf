"""What an inspector needs: packages that the site brings along, others from the index, and Python files of the site itself."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import js
import pyodide_js
from pyodide.ffi import JsException

FOLDER = Path("/inspectors")
"""Where the site's own files go; its modules are imported from there."""


async def install(packages: Sequence[str], vendored_url: str, site_url: str) -> None:
    """Have them importable. packages: names, addresses of wheels, and addresses of `.py` files (relative to the site).

    Raises RuntimeError, in a sentence.
    """
    files = [package for package in packages if package.endswith(".py")]
    for file in files:
        await _fetch_module(urljoin(site_url, file))
    if len(files) == len(packages):
        return
    vendored = await _vendored(vendored_url)
    await pyodide_js.loadPackage("micropip")
    import micropip

    for package in packages:
        if package in files:
            continue
        wheels = vendored.get(package.lower())
        try:
            if wheels:
                await micropip.install([urljoin(vendored_url, wheel) for wheel in wheels], deps=False)
            else:
                await micropip.install(urljoin(site_url, package) if "/" in package else package)
        except Exception as error:
            raise RuntimeError(
                f"the package {package} could not be installed ({type(error).__name__})"
            ) from error


async def _fetch_module(url: str) -> None:
    name = urlsplit(url).path.rpartition("/")[2]
    try:
        js_response = await js.fetch(url)
        text = await js_response.text() if js_response.ok else None
    except JsException:
        text = None
    if text is None:
        raise RuntimeError(f"{name} could not be fetched")
    _add_module(name, text)


def _add_module(name: str, text: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    (FOLDER / name).write_text(text)
    importlib.invalidate_caches()


async def _vendored(url: str) -> dict[str, list[str]]:
    """The wheels of each package that the site brings along, by its name: itself, and what it needs."""
    try:
        js_response = await js.fetch(urljoin(url, "index.json"))
        found = json.loads(await js_response.text()) if js_response.ok else {}
    except (JsException, ValueError):
        return {}
    return {str(name): [str(wheel) for wheel in wheels] for name, wheels in found.items()}
