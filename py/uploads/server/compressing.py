"""Compressed files beside the site's own: `.br` (RFC 7932) and `.gz`, for hosts that hand them out.

Compresses in Node, on all cores, and keeps the results by the hash of what they were made from, below `node_modules`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from uploads.server.assets import CACHE, hash_of
from uploads.server.pyodide_node import run_in_node

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""The suffix of a compressed file, by the name that HTTP has for it; the better ones first."""
_SUFFIXES = {
    ".js",
    ".mjs",
    ".css",
    ".html",
    ".json",
    ".svg",
    ".py",
    ".wasm",
    ".snapshot",
    ".romfs",
    ".webmanifest",
}
_LEAST = 512  # bytes; below, the headers are most of it
_FOLDER = CACHE / "compressed"

_COMPRESS = """
import {readFileSync, writeFileSync} from "node:fs";
import {promisify} from "node:util";
import zlib from "node:zlib";
const {BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT} = zlib.constants;
const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);
const BIG = 1 << 20; // bytes; the best quality takes half a minute for the largest files, and saves a tenth
await Promise.all(JSON.parse(readFileSync(`${process.env.WORK}/list.json`)).map(async ([source, target]) => {
  const content = readFileSync(source);
  const params = {
    [BROTLI_PARAM_QUALITY]: content.length > BIG ? 9 : 11,
    [BROTLI_PARAM_LGWIN]: 24,
    [BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(`${target}.br`, await brotli(content, {params}));
  writeFileSync(`${target}.gz`, await gzip(content, {level: 9}));
}));
"""


def compress(folder: Path, *, keep_others: bool = False) -> None:
    """Write the compressed files of everything in `folder` that gets smaller by it. Raises `SetUpError`.

    keep_others: what was made for another folder and is not needed for this one stays for the next time.
    """
    _FOLDER.mkdir(parents=True, exist_ok=True)
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _SUFFIXES and path.stat().st_size >= _LEAST
    ]
    kept = {path: _FOLDER / hash_of(path) for path in files}
    missing = [
        (str(path), str(base))
        for path, base in kept.items()
        if not all(base.with_name(base.name + suffix).exists() for suffix in ENCODINGS.values())
    ]
    if missing:
        with tempfile.TemporaryDirectory(prefix="upload-worker-") as work:
            (Path(work) / "list.json").write_text(json.dumps(missing))
            run_in_node(_COMPRESS, Path(work))
    for path, base in kept.items():
        for suffix in ENCODINGS.values():
            shutil.copyfile(base.with_name(base.name + suffix), path.with_name(path.name + suffix))
    if keep_others:
        return
    wanted = {base.name for base in kept.values()}
    for old in _FOLDER.iterdir():
        if old.stem not in wanted:
            old.unlink()
