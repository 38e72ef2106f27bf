// Reads a file in steps of 8 MiB and hashes it: by Python's library in Pyodide, by WebCrypto, by hash-wasm and by crc64.wat.
// Answers with the seconds of each way, of several rounds in turn.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const STEP = 8 * 2 ** 20;
const ROUNDS = 5;
const NVME = "9a6c9329ac4bc9b5"; // the polynomial of CRC-64/NVME, reflected
const loading = loadPyodide().then((pyodide) => pyodide.runPython(`
import hashlib, zlib
from pyodide.ffi import create_proxy

def way(begin, update):
    state = None
    def hash(js_buffer, is_first):
        nonlocal state
        state = update(begin() if is_first else state, js_buffer.to_bytes())
    return create_proxy(hash)

def fed(digest, content):
    digest.update(content)
    return digest

from js import Object
from pyodide.ffi import to_js
to_js({
    "zlib.crc32": way(lambda: 0, lambda sum, content: zlib.crc32(content, sum)),
    "hashlib.md5": way(hashlib.md5, fed),
    "hashlib.sha256": way(hashlib.sha256, fed),
}, dict_converter=Object.fromEntries)
`));

onmessage = async ({ data: file }) => {
  const python = await loading;
  await import("./hash-wasm/crc64.umd.min.js");
  const hasher = await globalThis.hashwasm.createCRC64(NVME);
  const { memory, room, update } = (await WebAssembly.instantiateStreaming(fetch("crc64.wasm"))).instance.exports;
  const bytes = new Uint8Array(memory.buffer, room.value);
  let crc;
  const ours = (buffer, isFirst) => {
    if (isFirst) crc = -1n;
    for (let at = 0; at < buffer.byteLength; at += bytes.length) {
      const some = new Uint8Array(buffer, at, Math.min(bytes.length, buffer.byteLength - at));
      bytes.set(some);
      crc = update(crc, some.length);
    }
  };
  const ways = {
    "reading alone": () => {},
    "our CRC-64/NVME": ours,
    "hash-wasm CRC-64/NVME": (buffer, isFirst) => { (isFirst ? hasher.init() : hasher).update(new Uint8Array(buffer)); },
    "WebCrypto SHA-256": (buffer) => crypto.subtle.digest("SHA-256", buffer),
    ...python,
  };
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, hash] of Object.entries(ways)) {
      const begun = performance.now();
      for (let at = 0; at < file.size; at += STEP) {
        const buffer = await file.slice(at, at + STEP).arrayBuffer();
        await hash(buffer, at === 0);
      }
      found[name].push((performance.now() - begun) / 1000);
    }
  }
  postMessage(found);
};
