"""Lets somebody else use a browser."""

from __future__ import annotations

import json
import time
from http.cookies import SimpleCookie
from unittest import mock

from starlette.responses import Response
from uploads.server.identity import COOKIE, Guests

from tests.harness.browser import Browser
from tests.harness.server import ServerProcess

HOUR = 3_600


def let_somebody_else_in(browser: Browser, server: ServerProcess) -> None:
    """Give the browser the cookie of another guest, and one of long standing: newcomers are asked for their key."""
    secret = json.loads((server.data_dir / "keys.json").read_text())["secret"]
    response = Response()
    with mock.patch("itsdangerous.timed.time.time", return_value=time.time() - HOUR):
        Guests(secret, secure=False).welcome(response)
    value = SimpleCookie(response.headers["set-cookie"])[COOKIE].value
    browser.context.add_cookies([{"name": COOKIE, "value": value, "url": server.url, "httpOnly": True}])
