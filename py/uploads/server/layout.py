"""Where a site's files go: folders named by what is in them, so that a browser may keep them for ever.

A folder holds what refers to itself by relative addresses (a package of npm, the worker and its archives), and is called
`assets/NAME-HASH/`. Writes the one directory of the site that is being built.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ASSETS = "assets"
STAMP = ".built-from.json"

Content = bytes | Path
"""What goes into a file: the bytes, or a file that has them."""


class Layout:
    """One site in the making, in the directory `out`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folders: dict[str, str] = {}
        """The address of each folder, relative to the site's, with a slash at its end, by name."""

    def add_folder(self, name: str, files: Mapping[str, Content]) -> str:
        """Write `files` (by path in the folder) and return the folder's address."""
        digest = hashlib.sha256()
        contents = {path: _bytes(content) for path, content in sorted(files.items())}
        for path, content in contents.items():
            digest.update(f"{path} {len(content)}\n".encode() + content)
        address = self.folders[name] = f"{ASSETS}/{name}-{digest.hexdigest()[:12]}/"
        for path, content in contents.items():
            self.add_file(address + path, content)
        return address

    def add_file(self, address: str, content: Content) -> None:
        """Write one file under an address that stays the same from build to build."""
        target = self.out / address
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(content))  # the bytes alone: rights and dates are this machine's business

    def addresses(self) -> list[str]:
        """The addresses of all files written so far."""
        return [path.relative_to(self.out).as_posix() for path in self.out.rglob("*") if path.is_file()]

    def keep_folders_of(self, before: Path) -> None:
        """Take over what the site of before has and this one has not: pages that are open may still ask for it."""
        for address in folders_of(before).values():
            source, target = before / address, self.out / address
            if source.is_dir() and not target.exists():
                shutil.copytree(source, target)

    def write_stamp(self, inputs: str) -> None:
        """Write down what the site was made from and where its folders are."""
        self.add_file(STAMP, json.dumps({"inputs": inputs, "folders": self.folders}).encode() + b"\n")


def stamp_of(out: Path) -> str | None:
    """What the site in `out` was made from; None when there is none."""
    inputs = _read_stamp(out).get("inputs")
    return inputs if isinstance(inputs, str) else None


def folders_of(out: Path) -> dict[str, str]:
    """The addresses of the site's own folders, by name; those kept for older pages are not among them."""
    folders = _read_stamp(out).get("folders")
    return folders if isinstance(folders, dict) else {}


def _read_stamp(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()
