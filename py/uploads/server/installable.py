"""What makes the site an application: its manifest, and the service worker with the list of what it keeps.

Reads the two sources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from uploads.server.errors import SetUpError
from uploads.server.paths import ROOT

SERVICE_WORKER = ROOT / "worker" / "service_worker.js"
MANIFEST = ROOT / "py" / "uploads" / "ui" / "manifest.webmanifest"
_SELDOM = re.compile(
    r"^(examples|wheels)/|(^|/)(\.|LICENSE|NOTICE|embed\.js|upload_worker\.js$|service_worker\.js)|/swagger-ui-|\.(br|gz)$"
    r"|/(python_stdlib\.zip|[^/]+\.whl)$|/pyscript-\w+/(codemirror|xterm)|/languages/"
)
"""What is not kept beforehand: for other pages than ours, or hardly ever needed. (Below assets/ it is kept once asked for.)"""


def manifest(icons: str) -> bytes:
    """The web application manifest; icons: the address of the folder that they are in."""
    content = json.loads(MANIFEST.read_text(encoding="utf-8"))
    for icon in content["icons"]:
        icon["src"] = icons + icon["src"]
    return json.dumps(content, indent=2).encode() + b"\n"


def service_worker(version: str, addresses: Iterable[str]) -> bytes:
    """The service worker's script; addresses: of all files of the site. Raises `SetUpError`."""
    kept = sorted(
        address
        for address in addresses
        if address.startswith("assets/worker-") or not _SELDOM.search(address)
    )
    script = SERVICE_WORKER.read_text(encoding="utf-8")
    for before, after in (
        ('const VERSION = "unbuilt";', f"const VERSION = {json.dumps(version)};"),
        ("const FILES = [];", f"const FILES = {json.dumps(kept, indent=2)};"),
    ):
        if before not in script:
            raise SetUpError(f"{SERVICE_WORKER.name} has no line {before}")
        script = script.replace(before, after)
    return script.encode()
