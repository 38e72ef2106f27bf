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
 * On the port a page's message is {body, file?}, and {gone} when it is closed or left for good (a page that may come
 * back from the back/forward cache stays); the engine's is {body}. Between the two halves alone go {alive} (the script
 * runs) and {log, level}. No string is ever evaluated here: the worker's content security policy needs
 * 'wasm-unsafe-eval' and nothing more.
 */

const SCRIPT = new URL(import.meta.url);
const PYODIDE = new URL("../vendor/pyodide/", SCRIPT);
const ENGINE = new URL("engine.zip", SCRIPT);
const SITE = new URL("../", SCRIPT);
const PROTOCOL_VERSION = 1;

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
  let unanswered = []; // what was sent before the worker's script gave a sign of life: a fall-back hears it again
  let arrived = [];
  const keep = (body) => arrived.push(body);
  let listener = keep;
  const line = { kind: "none", port: null, post, onMessage, attempt };
  const forced = new URLSearchParams(location.search).get("worker") === "dedicated";

  addEventListener("pagehide", (event) => event.persisted || line.port?.postMessage({ gone: true }));
  if (forced || typeof SharedWorker === "undefined") startDedicated();
  else startShared();
  return line;

  function startShared() {
    try {
      const worker = new SharedWorker(SCRIPT, { type: "module", name: "uploads" });
      worker.onerror = (event) => {
        event.preventDefault();
        if (unanswered) startDedicated();
      };
      use(worker.port, "shared");
    } catch {
      startDedicated();
    }
  }

  function startDedicated() {
    try {
      const worker = new Worker(SCRIPT, { type: "module", name: "uploads" });
      worker.onerror = (event) => {
        if (unanswered) listener(engineFailed(`The upload worker could not be loaded. ${event.message || ""}`.trim()));
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
    line.port?.close();
    line.port = port;
    line.kind = kind;
    port.onmessage = ({ data }) => {
      if (data.alive) unanswered = null;
      else if (data.log !== undefined) console[data.level === "error" ? "error" : "info"](`uploads: ${data.log}`);
      else listener(data.body);
    };
    for (const message of unanswered ?? []) port.postMessage(message);
  }

  function post(body, file) {
    const message = file ? { body, file } : { body };
    unanswered?.push(message);
    line.port?.postMessage(message);
  }

  function onMessage(callback) {
    listener = typeof callback === "function" ? callback : keep;
    const waiting = arrived;
    arrived = [];
    for (const body of waiting) listener(body);
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

  globalThis[kind === "shared" ? "onconnect" : "onmessage"] = ({ ports: [port] }) => {
    ports.push(port);
    port.addEventListener("message", ({ data }) => data?.gone && ports.includes(port) && ports.splice(ports.indexOf(port), 1));
    port.postMessage({ alive: true });
    if (failure) port.postMessage({ body: failure });
    else onPort?.(port);
  };
  globalThis.addEventListener("error", (event) => log(inOneLine(event.error ?? event.message), "error"));
  globalThis.addEventListener("unhandledrejection", (event) => log(inOneLine(event.reason), "error"));

  // WebKit gives the errors of its own making no stack. Pyodide takes an object without one for no error at all, and
  // Python that awaits such a promise (a fetch that failed, a file that cannot be read) waits for ever.
  if (!("stack" in Error.prototype)) Error.prototype.stack = "";

  boot().catch(fail);

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
    failure = engineFailed(`The upload engine could not start, or stopped. ${inOneLine(error)}`);
    for (const port of ports) port.postMessage({ body: failure });
  }
}
