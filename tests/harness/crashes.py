"""What a person cannot do to the shared worker behind the pages: end it, as the system does when memory runs out, tell it
another date, or look into it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from playwright.sync_api import CDPSession

from tests.harness.browser import Browser, Visitor

Call = Callable[..., dict[str, Any]]
TELL_DATE = """
(offset) => {
  const now = (globalThis.trueNow ??= Date.now.bind(Date));
  Date.now = () => now() + offset;
}
"""


def end_shared_worker(browser: Browser | Visitor) -> None:
    """End the one shared worker without a word to anybody."""
    session, target = _shared_worker(browser)
    assert session.send("Target.closeTarget", {"targetId": target})["success"]
    session.detach()


def shift_date(browser: Browser, seconds: float) -> None:
    """Let the one shared worker believe that it is so many seconds later than it is; negative: earlier."""
    with talking_to_worker(browser) as call:
        call("Runtime.evaluate", {"expression": f"({TELL_DATE})({seconds * 1000})"})


@contextmanager
def talking_to_worker(browser: Browser) -> Iterator[Call]:
    """``call(method, params)`` of the DevTools protocol, to the one shared worker; its result."""
    session, target = _shared_worker(browser)
    attached = session.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]
    answers: dict[int, dict[str, Any]] = {}
    numbers = count(1)

    def hear(event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        answers[message.get("id", 0)] = message

    def call(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        number = next(numbers)
        message = {"id": number, "method": method, "params": params or {}}
        session.send("Target.sendMessageToTarget", {"sessionId": attached, "message": json.dumps(message)})
        while number not in answers:
            browser.page.wait_for_timeout(20)
        result: dict[str, Any] = answers.pop(number)["result"]
        assert "exceptionDetails" not in result
        return result

    session.on("Target.receivedMessageFromTarget", hear)
    try:
        yield call
    finally:
        session.detach()


def _shared_worker(browser: Browser | Visitor) -> tuple[CDPSession, str]:
    """A session with the browser itself, and the target id of its one shared worker."""
    assert browser.context.browser is not None
    session = browser.context.browser.new_browser_cdp_session()
    targets = session.send("Target.getTargets")["targetInfos"]
    (worker,) = [target for target in targets if target["type"] == "shared_worker"]
    return session, str(worker["targetId"])
