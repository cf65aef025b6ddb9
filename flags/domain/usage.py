"""How often flags were asked for, as numbers in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count, islice, pairwise
from typing import NamedTuple

SLOT = timedelta(minutes=5)
NOT_FOUND = "FLAG_NOT_FOUND"
ERROR = "ERROR"  # asked without what was needed to decide
MOST_UNKNOWN = 1_000  # keys of flags that do not exist, told apart between two looks


class Answer(NamedTuple):
    """What is counted. `flag` may name one that does not exist; `variant` is empty where nothing was served."""

    flag: str
    variant: str
    reason: str


OTHER_UNKNOWN = Answer("…", "", NOT_FOUND)
Counts = Mapping[str, Counter[Answer]]  # by environment


def slot(moment: datetime) -> datetime:
    """The start of the five minutes that hold this moment."""
    return moment - timedelta(seconds=moment.timestamp() % SLOT.total_seconds())


class Tally:
    """One number that threads raise without a lock: `hit()` is one call into C, which no other thread interrupts.

    Looking at it raises it, too, so `take` corrects for that; only one thread may take.
    """

    __slots__ = ("_taken", "hit")

    def __init__(self) -> None:
        self.hit = count().__next__
        self._taken = 0

    def take(self) -> int:
        """How often it was hit since the last look."""
        reached = self.hit()
        new = reached - self._taken
        self._taken = reached + 1
        return new


def folded(counts: Counter[Answer], most: int = MOST_UNKNOWN) -> Counter[Answer]:
    """The same with at most so many flags that do not exist; the others of them are counted as one."""
    unknown = [answer for answer in counts if answer.reason == NOT_FOUND]
    if len(unknown) <= most:
        return counts
    kept = Counter({answer: number for answer, number in counts.items() if answer.reason != NOT_FOUND})
    for place, answer in enumerate(unknown):
        kept[answer if place < most - 1 else OTHER_UNKNOWN] += counts[answer]
    return kept


class Backlog:
    """Counts that wait for the database, by the five minutes in which they were made and the environment.

    It stays small however long the database is away: of the oldest slots two become one.
    """

    def __init__(self, *, most_slots: int = 12) -> None:
        self._held: dict[tuple[datetime, str], Counter[Answer]] = {}
        self._most = most_slots

    def add(self, moment: datetime, counts: Counts) -> None:
        for environment, more in counts.items():
            self._add(slot(moment), environment, more)
        slots = sorted({at for at, _ in self._held})
        too_many = max(0, len(slots) - self._most)
        for oldest, second in islice(pairwise(slots), too_many):
            for environment in [name for at, name in self._held if at == oldest]:
                self._add(second, environment, self._held.pop((oldest, environment)))

    def waiting(self) -> list[tuple[datetime, str, Counter[Answer]]]:
        """All of it, oldest first."""
        return [(at, environment, counts) for (at, environment), counts in sorted(self._held.items())]

    def done(self, at: datetime, environment: str) -> None:
        """This is stored."""
        del self._held[at, environment]

    def _add(self, at: datetime, environment: str, more: Counter[Answer]) -> None:
        if more:
            self._held[at, environment] = folded(self._held.get((at, environment), Counter()) + more)
