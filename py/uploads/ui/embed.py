"""The page as a widget in somebody else's page: the same list, and a line to the page around it.

The address is `?embed&origin=https://host.example`. Nothing begins before that page has answered and sent CONFIGURE.
"""

import time

from uploads.client import use_upload_worker
from uploads.protocol import embed as e
from uploads.ui import dom, embed_line, embed_words
from uploads.ui.embed_news import News
from uploads.ui.embed_orders import Orders
from uploads.ui.notice import Notice
from uploads.ui.page import UploadWorkerDemo, show_page
from uploads.ui.speaking import Speaking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.client import UploadClient

PATIENCE = 10_000
"""Milliseconds after which the silence of the page around is told."""
BETWEEN_TOKENS = 5
"""Seconds between two requests for a token: the page around may have none that is any better."""


def show_widget(config: "Mapping[str, object]") -> None:
    """Starts the widget with the site's settings; without a page around that could speak with it, a plain page."""
    origin = embed_line.parameter("origin")
    if not dom.is_framed():
        _show_plain(config, embed_words.UNFRAMED)
    elif not origin:
        _show_plain(config, embed_words.NO_ORIGIN)
    elif not embed_line.is_origin(origin):
        dom.set_attribute(dom.js_root, "data-embed", "useless")
        Notice().show_engine("failed", embed_words.BAD_ORIGIN, [])
    else:
        Widget(config, origin)


def _show_plain(config: "Mapping[str, object]", sentence: str) -> None:
    dom.js_root.removeAttribute("data-embed")
    show_page(config, sentence)


class Widget:
    """Brings together the line, the hook and the page."""

    def __init__(self, config: "Mapping[str, object]", origin: str) -> None:
        self._config = config
        self._notice = Notice()
        self._speaking = Speaking()
        self._is_connected = False
        self._client: UploadClient | None = None
        self._page: UploadWorkerDemo | None = None
        self._needed_at = 0
        self._orders = Orders(self._start, self._look, self._pick, embed_line.file_name, self._refuse)
        self._ask_later = dom.Later(self._ask_for_token, BETWEEN_TOKENS * 1000)
        self._silence = dom.Later(self._tell_silence, PATIENCE)
        self._silence.ask()
        self._line = embed_line.HostLine(origin, self._connected)

    def _connected(self) -> None:
        self._is_connected = True
        self._line.listen(self._orders.hear)
        dom.watch_height(lambda height: self._send({"type": e.HEIGHT, "height": height}))

    def _tell_silence(self) -> None:
        if not self._is_connected:
            self._notice.tell(embed_words.SILENT)

    def _send(self, message: "dict[str, Any]") -> None:
        self._line.post(e.encode_news(message))

    def _refuse(self, message: "dict[str, Any]") -> None:
        message["type"] = e.REFUSED
        self._send(message)

    # What the orders need of the browser.

    def _start(self, settings: "dict[str, Any]", token: str) -> "UploadClient":
        config = dict(self._config)
        config.update(settings)
        self._client = client = use_upload_worker(config, token)
        dom.set_attribute(dom.js_root, "data-embed", "user" if token else "guest")
        news = News(client)

        def changed(change: "dict[str, Any]") -> None:
            for message in news.of(change):
                if message["type"] == e.TOKEN_NEEDED:
                    self._need_token()
                else:
                    self._send(message)

        client.subscribe(changed)
        self._page = UploadWorkerDemo(client, self._notice, self._speaking, self._orders.start_in_folder)
        return client

    def _look(self, theme: "str | None", locale: "str | None", transparent: "bool | None") -> str:
        if locale is not None and not self._speaking.use(locale):
            return embed_words.LOCALE
        if locale is None and self._page is None:
            self._speaking.use()  # the browser's
        if theme is not None:
            dom.set_attribute(dom.js_root, "data-theme", theme)
        if transparent is not None:
            dom.js_root.toggleAttribute("data-transparent", transparent)
        return ""

    def _pick(self) -> str:
        if not dom.has_gesture():
            return embed_words.NO_GESTURE
        if self._page is not None:
            self._page.intake.open()
        return ""

    # Tokens.

    def _need_token(self) -> None:
        if time.time() - self._needed_at < BETWEEN_TOKENS:
            self._ask_later.ask()
        else:
            self._ask_for_token()

    def _ask_for_token(self) -> None:
        if self._client is not None and self._client.needs_sign_in:
            self._needed_at = int(time.time())
            self._send({"type": e.TOKEN_NEEDED})
