"""How stored measurements look to an expression.

A counter is the running sum of what was added since the begin of what is looked at: `rate` and `increase` do not care
where it begins. Increments are known exactly, so a step in which the metric was reported, but not with these labels,
has a sample that adds nothing, a series that appears has counted from zero, and where reports begin, or begin again
after a silence, the sum of before stands at the start of that step. A timing is a classic histogram:
`NAME_bucket{le}`, `NAME_sum` and `NAME_count`, in milliseconds. Samples stand at the end of their step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitoring.domain.metrics import MetricKind
from monitoring.domain.promql.values import NAME, Labels, Line, labels_of
from monitoring.domain.sketch import GAMMA, LogSketch

PARTS = ("_bucket", "_sum", "_count")  # of a timing
# Every tenth power of the sketch's base: 22 % apart, from 1 ms to about 11 minutes, exact counts at each.
BOUNDS = tuple(GAMMA**power for power in range(0, 680, 10))


class Step(NamedTuple):
    """One step of a series: its start (unix seconds), how many samples, what they add up to, and the last one."""

    start: int
    n: int
    sum: float
    last: float


@dataclass(frozen=True, slots=True)
class Stored:
    """One series. `sketches` is by start, and of a timing alone."""

    source: str
    kind: MetricKind
    labels: Mapping[str, str]
    steps: Sequence[Step]
    sketches: Mapping[int, LogSketch]


def base(name: str) -> str:
    """The timing of which this would be a part; the name itself when it is none."""
    return next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)


def lines(name: str, all_series: Sequence[Stored], *, span: int) -> list[Line]:
    """The series of the metric `name`, of one source or several; a step is `span` seconds long."""
    alive: dict[str, set[int]] = {}
    for one in all_series:
        alive.setdefault(one.source, set()).update(step.start for step in one.steps)
    steps = {source: sorted(starts) for source, starts in alive.items()}
    return [line for one in all_series for line in _lines(name, one, steps[one.source], span)]


def _lines(name: str, one: Stored, alive: Sequence[int], span: int) -> Iterator[Line]:
    labels = labels_of({NAME: name, "source": one.source, **one.labels})
    if not one.steps:
        return
    match one.kind:
        case MetricKind.GAUGE:
            yield Line(labels, [step.start + span for step in one.steps], [step.last for step in one.steps])
        case MetricKind.COUNTER:
            yield _running(labels, {step.start: step.sum for step in one.steps}, alive, span)
        case MetricKind.TIMING if name.endswith("_sum"):
            yield _running(labels, {step.start: step.sum for step in one.steps}, alive, span)
        case MetricKind.TIMING if name.endswith("_count"):
            yield _running(labels, {step.start: step.n for step in one.steps}, alive, span)
        case MetricKind.TIMING if name.endswith("_bucket"):
            yield from _buckets(labels, one, alive, span)


def _buckets(labels: Labels, one: Stored, alive: Sequence[int], span: int) -> Iterator[Line]:
    """The cumulative buckets in which anything lies, one below them, and `+Inf`."""
    below = {start: sketch.below(BOUNDS) for start, sketch in one.sketches.items()}
    for at, bound in enumerate(BOUNDS):
        counts = {start: float(found[at]) for start, found in below.items()}
        before = any(found[at - 1] != found[-1] for found in below.values()) if at else True
        after = any(found[min(at + 1, len(BOUNDS) - 1)] for found in below.values())
        if before and after:
            yield _running(_with(labels, f"{bound:g}"), counts, alive, span)
    counts = {start: float(sketch.count) for start, sketch in one.sketches.items()}
    yield _running(_with(labels, "+Inf"), counts, alive, span)


def _with(labels: Labels, le: str) -> Labels:
    return tuple(sorted((*labels, ("le", le))))


def _running(labels: Labels, added: Mapping[int, float], alive: Iterable[int], span: int) -> Line:
    times, values, total, end = [], [], 0.0, None
    for start in alive:
        if start != end:
            times.append(start)
            values.append(total)
        end = start + span
        total += added.get(start, 0.0)
        times.append(end)
        values.append(total)
    return Line(labels, times, values)
