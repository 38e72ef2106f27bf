// An unchanged Uppy, bundled for the tests: globalThis.peer.start(options) makes one whose files are those of an <input>.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";

globalThis.peer = {
  start(options) {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.id = "peer";
    document.body.append(input);
    const uppy = new Uppy({ autoProceed: false });
    uppy.use(AwsS3, { ...options, shouldUseMultipart: (file) => file.size > 5 * 2 ** 20 });
    const progress = {};
    uppy.on("upload-progress", (file, { bytesUploaded }) => {
      progress[file.name] = Math.max(progress[file.name] ?? 0, bytesUploaded);
    });
    const failures = [];
    uppy.on("upload-error", (file, error) => failures.push(`${file?.name}: ${error.message}`));
    Object.assign(this, {
      uppy,
      progress,
      failures,
      upload() {
        for (const file of input.files) uppy.addFile({ name: file.name, type: file.type, data: file });
        this.done = null;
        uppy.upload().then(({ successful, failed }) => {
          this.done = {
            successful: Object.fromEntries(successful.map((file) => [file.name, file.response.body.key])),
            failed: failed.map((file) => file.name),
          };
        });
      },
    });
  },
};
