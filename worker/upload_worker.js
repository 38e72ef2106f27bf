/*
 * The upload worker's JavaScript, in two halves that share one address.
 *
 * Loaded by a page (<script type="module" src="worker/upload_worker.js">) it starts itself as a worker and leaves
 * `globalThis.uploadWorker` for the page's Python:
 *
 *   kind                         "shared", "dedicated" or "none": what runs (it can change once, from shared to dedicated)
 *   port                         the MessagePort to the worker, or null
 *   post(body, file)             send one message: body is JSON text, file an optional File or FileSystemFileHandle
 *   onMessage(callback)          callback(body) for every message; those that came before are kept and given first.
 *                                One callback at a time; null goes back to keeping
 *   onReconnect(callback)        callback(anew) when the page has to introduce itself once more: it is back from the
 *                                back/forward cache, or (anew is true) another worker stands in for one that is gone
 *   attempt(target, name, …args) call target[name](…args); [true, value] or [false, "what went wrong"], never throws
 *
 * Loaded as a worker it starts Pyodide from ../vendor/pyodide/, puts engine.zip on Python's path and calls
 * `upload_engine.main.start(host)` once, with
 *
 *   host.kind                    "shared" or "dedicated"
 *   host.config                  {siteUrl}: the address of the directory that holds index.html, ending with "/"
 *   host.onPort(callback)        callback(port) for every page's MessagePort, first those that are here already, in
 *                                order. A port keeps its messages until Python calls port.start(). Give a
 *                                create_proxy; it is kept for good.
 *   host.log(text, level)        a line for the consoles of all connected pages; level is "info" (default) or "error"
 *
 * On the port a page's message is {body, file?}, and {gone} when it is closed or left: Chromium throws a page out of the
 * back/forward cache when a shared worker speaks to it there. The engine's is {body}. Between the two halves alone go
 * {alive} (the script runs; the name of this worker), {lock}, {stopped} and {log, level}. No string is ever evaluated
 * here: the worker's content security policy needs 'wasm-unsafe-eval' and nothing more.
 *
 * A worker that is killed cannot say so. It holds a Web Lock as long as it lives, and {lock} tells its name: whoever is
 * granted that lock, too, knows that the worker is gone. An engine that stops for a bug or for want of memory says
 * {stopped} and ends its worker. The page then starts another one, up to MOST_CRASHES times within a minute.
 */

const SCRIPT = new URL(import.meta.url);
const PYODIDE = new URL("../vendor/pyodide/", SCRIPT);
const ENGINE = new URL("engine.zip", SCRIPT);
const SITE = new URL("../", SCRIPT);
const PROTOCOL_VERSION = 1;
const MOST_CRASHES = 3;
const MINUTE = 60_000; // milliseconds
const LAST_BREATH = 500; // milliseconds that a worker without locks is given to end
const KNOCK_AGAIN = 1_000; // milliseconds: whoever comes while a shared worker is ending may not be heard by the next one

/** The protocol's wire form of "the engine cannot work", for when there is no Python to write it. */
function engineFailed(message) {
  return JSON.stringify({ type: "ENGINE_FAILED", version: PROTOCOL_VERSION, message });
}

/** An error in one line. A Python error carries its whole traceback; its last line says what happened. */
function inOneLine(error) {
  const text = String(error?.message || error || "unknown error").trim();
  return text.slice(text.lastIndexOf("\n") + 1).slice(0, 500);
}

if (typeof document === "undefined") runWorker();
else globalThis.uploadWorker = connectPage();

/* ------------------------------------------------------------------------------------------------ on a page */

