"""What the page loads: the start of its Python, its configuration, and index.html with the addresses of the built site.

Reads index.html, pyscript.toml and the modules that it lists.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from uploads.protocol import ConfigError, check_upload_config
from uploads.server.errors import SetUpError
from uploads.server.paths import ROOT

START = '''\
"""The page's start, written by the site's build: its modules come as a read-only file system, compiled."""

import sys

import vfs

with open("page.romfs", "rb") as file:
    vfs.mount(vfs.VfsRom(file.read()), "/page")
sys.path.insert(0, "/page")

from pyscript import config

from uploads.ui import later

for address in config["files"]:
    if address.endswith("/page.romfs"):
        later.use(address.replace("page.romfs", "later.romfs"))

import uploads.ui.main
'''
LATER = re.compile(
    r"uploads/(ui/(details|dialog|plot|settings_|statistics|panel_|demo|embed|offline|installed|thumbnails)"
    r"|protocol/(embed|file_types|inspect)|client/inspection)"
)
"""The modules that `uploads.ui.later` loads: the dialogs, the demo, the widget, inspectors, and what makes the site an application."""


def read_settings() -> dict[str, Any]:
    """pyscript.toml, as it is. Raises `SetUpError` when it cannot be read."""
    try:
        return tomllib.loads((ROOT / "pyscript.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetUpError(f"pyscript.toml cannot be read: {error}.") from None


def start_modules() -> dict[str, Path]:
    """Those of `page_modules` that the page's start needs."""
    return {name: path for name, path in page_modules().items() if not LATER.match(name)}


def later_modules() -> dict[str, Path]:
    """The others."""
    return {name: path for name, path in page_modules().items() if LATER.match(name)}


def page_modules() -> dict[str, Path]:
    """The modules that pyscript.toml lists, and the page's entry as the last, by path for Python."""
    files = read_settings().get("files")
    if not isinstance(files, dict):
        raise SetUpError("pyscript.toml has no [files].")
    found = {str(target).removeprefix("./"): ROOT / source for source, target in files.items()}
    return found | {"uploads/ui/main.py": ROOT / "py" / "uploads" / "ui" / "main.py"}


def inspector_files() -> dict[str, Path]:
    """The repository's own Python files that pyscript.toml's inspectors name, by their addresses in the site."""
    uploads = read_settings().get("uploads")
    entries = uploads.get("inspectors") if isinstance(uploads, dict) else None
    found: dict[str, Path] = {}
    for entry in entries if isinstance(entries, list) else []:
        packages = entry.get("packages") if isinstance(entry, dict) else None
        for name in packages if isinstance(packages, list) else []:
            path = PurePosixPath(str(name))
            is_inside = not path.is_absolute() and ".." not in path.parts
            if path.suffix == ".py" and is_inside and (ROOT / path).is_file():
                found[path.as_posix()] = ROOT / path
    return found


def configuration(interpreter: str, modules: str, signer_url: str | None) -> bytes:
    """config.json, PyScript's configuration, in which whoever publishes the site may change `uploads` and `site`.

    interpreter, modules: the addresses of MicroPython and of the file system that `START` mounts, which `later.romfs` lies beside.
    Raises `SetUpError` for settings that the page would refuse.
    """
    settings = read_settings()
    uploads = dict(settings.get("uploads", {}))
    if signer_url is not None:
        uploads["signer_url"] = signer_url
    try:
        check_upload_config(uploads)
    except ConfigError as error:
        raise SetUpError(f"The page's settings are not right: {error}") from None
    return (
        json.dumps(
            {
                "interpreter": f"./{interpreter}",
                "files": {f"./{modules}": "page.romfs"},
                "uploads": uploads,
                "site": settings.get("site", {}),
            },
            indent=2,
        ).encode()
        + b"\n"
    )


def page(addresses: Mapping[str, str], preloads: Mapping[str, str]) -> bytes:
    """index.html with each address replaced by its own in the built site.

    preloads: what kind of `<link>` fetches an address early ("modulepreload", or what `as` says), by address.
    Raises `SetUpError` for an address that is not in `addresses`.
    """
    text = (ROOT / "index.html").read_text(encoding="utf-8")

    def replaced(match: re.Match[str]) -> str:
        name = match[2]
        if name not in addresses:
            raise SetUpError(f"index.html asks for {name}, which is no file of the site.")
        return f'{match[1]}="{addresses[name]}"'

    text = re.sub(r'\b(href|src|config)="([^"#?:]+)"', replaced, text)
    text = re.sub(r"^ *<!--[^>]*-->\n", "", text, flags=re.MULTILINE)
    links = "\n".join(f"    {_link(address, kind)}" for address, kind in preloads.items())
    return text.replace("  </head>", f"{links}\n  </head>", 1).encode()


def example(path: Path, addresses: Mapping[str, str]) -> bytes:
    """A page of `examples/` with each of these addresses, which may begin others, replaced by that in the built site."""
    text = path.read_text(encoding="utf-8")
    for name, address in addresses.items():
        text = text.replace(name, address)
    return text.encode()


def _link(address: str, kind: str) -> str:
    if kind == "modulepreload":
        return f'<link rel="modulepreload" href="{address}">'
    return f'<link rel="preload" href="{address}" as="{kind}" crossorigin>'
