"""Python packages that a configuration names, installed by micropip, which is loaded for nobody else."""

from __future__ import annotations

from collections.abc import Sequence

import pyodide_js


async def install_packages(packages: Sequence[str]) -> str:
    """Install packages: names, or URLs of wheels. Returns "" or one sentence that says why it did not work."""
    try:
        await pyodide_js.loadPackage("micropip")
        import micropip

        await micropip.install(list(packages))
    except Exception as error:
        return f"The packages {', '.join(packages)} could not be installed ({type(error).__name__})."
    return ""