function connectPage() {
  let waiting = []; // to be sent as soon as the worker's script gives a sign of life; null from then on
  let arrived = [];
  const keep = (body) => arrived.push(body);
  let listener = keep;
  let introduce = () => {};
  let known = ""; // the worker that Python spoke with last
  let crashes = []; // times of the last minute
  let reason = ""; // of the last one
  const line = { kind: "none", port: null, post, onMessage, onReconnect, attempt };
  const forced = new URLSearchParams(location.search).get("worker") === "dedicated";

  addEventListener("pagehide", () => line.kind === "shared" && line.port?.postMessage({ gone: true }));
  addEventListener("pageshow", (event) => event.persisted && line.kind === "shared" && connectAnew());
  if (forced || typeof SharedWorker === "undefined") startDedicated();
  else startShared();
  return line;

  function startShared() {
    try {
      const worker = new SharedWorker(SCRIPT, { type: "module", name: "uploads" });
      worker.onerror = (event) => {
        event.preventDefault();
        if (waiting && worker.port === line.port) startDedicated();
      };
      use(worker.port, "shared");
      if (crashes.length) setTimeout(() => waiting && worker.port === line.port && startShared(), KNOCK_AGAIN);
    } catch {
      startDedicated();
    }
  }

  function startDedicated() {
    try {
      const worker = new Worker(SCRIPT, { type: "module", name: "uploads" });
      worker.onerror = (event) => {
        if (waiting) listener(engineFailed(`The upload worker could not be loaded. ${event.message || ""}`.trim()));
      };
      const channel = new MessageChannel();
      worker.postMessage(null, [channel.port2]);
      use(channel.port1, "dedicated");
    } catch (error) {
      line.kind = "none";
      line.port = null;
      listener(engineFailed(`This browser cannot start a worker here. ${inOneLine(error)}`));
    }
  }

  function use(port, kind) {
    line.port?.postMessage({ gone: true });
    line.port?.close();
    line.port = port;
    line.kind = kind;
    port.onmessage = ({ data }) => {
      if (data.alive) {
        const kept = waiting ?? [];
        waiting = null;
        if (known) introduce(known !== data.alive);
        known = data.alive;
        for (const message of kept) port.postMessage(message);
      } else if (data.stopped !== undefined) {
        reason = data.stopped;
        setTimeout(lost, LAST_BREATH, port);
      } else if (data.lock) navigator.locks.request(data.lock, { mode: "shared" }, () => lost(port)).catch(() => {});
      else if (data.log !== undefined) console[data.level === "error" ? "error" : "info"](`uploads: ${data.log}`);
      else listener(data.body);
    };
  }

  /** To the worker of before, if it still lives: its first word tells. */
  function connectAnew() {
    waiting = [];
    if (line.kind === "shared") startShared();
    else startDedicated();
  }

  /** The worker at the other end of this port is gone. */
  function lost(port) {
    if (port !== line.port) return;
    console.error(`uploads: the worker stopped. ${reason}`.trim());
    const now = performance.now();
    crashes = [...crashes.filter((at) => now - at < MINUTE), now];
    if (crashes.length > MOST_CRASHES) {
      line.port = null;
      line.kind = "none";
      listener(engineFailed(`The upload worker stopped again and again. ${reason}`.trim()));
      return;
    }
    reason = "";
    connectAnew();
  }

  function post(body, file) {
    const message = file ? { body, file } : { body };
    if (waiting) waiting.push(message);
    else line.port?.postMessage(message);
  }

  function onMessage(callback) {
    listener = typeof callback === "function" ? callback : keep;
    const kept = arrived;
    arrived = [];
    for (const body of kept) listener(body);
  }

  function onReconnect(callback) {
    introduce = typeof callback === "function" ? callback : () => {};
  }

  function attempt(target, name, ...args) {
    try {
      return [true, target[name](...args)];
    } catch (error) {
      return [false, `${error?.name ?? "Error"}: ${inOneLine(error)}`];
    }
  }
}

/* --------------------------------------------------------------------------------------------- in the worker */

function runWorker() {
  const kind = "onconnect" in globalThis ? "shared" : "dedicated";
  const ports = [];
  let onPort = null; // Python's, once it runs
  let failure = null; // the last message any page will get, once Python cannot run
  const name = `uploads-${performance.timeOrigin}-${Math.random()}`;
  const lock = holdLock();

  globalThis[kind === "shared" ? "onconnect" : "onmessage"] = ({ ports: [port] }) => {
    ports.push(port);
    port.addEventListener("message", ({ data }) => data?.gone && ports.includes(port) && ports.splice(ports.indexOf(port), 1));
    port.postMessage({ alive: name });
    lock.then((held) => held && port.postMessage({ lock: name }));
    if (failure) port.postMessage({ body: failure });
    else onPort?.(port);
  };
  globalThis.addEventListener("error", (event) => log(inOneLine(event.error ?? event.message), "error"));
  globalThis.addEventListener("unhandledrejection", (event) => log(inOneLine(event.reason), "error"));

  // WebKit gives the errors of its own making no stack. Pyodide takes an object without one for no error at all, and
  // Python that awaits such a promise (a fetch that failed, a file that cannot be read) waits for ever.
  if (!("stack" in Error.prototype)) Error.prototype.stack = "";

  boot().catch(fail);

  /** Holds the lock of this name as long as this worker lives. Resolves with false where there are no locks (plain http). */
  function holdLock() {
    return new Promise((answer) => {
      const forEver = () => new Promise(() => answer(true));
      if (navigator.locks) navigator.locks.request(name, forEver).catch(() => answer(false));
      else answer(false);
    });
  }

  async function boot() {
    const archive = fetchBytes(ENGINE);
    archive.catch(() => {}); // awaited below; until then a failure is not an unhandled one
    const { loadPyodide } = await import(new URL("pyodide.mjs", PYODIDE));
    const pyodide = await loadPyodide({
      indexURL: PYODIDE.href,
      stdout: (text) => log(text),
      stderr: (text) => log(text, "error"),
    });
    pyodide._api.on_fatal = fail;
    pyodide.FS.writeFile("/engine.zip", await archive);
    const sys = pyodide.pyimport("sys");
    sys.path.insert(0, "/engine.zip");
    sys.destroy();
    const main = pyodide.pyimport("upload_engine.main");
    await main.start({ kind, config: { siteUrl: SITE.href }, onPort: takePorts, log });
    main.destroy();
  }

  async function fetchBytes(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url.pathname.split("/").pop()} answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
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
    if (onPort) {
      for (const port of ports) port.postMessage({ stopped: inOneLine(error) });
      close();
      return;
    }
    failure = engineFailed(`The upload engine could not start. ${inOneLine(error)}`);
    for (const port of ports) port.postMessage({ body: failure });
  }
}
