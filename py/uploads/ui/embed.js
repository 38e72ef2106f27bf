/*
 * <upload-widget src project key-prefix theme locale transparent allowed-types max-file-size min-file-size max-files>
 * getToken = async () => "…" is asked at the start and when it has expired. addFile(file, {uploadId, projectId,
 * s3Key}) gives an id for pause, resume, cancel, retry, remove; also pauseAll, resumeAll, cancelAll, openPicker.
 * Events: upload-ready, -snapshot, -progress, -complete, -error, -removed, -refused; the message is their detail.
 */
const EVENTS = { COMPLETED: "complete", FAILED: "error" };

class UploadWidget extends HTMLElement {
  static observedAttributes = ["project", "key-prefix", "theme", "locale", "transparent"];
  #waiting = [];
  #port; // once configured
  #url;
  #frame;

  connectedCallback() {
    const url = (this.#url = new URL(this.getAttribute("src"), location));
    url.searchParams.set("embed", "");
    url.searchParams.set("origin", location.origin);
    const frame = (this.#frame = document.createElement("iframe"));
    Object.assign(frame, { src: url, title: this.title || "Uploads" });
    Object.assign(frame.style, { border: 0, display: "block", width: "100%", height: "200px" });
    addEventListener("message", this.#meet);
    this.replaceChildren(frame);
    this.#looks();
  }

  disconnectedCallback() {
    removeEventListener("message", this.#meet);
    this.#port = null;
  }

  attributeChangedCallback() {
    if (this.#port) this.#send("CONFIGURE", this.#looks());
  }

  addFile(file, where) {
    const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, 0)).join("");
    const fields = { uploadId: id, ...where };
    this.#send("ADD_FILE", fields, file);
    return fields.uploadId;
  }

  #meet = async ({ source, origin, data }) => {
    if (source !== this.#frame.contentWindow || origin !== this.#url.origin || data?.type !== "upload-widget:ready") return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => this.#hear(JSON.parse(event.data.body));
    source.postMessage({ type: "upload-widget:connect", version: 1, nonce: data.nonce }, origin, [port2]);
    const token = await this.getToken?.();
    const number = (name) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : null);
    const restrictions = {
      allowedTypes: this.getAttribute("allowed-types")?.split(","),
      maxFileSize: number("max-file-size"),
      minFileSize: number("min-file-size"),
      maxFiles: number("max-files"),
    };
    this.#port = port1;
    this.#send("CONFIGURE", { ...this.#looks(), restrictions, token });
    for (const message of this.#waiting.splice(0)) this.#send(...message);
  };

  async #hear(message) {
    const { type } = message;
    if (type === "HEIGHT") this.#frame.style.height = `${message.height}px`;
    else if (type === "TOKEN_NEEDED") {
      const token = await this.getToken?.();
      if (token) this.#send("SET_TOKEN", { token });
    } else {
      const name = EVENTS[type] ?? type.toLowerCase();
      this.dispatchEvent(new CustomEvent(`upload-${name}`, { detail: message, bubbles: true }));
    }
  }

  #looks() {
    const [projectId, keyPrefix, theme, locale] = ["project", "key-prefix", "theme", "locale"].map((name) => this.getAttribute(name));
    // A frame is opaque unless its colour scheme is that of the page in it.
    this.#frame.style.colorScheme = ["light", "dark"].includes(theme) ? theme : "light dark";
    return { projectId, keyPrefix, theme, locale, transparent: this.hasAttribute("transparent") };
  }

  #send(type, fields, file) {
    if (this.#port) this.#port.postMessage({ body: JSON.stringify({ type, ...fields }), file });
    else this.#waiting.push([type, fields, file]);
  }

  static {
    for (const order of ["pause", "resume", "cancel", "retry", "remove", "pauseAll", "resumeAll", "cancelAll", "openPicker"]) {
      const type = order.replace(/[A-Z]/, "_$&").toUpperCase();
      this.prototype[order] = function (uploadId) { this.#send(type, { uploadId }); };
    }
  }
}

customElements.define("upload-widget", UploadWidget);
