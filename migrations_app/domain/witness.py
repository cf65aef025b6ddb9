"""Two pictures of a collection laid side by side: one of before a run, one of now; both in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from migrations_app.domain.bson_order import TYPES, order_key

MOST_NAMED = 100  # of each kind of difference
Row = tuple[Any, Any]  # a key, and what is to be compared


@dataclass
class Difference:
    """How many rows are the same, changed, gone or new; the first hundred of each by their keys."""

    same: int = 0
    changed: int = 0
    gone: int = 0
    new: int = 0
    named: dict[str, list[Any]] = field(default_factory=lambda: {"changed": [], "gone": [], "new": []})

    def note(self, kind: str, key: Any) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if kind in self.named and len(self.named[kind]) < MOST_NAMED:
            self.named[kind].append(key)

    @property
    def total_before(self) -> int:
        return self.same + self.changed + self.gone


def compare(before: Iterable[Row], now: Iterable[Row]) -> Difference:
    """What became of each row of `before`. Neither is held in memory."""
    found = Difference()
    for key, old, new in beside(before, now):
        if old is None:
            found.note("new", key)
        elif new is None:
            found.note("gone", key)
        else:
            found.note("same" if old[0] == new[0] else "changed", key)
    return found


def beside(one: Iterable[Row], other: Iterable[Row]) -> Iterator[tuple[Any, tuple[Any] | None, tuple[Any] | None]]:
    """Every key of both with what each has for it, in a tuple of one; None where it has nothing."""
    left, right = map(_keyed, (one, other))
    a, b = next(left), next(right)
    while a[0] != END or b[0] != END:
        if a[0] < b[0]:
            yield a[1][0], (a[1][1],), None
            a = next(left)
        elif b[0] < a[0]:
            yield b[1][0], None, (b[1][1],)
            b = next(right)
        else:
            yield a[1][0], (a[1][1],), (b[1][1],)
            a, b = next(left), next(right)


END = (len(TYPES),)  # behind every key there can be


def _keyed(rows: Iterable[Row]) -> Iterator[tuple[tuple[Any, ...], Row]]:
    for row in rows:
        yield order_key(row[0]), row
    while True:
        yield END, (None, None)
