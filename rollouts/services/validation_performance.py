"""performanceRegression: the last ten minutes against a time before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from core import events
from monitoring.domain.melts import DURATION, ERRORS, OPERATIONS, melts, total
from monitoring.domain.raised import RAISING, FlagChange
from monitoring.domain.sketch import LogSketch
from monitoring.selectors import store
from monitoring.selectors.store import Read
from rollouts.domain.validation import Result, Subject
from rollouts.domain.validation_regression import Period, compare

NOW = 600  # seconds
HOUR = 3600
WEEK = timedelta(days=7)
GRACE = 20  # seconds: what was measured just now may still be on its way
STEPS = (10, 300)  # seconds: what was measured long ago is kept in longer steps
MOST_EVENTS = 50


def check(subject: Subject) -> Result:
    """The same hour of last week is the measure; without it the hour before the newest raise of a flag, and where that
    was not measured, or no flag was ever raised, the hour before."""
    end = (int(subject.now.timestamp()) - GRACE) // 10 * 10
    now = measured(subject.environment_id, "the last 10 minutes", end - NOW, end)
    for label, start in _times(subject, end):
        before = measured(subject.environment_id, label, start, start + HOUR)
        if before.enough:
            return compare(now, before)
    return compare(now, None)


def _times(subject: Subject, end: int) -> Sequence[tuple[str, int]]:
    """The hours that may be compared with, best first."""
    raised = _raised(subject)
    last_week = end - int(WEEK.total_seconds()) - NOW // 2 - HOUR // 2
    found = [("the same hour a week ago", last_week)]
    if raised is not None:
        flag, at = raised
        moment = datetime.fromtimestamp(at, UTC)
        found.append((f"the hour before {flag} was raised ({moment:%Y-%m-%d %H:%M} UTC)", at - HOUR))
    found.append(("the hour before", end - NOW - HOUR))
    return found


def _raised(subject: Subject) -> tuple[str, int] | None:
    """Which flag was raised last here, and when."""
    rows = events.recent().filter(environment_id=subject.environment_id, kind__in=RAISING)[:MOST_EVENTS]
    for event in rows:
        change = FlagChange(event.subject.removeprefix("flag:"), event.before, event.after)
        if change.raises:
            return change.flag_key, int(event.at.timestamp())
    return None


def measured(environment_id: int, label: str, start: int, end: int) -> Period:
    """A time, in unix seconds, as it was measured, in the finest steps in which it is kept. `label` names it."""
    where, names = environment_id, [OPERATIONS, ERRORS, DURATION]
    reads: list[Read] = []
    step = STEPS[0]
    for step in STEPS:
        reads = store.read_all(where, names, start=start, end=end, span=step)
        if any(read.rows for read in reads):
            break
    timed = melts(read for read in reads if read.name == DURATION)
    return Period(
        label=label,
        operations=total(melts(read for read in reads if read.name == OPERATIONS)),
        errors=total(melts(read for read in reads if read.name == ERRORS)),
        means=_means(timed),
        p95s=_p95s(timed, start, end, step),
    )


def _means(timed: Sequence[Read]) -> list[float]:
    """The mean of each step over all variants."""
    sums: dict[int, tuple[int, float]] = {}
    for read in timed:
        for row in read.rows:
            n, ms = sums.get(row.start, (0, 0.0))
            sums[row.start] = n + row.n, ms + row.sum
    return [ms / n for _, (n, ms) in sorted(sums.items()) if n]


def _p95s(timed: Sequence[Read], start: int, end: int, step: int) -> list[float]:
    """The 95th percentile of each step over all variants, where it is known how the durations are spread."""
    steps: dict[int, LogSketch] = {}
    for by_start in store.sketches([read.series_id for read in timed], start=start, end=end, span=step).values():
        for at, sketch in by_start.items():
            steps.setdefault(at, LogSketch()).merge(sketch)
    found = [sketch.quantile(0.95) for _, sketch in sorted(steps.items())]
    return [value for value in found if value is not None]
