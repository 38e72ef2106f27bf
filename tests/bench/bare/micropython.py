import js

js.document.documentElement.dataset.page = "ready"
