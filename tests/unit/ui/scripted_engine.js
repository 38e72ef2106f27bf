// Stands where worker/upload_worker.js stands, so that a test decides what the page hears: states that a real engine
// reaches only by accident can be looked at one by one. `engine.posted` is what the page sent.
let listener = null;
const waiting = [];
let reconnected = null;

const engine = {
  posted: [],
  known: [],
  tell(message, handle) {
    const body = JSON.stringify({ version: 1, ...message });
    if (listener) listener(body, handle);
    else waiting.push([body, handle]);
  },
  reconnect(anew) {
    reconnected(anew);
  },
  ready(pages = 1) {
    const capabilities = { worker: "shared", storage: "memory", transports: ["xhr"], python: "3.14.0", boot: "snapshot", warnings: ["No storage here."] };
    engine.tell({ type: "ENGINE_READY", capabilities, uploadIds: engine.known, pages });
  },
  // a snapshot of a 300 MB file, in a phase, at so many percent
  show(uploadId, phase, percent = 0, { name = "film.mov", error = null, status = null, startedAt = 1, fileAccess = "choose" } = {}) {
    const ends = ["paused", "completed", "failed", "cancelled"];
    const waits = phase === "waiting-for-file" ? "paused" : "uploading";
    engine.tell({
      type: "UPLOAD_SNAPSHOT",
      session: {
        projectId: "default", uploadId, s3Key: "key", nextPartNumber: 1, phase,
        status: status ?? (ends.includes(phase) ? phase : waits), progress: percent, startedAt, lastActivity: startedAt,
        fileSize: 3e8, fileName: name, chunkSize: 16777216, contentType: "video/quicktime", userId: "guest",
        partsUploaded: 0, objectUrl: phase === "completed" ? "s3/object?key=key" : null, etag: null, checksum: null, checked: null, fileAccess, rank: startedAt,
      },
      progress: {
        projectId: "default", progress: percent, uploadedBytes: Math.floor(percent * 3e6), totalBytes: 3e8,
        currentChunk: 1, totalChunks: 18, estimatedTimeRemaining: 12, speed: 24e6,
      },
      error,
      partsJson: ["[]"],
    });
  },
};

globalThis.engine = engine;
globalThis.uploadWorker = {
  kind: "shared",
  port: null,
  outlivesPages: false,
  leads: false,
  post: (body, file) => { engine.posted.push({ ...JSON.parse(body), fileName: file?.name }); },
  onMessage: (callback) => {
    listener = callback;
    for (const message of waiting.splice(0)) listener(...message);
  },
  onReconnect: (callback) => { reconnected = callback; },
  attempt: (target, name, ...values) => {
    try {
      return [true, target[name](...values)];
    } catch (error) {
      return [false, String(error)];
    }
  },
};
