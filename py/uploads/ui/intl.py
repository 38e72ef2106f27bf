"""How languages write numbers and count: a JavaScript edge, to the browser's `Intl`."""

import js

from uploads.client.link import attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_UNITS = {
    "bytes": "byte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "PB": "petabyte",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
}
"""By the names of `format`, those of ECMA-402."""


class LocalNumbers:
    """The numbers of a language, a BCP 47 tag that `canonical` knows."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._js_formats: dict[tuple[str, int], Any] = {}
        self._js_rules: Any = js.Intl.PluralRules.new(tag)

    def quantity(self, value: float, digits: int, unit: str, per_second: bool) -> str:
        """A number with its unit."""
        name = _UNITS[unit] + "-per-second" if per_second else _UNITS[unit]
        return self._written(value, digits, "unit", name)

    def share(self, whole: int) -> str:
        """A number of percent."""
        return self._written(whole / 100, 0, "percent", "")

    def count(self, number: int) -> str:
        """A whole number."""
        return self._written(number, 0, "decimal", "")

    def category(self, number: int) -> str:
        """The plural category of a number, as of CLDR."""
        return str(self._js_rules.select(float(number)))

    def _written(self, value: float, digits: int, style: str, unit: str) -> str:
        js_format = self._js_formats.get((style + unit, digits))
        if js_format is None:
            js_options = js.Object.new()
            js_options.style = style
            js_options.minimumFractionDigits = js_options.maximumFractionDigits = digits
            if unit:
                js_options.unit = unit
                js_options.unitDisplay = "long" if unit == "byte" else "short"
            js_format = js.Intl.NumberFormat.new(self._tag, js_options)
            self._js_formats[(style + unit, digits)] = js_format
        return str(js_format.format(float(value)))


def canonical(tag: str) -> str:
    """A BCP 47 tag as it is written; "" for what is none."""
    js_answer = js.uploadWorker.attempt(js.Intl, "getCanonicalLocales", tag)
    return str(js_answer[1][0]) if js_answer[0] is True else ""


def preferred() -> "list[str]":
    """The languages that the person has told the browser, the dearest first."""
    return [str(tag) for tag in js.navigator.languages]


def fetch_text(address: str, done: "Callable[[str], None]") -> None:
    """Fetches text, and calls `done` once; with "" when it does not come."""

    def failed(*_: object) -> None:
        done("")

    def answered(js_response: "Any") -> None:
        if js_response.ok:
            attempt(lambda text: done(str(text)), failed, js_response, "text")
        else:
            done("")

    attempt(answered, failed, js.window, "fetch", address)
