// Reads a file in steps of 8 MiB and hashes it: by Python's library in Pyodide, by WebCrypto, by hash-wasm and by crc64.wat; and
// reads it in the two ways in which a stream can be read.
// Answers with the seconds of each way, of several rounds in turn.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const STEP = 8 * 2 ** 20;
const PART = 32 * 2 ** 20;
const ROOM = 2 ** 20;
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

/** A part as a stream, into memory of one's own: what the engine does. The page knows the stream, since Chromium may forget it. */
async function intoOwn(part) {
  const stream = globalThis.reading = part.stream();
  const reader = stream.getReader({ mode: "byob" });
  for (let room = new ArrayBuffer(ROOM);;) {
    const { done, value } = await reader.read(new Uint8Array(room));
    if (done) return;
    room = value.buffer;
  }
}

async function asStream(part) {
  const reader = part.stream().getReader();
  while (!(await reader.read()).done);
}

function takesOwn() {
  try {
    return Boolean(new Blob().stream().getReader({ mode: "byob" }));
  } catch {
    return false;
  }
}

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
  const streams = { "reading as a stream": asStream, ...(takesOwn() && { "reading it into own memory": intoOwn }) };
  const found = Object.fromEntries([...Object.keys(ways), ...Object.keys(streams)].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, hash] of Object.entries(ways)) {
      const begun = performance.now();
      for (let at = 0; at < file.size; at += STEP) {
        const buffer = await file.slice(at, at + STEP).arrayBuffer();
        await hash(buffer, at === 0);
      }
      found[name].push((performance.now() - begun) / 1000);
    }
    for (const [name, read] of Object.entries(streams)) {
      const begun = performance.now();
      for (let at = 0; at < file.size; at += PART) await read(file.slice(at, at + PART));
      found[name].push((performance.now() - begun) / 1000);
    }
  }
  postMessage(found);
};
