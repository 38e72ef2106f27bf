"""Ends what a person cannot end: the shared worker behind the pages, as the system does when memory runs out."""

from __future__ import annotations

from tests.harness.browser import Browser


def end_shared_worker(browser: Browser) -> None:
    """End the one shared worker without a word to anybody."""
    assert browser.context.browser is not None
    session = browser.context.browser.new_browser_cdp_session()
    targets = session.send("Target.getTargets")["targetInfos"]
    (worker,) = [target for target in targets if target["type"] == "shared_worker"]
    assert session.send("Target.closeTarget", {"targetId": worker["targetId"]})["success"]
    session.detach()
