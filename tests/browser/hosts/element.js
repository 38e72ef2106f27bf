/* The same by `<upload-widget>`: its query names the site and a token. */
const query = new URLSearchParams(location.search);
const heard = [];
const element = document.createElement("upload-widget");
for (const [name, value] of [["src", query.get("site")], ["project", "films"], ["key-prefix", "in/"], ["theme", "dark"], ["max-files", "3"]])
  element.setAttribute(name, value);
let asked = 0;
element.getToken = async () => query.getAll("token")[asked++];
for (const kind of ["ready", "snapshot", "progress", "complete", "error", "removed", "refused"])
  addEventListener(`upload-${kind}`, ({ type, detail }) => heard.push({ type, detail }));
const script = document.createElement("script");
script.type = "module";
script.src = new URL("embed.js", query.get("site"));
document.body.append(element, script);
