"""All that our code wrote during a run of the tests, and all secrets that were about: neither may meet.

The harness collects as it goes: console lines, messages between page and worker, the page's text, stored records, the
server's log and its answers on one side; signatures, keys, cookies and tokens on the other. Requests are not looked at:
a signed URL has to be in them. What an answer is there to give may be in it: see ``_GIVEN``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from uploads.server.identity import COOKIE, Guests

LISTEN_IN = """
(() => {
  const heard = (globalThis.heardOnPorts = []);
  const signsIn = /"type": *"(SIGN_IN|CONFIGURE|SET_TOKEN)"/;
  const keep = (way, data) => typeof data?.body === "string" && !signsIn.test(data.body) && heard.push(`${way} ${data.body}`);
  const { set, get } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  Object.defineProperty(MessagePort.prototype, "onmessage", {
    get,
    set(listener) {
      set.call(this, listener && ((event) => (keep("to the page:", event.data), listener.call(this, event))));
    },
  });
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (data, ...more) {
    keep("to the worker:", data);
    return postMessage.call(this, data, ...more);
  };
})();
"""
"""Run in every page before its own scripts: what goes through its message ports is kept for ``Evidence.look_at``,

but for the messages whose whole purpose is a token.
"""

STORED = """
async () => {
  const promise = (request) =>
    new Promise((ok, no) => {
      request.onsuccess = () => ok(request.result);
      request.onerror = () => no(request.error);
      setTimeout(no, 5000, "a database that is blocked");
    });
  const plain = (_, value) => (value instanceof CryptoKey ? `CryptoKey, extractable: ${value.extractable}` : value);
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await promise(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      for (const row of await promise(database.transaction(store).objectStore(store).getAll())) {
        found.push(JSON.stringify(row, plain) ?? "null");
      }
    }
    database.close();
  }
  for (const storage of [localStorage, sessionStorage]) found.push(JSON.stringify({ ...storage }));
  return found;
}
"""
RECORDS = "stored records"
ANSWERS = "answers"
TOKEN = "upload token"
_ACCESS_KEY = "access key of the store"
_GIVEN = {
    RECORDS: {TOKEN},  # with it alone the upload is resumed
    ANSWERS: {TOKEN, _ACCESS_KEY, "signature", "credential", "security token", "guest key"},
}
"""By what was written: the kinds of secrets that belong there. A signed URL names the access key."""
_IN_REQUESTS = {
    "signature": re.compile(r"X-Amz-Signature=([0-9a-f]{64})"),
    "credential": re.compile(r"X-Amz-Credential=([^&\"\s]+)"),
    "security token": re.compile(r"X-Amz-Security-Token=([^&\"\s]+)"),
    TOKEN: re.compile(r"/s3/multipart/([^/?\"\s]{20,})"),
}
_SHORTEST = 8
"""Characters of a secret, so that none is found by chance."""


class Evidence:
    """texts: by what wrote them; secrets: kind by value."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.secrets: dict[str, str] = {}
        self._guests: list[Guests] = []

    def write(self, where: str, *texts: str) -> None:
        """Take in what our code wrote."""
        self.texts.setdefault(where, []).extend(texts)

    def look_at_answer(self, answer: httpx.Response) -> None:
        """Take in what a server answered: its headers, and its body where that is text."""
        kind = answer.headers.get("content-type", "")
        if answer.is_stream_consumed and kind.startswith(("application/json", "text/plain", "text/html")):
            self.write(ANSWERS, answer.text)
        self.write(
            ANSWERS,
            *(value for name, value in answer.headers.items() if name not in {"set-cookie", "location"}),
        )

    def look_at_settings(self, environment: Mapping[str, str]) -> None:
        """Take in the secrets that a server is started with."""
        for name, value in environment.items():
            if "SECRET" in name:
                self.keep_secret("key of the server", *value.split(","))

    def keep_secret(self, kind: str, *values: str) -> None:
        for value in values:
            for form in {value, unquote(value)}:
                if len(form) >= _SHORTEST:
                    self.secrets[form] = kind

    def look_at(self, page: Page) -> None:
        """Take in what a page shows, has heard and has stored, and what its cookies are."""
        try:
            if not page.url.startswith("http"):
                return
            self.write("messages", *page.evaluate("globalThis.heardOnPorts ?? []"))
            self.write("page", page.content())
            records: list[str] = page.evaluate(STORED)
            cookies: list[Any] = list(page.context.cookies())
        except PlaywrightError:  # it was closed, or killed
            return
        self.write(RECORDS, *records)
        self.keep_secret("guest cookie", *(str(one["value"]) for one in cookies if one["name"] == COOKIE))
        for record in map(json.loads, records):
            user = record  # what is kept of the last visit
            if isinstance(record, dict):
                self.keep_secret(TOKEN, str(record.get("serverUploadId", "")))
                user = record.get("userId", "")
            if isinstance(user, str) and user:
                self.keep_secret("guest key", *(guests.key(user) for guests in self._guests))

    def look_at_server(self, data_dir: Path, log: str) -> None:
        """Take in what a server wrote, and the keys that it keeps."""
        self.write("server log", log)
        try:
            keys = json.loads((data_dir / "keys.json").read_text())
        except OSError:
            return
        self._guests.append(Guests(keys["secret"], secure=False))
        self.keep_secret("key of the server", keys["secret"], *keys["jwt"])
        for identity in ("admin", "signer"):
            self.keep_secret("key of the store", keys[identity]["secret_key"])
            self.keep_secret(_ACCESS_KEY, keys[identity]["access_key"])

    def look_at_requests(self, text: str) -> None:
        """Take in the secrets of the requests that a browser's net log names."""
        for kind, pattern in _IN_REQUESTS.items():
            self.keep_secret(kind, *pattern.findall(text))

    def leaks(self) -> list[str]:
        """Which kind of secret was found where; empty as it should be. Never the secret itself."""
        found = set()
        for where, texts in self.texts.items():
            text = "\n".join(texts)
            for secret, kind in self.secrets.items():
                if kind not in _GIVEN.get(where, ()) and secret in text:
                    found.add(f"{kind} in {where}")
            if where != ANSWERS and "X-Amz-Signature" in text:
                found.add(f"a signed URL in {where}")
            if "extractable: true" in text:
                found.add(f"a key that can be read in {where}")
        return sorted(found)


EVIDENCE = Evidence()
"""Of this run."""
