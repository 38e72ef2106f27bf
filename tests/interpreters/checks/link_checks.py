"""Plain checks of `uploads.client.link`, for interpreters that have a `js` module: MicroPython and Pyodide in Node.

`run_checks.mjs` provides what a page provides: `uploadWorker`, and a file of 3 GiB (by its word) in `aFile`.
"""

import js
import uploads.client.hook as hook_module
from uploads import use_upload_worker
from uploads.client import ClientError, NotAFile
from uploads.client.link import WorkerLink

from tests.interpreters.checks.client_checks import raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check_the_hook_works_over_real_javascript() -> None:
    js.forgetPosted()
    client = use_upload_worker()
    assert use_upload_worker() is client
    assert use_upload_worker({"max_retries": 3}) is client
    assert "with other settings" in raised(ClientError, use_upload_worker, {"max_retries": 4})
    upload_id = client.start_upload(js.aFile, "project")
    assert js.posted.length == 2
    assert '"HELLO"' in js.posted[0].body
    assert upload_id in js.posted[1].body
    assert js.sameFile(js.posted[1].file)
    assert client.active_uploads[upload_id]["file_name"] == "a\u202e.bin"
    assert client.capabilities["worker"] == "dedicated"
    js.deliver('{"version": 1, "type": "ENGINE_FAILED", "message": "é"}')
    assert client.failure == "é"
    js.reconnect(False)
    assert [message.body for message in js.posted][2:] == [js.posted[0].body]
    assert client.engine == "failed"
    js.reconnect(True)
    assert js.posted[3].body == js.posted[0].body
    assert client.engine == "starting"
    client.close()
    js.deliver("{}")
    js.reconnect(True)
    assert use_upload_worker() is not client
    hook_module._shared.clear()


def check_the_network_is_watched_until_the_end() -> None:
    link = WorkerLink()
    hints: list[int] = []
    link.watch_network(lambda: hints.append(1))
    js.happen("online", "hidden")
    js.happen("visibilitychange", "hidden")
    assert len(hints) == 1
    js.happen("visibilitychange", "visible")
    assert len(hints) >= 2
    link.close()
    seen = len(hints)
    js.happen("online", "visible")
    assert len(hints) == seen


def check_storage_is_asked_for_where_there_is_any() -> None:
    link = WorkerLink()
    link.ask_for_persistence()
    js.giveStorage()
    link.ask_for_persistence()
    assert js.persistenceAsked() == 1


def check_what_is_no_file_is_refused() -> None:
    link = WorkerLink()
    assert link.is_file(js.aFile)
    nothings: list[Any] = [None, 5, "a.bin", [], {}, js.Object.new(), js.globalThis]
    for value in nothings:
        assert not link.is_file(value)
    client = use_upload_worker()
    assert raised(NotAFile, client.start_upload, [1], "p")
    client.close()


def check_a_throwing_browser_is_an_error_in_python() -> None:
    link = WorkerLink()
    js.refusePosts(True)
    message = raised(ClientError, link.post, "{}")
    js.refusePosts(False)
    assert "could not hand the message" in message
    assert "DataCloneError" in message


def check_a_handle_comes_beside_its_message() -> None:
    link = WorkerLink()
    heard: list[Any] = []
    read: list[Any] = []

    def receive(text: str, handle: "Any", whole: "Any") -> None:
        heard.append((text, handle))
        if whole is not None:
            read.append(whole())

    link.listen(receive, print)
    js_message = js.Object.new()
    js_message.body = "whole"
    js.deliver("head", None, js_message)
    assert (heard.pop(), read) == (("head", None), ["whole"])
    for beside in (None, js.Object.new(), js.aHandle):
        js.deliver("text", beside)
    js.deliver("alone")
    assert [(text, handle is not None) for text, handle in heard] == [
        ("text", False),
        ("text", False),
        ("text", True),
        ("alone", False),
    ]
    assert link.file_name(heard[2][1]) == "kept.bin"
    link.close()


def check_permission_that_cannot_be_asked_for_is_answered() -> None:
    answers: list[int] = []
    link = WorkerLink()
    link.ask_permission(js.aFile, lambda: answers.append(1))
    link.ask_permission(js.aHandle, lambda: answers.append(2))
    assert js.asked() == 1
    assert answers == [1], "the other answer comes later"


def check_ids_and_random_bytes_are_random() -> None:
    link = WorkerLink()
    assert len(link.new_id()) == 36
    assert link.new_id() != link.new_id()
    first = link.random_bytes()
    assert len(first) == 16
    assert first != link.random_bytes()
    assert link.kind == "dedicated"
