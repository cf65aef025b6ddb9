"""What windows are made of, and the windows themselves.

Time is unix seconds. A window covers `start <= t < end`; both are multiples of ten, so it is made of whole buckets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.sketch import LogSketch
from monitoring.domain.verdict import Verdict

SILENCE = 60  # what nobody reported for this long was not seen: no count passes, and no other window waits on


@dataclass(frozen=True, slots=True)
class Tally:
    """`n` samples that add up to `sum`."""

    n: int = 0
    sum: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.sum + other.sum)


class Said(NamedTuple):
    """A user who complained, and when."""

    at: float
    npub: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """How it was before the change: the value, of how many samples, and the deviation of a single one."""

    value: float
    n: int
    deviation: float
    start: int
    end: int

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "n": self.n, "deviation": self.deviation, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who has the flag: its percentage (0 to 100), and whether some have it whatever the percentage.

    `changes` are the seconds at which that changed, oldest first.
    """

    percentage: float
    listed: bool = False
    changes: tuple[int, ...] = ()


Line = Mapping[int, Tally]  # by start of the bucket; a bucket without samples is absent
Progress = Mapping[str, Any]  # what judging carries from one window to the next, as JSON has it


@dataclass(frozen=True, slots=True)
class Data:
    """What the windows are made of: buckets of both selections, and those in which anything at all was reported.

    Only some measures look at the rest. `spread`: the sketches of a timing. `weeks`: 5-minute steps of the four weeks
    before, each moved to the present. `said`: complaints. `control_*`: the same as numerator and denominator, of those
    with the flag off. `baseline`: from before the change. `exposure`: who has the flag.
    """

    numerator: Line
    denominator: Line = field(default_factory=dict)
    active: Set[int] = frozenset()
    spread: Mapping[int, LogSketch] = field(default_factory=dict)
    weeks: Sequence[Line] = ()
    said: Sequence[Said] = ()
    control_numerator: Line = field(default_factory=dict)
    control_denominator: Line = field(default_factory=dict)
    baseline: Baseline | None = None
    exposure: Exposure | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A judged window. `value` is None when it could not be computed or means nothing.

    `detail` tells what else it was judged by; `before` and `after` are the progress that it found and left.
    """

    start: int
    end: int
    verdict: Verdict
    value: float | None
    samples: int
    detail: Mapping[str, Any] = field(default_factory=dict)
    before: Progress = field(default_factory=dict)
    after: Progress = field(default_factory=dict)

    def told(self, **detail: Any) -> Window:
        """The same with more detail."""
        return replace(self, detail={**self.detail, **detail})


def total(line: Line, start: int, end: int) -> Tally:
    if len(line) < (end - start) // BUCKET_SECONDS:
        return sum((tally for at, tally in sorted(line.items()) if start <= at < end), Tally())
    return sum((line[at] for at in range(start, end, BUCKET_SECONDS) if at in line), Tally())


def active(data: Data, start: int, end: int) -> int:
    """In how many buckets anything was reported."""
    return sum(at in data.active for at in range(start, end, BUCKET_SECONDS))


def undecided(start: int, end: int, samples: int, *, seen: int, value: float | None = None) -> Window:
    return Window(start, end, Verdict.INSUFFICIENT if seen else Verdict.NO_DATA, value, samples)


def compare(rule: Rule, start: int, end: int, value: float, samples: int) -> Window:
    """What is no number says nothing: it is neither above nor below."""
    if not math.isfinite(value):
        return undecided(start, end, samples, seen=samples)
    verdict = Verdict.BREACH if value > rule.threshold else Verdict.PASS
    return Window(start, end, verdict, value, samples)
