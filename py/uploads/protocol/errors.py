"""The two ways in which data from the other side, or from an application, can be wrong.

    ValueError
    ├── ProtocolError   a message that is not one of ours: refused, and the sender is at fault
    └── ConfigError     a setting that does not exist or makes no sense: the application is at fault

Both name the field. Neither repeats a value at length: what arrives from outside may be huge, and may be secret.
"""

LONGEST_ECHO = 80
"""How many characters of a foreign name or value an error may repeat."""


class ProtocolError(ValueError):
    """A message does not follow the protocol. The text names the message type and the field."""


class ConfigError(ValueError):
    """A setting is unknown or nonsensical. The text names the setting and says what would be right."""


def shorten(value: object) -> str:
    """`repr(value)`, cut to at most `LONGEST_ECHO` characters."""
    text = repr(value)
    return text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"


def kind_name(value: object) -> str:
    """What a value from JSON is, in words: for errors that must not repeat it."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, dict) else "something else"
