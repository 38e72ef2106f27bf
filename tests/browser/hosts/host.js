/*
 * A page that embeds the widget, and keeps all that it hears. Its query: widget (the address to frame), target (who may
 * read the answer), sandbox (the frame's), silent (answers nothing by itself).
 */
const query = new URLSearchParams(location.search);
const frame = document.querySelector("iframe");
const offers = []; // every message to this window: {origin, data}
const news = []; // every message over the port that was handed over first
const laterNews = []; // and over any other one
let port = null;

addEventListener("message", ({ origin, data }) => {
  offers.push({ origin, data });
  if (data?.type === "upload-widget:ready" && !query.has("silent")) connect({ nonce: data.nonce });
});

/** One answer; `change`: what differs from a right one. The first one's port is the one that is used. */
function connect(change, ports = 1, target = frame.contentWindow) {
  const channels = Array.from({ length: ports }, () => new MessageChannel());
  const heard = port ? laterNews : news;
  for (const { port1 } of channels) {
    port1.onmessage = ({ data }) => heard.push(JSON.parse(data.body));
    port ??= port1;
  }
  const message = { type: "upload-widget:connect", version: 1, ...change };
  target.postMessage(message, query.get("target"), channels.map(({ port2 }) => port2));
  return channels.map(({ port1 }) => port1);
}

function say(type, fields, file) {
  port.postMessage({ body: JSON.stringify({ type, ...fields }), file });
}

/** A new file that nobody has seen before, and the SHA-256 of its bytes. */
async function makeFile(name, size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, size)));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [new File([bytes], name), [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")];
}

async function addFile(name, size, fields) {
  const [file, digest] = await makeFile(name, size);
  say("ADD_FILE", fields, file);
  return digest;
}

if (query.has("sandbox")) frame.sandbox = query.get("sandbox");
if (query.has("widget")) frame.src = query.get("widget");
