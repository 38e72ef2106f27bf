const worker = new Worker("pyodide_worker.js", { type: "module" });
worker.onmessage = () => { document.documentElement.dataset.engine = "ready"; };
