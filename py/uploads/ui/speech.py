"""What the page says, in the language that it speaks: an English sentence is the key of its translation. Pure functions of
plain data; without a catalogue all of it is English.

A catalogue (`languages/de.json`) is `{English: translation}`. What is put in later stands as `{}` in both, or as `{0}`, `{1}`
in a translation that has another order; where a number decides the form, the translation is an object of forms by the plural
categories of Unicode's CLDR ("one", "few", "other", …), and the key is the English plural.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploads.ui.format import Numbers

ENGLISH = "en"
NAMES = (
    (ENGLISH, "English"),
    ("ar", "العربية"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("ja", "日本語"),
    ("zh", "中文"),
)
"""Each language by its own name."""
LANGUAGES = tuple([language for language, _ in NAMES])
"""What the page can speak, as BCP 47 language subtags."""
RIGHT_TO_LEFT = ("ar",)
_WITHOUT_SPACES = ("ja", "zh")
_SENTENCE_ENDS = ".!?"
_TELLING = 9
"""Characters by which a template is told from another text: "{} of {}" could be anything."""
_ISOLATED = "\u2068{}\u2069"
"""Unicode's first-strong isolate: a name of another direction leaves the order of the words around it alone."""


class _Spoken:
    """What is spoken now."""

    def __init__(
        self,
        language: str,
        catalogue: "Mapping[str, str | dict[str, str]]",
        numbers: "Numbers",
    ) -> None:
        self.catalogue = catalogue
        self.numbers = numbers
        self.space = "" if language in _WITHOUT_SPACES else " "
        self.value = _ISOLATED.format if language in RIGHT_TO_LEFT else str
        templates = [key for key in catalogue if "{}" in key and len(key) - 2 * key.count("{}") >= _TELLING]
        templates.sort(key=lambda key: -len(key))  # the most telling one first
        self.templates = [(key, key.split("{}")) for key in templates]


_spoken: "list[_Spoken]" = []


def speak(
    language: str, catalogue: "Mapping[str, str | dict[str, str]]", numbers: "Numbers | None" = None
) -> None:
    """Speaks another language from now on; English where there are no `numbers`."""
    _spoken.clear()
    if numbers is not None:
        _spoken.append(_Spoken(language, catalogue, numbers))


def language_of(wanted: "list[str]") -> "tuple[str, str]":
    """The first of these BCP 47 tags that the page can speak, as `(language, tag)`; English where there is none."""
    for tag in wanted:
        language = tag.lower().split("-")[0]
        if language in LANGUAGES:
            return language, tag
    return ENGLISH, ENGLISH


def say(english: str, *values: str) -> str:
    """A sentence, with these values in it. What was put together elsewhere, by the worker or the server, is found by its

    sentences; what no catalogue knows stays as it is.
    """
    if not _spoken:
        return english.format(*values) if values else english
    spoken = _spoken[0]
    found = spoken.catalogue.get(english)
    if isinstance(found, str):
        return found.format(*[spoken.value(value) for value in values]) if values else found
    if values:
        return english.format(*values)
    return spoken.space.join([_translated(spoken, sentence) or sentence for sentence in sentences(english)])


def counted(count: int, one: str, many: str, *values: str) -> str:
    """A sentence that counts: `one` for 1, otherwise `many`, whose first value is the count."""
    if not _spoken:
        return one.format(*values) if count == 1 else many.format(count, *values)
    spoken = _spoken[0]
    found = spoken.catalogue.get(many)
    if found is None:
        return one.format(*values) if count == 1 else many.format(count, *values)
    number = spoken.numbers.count(count)
    return _form(spoken, found, count).format(number, *[spoken.value(value) for value in values])


def _form(spoken: _Spoken, found: "str | dict[str, str]", count: int) -> str:
    if isinstance(found, str):
        return found
    return found.get(spoken.numbers.category(count)) or found["other"]


def _translated(spoken: _Spoken, text: str) -> str:
    """One sentence or a part of one; "" for one that is not known."""
    found = spoken.catalogue.get(text)
    if isinstance(found, str):
        return found
    for key, pieces in spoken.templates:
        values = _between(text, pieces)
        if values is not None:
            first = int(values[0]) if values[0].isdigit() else 0
            form = _form(spoken, spoken.catalogue[key], first)
            return form.format(*[spoken.value(_value(spoken, value)) for value in values])
    return ""


def _value(spoken: _Spoken, text: str) -> str:
    """What stands in a sentence: a number, words that are known, or a name."""
    if text.isdigit() and len(text) < 10:
        return spoken.numbers.count(int(text))
    return _translated(spoken, text) or text


def _between(text: str, pieces: "list[str]") -> "list[str] | None":
    """What stands between the pieces of a template in a text; None when it is another text."""
    if not text.startswith(pieces[0]):
        return None
    values = []
    start = len(pieces[0])
    for piece in pieces[1:-1]:
        end = text.find(piece, start)
        if end <= start:
            return None
        values.append(text[start:end])
        start = end + len(piece)
    end = len(text) - len(pieces[-1])
    if end <= start or not text.endswith(pieces[-1]):
        return None
    return values + [text[start:end]]


def sentences(text: str) -> "list[str]":
    """A text cut where a full stop is followed by a space and a capital."""
    found = []
    start = 0
    for index in range(len(text) - 2):
        if text[index] in _SENTENCE_ENDS and text[index + 1] == " " and text[index + 2].isupper():
            found.append(text[start : index + 1])
            start = index + 2
    return found + [text[start:]] if text[start:] else found
