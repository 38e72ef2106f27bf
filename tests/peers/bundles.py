"""Other people's uploaders as they come from npm, each bundled into one script."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from playwright.sync_api import Page
from uploads.server.assets import npm_environment

from tests.harness.companion import install

HERE = Path(__file__).parent


def bundle_of(version: str, entry: Path = HERE / "entry.js") -> str:
    """The script of one uploader, installed and bundled when there is none yet. entry: what it is made of."""
    folder = HERE / version
    out = folder / "node_modules" / "bundle.js"
    if not out.exists() or out.stat().st_mtime < entry.stat().st_mtime:
        install(folder)
        shutil.copy(entry, folder / "node_modules" / "entry.js")
        esbuild = folder / "node_modules" / ".bin" / "esbuild"
        subprocess.run(
            [
                esbuild,
                "node_modules/entry.js",
                "--bundle",
                "--format=iife",
                f"--outfile={out}",
                "--log-level=error",
            ],
            cwd=folder,
            env=npm_environment(),
            check=True,
        )
    return out.read_text(encoding="utf-8")


def start_uppy(page: Page, version: str, server: str) -> None:
    """Has an unchanged Uppy ("uppy5" or "uppy6") in a page, with our server as its Companion: `peer` of entry.js."""
    options = {
        "uppy5": {"endpoint": server, "cookiesRule": "include"},
        "uppy6": {"companionEndpoint": server},
    }
    page.evaluate("(script) => { (0, eval)(script); }", bundle_of(version))
    # Whoever has no cookie yet is given one, before many calls come at once.
    page.evaluate(
        "(url) => fetch(url, { credentials: 'include' }).then((answer) => answer.json())",
        f"{server}/s3/uploads",
    )
    page.evaluate("(options) => peer.start(options)", options[version])
