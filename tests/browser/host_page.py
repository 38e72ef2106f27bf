"""A page of another site with the widget in it, driven by what any such page can do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ServerProcess
from tests.harness.tabs import AnyBrowser, until

HOSTS = Path(__file__).with_name("hosts")
JWT_SECRET = "a secret of the host page's own server"


def token_for(user: str, seconds: float) -> str:
    """A token that is good for so long; what our code writes must not hold it."""
    token = jwt.encode({"sub": user, "exp": time.time() + seconds}, JWT_SECRET, algorithm="HS256")
    EVIDENCE.keep_secret("token of an application", token)
    return token


def site_of(server: ServerProcess) -> str:
    """The site's address as another one than the host pages', which are at 127.0.0.1."""
    return server.url.replace("127.0.0.1", "localhost")


class HostPage:
    """``url``: of the folder ``hosts`` as it is served; ``origin``: what the widget is told, unless it is the page's own;
    ``sandbox``: the frame's attribute.
    """

    def __init__(
        self,
        browser: AnyBrowser,
        url: str,
        server: ServerProcess,
        *,
        origin: str | None = None,
        silent: bool = False,
        sandbox: str | None = None,
    ) -> None:
        self.browser = browser
        site = site_of(server)
        query = {
            "widget": f"{site}/?embed&origin={quote(url if origin is None else origin)}",
            "target": "*" if sandbox is not None else site,
        }
        if silent:
            query["silent"] = ""
        if sandbox is not None:
            query["sandbox"] = sandbox
        browser.page.goto(f"{url}/host.html?{urlencode(query)}")

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.browser.page.evaluate(script, argument)

    def until(self, script: str, argument: Any = None) -> Any:
        """As of the harness; what was heard until then is told where it never comes true."""
        try:
            return until(self.browser.page, script, argument)
        except AssertionError as error:
            error.add_note(json.dumps(self.evaluate("() => news.slice(-20)"), indent=1))
            raise

    def nonce(self) -> str:
        """The one that the widget has told."""
        return str(
            self.until("() => offers.find(({ data }) => data?.type === 'upload-widget:ready')?.data.nonce")
        )

    def configure(self, **fields: Any) -> None:
        """As the first thing after the handshake."""
        self.until("() => port !== null")
        self.say("CONFIGURE", **fields)

    def say(self, kind: str, **fields: Any) -> None:
        self.evaluate("([kind, fields]) => say(kind, fields)", [kind, fields])

    def add_file(self, name: str, size: int, **fields: Any) -> str:
        """Hands a new file over; the SHA-256 of its bytes."""
        return str(self.evaluate("(given) => addFile(...given)", [name, size, fields]))

    def news(self, kind: str) -> list[dict[str, Any]]:
        """All that the widget has told under this type."""
        return list(self.evaluate("(kind) => news.filter(({ type }) => type === kind)", kind))

    def heard(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The last of so many messages of this type, waited for."""
        found = "([kind, count]) => news.filter(({ type }) => type === kind)[count - 1]"
        return dict(self.until(found, [kind, count]))

    def refusal(self, script: str, argument: Any = None) -> dict[str, Any]:
        """What the widget says to what the script sends."""
        count = len(self.news("REFUSED"))
        self.evaluate(script, argument)
        return self.heard("REFUSED", count + 1)
