"""What a person cannot do to the shared worker behind the pages: end it, as the system does when memory runs out, or
tell it another date.
"""

from __future__ import annotations

import json

from playwright.sync_api import CDPSession

from tests.harness.browser import Browser

TELL_DATE = """
(offset) => {
  const now = (globalThis.trueNow ??= Date.now.bind(Date));
  Date.now = () => now() + offset;
}
"""


def end_shared_worker(browser: Browser) -> None:
    """End the one shared worker without a word to anybody."""
    session, target = _shared_worker(browser)
    assert session.send("Target.closeTarget", {"targetId": target})["success"]
    session.detach()


def shift_date(browser: Browser, seconds: float) -> None:
    """Let the one shared worker believe that it is so many seconds later than it is; negative: earlier."""
    session, target = _shared_worker(browser)
    attached = session.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]
    expression = f"({TELL_DATE})({seconds * 1000})"
    message = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}
    answers: list[str] = []
    session.on("Target.receivedMessageFromTarget", lambda event: answers.append(event["message"]))
    session.send("Target.sendMessageToTarget", {"sessionId": attached, "message": json.dumps(message)})
    while not answers:
        browser.page.wait_for_timeout(20)
    assert "exceptionDetails" not in answers[0]
    session.detach()


def _shared_worker(browser: Browser) -> tuple[CDPSession, str]:
    """A session with the browser itself, and the target id of its one shared worker."""
    assert browser.context.browser is not None
    session = browser.context.browser.new_browser_cdp_session()
    targets = session.send("Target.getTargets")["targetInfos"]
    (worker,) = [target for target in targets if target["type"] == "shared_worker"]
    return session, str(worker["targetId"])
