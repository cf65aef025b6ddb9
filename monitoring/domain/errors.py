"""Errors of one kind as one episode, and what handling them brings (seed: errorMetrics)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitoring.domain.melts import Line, one_source, total
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.severity import Severity

HANDLING = "enhancedErrorHandling"  # the seed's flag of phase 3
LOUD = (Severity.CRITICAL, Severity.HIGH)  # seed: alertOnSeverity
LOOK_BACK = 600  # seconds: what is older opens no episode
QUIET = {  # seconds without an error, while data keeps coming, after which an episode is over
    Severity.CRITICAL: 600,
    Severity.HIGH: 600,
    Severity.MEDIUM: 3_600,  # a low rate of small errors is always there: it shall be one episode, not hundreds
    Severity.LOW: 6 * 3_600,
}
Z = 1.96  # 95 % interval


class Kind(NamedTuple):
    """What errors have in common. Several flags fail in their own ways, and a variant may fail where the other does
    not."""

    severity: Severity
    feature: str
    variant: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Errors of one kind in whole buckets, unix seconds: from the start of the first to the end of the last."""

    count: int
    first: int
    last: int


def kind_of(labels: Mapping[str, str]) -> Kind:
    """An error whose severity is missing or unknown counts as HIGH: it must not go unheard."""
    told = labels.get("severity", "").upper()
    severity = Severity(told) if told in set(Severity) else Severity.HIGH
    return Kind(severity, labels.get("flag", ""), labels.get("variant", ""))


def seen(lines: Iterable[Line], since: Mapping[Kind, int], *, otherwise: int, until: int) -> dict[Kind, Seen]:
    """The errors of each kind in the buckets from `since` (of a kind that is not there: `otherwise`) to `until`."""
    counts: Counter[Kind] = Counter()
    starts: dict[Kind, list[int]] = {}
    for line in one_source(lines):
        kind = kind_of(line.labels)
        begin = since.get(kind, otherwise)
        for row in line.rows:
            if row.sum > 0 and begin <= row.start < until:
                counts[kind] += round(row.sum)
                starts.setdefault(kind, []).append(row.start)
    return {kind: Seen(max(counts[kind], 1), min(at), max(at) + BUCKET_SECONDS) for kind, at in starts.items()}


def by_severity(lines: Iterable[Line]) -> dict[Severity, int]:
    """How many errors of each severity there were: those of the flag that has the most, for an error that no flag is to
    blame for is told by each."""
    counts: dict[Severity, Counter[str]] = {severity: Counter() for severity in Severity}
    for line in one_source(lines):
        kind = kind_of(line.labels)
        counts[kind.severity][kind.feature] += round(total([line]))
    return {severity: max(features.values(), default=0) for severity, features in counts.items()}


@dataclass(frozen=True, slots=True)
class Rate:
    """So many errors in so many operations."""

    errors: float
    operations: float

    @property
    def per_thousand(self) -> float | None:
        return 1_000 * self.errors / self.operations if self.operations else None


@dataclass(frozen=True, slots=True)
class Reduction:
    """By how much errors became rarer, in percent, with its 95 % interval. Negative: they became more frequent."""

    percent: float
    least: float
    most: float


def reduction(before: Rate, after: Rate) -> Reduction | None:
    """`1 - after / before` of the errors per operation (seed: userImpactReduction); None where it cannot be said.

    The interval is that of a ratio of two Poisson rates (log method; half an error is added to both when one side has
    none).
    """
    if not before.errors or not before.operations or not after.operations:
        return None
    extra = 0.0 if after.errors else 0.5
    ratio = _ratio(before, after, 0.0)
    middle = math.log(_ratio(before, after, extra))
    wide = Z * math.sqrt(1 / (after.errors + extra) + 1 / (before.errors + extra))
    return Reduction(100 * (1 - ratio), 100 * (1 - math.exp(middle + wide)), 100 * (1 - math.exp(middle - wide)))


def _ratio(before: Rate, after: Rate, extra: float) -> float:
    return ((after.errors + extra) / after.operations) / ((before.errors + extra) / before.operations)


class Resolution(NamedTuple):
    """How long errors lasted, in seconds, from the first that was seen until they were over."""

    median: float
    p90: float
    episodes: int


def resolution(seconds: Sequence[float]) -> Resolution | None:
    """None where nothing has been resolved."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Resolution(_quantile(ordered, 0.5), _quantile(ordered, 0.9), len(ordered))


def _quantile(ordered: Sequence[float], q: float) -> float:
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
