const worker = new Worker("hashing_worker.js", { type: "module" });
worker.onmessage = ({ data }) => { globalThis.told = data; };
document.querySelector("#file").onchange = ({ target }) => worker.postMessage(target.files[0]);
