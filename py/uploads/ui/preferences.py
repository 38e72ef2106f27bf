"""What a person likes of this page, kept in this browser and shared by all its tabs: language, colours, notifications, what is

hidden. `before_words.js` reads it, too.
"""

import json

from uploads.ui import dom
from uploads.ui.speech import LANGUAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_AS = "uploads.preferences"
THEMES = ("", "light", "dark")


class Preferences:
    """`language`: one of `LANGUAGES`, "" for the browser's; `theme`: "" for the system's, "light" or "dark"; `notify`;

    `hide_finished`. Set them by `change`.
    """

    def __init__(self, changed: "Callable[[], None]") -> None:
        self._changed = changed
        self._read(dom.read_kept(KEPT_AS))
        dom.watch_kept(KEPT_AS, self._heard)

    def change(self, **wishes: object) -> None:
        """Keeps other values, and has them counted here and in other tabs."""
        values: dict[str, object] = {
            "language": self.language,
            "theme": self.theme,
            "notify": self.notify,
            "hide_finished": self.hide_finished,
        }
        values.update(wishes)
        text = json.dumps(values)
        dom.keep(KEPT_AS, text)
        self._heard(text)

    def _heard(self, text: str) -> None:
        self._read(text)
        self._changed()

    def _read(self, text: str) -> None:
        """What is not as it should be counts as not set: anybody at this machine may have written it."""
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        if not isinstance(found, dict):
            found = {}
        language = found.get("language", "")
        self.language = language if language in LANGUAGES else ""
        theme = found.get("theme", "")
        self.theme = theme if theme in THEMES else ""
        self.notify = found.get("notify") is True
        self.hide_finished = found.get("hide_finished") is True
