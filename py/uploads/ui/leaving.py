"""What becomes of the uploads when the page is left: said above the list, and asked about when they would stop."""

from uploads.ui import dom, speech, words


class Leaving:
    """`#leaving`, and the browser's own question before the page goes."""

    def __init__(self) -> None:
        self._js_text = dom.find("#leaving")
        self._written = dom.Written()
        self._question = dom.LeaveQuestion()

    def say_anew(self) -> None:
        """Another language is spoken."""
        self._written.forget()

    def show(self, after: str) -> None:
        """Says it; `after` is `UploadClient.after_leaving`."""
        if self._written.changed("after", after):
            dom.set_text(self._js_text, speech.say(words.LEAVING[after]))
            dom.set_shown(self._js_text, bool(after))
            self._question.ask(after == "stops")
