"""A notification when all is done, for a person who wants it and looks at something else."""

from uploads.ui import dom, speech, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploads.client.tally import Tally
    from uploads.ui.preferences import Preferences


class Alerts:
    """Looks at the sums whenever they change."""

    def __init__(self, preferences: "Preferences") -> None:
        self._preferences = preferences
        self._is_busy = False
        self._completed = self._failed = 0

    def look(self, tally: "Tally") -> None:
        """Tells once, when the last upload that was under way has come to its end."""
        busy = tally.statuses.get("uploading", 0) > 0
        completed, failed = tally.statuses.get("completed", 0), tally.statuses.get("failed", 0)
        if busy and not self._is_busy:
            self._completed, self._failed = completed, failed
        done = completed - self._completed
        if self._is_busy and not busy and done > 0 and self._preferences.notify and dom.is_hidden():
            dom.notify(speech.say(words.ALL_DONE), words.all_done(done, max(0, failed - self._failed)))
        self._is_busy = busy
