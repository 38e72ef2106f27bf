"""The kinds of values that a message may hold, and the walk that checks and renames them.

A kind's method `convert(value, where, to_wire)` returns the value for the other side or raises
`ProtocolError` naming `where`. Only a `Record` renames: its keys are snake_case in Python and camelCase in
JSON; keys of any other object are data and stay as they are.
"""

import math

from uploads.protocol.errors import ProtocolError, kind_name, shorten


def camel_case(name: str) -> str:
    """`file_size` → `fileSize`: the documented name of a Python attribute."""
    first, *rest = name.split("_")
    return first + "".join([word[:1].upper() + word[1:] for word in rest])


class Kind:
    """A kind of value; this one takes none. `nullable`: `None` is allowed too. `optional`: the field may be missing, which means `None`."""

    expected = "absent"

    def __init__(self, nullable: bool = False, optional: bool = False) -> None:
        self.nullable = nullable or optional
        self.optional = optional

    def convert(self, value: object, where: str, _to_wire: bool) -> object:
        """The value as the other side writes it. Raises `ProtocolError` that names `where`."""
        if value is None and self.nullable:
            return None
        return self.checked(value, where)

    def checked(self, value: object, where: str) -> object:
        """`convert` for a value that is not an allowed `None`; every kind says for itself what it takes."""
        raise self.refuse(value, where)

    def refuse(self, value: object, where: str) -> ProtocolError:
        """The error for a value of the wrong kind; it tells the kind found, never the value."""
        return ProtocolError(f"{where} must be {self.expected}, not {kind_name(value)}")


class Text(Kind):
    """Text of `shortest` to `longest` characters."""

    expected = "text"

    def __init__(
        self, shortest: int = 0, longest: int = 8192, nullable: bool = False, optional: bool = False
    ) -> None:
        super().__init__(nullable, optional)
        self.shortest = shortest
        self.longest = longest

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, str):
            raise self.refuse(value, where)
        if not self.shortest <= len(value) <= self.longest:
            raise ProtocolError(
                f"{where} must have {self.shortest} to {self.longest} characters, it has {len(value)}"
            )
        return value


class Choice(Kind):
    """One of a few words."""

    expected = "one of the known words"

    def __init__(self, words: tuple[str, ...], nullable: bool = False) -> None:
        super().__init__(nullable)
        self.words = words

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, str):
            raise self.refuse(value, where)
        if value not in self.words:
            raise ProtocolError(f"{where} must be one of {', '.join(self.words)}, not {shorten(value)}")
        return value


class Link(Text):
    """A URL that may become a link: relative, http(s) or blob, so that no `javascript:` reaches the page."""

    schemes = ("http", "https", "blob")

    def checked(self, value: object, where: str) -> object:
        text = str(super().checked(value, where))
        # Browsers drop tabs and line ends inside a URL, so "java\tscript:" must not pass as relative.
        if text and min(text) <= " ":
            raise ProtocolError(f"{where} must be a URL without white space")
        head = text.replace("?", "/").replace("#", "/").split("/")[0]
        if ":" in head and head.split(":")[0].lower() not in self.schemes:
            raise ProtocolError(f"{where} must be a relative, http, https or blob URL")
        return text


class BearerToken(Text):
    """A token as it stands in an `Authorization` header (RFC 6750, 2.1). No error repeats any of it."""

    expected = "a bearer token"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

    def checked(self, value: object, where: str) -> object:
        text = str(super().checked(value, where))
        if any(letter not in self.letters for letter in text):
            raise ProtocolError(f"{where} must be a bearer token: letters, digits and - . _ ~ + / = alone")
        return text


class LongText(Kind):
    """Text that may be very long; in JSON it is a list of pieces that join to it.

    MicroPython's parser takes a time that grows with the square of a string's length: a second for a million
    characters in one string, 25 ms for the same in pieces.
    """

    expected = "a list of texts"
    piece = 4096

    def __init__(self, longest: int, optional: bool = False) -> None:
        super().__init__(optional=optional)
        self.longest = longest

    def convert(self, value: object, where: str, to_wire: bool) -> object:
        if value is None and self.nullable:
            return None
        if to_wire:
            if not isinstance(value, str):
                raise ProtocolError(f"{where} must be text, not {kind_name(value)}")
            value = [value[start : start + self.piece] for start in range(0, len(value), self.piece)]
        elif not isinstance(value, list) or not all(isinstance(piece, str) for piece in value):
            raise self.refuse(value, where)
        text = "".join(value)
        if len(text) > self.longest:
            raise ProtocolError(f"{where} must have at most {self.longest} characters, it has {len(text)}")
        return value if to_wire else text


