// The limit: a worker that does nothing but PUT slices of files to signed URLs with fetch, three of a file and five in all at a
// time, as many as the engine has on the way. What it asks of the signing server is what the engine asks: create, all URLs at once, complete.
const OF_A_FILE = 3;
const AT_A_TIME = 5;
let origin; // the script is a blob: it has no address of its own
const headers = { "Content-Type": "application/json" };

async function call(path, body) {
  const answer = await fetch(origin + path, { method: "POST", headers, credentials: "include", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function partSize(size) {
  const mib = 2 ** 20;
  return size < 100e6 ? 8 * mib : size <= 1e9 ? 16 * mib : 32 * mib;
}

async function upload(file, put) {
  const { key, uploadId } = await call("/s3/multipart", { filename: file.name, type: "application/octet-stream", metadata: {} });
  const size = partSize(file.size);
  const count = Math.ceil(file.size / size);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const query = `?key=${encodeURIComponent(key)}`;
  const batch = `/s3/multipart/${encodeURIComponent(uploadId)}/batch${query}&partNumbers=${numbers.join(",")}`;
  const answer = await fetch(origin + batch, { credentials: "include" });
  if (!answer.ok) throw new Error(`${batch}: ${answer.status} ${await answer.text()}`);
  const { presignedUrls } = await answer.json();
  const ofFile = limited(OF_A_FILE);
  const parts = await Promise.all(
    numbers.map((number) =>
      ofFile(() => put(async () => {
        const body = file.slice((number - 1) * size, number * size);
        const stored = await fetch(presignedUrls[number], { method: "PUT", body });
        if (!stored.ok) throw new Error(`part ${number}: ${stored.status}`);
        return { PartNumber: number, ETag: stored.headers.get("ETag") };
      })),
    ),
  );
  await call(`/s3/multipart/${encodeURIComponent(uploadId)}/complete${query}`, { parts });
}

/** Runs jobs, so many at a time, in order. */
function limited(most) {
  let free = most;
  const waiting = [];
  return async (job) => {
    if (free) free -= 1;
    else await new Promise((go) => waiting.push(go));
    try {
      return await job();
    } finally {
      if (waiting.length) waiting.shift()();
      else free += 1;
    }
  };
}

self.onmessage = async ({ data: { origin: site, files } }) => {
  origin = site;
  const put = limited(AT_A_TIME);
  try {
    await Promise.all(files.map((file) => upload(file, put)));
    self.postMessage("done");
  } catch (error) {
    self.postMessage(String(error));
  }
};
