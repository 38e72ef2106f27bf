/*
 * The service worker: with it the site opens without a network, once it has been visited.
 *
 * It keeps the files that the site's build lists, answers for them and for the page itself, and for nothing else: calls to
 * the signing server and uploads it does not touch. (A service worker that answers a PUT takes its progress away.) Files
 * below assets/ never change under their address; index.html belongs to this version; config.json may be changed where the
 * site is published, so it is answered from here and looked at anew for the next time.
 *
 * A newer version is fetched in the background and waits. Messages from the page:
 *
 *   "keep all"      make sure that everything is kept (it may have been removed, or evicted), and say so on the port that
 *                   comes with it
 *   "take over"     the newer version is to be used from now on; the page reloads itself
 *   "shared files"  hand over, on the port that comes with it, the files that another program has shared with this one:
 *                   a list of File, each one once
 *
 * The version before keeps its files for one more, for pages that are still open.
 */

const VERSION = "unbuilt"; // the site's build puts in its own name, and the addresses of what is to be kept
const FILES = [];

const SCOPE = new URL("./", location.href).pathname;
const PREFIX = `uploads site ${SCOPE} `;
const CACHE = PREFIX + VERSION;
const SHARED = `uploads shared ${SCOPE}`;
const PAGE = "index.html";
const CONFIG = "config.json";
const KNOWN = new Set(FILES);

addEventListener("install", (event) => {
  // Where a browser takes it, it does not even ask here about uploads.
  event.addRoutes?.([{ condition: { requestMethod: "PUT" }, source: "network" }])?.catch(() => {});
  event.waitUntil(keepAll());
});
addEventListener("activate", (event) => event.waitUntil(begin()));
addEventListener("fetch", (event) => {
  const answer = answerTo(event);
  if (answer) event.respondWith(answer);
});
addEventListener("message", (event) => {
  if (event.data === "keep all") event.waitUntil(keepAll().then(begin).then(() => event.ports[0].postMessage("kept")));
  else if (event.data === "take over") skipWaiting();
  else if (event.data === "shared files") event.waitUntil(handOver(event.ports[0]));
});

async function keepAll() {
  const [cache, before] = await Promise.all([caches.open(CACHE), ofBefore()]);
  await Promise.all(FILES.map(async (path) => {
    if (await cache.match(path)) return;
    const old = isLasting(path) ? await before?.match(path) : undefined;
    if (old) await cache.put(path, old);
    else await cache.add(new Request(path, { cache: isLasting(path) ? "default" : "no-cache" }));
  }));
}

/** The cache of the version that was installed last. */
async function ofBefore() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  return names.length ? caches.open(names.at(-1)) : undefined;
}

async function begin() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(names.slice(0, -2).map((name) => caches.delete(name)));
  await clients.claim();
}

/** Whether a file never changes under its address. */
function isLasting(path) {
  return path.startsWith("assets/");
}

/** The answer to a request, or nothing: then it goes its way as if nobody were here. */
function answerTo(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || !url.pathname.startsWith(SCOPE)) return undefined;
  const path = url.pathname.slice(SCOPE.length) || PAGE;
  const isPage = request.mode === "navigate" && path === PAGE;
  if (request.method === "POST" && isPage && url.searchParams.has("share")) return takeShared(request);
  if (request.method !== "GET" || (request.mode === "navigate" && !isPage)) return undefined;
  // In a frame the page comes with a token where there are no cookies: only the server can give one.
  if (isPage && request.destination !== "document") return fetch(request).catch(() => kept(PAGE));
  if (path === CONFIG) return renewed(event, path);
  if (KNOWN.has(path)) return kept(path, request);
  return isLasting(path) ? keptFromNowOn(path, request) : undefined;
}

async function kept(path, request = new Request(path)) {
  return (await ofThis(path)) ?? fetch(request);
}

async function ofThis(path) {
  return (await (await caches.open(CACHE)).match(path)) ?? caches.match(path); // or of the version before
}

/** What is kept, and for the next time what the host says now. */
async function renewed(event, path) {
  const cache = await caches.open(CACHE);
  const coming = fetch(path, { cache: "no-cache" }).then(async (answer) => {
    if (answer.ok) await cache.put(path, answer.clone());
    return answer;
  });
  const here = await cache.match(path);
  if (!here) return coming;
  event.waitUntil(coming.catch(() => {}));
  return here;
}

/** A file that hardly anybody needs is kept once it was asked for. */
async function keptFromNowOn(path, request) {
  const here = await ofThis(path);
  if (here) return here;
  const answer = await fetch(request);
  if (answer.ok && answer.type === "basic") await (await caches.open(CACHE)).put(path, answer.clone());
  return answer;
}

/** Another program shares files: they wait here until the page that is opened by it asks for them. */
async function takeShared(request) {
  const cache = await caches.open(SHARED);
  const files = (await request.formData()).getAll("files").filter((file) => file instanceof File);
  await Promise.all(files.map((file, number) => cache.put(`shared/${Date.now()}-${number}`, new Response(file, {
    headers: {
      "Content-Type": file.type || "application/octet-stream",
      "X-Name": encodeURIComponent(file.name),
      "X-Last-Modified": String(file.lastModified),
    },
  }))));
  return Response.redirect("./?shared", 303);
}

async function handOver(port) {
  const cache = await caches.open(SHARED);
  const files = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    files.push(new File([await response.blob()], decodeURIComponent(response.headers.get("X-Name")), {
      type: response.headers.get("Content-Type"),
      lastModified: Number(response.headers.get("X-Last-Modified")),
    }));
    await cache.delete(request);
  }
  port.postMessage(files);
}
