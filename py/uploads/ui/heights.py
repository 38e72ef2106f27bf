"""Where each row of a long list begins, when only those near the window exist. Pure arithmetic, in CSS pixels.

A row that was never shown counts as high as the rows usually are. Sums are kept by blocks of rows, so that a list of ten
thousand is looked through in some hundred steps.
"""

BLOCK = 64
"""Rows of a block."""


class Heights:
    """`usual`: of a row that was never measured, the gap below it included; another one counts from the next `reset`."""

    def __init__(self, usual: int = 90) -> None:
        self.usual = usual
        self._rows: list[int] = []
        self._sums: list[int] = []

    @property
    def total(self) -> int:
        """Of all rows."""
        return sum(self._sums)

    def reset(self, heights: "list[int | None]") -> None:
        """Another list of rows; None for what was never measured."""
        usual = self.usual
        self._rows = rows = [usual if height is None else height for height in heights]
        self._sums = [sum(rows[first : first + BLOCK]) for first in range(0, len(rows), BLOCK)]

    def append(self) -> None:
        """One more row at the end, never measured."""
        if len(self._rows) % BLOCK == 0:
            self._sums.append(0)
        self._rows.append(self.usual)
        self._sums[-1] += self.usual

    def measured(self, index: int, height: int) -> None:
        """A row is so high."""
        self._sums[index // BLOCK] += height - self._rows[index]
        self._rows[index] = height

    def top(self, index: int) -> int:
        """Where a row begins; the end of the list for the index after the last."""
        block = index // BLOCK
        return sum(self._sums[:block]) + sum(self._rows[block * BLOCK : index])

    def index_at(self, y: int) -> int:
        """The row at this height, the first or the last one beyond the list. 0 in an empty list."""
        top = block = 0
        while block < len(self._sums) - 1 and top + self._sums[block] <= y:
            top += self._sums[block]
            block += 1
        index = block * BLOCK
        while index < len(self._rows) - 1 and top + self._rows[index] <= y:
            top += self._rows[index]
            index += 1
        return index
