/*
 * The upload worker's JavaScript, in two halves that share one address.
 *
 * Loaded by a page (<script type="module" src="worker/upload_worker.js">) it starts itself as a worker and leaves
 * `globalThis.uploadWorker` for the page's Python:
 *
 *   kind                         what runs: "shared" or "dedicated" (a worker), "page" (the engine on the page itself),
 *                                "none" (nothing, any more). It goes down this list only
 *   port                         the line to the worker, or null; a MessagePort unless the worker is another tab's
 *   post(body, file)             send one message: body is JSON text, file an optional File or FileSystemFileHandle
 *   onMessage(callback)          callback(body, handle) for every message; handle: a FileSystemFileHandle that the
 *                                engine keeps, or undefined. Of a snapshot callback(head, undefined, message): what it
 *                                holds stays here, as message.body, until Python asks for it. Those that came before
 *                                are kept and given first. One callback at a time; null goes back to keeping
 *   onReconnect(callback)        callback(anew) when the page has to introduce itself once more: it is back from the
 *                                back/forward cache, or (anew is true) another worker stands in for one that is gone
 *   outlivesPages                whether the worker goes on for some minutes when its last page is gone
 *   leads                        whether the worker is this page's own, and serves other tabs as well
 *   listenTo(port, longest, callback)  callback(body, file, length) for every message of another page over a port of its
 *                                own; body is null unless it is text of at most `longest` characters: Python's memory
 *                                would grow by whatever is sent
 *   attempt(target, name, …args) call target[name](…args); [true, value] or [false, "what went wrong"], never throws
 *   newInspector(memory, callback)  a worker of its own that runs a site's inspectors (worker/upload_inspectors), in a heap of at
 *                                most so many bytes: {post(body, file), end()}, or null where there are no workers. callback(body,
 *                                file) for every message; callback("", undefined, reason) when it has stopped
 *
 * Loaded as a worker named "uploads inspector BYTES" it starts Pyodide with nothing but inspectors.zip, and calls
 * `upload_inspectors.main.start(host)`: host.onJob(callback) calls back with (body, file) for every job, host.tell(body, file)
 * answers, host.vendored is the address of the packages that the site brings along. Any other
 * worker starts Pyodide with the engine's modules (restored from a snapshot of the memory that has them;
 * if that does not fit, imported from engine.zip) and calls `upload_engine.main.start(host)` once, with
 *
 *   host.kind                    "shared", "dedicated" or "page"
 *   host.boot                    "snapshot" or "plain": how Python was started
 *   host.config                  {siteUrl, standardLibrary, guestToken, demo}: the address of the directory that holds index.html,
 *                                ending with "/"; that of the whole of Python's library; who asks, where there can be no
 *                                cookie, else ""; whether the page is ?demo
 *   host.alone                   whether other tabs may have workers of their own that work at the same time
 *   host.onPort(callback)        callback(port) for every page's MessagePort, first those that are here already, in
 *                                order. A port keeps its messages until Python calls port.start(). Give a
 *                                create_proxy; it is kept for good.
 *   host.onDrain(callback)       callback() when a worker of another build is to take over: resolves when all that was on
 *                                its way has ended and is saved. The worker ends then, or after DRAIN_LIMIT
 *   host.log(text, level)        a line for the consoles of all connected pages; level is "info" (default) or "error"
 *
 * On the port a page's message is {body, file?}, or {body, made: {bytes, name, type, lastModified}} for a file that is only there,
 * and {gone} when it is closed or left: Chromium throws a page out of the
 * back/forward cache when a shared worker speaks to it there. The engine's is {body, head?, file?}. Between the two halves alone go
 * {alive, build} (the worker leads; its name), {lock}, {draining} (for a worker of that build), {stopped} and {log, level}.
 * No string is ever evaluated here: the worker's content security policy needs 'wasm-unsafe-eval' and nothing more.
 *
 * One engine works at a time. A worker leads from the moment that it is granted the lock LEAD; until then it stands by,
 * with Python loaded and no engine. Where there is no SharedWorker, the tab that holds the lock NEXT starts a dedicated
 * worker, and passes NEXT on as soon as that one leads: one tab leads, one stands by, the others wait. Pages find a worker
 * that is not theirs over a BroadcastChannel. The worker says {lead} (its name) to all of them; a page says {knock} (its
 * own name, of which it holds a lock as well), then {from, worker, data}; the worker {to, data}. To Python it is a port
 * like any other. A page says {started} when its own Python has: so long a worker that starts has fetched, and no more. A
 * page that has just been opened tells its {build} there, too: a worker of another one drains, so that the next one takes
 * over. Shared workers of different builds have different names, hence both can be there at that time.
 * A worker that waits asks from time to time whether somebody is {awake}. WebKit puts a shared worker to sleep together with
 * its page in the back/forward cache, where it would lead for ever and hear nothing: one that does not answer is deposed,
 * and ends when it wakes up. Without locks (plain http), BroadcastChannel or cookies every dedicated worker leads, alone in
 * its tab.
 *
 * Where a browser can, the shared worker outlives its last page by some minutes, unless the page's address has
 * ?lifetime=page. All pages that are open have to agree on it: to one that does not the browser refuses the shared worker.
 *
 * Not every place has workers. Where the script is of another origin than the page (in a sandboxed frame, whose own origin
 * is opaque, or from another host) a worker starts from a blob: that imports it. Where no worker starts at all, the
 * worker's half runs on the page, over a MessageChannel like any other. A page whose cookies are not kept takes the guest's
 * token that came with it (html[data-guest]) and hands it to a worker that is its alone: its next visit is another guest's.
 * A widget in somebody else's page (?embed) may get a token of its user's instead, a moment later. So it shares a worker with
 * the other widgets of its place, apart from the plain pages' one, and tells that one the guest's token as a message.
 *
 * A worker that is killed cannot say so. It holds a Web Lock as long as it lives, and {lock} tells its name: whoever is
 * granted that lock, too, knows that the worker is gone. An engine that stops for a bug or for want of memory says
 * {stopped} and ends its worker. The page then starts another one, up to MOST_CRASHES times within a minute.
 */

