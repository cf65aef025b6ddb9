"""Compute expressions over what is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from core import environments
from core.errors import Invalid
from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind, preferred
from monitoring.domain.promql import Element, Line, Query, evaluate, parse
from monitoring.domain.promql.stored import Step, Stored, base, lines
from monitoring.domain.promql.values import NAME, Labels, Vector
from monitoring.selectors import store

LOOKBACK = 60  # seconds for which a sample tells what its series stands at: pushes come every ten
MOST_STEPS = 5_000
SPANS = (BUCKET_SECONDS, 300, 3600)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series of a result over time: unix seconds and values, where it has one."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class StoredSeries:
    """The series of some metrics in one environment between two moments, read once: three queries.

    `by_source` are the metrics whose sources are all there; of the others only the preferred one is.
    """

    def __init__(
        self,
        environment_id: int,
        names: Collection[str],
        *,
        start: float,
        end: float,
        span: int = BUCKET_SECONDS,
        by_source: Collection[str] = (),
    ) -> None:
        self._span, self._by_source = span, by_source
        wanted = {*names, *map(base, names)}
        first, last = int(start // span - 1) * span, int(end // span) * span
        reads = store.read_all(environment_id, wanted, start=first, end=last, span=span)
        spread = {base(name) for name in names if name.endswith("_bucket")}
        timings = [read.series_id for read in reads if read.kind is MetricKind.TIMING and read.name in spread]
        sketches = store.sketches(timings, start=first, end=last, span=span) if timings else {}
        self._found: dict[str, list[Stored]] = {}
        for read in reads:
            steps = [Step(row.start, row.n, row.sum, row.last) for row in read.rows]
            stored = Stored(read.source, read.kind, read.labels, steps, sketches.get(read.series_id, {}))
            self._found.setdefault(read.name, []).append(stored)
        self._lines: dict[str, list[Line]] = {}

    def select(self, name: str, start: float, end: float) -> Sequence[Line]:
        if name not in self._lines:
            timings = [one for one in self._found.get(base(name), []) if one.kind is MetricKind.TIMING]
            plain = [one for one in self._found.get(name, []) if one.kind is not MetricKind.TIMING]
            self._lines[name] = lines(name, self._one_source(name, [*plain, *timings]), span=self._span)
        return self._lines[name]

    def alive(self, names: Collection[str], at: float) -> list[Mapping[str, str]]:
        """The labels of every series of these metrics that has a sample young enough to tell what it stands at."""
        return [
            {name: value for name, value in line.labels if name not in (NAME, "source", "le")}
            for metric in names
            for line in self.select(metric, at - LOOKBACK, at)
            if any(at - LOOKBACK < time <= at for time in reversed(line.times))
        ]

    def _one_source(self, name: str, found: list[Stored]) -> list[Stored]:
        reported = {one.source for one in found if one.steps}
        if name in self._by_source or not reported:
            return found
        source = preferred(reported)
        return [one for one in found if one.source == source]


def instant(environment: str, text: str, *, at: float) -> list[Element]:
    """What the expression is in this environment at unix second `at`: a number is one element without labels.

    Raises Invalid for an expression that cannot be computed, NotFound for an unknown environment.
    """
    query = parse(text)
    storage = stored(environments.get(environment).pk, [query], start=at, end=at)
    return elements(evaluate(query, storage, at, lookback=LOOKBACK))


def holds(environment: str, text: str, *, at: float) -> tuple[bool | None, list[Element]]:
    """Whether a condition holds at unix second `at`, and its elements; None when nothing that it reads has data."""
    query = parse(text)
    storage = stored(environments.get(environment).pk, [query], start=at, end=at)
    value = evaluate(query, storage, at, lookback=LOOKBACK)
    found = elements(value)
    if found and value != 0.0:
        return True, found
    return (False if storage.alive(query.names, at) else None), []


def over(environment: str, text: str, *, start: float, end: float, step: int, now: float) -> list[Drawn]:
    """What the expression is at `start` and every `step` seconds after it, up to `end`.

    Long times are computed over roll-ups. Raises Invalid, also for more than 5,000 steps.
    """
    query = parse(text)
    if step < 1 or (end - start) / step > MOST_STEPS:
        raise Invalid(f"At most {MOST_STEPS:,} steps: choose a longer step or a shorter time.", field="step")
    span = span_for(query, start=start, step=step, now=now)
    storage = stored(environments.get(environment).pk, [query], start=start, end=end, span=span)
    found: dict[Labels, list[tuple[float, float]]] = {}
    for number in range(int((end - start) // step) + 1):
        at = start + number * step
        value = evaluate(query, storage, at, lookback=max(LOOKBACK, 2 * span))
        for labels, one in _vector(value).items():
            found.setdefault(labels, []).append((at, one))
    return [Drawn(dict(labels), points) for labels, points in found.items()]


def stored(
    environment_id: int, queries: Collection[Query], *, start: float, end: float, span: int = BUCKET_SECONDS
) -> StoredSeries:
    """What these queries read when they are computed from `start` to `end`."""
    reach = max((query.longest for query in queries), default=0.0) + max(LOOKBACK, 2 * span)
    names = {name for query in queries for name in query.names}
    by_source = {name for query in queries for name in query.by_source}
    return StoredSeries(environment_id, names, start=start - reach, end=end, span=span, by_source=by_source)


def span_for(query: Query, *, start: float, step: int, now: float) -> int:
    """The longest span that still shows everything: no longer than a step, and twice in the shortest range.

    Where the finer ones are not kept any more, the finest that is.
    """
    kept = dict(zip(SPANS, _kept_days(), strict=True))
    most = min(step, query.shortest / 2) if query.shortest else step
    wanted = max((span for span in SPANS if span <= most), default=BUCKET_SECONDS)
    oldest = start - query.longest
    alive = [span for span in SPANS if oldest >= now - timedelta(days=kept[span]).total_seconds()]
    return max(wanted, alive[0] if alive else SPANS[-1])


def _kept_days() -> tuple[int, int, int]:
    return settings.METRICS_RETENTION_DAYS, settings.METRICS_5M_RETENTION_DAYS, settings.METRICS_1H_RETENTION_DAYS


def elements(value: Vector | float) -> list[Element]:
    return [Element(dict(labels), one) for labels, one in _vector(value).items()]


def _vector(value: Vector | float) -> Vector:
    return {(): value} if isinstance(value, float) else value
