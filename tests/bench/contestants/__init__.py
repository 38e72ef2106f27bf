"""Who is measured: each prepares a page with its files, and sends them. Other people's are unchanged and have their defaults.

tus-js-client has no place here: it speaks to a tus server and to no S3 store.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route

from tests.browser.line import FarLine
from tests.peers.bundles import HERE as PEERS
from tests.peers.bundles import bundle_of, start_uppy

HERE = Path(__file__).parent
LONGEST = 900_000
"""Milliseconds until a run counts as failed."""
OURS, UPPY5, UPPY6, AWS, BARE = "ours", "Uppy 5", "Uppy 6", "lib-storage", "bare loop"
UNCHECKED = "ours without checksums"
SETTINGS: dict[str, dict[str, Any]] = {UNCHECKED: {"checksums": False}}
"""Those of the page on which they are; the others' are the site's."""
Sender = Callable[[Page, FarLine, list[Path]], Callable[[], None]]


def open_page(page: Page, place: FarLine, settings: dict[str, Any]) -> None:
    """The site's page with these settings, once its engine is ready."""

    def changed(route: Route) -> None:
        config = route.fetch().json()
        config["uploads"].update(settings)
        route.fulfill(json=config)

    page.route("**/config.json", changed)
    page.goto(f"{place.page_url}/")
    page.wait_for_selector("html[data-engine=ready]")  # it is not to compete with the others
    page.unroute("**/config.json")


def send_ours(page: Page, place: FarLine, files: list[Path]) -> Callable[[], None]:
    page.evaluate(
        """() => document.querySelector("#files").addEventListener("change", () => { globalThis.begun = performance.now(); }, true)"""
    )
    done = (
        "() => document.querySelector('[data-status=completed]') !== null"
        if len(files) == 1
        else f"() => document.querySelector('#overview .state').textContent === '{len(files)} uploaded'"
    )

    def send() -> None:
        page.set_input_files("#files", files)
        ended = page.evaluate(
            """(done) => new Promise((end) => {
              const finished = eval(done);
              // Once: the page goes on to change when all is done, by what it says of it for instance.
              const look = () => {
                if (!finished()) return;
                watching.disconnect();
                globalThis.ended = performance.now();
                end(true);
              };
              const watching = new MutationObserver(look);
              watching.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
              look();
            })""",
            done,
        )
        assert ended

    return send


def send_peer(page: Page, files: list[Path]) -> Callable[[], None]:
    page.set_input_files("#peer", files)

    def send() -> None:
        page.evaluate("() => { globalThis.begun = performance.now(); peer.upload(); }")
        # Not at every frame: a hidden page has none.
        has_ended = "() => peer.done && (globalThis.ended ??= performance.now())"
        page.wait_for_function(has_ended, timeout=LONGEST, polling=20)
        done: dict[str, Any] = page.evaluate("() => peer.done")
        assert done["failed"] == [], page.evaluate("() => peer.failures")

    return send


def sender_of_uppy(version: str) -> Sender:
    def prepare(page: Page, place: FarLine, files: list[Path]) -> Callable[[], None]:
        start_uppy(page, version, place.page_url)
        return send_peer(page, files)

    return prepare


def send_aws(page: Page, place: FarLine, files: list[Path]) -> Callable[[], None]:
    script = bundle_of("libstorage", PEERS / "entry_libstorage.js")
    page.evaluate("(script) => { (0, eval)(script); }", script)
    keys = place.server.admin_keys
    store = urlsplit(place.proxy.url)
    options = {
        "endpoint": f"{store.scheme}://{store.netloc}",
        "bucket": place.server.bucket,
        "accessKeyId": keys["access_key"],
        "secretAccessKey": keys["secret_key"],
    }
    page.evaluate("(options) => peer.start(options)", options)
    return send_peer(page, files)


def send_bare(page: Page, place: FarLine, files: list[Path]) -> Callable[[], None]:
    page.evaluate(
        """(script) => {
          const input = document.createElement("input");
          Object.assign(input, { type: "file", multiple: true, id: "bare" });
          document.body.append(input);
          globalThis.go = () => new Promise((end) => {
            const worker = new Worker(URL.createObjectURL(new Blob([script])));
            worker.onmessage = ({ data }) => { globalThis.ended = performance.now(); end(data); };
            globalThis.begun = performance.now();
            worker.postMessage({ origin: location.origin, files: [...input.files] });
          });
        }""",
        (HERE / "bare.js").read_text(encoding="utf-8"),
    )
    page.set_input_files("#bare", files)

    def send() -> None:
        told = page.evaluate("() => go()")
        assert told == "done", told

    return send


SENDERS: dict[str, Sender] = {
    OURS: send_ours,
    UNCHECKED: send_ours,
    UPPY5: sender_of_uppy("uppy5"),
    UPPY6: sender_of_uppy("uppy6"),
    AWS: send_aws,
    BARE: send_bare,
}