const SCRIPT = new URL(import.meta.url);
// The site's build puts its own names into the next seven lines.
const BUILD = "unbuilt";
const SITE = new URL("../", SCRIPT);
const PYODIDE = new URL("../vendor/pyodide/", SCRIPT);
const PACKAGES = new URL("../vendor/packages/", SCRIPT);
const STANDARD_LIBRARY = null; // what the engine imports of it; null: all of it, from Pyodide's folder
const CRC64 = ""; // crc64.wat's WebAssembly in base64
const SNAPSHOT_SIZES = null; // bytes of Pyodide's header and of the memory; null: the engine is imported from its zip
const ENGINE = new URL("engine.zip", SCRIPT);
const INSPECTORS = new URL("inspectors.zip", SCRIPT);
const INSPECTOR = "uploads inspector "; // the name of a worker that runs those; the limit of its memory follows, in bytes
const SNAPSHOT = new URL("engine.snapshot", SCRIPT);
const NOTHING = new URL("nothing.zip", SCRIPT);
const ON_PAGE = typeof document !== "undefined";
const WIDGETS = "uploads widgets";
const IS_WIDGET = ON_PAGE
  ? new URLSearchParams(location.search).has("embed") && origin !== "null"
  : globalThis.name.startsWith(WIDGETS);
const DEMO = ON_PAGE ? new URLSearchParams(location.search).has("demo") : globalThis.name.endsWith(" demo");
const MARK = DEMO ? " demo" : ""; // at the end of every name: the demo's pages and workers meet no others
const NAME = IS_WIDGET ? WIDGETS : "uploads"; // of this kind of page's workers
const TABS = `${NAME} ${SITE.pathname}${MARK}`; // the channel by which the tabs of one site find one another
const LEAD = `${TABS} lead`;
const NEXT = `${TABS} next`;
const ALONE = `uploads alone${MARK}`; // the name of a dedicated worker that is to know of no tab but its own
const TABS_MEET = Boolean(navigator.locks && globalThis.BroadcastChannel && origin !== "null" && globalThis.name !== ALONE);
const PROTOCOL_VERSION = 1;
const MOST_CRASHES = DEMO ? 100 : 3; // in the demo people crash it for the sight of it
const MINUTE = 60_000; // milliseconds
const LAST_BREATH = 500; // milliseconds that a worker without locks is given to end, and its last words to arrive
const DRAIN_LIMIT = 30_000; // milliseconds; a part on a slow line may take longer, and is sent again then
const ASK_AGAIN = 3_000; // milliseconds until a worker that waits asks the one that leads for a sign of life once more
const MOST_SILENCES = 3; // times that there may be none
const PAGE_FIRST = 250; // milliseconds that a worker which starts leaves to the page's Python, at the most
const PAGE = 1_024; // bytes; a snapshot's
const FRESH_PAGE = 1; // kinds of them; 0 is for nothing but zeros, in a fresh instance as well
const STORED_PAGE = 2;
const CLEARED_PAGE = 3;
const SHORT_TEXT = 4_096; // bytes
const SMALL_BUFFER = 65_536; // bytes
const PROGRESS_PAUSE = 200; // milliseconds; the standard has 50, which five requests make a hundred a second of: more than anybody sees
const CHANGED = "Changed";
const SHORTER = "Shorter";
const HASH_STEP = 8_388_608; // bytes that are hashed without letting anybody else have their turn: a few milliseconds
const READ_STEP = 1_048_576; // bytes; a Blob's stream gives as many when its reader is late, and each time costs a message
const BEING_READ = new Set(); // Chromium may collect a stream of which only the reader is known, and then the reading never ends
const WASM_PAGE = 65_536; // bytes
const KNOCK_AGAIN = 1_000; // milliseconds: whoever comes while a shared worker is ending may not be heard by the next one

/** The protocol's wire form of "the engine cannot work", for when there is no Python to write it. */
function engineFailed(message) {
  return JSON.stringify({ type: "ENGINE_FAILED", version: PROTOCOL_VERSION, message });
}

/** The message by which a guest is known where there can be no cookie. */
function signIn(token) {
  return JSON.stringify({ type: "SIGN_IN", version: PROTOCOL_VERSION, token, isGuest: true });
}

const OUTDATED = JSON.stringify({
  type: "COMMAND_REFUSED",
  version: PROTOCOL_VERSION,
  uploadId: null,
  message: "This page is of another version than the uploader that now works for it. Reload it when its uploads are done.",
});

const FINISHING = JSON.stringify({
  type: "COMMAND_REFUSED",
  version: PROTOCOL_VERSION,
  uploadId: null,
  message: "Another version of the uploader finishes what it has on its way. This page goes on in a moment.",
});

/** A name that no other page or worker has. */
function newName() {
  return `uploads-${performance.timeOrigin}-${Math.random()}`;
}

/** Holds the lock of this name as long as this page or worker lives. False where there are no locks (plain http). */
function holdLock(name) {
  return new Promise((answer) => {
    const forEver = () => new Promise(() => answer(true));
    if (navigator.locks) navigator.locks.request(name, forEver).catch(() => answer(false));
    else answer(false);
  });
}

/** An error in one line. A Python error carries its whole traceback; its last line says what happened. */
function inOneLine(error) {
  const text = String(error?.message || error || "unknown error").trim();
  return text.slice(text.lastIndexOf("\n") + 1).slice(0, 500);
}

