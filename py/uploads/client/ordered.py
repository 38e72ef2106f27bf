"""A mapping in the order in which its keys came, and quick with thousands of them.

MicroPython's `dict` forgets the order, and its `OrderedDict` looks every key up by going through all of them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class OrderedMap:
    """What of a `dict` is needed here; going through all of it costs a sort."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self._next = 0

    def __setitem__(self, key: str, value: "Any") -> None:
        if key not in self._values:
            self._numbers[key] = self._next
            self._next += 1
        self._values[key] = value

    def __getitem__(self, key: str) -> "Any":
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> "Iterator[str]":
        return iter(sorted(self._values, key=self._number))

    def __len__(self) -> int:
        return len(self._values)

    def _number(self, key: str) -> int:
        return self._numbers[key]

    def get(self, key: str, default: "Any" = None) -> "Any":
        """The value, or `default`."""
        return self._values.get(key, default)

    def pop(self, key: str, default: "Any" = None) -> "Any":
        """Takes the key out, if it is there; its value, or `default`."""
        self._numbers.pop(key, None)
        return self._values.pop(key, default)

    def keys(self) -> "list[str]":
        """The keys in their order."""
        return list(self)

    def values(self) -> "list[Any]":
        """The values in the order of their keys."""
        return [self._values[key] for key in self]

    def items(self) -> "list[tuple[str, Any]]":
        """Keys and values."""
        return [(key, self._values[key]) for key in self]
