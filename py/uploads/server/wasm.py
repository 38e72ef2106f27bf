"""WebAssembly from its text, by the WebAssembly Binary Toolkit in Node. Starts Node."""

from __future__ import annotations

import tempfile
from pathlib import Path

from uploads.server.assets import ensure_node_modules
from uploads.server.pyodide_node import run_in_node

_ASSEMBLE = """
import {readFileSync, writeFileSync} from "node:fs";
const {default: open} = await import(`${process.env.WABT}/index.js`);
const wabt = await open();
try {
  const module = wabt.parseWat(process.env.NAME, readFileSync(process.env.SOURCE, "utf8"));
  module.validate();
  writeFileSync(`${process.env.WORK}/assembled.wasm`, module.toBinary({}).buffer);
} catch ({message}) {
  console.error(`Error: ${message.replace("\\n", " ")}`);
  process.exit(1);
}
"""


def assemble(source: Path) -> bytes:
    """The module that a `.wat` file writes down. Raises `SetUpError` where it is not well-formed."""
    with tempfile.TemporaryDirectory(prefix="upload-worker-") as work:
        toolkit = (ensure_node_modules() / "wabt").as_uri()
        run_in_node(_ASSEMBLE, Path(work), WABT=toolkit, SOURCE=str(source), NAME=source.name)
        return (Path(work) / "assembled.wasm").read_bytes()