/*
 * What the engine's Python does so often that it is done here, as a whole: every step across costs it 10 to 100 µs.
 *
 *   call(url, options, limit)                one request by fetch; options are JSON text. Returns {abort(), answer}: a promise of the
 *                                            JSON text [status, [[name, value] …], text], text of at most limit bytes
 *   put(way, request, body, limit, number, hear)
 *                                            a part by "fetch" or "xhr"; request is JSON text: {url, headers: [[name, value] …], fields, md5}.
 *                                            fields: of a form, whose last field is the body, or null; md5: the body's, or "".
 *                                            hear(number, bytes) is told what has been sent, by "xhr". Returns what call returns; the
 *                                            answer is [0, [], error's name] without a response, and [-1, [], fault] where the body
 *                                            cannot be read any more
 *   slice(file, size, lastModified, offset, length)
 *                                            a slice of a file of which this is known; a fault's name instead
 *   part(file, size, lastModified, offset, length)
 *                                            a promise of the same, looked at
 *   look(body)                               a promise of "", or of the fault's name if a Blob cannot be read any more
 *   form(fields, body)                       {content, headers}: the form alone, and what has to be said of it
 *   read(blob, ranges)                       a promise of an ArrayBuffer: the bytes of [[offset, size] …], JSON text, one after the other
 *   letGo(buffer)                            frees an ArrayBuffer that nobody reads any more
 *   crc64(body)                              {answer, abort()}: the CRC-64/NVME of a Blob or an ArrayBuffer, a promise of hexadecimal digits
 *   putAll(store, records)                   put every object of a JSON list into an IDBObjectStore
 *   ended(transaction)                       a promise of "" once it is complete, or of the error's name
 *   turns(take)                              a function that has take() called soon, after what else waits has had its turn
 *
 * A fault is an error's name, or "Changed" or "Shorter": the file is not what it was.
 */
