"""Counts what the doors of this process answer. The doors only raise numbers; all else happens when they are read."""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping

from flags.domain.bucketing import JS31_BUCKETS
from flags.domain.decision import Decision, Rule
from flags.domain.keys import is_key
from flags.domain.snapshot import Snapshot
from flags.domain.usage import ERROR, MOST_UNKNOWN, NOT_FOUND, OTHER_UNKNOWN, Answer, Tally, folded

Hit = Callable[[], int]


class Sheet:
    """The counts of one snapshot.

    `buckets` are raised by an answer with all flags that units of a js31 bucket share, `of` gives what is raised by
    the answer about one flag, and `see` takes the npub that was asked about.
    """

    def __init__(self, snapshot: Snapshot, see: Callable[[str], None]) -> None:
        self.see = see
        self._snapshot = snapshot
        self._answers: dict[Answer, Tally] = {}
        self._unknown: dict[Answer, Tally] = {}
        self._unknown_before: dict[Answer, Tally] = {}
        self._shared = [Tally() for _ in range(JS31_BUCKETS)]
        self.buckets: list[Hit] = [tally.hit for tally in self._shared]

    def of(self, decision: Decision) -> Hit:
        return self._answers.setdefault(_answer(decision), Tally()).hit

    def unknown(self, key: str) -> None:
        """Somebody asked for a flag that does not exist."""
        answer = Answer(key, "", NOT_FOUND) if is_key(key) and len(self._unknown) < MOST_UNKNOWN else OTHER_UNKNOWN
        self._unknown.setdefault(answer, Tally()).hit()

    def take(self) -> Counter[Answer]:
        """How often each answer was given since the last call. One thread takes."""
        counts: Counter[Answer] = Counter()
        before, self._unknown_before, self._unknown = self._unknown_before, self._unknown, {}  # room for others
        for tallies in (self._answers, self._unknown_before, before):
            for answer, tally in list(tallies.items()):
                counts[answer] += tally.take()
        hits = [tally.take() for tally in self._shared]
        if any(hits):
            for decision, times in self._snapshot.given(hits):
                counts[_answer(decision)] += times
        return +counts


class Counting:
    """All sheets of this process. `units` is how many of the newest npubs are remembered of each environment."""

    def __init__(self, *, units: int) -> None:
        self._sheets: list[tuple[str, Sheet, weakref.ref[object]]] = []
        self._units: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=units))

    def sheet(self, snapshot: Snapshot, owner: object) -> Sheet:
        """A new sheet, which is read as long as its owner lives, and once more."""
        sheet = Sheet(snapshot, self._units[snapshot.environment].append)
        self._sheets.append((snapshot.environment, sheet, weakref.ref(owner)))
        return sheet

    def take(self) -> Mapping[str, Counter[Answer]]:
        """How often each answer was given since the last call, by environment. One thread takes."""
        counts: defaultdict[str, Counter[Answer]] = defaultdict(Counter)
        for place in list(self._sheets):
            environment, sheet, owner = place
            over = owner() is None  # asked first: then nobody can raise it any more
            counts[environment] += sheet.take()
            if over:
                self._sheets.remove(place)
        return {environment: folded(counted) for environment, counted in counts.items()}

    def units(self) -> Mapping[str, Collection[str]]:
        """The npubs that were asked about since the last call, by environment. One thread takes."""
        return {
            environment: {seen.popleft() for _ in range(len(seen))} for environment, seen in list(self._units.items())
        }


def _answer(decision: Decision) -> Answer:
    if decision.rule is Rule.NO_KEY:
        return Answer(decision.key, "", ERROR)
    return Answer(decision.key, decision.variant, decision.reason.value)
