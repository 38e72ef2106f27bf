// Runs the shared checks in one interpreter: `node run_checks.mjs job.json` (written by test_interpreters.py).
import { readFileSync } from "node:fs";

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));

const RUN = `
import sys
sys.path.insert(0, "/code")
failed = 0
for module_name in MODULES:
    module = __import__("tests.interpreters.checks." + module_name, None, None, [module_name])
    for name in sorted(dir(module)):
        check = getattr(module, name)
        # check_upload_config and its like are imported, not checks of this module
        if name.startswith("check_") and name in OWN[module_name]:
            try:
                check()
                print("passed " + module_name + "." + name)
            except Exception as error:
                failed += 1
                print("FAILED " + module_name + "." + name)
                if hasattr(sys, "print_exception"):
                    sys.print_exception(error)
                else:
                    import traceback
                    traceback.print_exception(error)
if failed:
    raise SystemExit(str(failed) + " checks failed")
`;

const own = {};
for (const name of job.modules) {
  const source = job.files[`/code/tests/interpreters/checks/${name}.py`];
  own[name] = [...source.matchAll(/^def (check_\w+)/gm)].map((match) => match[1]);
}
const program = `MODULES = ${JSON.stringify(job.modules)}\nOWN = ${JSON.stringify(own)}\n${RUN}`;

// What a page provides to uploads.client.link: a worker's port that keeps what is posted, a file, and a handle.
const posted = [];
let listener = null;
let reconnected = null;
let refusing = false;
let persistenceAsked = 0;
const page = new EventTarget(); // both the window and the document
const aFile = new File(["x"], "a\u202e.bin");
Object.defineProperty(aFile, "size", { value: 3 * 1024 ** 3 });
let asked = 0;
const aHandle = {
  name: "kept.bin",
  requestPermission: async () => { asked += 1; },
  [Symbol.toStringTag]: "FileSystemFileHandle",
};
Object.assign(globalThis, {
  aFile,
  posted,
  forgetPosted: () => { posted.length = 0; },
  refusePosts: (refuse) => { refusing = refuse; },
  sameFile: (file) => file === aFile,
  deliver: (...message) => listener?.(...message),
  aHandle,
  asked: () => asked,
  reconnect: (anew) => reconnected?.(anew),
  addEventListener: page.addEventListener.bind(page),
  removeEventListener: page.removeEventListener.bind(page),
  giveStorage: () => {
    const persist = () => { persistenceAsked += 1; return Promise.resolve(true); };
    Object.defineProperty(navigator, "storage", { value: { persist, [Symbol.toStringTag]: "StorageManager" }, configurable: true });
  },
  persistenceAsked: () => persistenceAsked,
  document: Object.assign(page, { visibilityState: "hidden" }),
  happen: (event, visibility) => {
    page.visibilityState = visibility;
    page.dispatchEvent(new Event(event));
  },
  uploadWorker: {
    kind: "dedicated",
    onMessage: (callback) => { listener = callback; },
    onReconnect: (callback) => { reconnected = callback; },
    post: (body, file) => {
      if (refusing) throw new Error("DataCloneError");
      posted.push({ body, file });
    },
    attempt: (target, method, ...args) => {
      try {
        return [true, target[method](...args)];
      } catch (error) {
        return [false, String(error)];
      }
    },
  },
});

const write = (fs, path, text) => {
  const folders = path.split("/").slice(1, -1);
  for (let depth = 1; depth <= folders.length; depth += 1) {
    const folder = "/" + folders.slice(0, depth).join("/");
    if (!fs.analyzePath(folder).exists) fs.mkdir(folder);
  }
  fs.writeFile(path, text);
};

let python;
if (job.interpreter === "micropython") {
  const { loadMicroPython } = await import(job.entry);
  python = await loadMicroPython({ stdout: (line) => console.log(line), linebuffer: true, heapsize: 8 * 1024 * 1024 });
} else {
  const { loadPyodide } = await import(job.entry);
  python = await loadPyodide({ stdout: (line) => console.log(line) });
}
globalThis.navigator ??= {}; // newer versions of Node have one
for (const [path, text] of Object.entries(job.files)) write(python.FS, path, text);
try {
  python.runPython(program);
} catch (error) {
  console.log(error.message); // left uncaught, Node would print Pyodide's whole source beside it
  process.exit(1);
}
process.exit(0);
