// Hides the page's English from people of another language, until the page's Python has the words for them: see page.css.
let kept = null;
try {
  kept = JSON.parse(localStorage.getItem("uploads.preferences"));
} catch {} // no storage here, or nothing that can be read
if (!/^en\b/i.test(kept?.language || navigator.language)) document.documentElement.dataset.words = "to come";
