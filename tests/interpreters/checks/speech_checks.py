"""Plain checks of how the page speaks other languages, run on CPython, MicroPython and Pyodide."""

from uploads.ui import format as fmt
from uploads.ui import panel_words, speech
from uploads.ui.speech import counted, language_of, say, sentences, speak

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Numbers:
    """Commas, and forms as Russian has them for small numbers."""

    def quantity(self, value: float, digits: int, unit: str, per_second: bool) -> str:
        """A number with its unit."""
        return "{:.{}f}".format(value, digits).replace(".", ",") + f" [{unit}{'/s' if per_second else ''}]"

    def share(self, whole: int) -> str:
        """A number of percent."""
        return f"%{whole}"

    def count(self, number: int) -> str:
        """A whole number."""
        return f"#{number}"

    def category(self, number: int) -> str:
        """One, two to four, more."""
        return "one" if number == 1 else "few" if number < 5 else "other"


CATALOGUE: "Any" = {
    "Pause": "Halt",
    "The file has changed: {}.": "Datei anders: {}.",
    "its size is {}": "Umfang {}",
    "Press Retry.": "Nochmal.",
    "{} of {} parts": "von {1} Teilen {0}",
    "{} files": {"one": "eine Datei", "few": "{} Dateichen", "other": "{} Dateien"},
    "{} requests": {"one": "eine Frage", "few": "{} Fragen", "other": "{} mal Fragen"},
    "{} is sent.": "{} ist gesendet.",
    "Part {} was sent {} times.": "Teil {} ging {}-mal.",
}


def spoken(language: str, check: "Any") -> None:
    """Has a check made while a language is spoken."""
    numbers = Numbers()
    speak(language, CATALOGUE, numbers)
    fmt.use_numbers(numbers)
    try:
        check()
    finally:
        speak("en", {})
        fmt.use_numbers(None)


def check_english_is_what_stands_in_the_source() -> None:
    assert say("Pause") == "Pause"
    assert say("{} of {} parts", "2", "3") == "2 of 3 parts"
    assert say("{not a value}") == "{not a value}"
    assert counted(1, "1 file", "{} files") == "1 file"
    assert counted(0, "1 file", "{} files") == "0 files"
    assert counted(2, "1 of {}", "{} of {}", "x") == "2 of x"


def check_a_sentence_is_the_key_of_its_translation() -> None:
    def check() -> None:
        assert say("Pause") == "Halt"
        assert say("{} of {} parts", "2", "3") == "von 3 Teilen 2"
        assert say("Never heard of") == "Never heard of"
        assert say("Never heard of {}", "it") == "Never heard of it"

    spoken("de", check)


def check_a_number_decides_the_form() -> None:
    def check() -> None:
        told = [counted(number, "1 file", "{} files") for number in (1, 2, 4, 5, 1000)]
        assert told == ["eine Datei", "#2 Dateichen", "#4 Dateichen", "#5 Dateien", "#1000 Dateien"]
        assert counted(1, "1 thing", "{} things") == "1 thing"
        assert counted(7, "1 thing", "{} things") == "7 things"

    spoken("de", check)


def check_what_others_put_together_is_found_by_its_sentences() -> None:
    def check() -> None:
        assert say("The file has changed: its size is 5. Press Retry.") == "Datei anders: Umfang #5. Nochmal."
        assert say("The file has changed: no idea.") == "Datei anders: no idea."
        assert say("Part 7 was sent 12 times.") == "Teil #7 ging #12-mal."
        assert say("Who knows. Press Retry. Or not.") == "Who knows. Nochmal. Or not."
        assert say("film.mov is sent.") == "film.mov ist gesendet."
        assert say(" is sent.") == " is sent."
        assert say("3 requests") == "#3 Fragen"
        assert say("9 requests") == "#9 mal Fragen"
        assert say("3 files") == "3 files"  # as good as nothing but a value
        assert say("") == ""

    spoken("de", check)


def check_sentences_of_chinese_stand_without_spaces() -> None:
    spoken("zh", lambda: _equal(say("Who knows. Press Retry."), "Who knows.Nochmal."))


def check_a_name_of_another_direction_leaves_the_order_alone() -> None:
    def check() -> None:
        assert say("{} is sent.", "film.mov") == "\u2068film.mov\u2069 ist gesendet."
        assert say("film.mov is sent.") == "\u2068film.mov\u2069 ist gesendet."

    spoken("ar", check)


def check_numbers_follow_the_language() -> None:
    def check() -> None:
        assert fmt.size(1500) == "1,50 [kB]"
        assert fmt.size(1) == "1 [bytes]"
        assert fmt.speed(24_100_000) == "24,1 [MB/s]"
        assert fmt.duration(3900) == "1 [h] 5 [min]"
        assert fmt.latency(1500) == "1,5 [s]"
        assert fmt.share(42) == "%42"
        assert fmt.number(7) == "#7"
        assert panel_words.parts(1, 3, 2, 0) == "#1 of #3 parts are stored · 2 on the way"

    spoken("de", check)
    assert (fmt.size(1500), fmt.size(1), fmt.share(42), fmt.number(7)) == ("1.50 kB", "1 byte", "42 %", "7")
    assert (fmt.latency(50), fmt.latency(1500)) == ("50 ms", "1.5 s")


def check_the_browsers_first_language_that_is_spoken_counts() -> None:
    assert language_of(["pt-BR", "de-AT", "fr"]) == ("de", "de-AT")
    assert language_of(["ZH-hant-TW"]) == ("zh", "ZH-hant-TW")
    assert language_of(["en-GB", "de"]) == ("en", "en-GB")
    assert language_of(["pt"]) == ("en", "en")
    assert language_of([]) == ("en", "en")


def check_a_text_is_cut_into_sentences() -> None:
    assert sentences("One. Two! three? Four") == ["One.", "Two! three?", "Four"]
    assert sentences("s3.example.com is away.") == ["s3.example.com is away."]
    assert sentences("") == []
    assert sorted(speech.LANGUAGES) == ["ar", "de", "en", "es", "fr", "ja", "zh"]


def _equal(found: object, wanted: object) -> None:
    assert found == wanted, found
