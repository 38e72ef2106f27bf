"""The wheel with which Python on other people's pages installs the hook: `uploads` without its server and its page.

Reads pyproject.toml and the package.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from pathlib import Path

from uploads.server.bundle import zip_of
from uploads.server.paths import ROOT

_PACKAGES = ("protocol", "client")


def wheel_sources() -> dict[str, Path]:
    """The modules in it, by path."""
    package = ROOT / "py" / "uploads"
    paths = [package / "__init__.py", package / "py.typed"]
    for name in _PACKAGES:
        paths += sorted((package / name).rglob("*.py"))
    return {path.relative_to(package.parent).as_posix(): path for path in paths}


def _project() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def wheel_name() -> str:
    """Its file's name, by which installers know what it is (PEP 427)."""
    project = _project()
    return f"{project['name'].replace('-', '_')}-{project['version']}-py3-none-any.whl"


def make_wheel() -> bytes:
    """The wheel (PEP 427); the same sources give the same bytes."""
    project = _project()
    info = wheel_name().removesuffix("-py3-none-any.whl") + ".dist-info"
    metadata = (
        f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
        f"Summary: {project['description']}\nLicense-Expression: {project['license']}\n"
        f"License-File: LICENSE\nRequires-Python: {project['requires-python']}\n"
    )
    files = {name: path.read_bytes() for name, path in wheel_sources().items()} | {
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: upload-worker\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    return zip_of(files | {f"{info}/RECORD": "\n".join([*record, f"{info}/RECORD,,", ""]).encode()})


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
