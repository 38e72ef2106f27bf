"""The parts of an upload that the store has, kept so that another one costs the same among ten thousand as among ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from upload_engine.core.parts import Part

BLOCK = 50
"""Parts that are written down together: a new one has its own block written anew, and no other."""

Write = Callable[[Mapping[int, Part]], str]


class StoredParts(Mapping[int, Part]):
    """By number, in ascending order. ``bytes``: of all of them; ``revision`` grows whenever one of them changes."""

    __slots__ = ("_blocks", "_count", "_first_gap", "_written", "bytes", "revision")

    def __init__(self) -> None:
        self.bytes = 0
        self.revision = 0
        self._blocks: dict[int, dict[int, Part]] = {}
        self._count = 0
        self._first_gap = 1
        self._written: dict[Write, dict[int, str]] = {}

    def __getitem__(self, number: int) -> Part:
        return self._blocks[number // BLOCK][number]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number in self._blocks.get(number // BLOCK, ())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        for block in sorted(self._blocks):
            yield from sorted(self._blocks[block])

    @property
    def first_gap(self) -> int:
        """The lowest part number that is not here."""
        while self._first_gap in self:
            self._first_gap += 1
        return self._first_gap

    def put(self, number: int, part: Part) -> None:
        """Add a part, or take it in the place of the one of this number."""
        self._forget_text(number)
        block = self._blocks.setdefault(number // BLOCK, {})
        before = block.get(number)
        block[number] = part
        self._count += before is None
        self.bytes += part.size - (before.size if before else 0)

    def drop(self, number: int) -> None:
        """Forget a part. One that is not here is fine."""
        if number in self:
            self._forget_text(number)
            self._count -= 1
            self._first_gap = min(self._first_gap, number)
            block = self._blocks[number // BLOCK]
            self.bytes -= block.pop(number).size
            if not block:
                del self._blocks[number // BLOCK]

    def replace(self, parts: Mapping[int, Part]) -> None:
        """From now on just these."""
        for number in set(self) - parts.keys():
            self.drop(number)
        for number, part in parts.items():
            self.put(number, part)
        self.revision += 1

    def written(self, write: Write) -> list[str]:
        """The parts as ``write`` puts a block of them, by number; a block that has not changed is not written again."""
        if not self._blocks:
            return []
        texts = self._written.setdefault(write, {})
        for block in self._blocks.keys() - texts.keys():
            texts[block] = write(dict(sorted(self._blocks[block].items())))
        return [texts[block] for block in sorted(texts)]

    def _forget_text(self, number: int) -> None:
        self.revision += 1
        for texts in self._written.values():
            texts.pop(number // BLOCK, None)