class Whole(Kind):
    """A whole number from `least` to `most` (by default what JSON carries exactly: 2^53 − 1)."""

    expected = "a whole number"

    def __init__(self, least: int = 0, most: int = 2**53 - 1, nullable: bool = False) -> None:
        super().__init__(nullable)
        self.least = least
        self.most = most

    def checked(self, value: object, where: str) -> object:
        if value is True or value is False or not isinstance(value, int):
            raise self.refuse(value, where)
        if not self.least <= value <= self.most:
            raise ProtocolError(f"{where} must be from {self.least} to {self.most}")
        return value


class Number(Kind):
    """A finite number from 0 to `most`."""

    expected = "a number"

    def __init__(self, most: float = 1e18, nullable: bool = False) -> None:
        super().__init__(nullable)
        self.most = most

    def checked(self, value: object, where: str) -> object:
        if value is True or value is False or not isinstance(value, (int, float)):
            raise self.refuse(value, where)
        # `not (a <= b)` also refuses NaN, which JSON cannot carry.
        if not 0 <= value <= self.most or not math.isfinite(value):
            raise ProtocolError(f"{where} must be a finite number from 0 to {self.most:g}")
        return value


class Flag(Kind):
    """True or false."""

    expected = "true or false"

    def checked(self, value: object, where: str) -> object:
        if value is not True and value is not False:
            raise self.refuse(value, where)
        return value


class Texts(Kind):
    """A list of at most `most` texts."""

    expected = "a list of texts"

    def __init__(self, most: int = 1000) -> None:
        super().__init__()
        self.most = most
        self.item = Text()

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, (list, tuple)):
            raise self.refuse(value, where)
        if len(value) > self.most:
            raise ProtocolError(f"{where} must have at most {self.most} entries, it has {len(value)}")
        return [self.item.checked(item, f"{where}[{index}]") for index, item in enumerate(value)]


class TextMap(Kind):
    """An object whose keys are data, with texts; keys and texts have at most `longest` characters in all."""

    expected = "an object"

    def __init__(self, longest: int = 8192) -> None:
        super().__init__()
        self.longest = longest

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ProtocolError(f"{where} must be an object with texts")
        length = sum([len(key) + len(text) for key, text in value.items()])
        if length > self.longest:
            raise ProtocolError(f"{where} must have at most {self.longest} characters, it has {length}")
        return dict(value)


class Maybe(Kind):
    """A field of any kind that may be missing, which means `None`."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(optional=True)
        self.kind = kind

    def convert(self, value: object, where: str, to_wire: bool) -> object:
        return None if value is None else self.kind.convert(value, where, to_wire)


class Record(Kind):
    """An object with exactly the given fields, renamed between Python and JSON."""

    expected = "an object"

    def __init__(self, fields: dict[str, Kind], nullable: bool = False) -> None:
        super().__init__(nullable)
        self.fields = fields
        self.wire_names = {name: camel_case(name) for name in fields}
        self.reshaped = [name for name, kind in fields.items() if isinstance(kind, (Record, LongText))]

    def convert(self, value: object, where: str, to_wire: bool) -> object:
        if value is None and self.nullable:
            return None
        if not isinstance(value, dict):
            raise self.refuse(value, where)
        return self.convert_fields(value, where + ".", to_wire)

    def convert_fields(self, value: dict[str, object], prefix: str, to_wire: bool) -> dict[str, object]:
        """The record with its keys renamed; `prefix` is put before the field's name in errors."""
        converted: dict[str, object] = {}
        known = 0
        for name, kind in self.fields.items():
            wire_name = self.wire_names[name]
            key, target = (name, wire_name) if to_wire else (wire_name, name)
            if key in value:
                known += 1
                converted[target] = kind.convert(value[key], prefix + key, to_wire)
            elif kind.optional:
                converted[target] = None
            else:
                raise ProtocolError(f"{prefix}{key} is missing")
        if known < len(value):
            names = list(self.fields) if to_wire else list(self.wire_names.values())
            # Sorted, because the order of a plain dict differs between the interpreters.
            unknown = sorted([str(key) for key in value if key not in names])
            raise ProtocolError(f"{prefix}{shorten(unknown[0])[1:-1]} is not a known field")
        return converted

    def renamed(self, value: dict[str, object]) -> dict[str, object]:
        """What `convert_fields` makes of a record for the wire, hardly seen: for what is ours, is right, and is sent all the time.

        Raises `KeyError` for a field that is not known.
        """
        renamed = {self.wire_names[name]: field for name, field in value.items()}
        for name in self.reshaped:
            kind, inner = self.fields[name], value.get(name)
            if isinstance(kind, Record) and isinstance(inner, dict):
                renamed[self.wire_names[name]] = kind.renamed(inner)
            elif isinstance(kind, LongText):
                renamed[self.wire_names[name]] = kind.convert(inner, name, True)
        return renamed
