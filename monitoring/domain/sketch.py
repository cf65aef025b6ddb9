"""How values are spread, in little room: a log-sketch, from which percentiles are read.

Every positive value goes into the cell `ceil(log(value) / log(1.02))`, so a percentile read from it is off by at most
1 % of the value (the idea of DDSketch: Masson, Rim, Lee, VLDB 2019). Two sketches merge by adding their cells.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

GAMMA = 1.02
_LOG = math.log(GAMMA)
_MIDDLE = 2 / (1 + GAMMA)  # of a cell (GAMMA**(i-1), GAMMA**i], so that it is off by the same share on both sides
_VERSION = 1
MOST_CELLS = 4_000  # from a thousandth to 1e30: more than that is no sketch of ours
LEAST, GREATEST = 1e-9, 1e30


class LogSketch:
    """Counts of values of 0 and more. Zero, and what is too small to tell from it, has a cell of its own."""

    __slots__ = ("cells", "zero")

    def __init__(self) -> None:
        self.cells: Counter[int] = Counter()
        self.zero = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogSketch) and (self.zero, self.cells) == (other.zero, other.cells)

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def count(self) -> int:
        return self.zero + self.cells.total()

    def add(self, value: float, n: int = 1) -> None:
        """`n` times the value, which is 0 or more and finite."""
        if value < LEAST:
            self.zero += n
        else:
            self.cells[math.ceil(math.log(min(value, GREATEST)) / _LOG)] += n

    def merge(self, other: LogSketch) -> None:
        self.zero += other.zero
        self.cells.update(other.cells)

    def quantile(self, q: float) -> float | None:
        """The value below which the share `q` (0 to 1) of all lies; None when nothing was added."""
        count = self.count
        if not count:
            return None
        rank = q * (count - 1)
        seen = self.zero
        if rank < seen:
            return 0.0
        for index in sorted(self.cells):
            seen += self.cells[index]
            if rank < seen:
                return _MIDDLE * GAMMA**index
        return _MIDDLE * GAMMA ** max(self.cells)

    def below(self, bounds: Sequence[float]) -> list[int]:
        """How many values are at most each of the ascending bounds; exact where a bound is a power of GAMMA."""
        found = [0] * len(bounds)
        for index, n in self.cells.items():
            at = bisect_right(bounds, GAMMA**index * (1 - 1e-9) - 1e-300)
            if at < len(found):
                found[at] += n
        total = self.zero
        for at, n in enumerate(found):
            total += n
            found[at] = total
        return found

    def to_bytes(self) -> bytes:
        """A version, the zeros, then pairs of index (as the step from the last one) and count, as varints."""
        numbers, last = [self.zero], 0
        for index in sorted(self.cells):
            step, last = index - last, index
            numbers += [step * 2 if step >= 0 else -step * 2 - 1, self.cells[index]]
        return bytes([_VERSION, *_varints(numbers)])

    @classmethod
    def from_bytes(cls, stored: bytes) -> LogSketch:
        """What `to_bytes` made; ValueError for anything else."""
        if not stored or stored[0] != _VERSION:
            raise ValueError("not a sketch")
        numbers = list(_numbers(stored[1:]))
        if len(numbers) % 2 != 1 or len(numbers) > 2 * MOST_CELLS:
            raise ValueError("not a whole sketch")
        sketch, index = cls(), 0
        sketch.zero = numbers[0]
        for step, n in zip(numbers[1::2], numbers[2::2], strict=True):
            index += step // 2 if step % 2 == 0 else -(step + 1) // 2
            sketch.cells[index] += n
        return sketch


def _varints(numbers: Iterable[int]) -> Iterator[int]:
    """Seven bits a byte, the lowest first; the high bit says that more come."""
    for number in numbers:
        while number > 0x7F:
            yield number & 0x7F | 0x80
            number >>= 7
        yield number


def _numbers(stored: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in stored:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise ValueError("a number that is too long")
        if not byte & 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number without its end")