const EDGE = {
  call(url, options, limit) {
    const { abort, answer } = byFetch(url, JSON.parse(options), limit);
    return { abort, answer: answer.then(JSON.stringify) };
  },

  put(way, request, body, limit, number, hear) {
    const { url, headers, fields, md5 } = JSON.parse(request);
    const form = fields ? EDGE.form(fields, body) : { content: body, headers: [] };
    const settings = {
      method: fields ? "POST" : "PUT",
      headers: [...headers, ...form.headers],
      body: form.content,
      credentials: "omit",
    };
    const size = body.size ?? body.byteLength;
    const sending = way === "xhr" ? byXhr(url, settings, limit, size, (sent) => hear(number, sent)) : byFetch(url, settings, limit);
    const answer = sending.answer.catch((error) => [0, [], error.name]);
    const hasArrived = ([, told]) => md5 && told.some(([name, value]) => name === "etag" && value === `"${md5}"`);
    const looked = answer.then((found) => hasArrived(found) ? "" : EDGE.look(body));
    return { abort: sending.abort, answer: looked.then(async (fault) => JSON.stringify(fault ? [-1, [], fault] : await answer)) };
  },

  slice(file, size, lastModified, offset, length) {
    if (file.size !== size || file.lastModified !== lastModified) return CHANGED;
    const part = file.slice(offset, offset + length);
    return part.size === length ? part : SHORTER;
  },

  async part(...known) {
    const part = EDGE.slice(...known);
    return part instanceof Blob ? await EDGE.look(part) || part : part;
  },

  /**
   * Chromium compares a file's date with the one it saw first whenever it opens it, so one byte stands for all of them: asked before a
   * request, it spares a useless one; asked after, it tells a broken file from a broken line, and finds what Chromium itself misses, a
   * file overwritten in place while it was being sent. What is in memory is always readable, and where the ETag is the MD5 that was
   * expected, the right bytes have arrived.
   */
  async look(body) {
    if (!(body instanceof Blob) || !body.size) return "";
    try {
      return (await body.slice(body.size - 1).arrayBuffer()).byteLength === 1 ? "" : SHORTER;
    } catch (error) {
      return error.name;
    }
  },

  /** What is in memory is written out here: to make a Blob of it costs the browser more than to send it. RFC 7578. */
  form(fields, body) {
    const entries = Object.entries(fields);
    if (body instanceof Blob) {
      const content = new FormData();
      for (const [name, value] of [...entries, ["file", body]]) content.append(name, value);
      return { content, headers: [] };
    }
    const boundary = `form-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
    const head = (name, more = "") => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
    const lines = entries.map(([name, value]) => `${head(name)}${value}\r\n`);
    const before = new TextEncoder().encode(lines.join("") + head("file", '; filename="blob"'));
    const after = new TextEncoder().encode(`\r\n--${boundary}--\r\n`);
    const content = new Uint8Array(before.length + body.byteLength + after.length);
    content.set(before);
    content.set(new Uint8Array(body), before.length);
    content.set(after, before.length + body.byteLength);
    return { content, headers: [["content-type", `multipart/form-data; boundary=${boundary}`]] };
  },

  /** The bytes of ranges [offset, size], one after the other: to read nine at once costs little more than to read one. */
  read(blob, ranges) {
    const pieces = JSON.parse(ranges).map(([offset, size]) => blob.slice(offset, offset + size));
    return (pieces.length === 1 ? pieces[0] : new Blob(pieces)).arrayBuffer();
  },

  /**
   * Frees a large buffer at once, or a hundred megabytes of them wait to be collected: it is sent to a port that is closed. In
   * Chromium buffer.transfer(0) keeps all of its memory.
   */
  letGo(buffer) {
    if (buffer.byteLength <= SMALL_BUFFER) return;
    if (!EDGE.nowhere) {
      const { port1, port2 } = new MessageChannel();
      port2.close();
      EDGE.nowhere = port1;
    }
    EDGE.nowhere.postMessage(buffer, [buffer]);
  },

  crc64(body) {
    let isWanted = true;
    const answer = async () => {
      const { memory, room, update } = await (EDGE.checksums ??= startChecksums());
      const bytes = new Uint8Array(memory.buffer, room.value);
      let crc = -1n;
      for await (const piece of piecesOf(body)) {
        if (!isWanted) return "";
        for (let at = 0; at < piece.length; at += bytes.length) {
          const some = piece.subarray(at, at + bytes.length);
          bytes.set(some);
          crc = update(crc, some.length);
        }
      }
      return BigInt.asUintN(64, ~crc).toString(16);
    };
    return { abort: () => { isWanted = false; }, answer: answer() };
  },

  putAll(store, records) {
    for (const record of JSON.parse(records)) store.put(record);
  },

  ended(transaction) {
    return new Promise((answer) => {
      transaction.oncomplete = () => answer("");
      transaction.onabort = () => answer(transaction.error?.name ?? "AbortError");
    });
  },

  turns(take) {
    const channel = new MessageChannel(); // both ends are known as long as the function is
    channel.port1.onmessage = () => take();
    return () => channel.port2.postMessage(0);
  },
};

/** One request by fetch, which says nothing of its progress. answer: a promise of [status, [[name, value] …], text]. */
function byFetch(url, settings, limit) {
  const controller = new AbortController();
  const answer = async () => {
    const response = await fetch(url, { ...settings, signal: controller.signal });
    return [response.status, [...response.headers], await readText(response, limit)];
  };
  return { abort: () => controller.abort(), answer: answer() };
}

/** The same by XMLHttpRequest. hear(bytes) is called with ever more bytes that have been sent, of so many. */
function byXhr(url, { method, headers, body }, limit, size, hear) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve, reject) => {
    request.open(method, url);
    for (const [name, value] of headers) request.setRequestHeader(name, value);
    request.responseType = "arraybuffer";
    const end = hearProgress(request.upload, size, hear);
    request.onloadend = () => {
      end();
      if (request.status) resolve([request.status, headersOf(request), textOf(request, limit)]);
      else reject(new DOMException("", "NetworkError"));
    };
    request.send(body);
  });
  return { abort: () => request.abort(), answer };
}

/**
 * At most one report in PROGRESS_PAUSE, and the last one: WebKit fires thousands a second, which cost nothing while nobody listens. A
 * browser that repeats a request on a new connection counts from 0 again. Returns the function that ends it.
 */
function hearProgress(upload, size, hear) {
  let timer;
  let most = -1;
  const tell = ({ loaded }) => {
    const sent = Math.min(loaded, size);
    if (sent <= most) return;
    most = sent;
    hear(sent);
  };
  const step = (event) => {
    timer = setTimeout(listen, PROGRESS_PAUSE);
    tell(event);
  };
  const listen = () => upload.addEventListener("progress", step, { once: true });
  upload.addEventListener("load", tell);
  listen();
  return () => {
    clearTimeout(timer);
    upload.removeEventListener("progress", step);
    upload.removeEventListener("load", tell);
  };
}

function headersOf(request) {
  const lines = (request.getAllResponseHeaders() ?? "").split("\r\n").filter(Boolean);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
}

function textOf(request, limit) {
  return request.response ? new TextDecoder().decode(new Uint8Array(request.response).subarray(0, limit)) : "";
}

/** What crc64.wat exports. One serves all: nobody is interrupted between two bytes. */
async function startChecksums() {
  const code = Uint8Array.from(atob(CRC64), (letter) => letter.charCodeAt(0));
  return (await WebAssembly.instantiate(code)).instance.exports;
}

/**
 * The bytes of a Blob or an ArrayBuffer, a piece at a time; each piece's memory is written to again for the next one. A stream that
 * is read into memory of one's own costs Chromium least; what is in memory is given in steps, so that others have their turn.
 */
async function* piecesOf(body) {
  if (body instanceof Blob) {
    const stream = body.stream();
    BEING_READ.add(stream);
    const reader = readerOf(stream);
    try {
      for (let room = new ArrayBuffer(READ_STEP);;) {
        const { done, value } = await reader.read(new Uint8Array(room));
        if (done) return;
        yield value;
        room = value.buffer;
      }
    } finally {
      reader.cancel().catch(() => {});
      BEING_READ.delete(stream);
    }
  }
  for (let start = 0; start < body.byteLength; start += HASH_STEP) {
    await new Promise((go) => setTimeout(go));
    yield new Uint8Array(body, start, Math.min(HASH_STEP, body.byteLength - start));
  }
}

/** Where a Blob's stream takes no memory of others, its reader brings its own, and does not look at what it is given. */
function readerOf(stream) {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return stream.getReader();
  }
}

/** At most limit bytes of a body; the rest is not even fetched. What is short is so at once, even if it was compressed. */
async function readText(response, limit) {
  if (Number(response.headers.get("content-length") ?? Infinity) <= Math.min(limit, SHORT_TEXT)) return response.text();
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let left = limit; left > 0;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
  }
  await reader.cancel();
  return text + decoder.decode();
}

if (!ON_PAGE && globalThis.name.startsWith(INSPECTOR)) {
  runInspector(Number(globalThis.name.slice(INSPECTOR.length)));
} else if (!ON_PAGE) {
  const kind = "onconnect" in globalThis ? "shared" : "dedicated";
  const connect = runWorker(kind, TABS_MEET, close);
  if (kind === "shared") globalThis.onconnect = ({ ports: [port] }) => connect(port, "");
  else globalThis.onmessage = ({ data, ports: [port] }) => connect(port, data);
} else {
  globalThis.uploadWorker = connectPage();
}

/* ------------------------------------------------------------------------------------------------ on a page */

function connectPage() {
  standIn();
  let waiting = []; // to be sent as soon as a worker that leads gives a sign of life; null from then on
  let arrived = [];
  const keep = (...message) => arrived.push(message);
  let listener = keep;
  let introduce = () => {};
  let known = ""; // the worker that Python spoke with last
  let ours = ""; // the worker that this page has a port to
  let own = null; // this page's dedicated worker, or what runs in its place: {port, passOn, end}
  let inLine = false; // for the lock NEXT, or with a worker of its own
  let build = BUILD; // of the worker that this page is to have
  let ending = false; // the worker has said that it drains
  let tabs = null; // the line over the channel, to a worker that is not this page's
  let started = false; // the page's Python, which takes messages from then on
  let greeting = null; // the channel on which this page has told its build, until a worker leads
  let crashes = []; // times of the last minute
  let reason = ""; // of the last one
  const made = new WeakSet(); // files that inspectors have made, where they have to be packed
  let packing = null; // until all that was posted before is
  let hasLongLife = false; // whether this browser has looked at the option
  const line = {
    kind: "none",
    port: null,
    post,
    onMessage,
    onReconnect,
    get outlivesPages() { return line.kind === "shared" && hasLongLife; },
    get leads() { return Boolean(own) && line.port === own.port; },
    attempt,
    listenTo,
    newInspector,
  };
  const takenToken = takeGuestToken();
  const guestToken = IS_WIDGET ? "" : takenToken;
  const tabsMeet = TABS_MEET && !guestToken;
  const query = new URLSearchParams(location.search);
  const forced = query.get("worker") === "dedicated";
  // WebKit's shared workers cannot read files that come from a page of another site.
  const isBlind = IS_WIDGET && navigator.vendor === "Apple Computer, Inc.";
  const longLife = query.get("lifetime") !== "page";

  if (query.has("embed")) document.documentElement.dataset.embed = ""; // before anything is painted
  if (tabsMeet) tellBuild();
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && line.kind !== "page" && connectAnew());
  if (forced || isBlind || guestToken || SCRIPT.origin !== origin || typeof SharedWorker === "undefined") joinTabs();
  else startShared();
  return line;

  function startShared() {
    try {
      const name = (TABS_MEET ? `${NAME} ${build}` : NAME) + MARK;
      const worker = new SharedWorker(SCRIPT, {
        type: "module",
        name,
        get extendedLifetime() { return (hasLongLife = longLife); },
      });
      worker.onerror = (event) => {
        event.preventDefault();
        if (waiting && worker.port === line.port) joinTabs();
      };
      line.kind = "shared";
      use(worker.port);
      hear(worker.port);
      setTimeout(() => waiting && TABS_MEET && knock(), KNOCK_AGAIN);
      if (crashes.length) setTimeout(() => waiting && worker.port === line.port && startShared(), KNOCK_AGAIN);
    } catch {
      joinTabs();
    }
  }

  /** Without a shared worker: to the worker that leads in another tab, and in line for being the next one. */
  function joinTabs() {
    line.kind = "dedicated";
    if (!tabsMeet) {
      startDedicated();
      return;
    }
    knock();
    if (inLine) return;
    inLine = true;
    navigator.locks.request(NEXT, () => new Promise(startDedicated)).catch(() => startDedicated());
  }

  /** passOn: lets another tab stand by. */
  function startDedicated(passOn = () => {}) {
    try {
      const worker = newWorker(tabsMeet ? NAME + MARK : ALONE);
      worker.onerror = (event) => {
        event.preventDefault();
        if (waiting) startHere(passOn);
        else passOn();
      };
      const { port1, port2 } = new MessageChannel();
      worker.postMessage(guestToken, [port2]);
      takeOn(port1, passOn, () => worker.terminate());
    } catch {
      startHere(passOn);
    }
  }

  /** The last resort: no worker, but the worker's half on this page. */
  function startHere(passOn) {
    line.kind = "page";
    const { port1, port2 } = new MessageChannel();
    takeOn(port1, passOn, () => {});
    runWorker(line.kind, false, () => {})(port2, guestToken);
  }

  function takeOn(port, passOn, end) {
    own = { port, passOn, end };
    hear(port);
  }

  function endOwn() {
    own.end();
    own.passOn();
    own = null;
    inLine = false;
  }

  function use(port) {
    if (port === line.port) return;
    line.port?.postMessage({ gone: true });
    line.port?.close();
    line.port = port;
    if (!own) ours = "";
  }

  /** Any worker may say that it leads, and is the one to speak with from then on. */
  function hear(port) {
    port.onmessage = ({ data }) => {
      if (data.alive) {
        if (port === tabs) tabs.worker = data.alive;
        takeUp(port, data.alive, data.build);
      } else if (data.draining) {
        ending = true;
        meet(data.draining);
      } else if (data.stopped !== undefined) {
        reason = data.stopped;
        setTimeout(lost, LAST_BREATH, port, known);
      } else if (data.lock) {
        if (port !== tabs) ours = data.lock;
        navigator.locks.request(data.lock, { mode: "shared" }, () => lost(port, data.lock)).catch(() => {});
      } else if (data.log !== undefined) console[data.level === "error" ? "error" : "info"](`uploads: ${data.log}`);
      else if (port !== line.port) return;
      else if (data.head === undefined) listener(data.body, data.file);
      else listener(data.head, undefined, data); // the rest is read when somebody looks at it
    };
  }

  function takeUp(port, name, itsBuild) {
    if (port !== line.port && !waiting && name === known) {
      port.postMessage({ gone: true }); // a knock was answered that is no longer needed
      return;
    }
    use(port);
    if (port === own?.port) own.passOn();
    greeting?.close();
    if (started) tellStart();
    const kept = waiting ?? [];
    waiting = null;
    ending = false;
    meet(itsBuild);
    if (IS_WIDGET && takenToken) port.postMessage({ body: signIn(takenToken) });
    if (known) introduce(known !== name);
    known = name;
    for (const message of kept) port.postMessage(message);
  }

  /** This page goes along with another build from now on, and says so. */
  function meet(itsBuild) {
    if (itsBuild === build) return;
    build = itsBuild;
    listener(OUTDATED);
  }

  function tellBuild() {
    greeting = new BroadcastChannel(TABS);
    greeting.onmessage = ({ data }) => data.draining === build && listener(FINISHING);
    greeting.postMessage({ build });
  }

  /** A worker that has been waiting for this page's Python goes on. */
  function tellStart() {
    started = true;
    if (!tabsMeet) return;
    const channel = new BroadcastChannel(TABS);
    channel.postMessage({ started });
    channel.close();
  }

  /** Ask the worker that leads in another tab, if there is one, to speak with this page. */
  function knock() {
    tabs ??= openTabs();
    tabs.knock();
  }

  function openTabs() {
    const name = newName();
    const channel = new BroadcastChannel(TABS);
    const held = holdLock(name);
    const opened = {
      knock: () => held.then(() => opened === tabs && channel.postMessage({ knock: name, build: known ? undefined : build })),
      worker: "", // a worker that was busy hears late what was meant for the one before it
      postMessage: (data) => channel.postMessage({ from: name, worker: opened.worker, data }),
      close: () => {},
      end: () => channel.close(),
    };
    channel.onmessage = ({ data }) => {
      if (data.to === name) opened.onmessage(data);
      else if (data.lead && data.lead !== ours) {
        if (line.port === opened) waiting ??= [];
        opened.knock();
      }
    };
    hear(opened);
    return opened;
  }

  /** The page is closed, or put into the back/forward cache: there a worker of its own would lead and do nothing. */
  function leave() {
    if (line.kind === "page") return; // what runs here rests and wakes with the page
    line.port?.postMessage({ gone: true });
    if (own) endOwn();
    tabs?.end();
    tabs = null;
  }

  /** To the worker of before, if it still lives: its first word tells. */
  function connectAnew() {
    waiting ??= [];
    if (line.kind === "shared") startShared();
    else joinTabs();
  }

  /** The worker of this name at the other end of this port is gone. */
  function lost(port, name) {
    if (port === own?.port) endOwn();
    else if (port !== line.port || (port === tabs && name !== known)) return;
    if (port === tabs || ending) {
      connectAnew();
      return;
    }
    console.error(`uploads: the worker stopped. ${reason}`.trim());
    const now = performance.now();
    crashes = [...crashes.filter((at) => now - at < MINUTE), now];
    if (crashes.length > MOST_CRASHES) {
      if (port !== line.port && !waiting) return; // another tab's worker is there
      line.port = null;
      line.kind = "none";
      listener(engineFailed(`The upload worker stopped again and again. ${reason}`.trim()));
      return;
    }
    reason = "";
    if (port === line.port) connectAnew();
    else joinTabs();
  }

  function post(body, file) {
    if (made.has(file) || packing) {
      packing = Promise.all([pack(body, file), packing]).then(([message]) => send(message));
      const last = packing;
      packing.then(() => { if (packing === last) packing = null; });
    } else {
      send(file ? { body, file } : { body });
    }
  }

  function send(message) {
    if (waiting) waiting.push(message);
    else line.port?.postMessage(message);
  }

  /** Firefox's shared workers never read a file of over 1 MiB that a page's own thread has made: they get its bytes. */
  async function pack(body, file) {
    if (!made.has(file)) return file ? { body, file } : { body };
    const { name, type, lastModified } = file;
    const bytes = await file.arrayBuffer().catch(() => null); // too many: the worker says that it cannot be read
    return bytes ? { body, made: { bytes, name, type, lastModified } } : { body, file };
  }

  function onMessage(callback) {
    if (!started) setTimeout(tellStart); // when the task is over in which the page is made
    listener = typeof callback === "function" ? callback : keep;
    const kept = arrived;
    arrived = [];
    for (const message of kept) listener(...message);
  }

  function onReconnect(callback) {
    introduce = typeof callback === "function" ? callback : () => {};
  }

  function listenTo(port, longest, callback) {
    port.onmessage = ({ data }) => {
      const body = typeof data?.body === "string" ? data.body : null;
      callback(body?.length <= longest ? body : null, data?.file ?? null, body?.length ?? 0);
    };
  }

  function newInspector(memory, callback) {
    try {
      const worker = newWorker(`${INSPECTOR}${memory}`);
      const stopped = (reason) => {
        worker.terminate();
        callback("", undefined, reason);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        stopped(inOneLine(event.error ?? event.message));
      };
      worker.onmessage = ({ data }) => {
        if (data.stopped !== undefined) stopped(data.stopped);
        else if (data.log !== undefined) console[data.level === "error" ? "error" : "info"](`inspector: ${data.log}`);
        else {
          if (data.file && navigator.userAgent.includes("Firefox/")) made.add(data.file);
          callback(data.body, data.file);
        }
      };
      return { post: (body, file) => worker.postMessage({ body, file }), end: () => worker.terminate() };
    } catch {
      return null;
    }
  }

  function attempt(target, name, ...args) {
    try {
      return [true, target[name](...args)];
    } catch (error) {
      return [false, `${error?.name ?? "Error"}: ${inOneLine(error)}`];
    }
  }
}

/** PyScript takes these two for granted. Where one is missing or refused something stands in, so that Python starts. */
function standIn() {
  globalThis.Worker ??= class { constructor() { throw new Error("there are no workers here"); } };
  try {
    new BroadcastChannel(TABS).close();
  } catch {
    globalThis.BroadcastChannel = class extends EventTarget { postMessage() {} close() {} };
  }
}

/**
 * A dedicated worker. Its script may be of another origin: a blob imports it then, as soon as there is a message for it.
 * No module: in a sandboxed frame Chromium takes none from a blob.
 */
function newWorker(name) {
  if (SCRIPT.origin === origin) return new Worker(SCRIPT, { type: "module", name });
  const script = `onmessage = (event) => import("${SCRIPT.href}").then(() => onmessage(event)).catch(reportError);`;
  return new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { name });
}

/** The token that came with the page, taken out of its sight; "" where the server knows the guest by a cookie. */
function takeGuestToken() {
  const { dataset } = document.documentElement;
  const token = dataset.guest ?? "";
  delete dataset.guest;
  return DEMO || keepsCookies() ? "" : token;
}

/** Whether cookies like the server's are kept here. Those of a frame on another site, for one, are not. */
function keepsCookies() {
  try {
    document.cookie = "uploads_test=kept; SameSite=Lax";
    const kept = document.cookie.includes("uploads_test=kept");
    document.cookie = "uploads_test=; SameSite=Lax; Max-Age=0";
    return kept;
  } catch {
    return false; // an opaque origin
  }
}

/* --------------------------------------------------------------------------------------------- in the worker */

/**
 * Unpacks a snapshot: Pyodide's header into `header`, which is to be handed to Pyodide as if it were all of it, and the rest
 * where it belongs, into the `memory` of an instance of Pyodide in which nothing has run yet. Two copies of 30 MB are saved
 * that way. py/uploads/server/snapshot.py describes the snapshot and is the other half.
 */
function restore(packed, header, memory) {
  const numbers = new DataView(packed.buffer, packed.byteOffset);
  const [length, headerLength, sumOfFresh] = [4, 8, 12].map((at) => numbers.getUint32(at, true));
  if (String.fromCharCode(...packed.subarray(0, 4)) !== "UWS1") throw new Error("it is no snapshot");
  if (headerLength !== header.length || length - headerLength !== memory.length) throw new Error("it is of another size");
  const kinds = packed.subarray(16, 16 + memory.length / PAGE);
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  let from = 16 + kinds.length + headerLength;
  let sum = 0;
  header.set(packed.subarray(from - headerLength, from));
  for (let page = 0; page < kinds.length; page++) {
    const at = page * PAGE;
    if (kinds[page] === STORED_PAGE) {
      memory.set(packed.subarray(from, from + PAGE), at);
      from += PAGE;
    } else if (kinds[page] === CLEARED_PAGE) {
      memory.fill(0, at, at + PAGE);
    } else if (kinds[page] === FRESH_PAGE) {
      for (let word = at / 4; word < (at + PAGE) / 4; word++) sum = (Math.imul(31, sum) + words[word]) | 0;
    }
  }
  if (from !== packed.length) throw new Error("it is not whole");
  if (sum >>> 0 !== sumOfFresh) throw new Error("it was made for another build of Pyodide");
}

/** Pyodide waits for ever for WebAssembly that a host does not call by its name: while `work` goes on it is set right. */
async function withRightType(work) {
  const asItIs = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const response = await asItIs(...request);
    if (!response.url.endsWith(".wasm") || response.headers.get("Content-Type") === "application/wasm") return response;
    return new Response(response.body, { status: response.status, headers: { "Content-Type": "application/wasm" } });
  };
  try {
    return await work();
  } finally {
    globalThis.fetch = asItIs;
  }
}

async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname.split("/").pop()} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Pyodide. sizes: of the snapshot, or null; loading: the packed snapshot, or a zip of modules to be imported. All is fetched at
 * once, and started after `turn`. library: the part of the standard library that is wanted; null: all of it.
 */
async function loadPython({ sizes, loading, library, turn, log }) {
  const creating = import(new URL("pyodide.asm.mjs", PYODIDE));
  for (const early of [loading, creating]) early.catch(() => {}); // awaited below; until then no failure is an unhandled one
  const { loadPyodide } = await import(new URL("pyodide.mjs", PYODIDE));
  await turn;
  const options = {
    indexURL: PYODIDE.href,
    stdout: (text) => log(text),
    stderr: (text) => log(text, "error"),
    createPyodideModule: async (settings) => {
      if (sizes) settings.INITIAL_MEMORY = sizes[1];
      const module = await (await creating).default(settings);
      if (sizes) restore(await loading, header, module.HEAPU8);
      return module;
    },
  };
  const header = sizes && new Uint8Array(sizes[0]);
  if (library) options.stdLibURL = library.href;
  if (sizes) Object.assign(options, { stdLibURL: NOTHING.href, _loadSnapshot: header }); // what is needed is in the snapshot
  const pyodide = await withRightType(() => loadPyodide(options));
  if (!sizes) {
    pyodide.FS.writeFile("/modules.zip", await loading);
    const sys = pyodide.pyimport("sys");
    sys.path.insert(0, "/modules.zip");
    sys.destroy();
  }
  return pyodide;
}

/** Begin to work. Gives connect(port, guestToken), to be called for every page. end: ends the worker. */
function runWorker(kind, tabsMeet, end) {
  globalThis.uploadEdge = EDGE;
  const ports = [];
  const tabs = new Map(); // the ports that stand for pages in other tabs, by the pages' names
  const channel = tabsMeet ? new BroadcastChannel(TABS) : null;
  let leads = false;
  let draining = false;
  let onPort = null; // Python's, once it runs
  let onDrain = null; // likewise
  let failure = null; // the last message any page will get, once Python cannot run
  let boot = "plain";
  const name = newName();
  const lock = holdLock(name);
  let meet; // the first page, whose token counts: a worker that needs one has no other page
  const met = new Promise((resolve) => { meet = resolve; });
  const turn = awaitTurn();

  if (kind !== "page") {
    globalThis.addEventListener("error", (event) => log(inOneLine(event.error ?? event.message), "error"));
    globalThis.addEventListener("unhandledrejection", (event) => log(inOneLine(event.reason), "error"));
  }

  makeErrorsWhole();

  run().catch(fail);
  return connect;

  function connect(port, guestToken) {
    meet(guestToken);
    ports.push(port);
    port.addEventListener("message", ({ data }) => data?.gone && ports.includes(port) && ports.splice(ports.indexOf(port), 1));
    if (leads) admit(port);
    lock.then((held) => held && port.postMessage({ lock: name }));
  }

  function admit(port) {
    port.postMessage({ alive: name, build: BUILD });
    if (failure) port.postMessage({ body: failure });
    else onPort?.(port);
  }

  async function run() {
    const prepared = prepare();
    prepared.catch(() => {}); // awaited below; until then a failure is not an unhandled one
    if (tabsMeet) await lead();
    leads = true;
    if (channel) channel.onmessage = ({ data }) => hearTab(data);
    channel?.postMessage({ lead: name });
    for (const port of ports) admit(port);
    const main = await prepared.catch(prepare); // what failed while it stood by may work by now
    await main.start({
      kind,
      boot,
      config: { siteUrl: SITE.href, standardLibrary: new URL("python_stdlib.zip", PYODIDE).href, guestToken: await met, demo: DEMO },
      alone: kind !== "shared" && !tabsMeet,
      onPort: takePorts,
      onDrain: (callback) => { onDrain = callback; },
      log,
    });
    main.destroy();
  }

  /**
   * Resolves when a page says that its Python has started. A person looks at the page; with two cores or fewer what this
   * worker computes at the same time, which takes as long afterwards, would make them wait.
   */
  function awaitTurn() {
    return new Promise((go) => {
      if (!channel) return go();
      channel.addEventListener("message", ({ data }) => data.started && go());
      setTimeout(go, PAGE_FIRST);
    });
  }

  /** Resolves when this worker leads. */
  async function lead() {
    let silences = 0;
    let steals = false;
    let asking = 0;
    await new Promise((answer) => {
      const holdForEver = () => new Promise(() => answer());
      navigator.locks.request(LEAD, holdForEver).catch(() => steals || deposed());
      channel.onmessage = ({ data }) => { if (data.awake) silences = 0; };
      const ask = () => {
        channel.postMessage({ asks: true });
        if (silences++ < MOST_SILENCES || steals) return;
        steals = true;
        navigator.locks.request(LEAD, { steal: true }, holdForEver).catch(deposed);
      };
      ask();
      asking = setInterval(ask, ASK_AGAIN);
    });
    clearInterval(asking);
  }

  /** Another worker leads, since this one was asleep. */
  function deposed() {
    for (const port of ports) port.postMessage({ stopped: "It was asleep." });
    end();
  }

  /** Loads Python with the engine's modules: as a snapshot, or where that does not work by importing them. */
  async function prepare() {
    if (SNAPSHOT_SIZES) {
      try {
        return await start(SNAPSHOT_SIZES, fetchBytes(SNAPSHOT));
      } catch (error) {
        log(`Python starts without its snapshot: ${inOneLine(error)}`);
      }
    }
    return start(null, fetchBytes(ENGINE));
  }

  async function start(sizes, loading) {
    const pyodide = await loadPython({ sizes, loading, library: STANDARD_LIBRARY, turn, log });
    pyodide._api.on_fatal = fail;
    boot = sizes ? "snapshot" : "plain";
    return pyodide.pyimport("upload_engine.main");
  }

  function hearTab({ build, asks, knock, from, worker, data }) {
    if (build && build !== BUILD) drain(build);
    else if (asks) channel.postMessage({ awake: name });
    else if (knock) welcome(knock);
    else if (worker !== name) return;
    else if (data.gone) forget(from);
    else tabs.get(from)?.postMessage(data);
  }

  function welcome(page) {
    if (tabs.has(page)) return; // it has knocked twice
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = ({ data }) => channel.postMessage({ to: page, data });
    tabs.set(page, port2);
    navigator.locks.request(page, () => forget(page));
    connect(port1);
  }

  function forget(page) {
    tabs.get(page)?.postMessage({ gone: true });
    tabs.delete(page);
  }

  /** A worker of this other build is to take over. */
  async function drain(build) {
    if (draining) return;
    draining = true;
    for (const port of ports) port.postMessage({ draining: build });
    channel.postMessage({ draining: build });
    const pause = (milliseconds) => new Promise((end) => setTimeout(end, milliseconds));
    await Promise.race([Promise.all([onDrain?.(), pause(LAST_BREATH)]), pause(DRAIN_LIMIT)]).catch(() => {});
    end();
  }

  function takePorts(callback) {
    onPort = callback;
    for (const port of ports) onPort(port);
  }

  function log(text, level = "info") {
    for (const port of ports) port.postMessage({ log: text, level });
  }

  function fail(error) {
    console.error(error);
    if (onPort || !leads) {
      for (const port of ports) port.postMessage({ stopped: inOneLine(error) });
      end();
      return;
    }
    failure = engineFailed(`The upload engine could not start. ${inOneLine(error)}`);
    for (const port of ports) port.postMessage({ body: failure });
  }
}

/**
 * WebKit gives the errors of its own making no stack. Pyodide takes an object without one for no error at all, and
 * Python that awaits such a promise (a fetch that failed, a file that cannot be read) waits for ever.
 */
function makeErrorsWhole() {
  if (!("stack" in Error.prototype)) Error.prototype.stack = "";
}

/** A worker that runs a site's inspectors, in a heap of so many bytes at the most. */
async function runInspector(memory) {
  const jobs = [];
  let onJob = (...job) => jobs.push(job);
  globalThis.onmessage = ({ data }) => onJob(data.body, data.file);
  const stop = (error) => postMessage({ stopped: inOneLine(error) });
  const log = (text, level = "info") => postMessage({ log: text, level });
  makeErrorsWhole();
  limitMemory(memory);
  try {
    const pyodide = await loadPython({ sizes: null, loading: fetchBytes(INSPECTORS), library: null, log });
    pyodide._api.on_fatal = stop;
    const main = pyodide.pyimport("upload_inspectors.main");
    await main.start({
      vendored: PACKAGES.href,
      siteUrl: SITE.href,
      tell: (body, file) => postMessage({ body, file }),
      onJob(callback) {
        onJob = callback;
        for (const job of jobs) callback(...job);
      },
      log,
    });
  } catch (error) {
    stop(error);
  }
}

/** What a heap would grow to beyond that is refused: Python raises MemoryError then. */
function limitMemory(most) {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function growWithin(pages) {
    if (this.buffer.byteLength + pages * WASM_PAGE > most) throw new RangeError("no more memory is allowed here");
    return grow.call(this, pages);
  };
}
