// AWS's own uploader, bundled for the bench: globalThis.peer.start(options) makes one whose files are those of an <input>. It signs in
// the page, with the store's own keys, as its users do with keys that were handed out to them for a while.
import { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const FILES_AT_ONCE = 6;

globalThis.peer = {
  start({ endpoint, bucket, accessKeyId, secretAccessKey }) {
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: true, id: "peer" });
    document.body.append(input);
    const credentials = { accessKeyId, secretAccessKey };
    // "WHEN_REQUIRED": what its makers advise for stores that are not AWS's.
    const settings = { endpoint, region: "us-east-1", forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" };
    const client = new S3Client({ ...settings, credentials });
    Object.assign(this, {
      failures: [],
      upload() {
        this.done = null;
        const waiting = [...input.files];
        const send = async () => {
          for (let file; (file = waiting.shift()); ) {
            const params = { Bucket: bucket, Key: `uploads/bench/${file.name}`, Body: file, ContentType: "application/octet-stream" };
            await new Upload({ client, params }).done();
          }
        };
        Promise.all(Array.from({ length: FILES_AT_ONCE }, send)).then(
          () => { this.done = { failed: [] }; },
          (error) => { this.failures.push(String(error)); this.done = { failed: ["one"] }; },
        );
      },
    });
  },
};
