"""The memory snapshot: Pyodide with the engine imported, as the worker restores it instead of importing anything.

Pyodide makes it in Node (`_makeSnapshot`, `makeMemorySnapshot`), for every browser: it belongs to one exact build of
Pyodide, not to a JavaScript engine. It is an image of 30 MB, most of which need not travel:

    offset  bytes
    0       4      "UWS1"
    4       4      length of Pyodide's snapshot
    8       4      length of Pyodide's header, at its beginning; the image of the memory is all the rest
    12      4      check sum of the pages of kind 1, as `checksum` has it
    16      pages  the kind of each page of PAGE bytes: 0 nothing but zeros, 1 as in a fresh instance, 2 stored,
                   3 nothing but zeros, where a fresh instance has something
    …              Pyodide's header, then the stored pages, in order

All numbers are little-endian. `restore` in `worker/upload_worker.js` is the other half. Starts Node.
"""

from __future__ import annotations

import json
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from uploads.server.bundle import precompiled_stdlib
from uploads.server.pyodide_node import run_in_node

PAGE = 1024
_MAGIC = b"UWS1"
_ZERO, _FRESH, _STORED, _CLEARED = range(4)

_MAKE = """
import {readFileSync, writeFileSync} from "node:fs";
const {PYODIDE, WORK, STDLIB, PROGRAM, SEED} = process.env;
const {loadPyodide} = await import(`${PYODIDE}/pyodide.mjs`);
const {default: create} = await import(`${PYODIDE}/pyodide.asm.mjs`);
const lock = JSON.parse(readFileSync(new URL(`${PYODIDE}/pyodide-lock.json`)));
const options = {stdout: () => {}, stdLibURL: STDLIB, lockFileContents: {...lock, packages: {}}};
const maker = await loadPyodide({
  ...options,
  _makeSnapshot: true,
  _sysExecutable: "./this.program", // Emscripten's own word for it, not a path of this machine
  env: {PYTHONHASHSEED: SEED},
});
maker.FS.writeFile("/engine.zip", readFileSync(`${WORK}/engine.zip`));
writeFileSync(`${WORK}/modules.json`, maker.runPython(PROGRAM));
const snapshot = maker.makeMemorySnapshot();
writeFileSync(`${WORK}/snapshot`, snapshot);
await loadPyodide({
  ...options,
  _loadSnapshot: snapshot,
  createPyodideModule: async (settings) => {
    const module = await create(settings);
    writeFileSync(`${WORK}/fresh`, module.HEAPU8);
    return module;
  },
});
"""

_IMPORT_ENGINE = """
import gc, importlib, json, linecache, os, re, sys, zipfile, zipimport
os.environ.pop("PYTHONHASHSEED")
sys.path.insert(0, "/engine.zip")
for name in sorted(zipfile.ZipFile("/engine.zip").namelist()):
    importlib.import_module(name.removesuffix(".pyc").removesuffix("/__init__").replace("/", "."))
sys.path.remove("/engine.zip")
for cache in (zipimport._zip_directory_cache, sys.path_importer_cache, linecache.cache):
    cache.clear()
re.purge()
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
gc.collect()
json.dumps([path.partition(".zip/")[2].rpartition(".")[0] for path in files if path.startswith("/lib/")])
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """packed: as it travels; header, memory: bytes of Pyodide's header and of the memory; modules: those of the standard

    library that the engine and Pyodide import, by path in the library, without a suffix.
    """

    packed: bytes
    header: int
    memory: int
    modules: frozenset[str]


def make_snapshot(engine: bytes, seed: int) -> Snapshot:
    """A snapshot with every module of the zip `engine` imported. Raises `SetUpError`.

    seed: of the hashes of text, which Pyodide cannot change any more when it is restored. Another one for each build.
    """
    with tempfile.TemporaryDirectory(prefix="upload-worker-") as folder:
        work = Path(folder)
        (work / "engine.zip").write_bytes(engine)
        run_in_node(
            _MAKE, work, STDLIB=str(precompiled_stdlib()), PROGRAM=_IMPORT_ENGINE, SEED=str(seed % 2**32)
        )
        snapshot, fresh = (work / "snapshot").read_bytes(), (work / "fresh").read_bytes()
        return Snapshot(
            pack(snapshot, fresh),
            len(snapshot) - len(fresh),
            len(fresh),
            frozenset(json.loads((work / "modules.json").read_text())),
        )


def pack(snapshot: bytes, fresh: bytes) -> bytes:
    """`snapshot`, as Pyodide makes it, without what a fresh instance's memory `fresh` has as well."""
    header = len(snapshot) - len(fresh)
    kinds, stored, sum_of_fresh = bytearray(), [snapshot[:header]], 0
    nothing = bytes(PAGE)
    for start in range(0, len(fresh), PAGE):
        page = snapshot[header + start : header + start + PAGE]
        before = fresh[start : start + PAGE]
        if page == nothing:
            kinds.append(_ZERO if before == nothing else _CLEARED)
        elif page == before:
            kinds.append(_FRESH)
            sum_of_fresh = checksum(page, sum_of_fresh)
        else:
            kinds.append(_STORED)
            stored.append(page)
    head = _MAGIC + struct.pack("<3I", len(snapshot), header, sum_of_fresh)
    return head + bytes(kinds) + b"".join(stored)


def checksum(page: bytes, before: int) -> int:
    """Of a page and of all those before it: h = 31 h + word, modulo 2³², for each little-endian word of four bytes."""
    total = before
    for (word,) in struct.iter_unpack("<I", page):
        total = (31 * total + word) & 0xFFFFFFFF
    return total
