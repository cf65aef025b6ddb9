"""Reads of what was measured: series, and the points of a chart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from core.errors import Invalid, NotFound
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.selection import Selection
from monitoring.domain.verdict import Measure
from monitoring.models import Bucket, Series
from monitoring.selectors.slots import slot

MOST_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart. `samples` is what the value was computed from."""

    at: datetime
    value: float
    samples: int


class Measured(NamedTuple):
    """One metric of a flag, all its series together. `last` is when the newest measurement ended; None: never."""

    name: str
    kind: str
    sums: Sums
    last: datetime | None


class Sums(NamedTuple):
    """How many samples a step has, and what they add up to."""

    samples: int
    total: float


def series(environment: str | None = None) -> QuerySet[Series]:
    """What has been reported, by name."""
    found = Series.objects.select_related("environment").order_by("name", "id")
    return found if environment is None else found.filter(environment__key=environment)


def one_series(series_id: int) -> Series:
    """One series with its environment, or NotFound."""
    found = series().filter(pk=series_id).first()
    if found is None:
        raise NotFound(f"There is no series {series_id}.")
    return found


def lines(series_ids: Collection[int], *, start: int, end: int, step: int) -> dict[int, dict[int, Sums]]:
    """Each series with its steps that have samples, by the unix second at which they start. One query.

    `start`, `end` and `step` are as of `points`.
    """
    found: dict[int, dict[int, Sums]] = {series_id: {} for series_id in series_ids}
    rows = (
        Bucket.objects.filter(series_id__in=found, start__gte=start, start__lt=end)
        .annotate(slot=slot("start", step))
        .values("series_id", "slot")
        .annotate(samples=Sum("n"), total=Sum("sum"))
    )
    for row in rows:
        found[row["series_id"]][row["slot"]] = Sums(row["samples"], row["total"])
    return found


def matching(environment: str, selection: Selection) -> list[int]:
    """The ids of the series that a selection takes: one query."""
    rows = Series.objects.filter(environment__key=environment, name=selection.metric).values_list("id", "labels")
    return [series_id for series_id, labels in rows if selection.takes(selection.metric, labels)]


def of_flag(flag_key: str, environment: str, *, since: int) -> list[Measured]:
    """Every metric whose samples carry the label `flag` with this key, added up from unix second `since` on.

    Two queries, however many series there are.
    """
    newest = Bucket.objects.filter(series=OuterRef("pk"), n__gt=0).order_by("-start").values("start")[:1]
    series_ = Series.objects.filter(environment__key=environment, labels__flag=flag_key).annotate(last=Subquery(newest))
    rows = {pk: (name, kind, last) for pk, name, kind, last in series_.values_list("pk", "name", "kind", "last")}
    sums = Bucket.objects.filter(series_id__in=rows, start__gte=since).values("series_id")
    added = {row["series_id"]: Sums(row["n"], row["t"]) for row in sums.annotate(n=Sum("n"), t=Sum("sum"))}
    found: dict[str, Measured] = {}
    for pk, (name, kind, last) in sorted(rows.items(), key=lambda row: row[1][0]):
        before = found.get(name, Measured(name, kind, Sums(0, 0.0), None))
        more = added.get(pk, Sums(0, 0.0))
        total = Sums(before.sums.samples + more.samples, before.sums.total + more.total)
        at = datetime.fromtimestamp(last + BUCKET_SECONDS, UTC) if last is not None else None
        found[name] = Measured(name, kind, total, max(filter(None, (before.last, at)), default=None))
    return list(found.values())


def points(
    environment: str,
    measure: Measure,
    numerator: Mapping[str, Any],
    denominator: Mapping[str, Any] | None = None,
    *,
    start: int,
    end: int,
    step: int,
) -> list[Point]:
    """A chart's line: one point for each step that has samples, oldest first, in at most three queries.

    Args:
        measure: a ratio in percent, a mean in ms; a count or a drop show what was counted per step.
        numerator, denominator: what a trigger selects: `{"metric": name, "labels": {…}}`.
        start, end: unix seconds, end excluded. `step` is seconds, a multiple of ten.

    Raises Invalid for a step that is no multiple of ten, or for more than 5,000 steps.
    """
    if step < BUCKET_SECONDS or step % BUCKET_SECONDS or (end - start) // step > MOST_POINTS:
        raise Invalid(f"A step is a multiple of ten seconds, and a chart has at most {MOST_POINTS} of them.")
    top = _steps(matching(environment, Selection.read(numerator)), start, end, step)
    if measure is not Measure.RATIO:
        return [_point(at, _value(measure, n, total), n) for at, (n, total) in sorted(top.items())]
    below = _steps(matching(environment, Selection.read(denominator or {})), start, end, step)
    return [
        _point(at, 100 * top.get(at, (0, 0.0))[1] / total, int(total))
        for at, (_, total) in sorted(below.items())
        if total
    ]


def _steps(series_ids: Collection[int], start: int, end: int, step: int) -> dict[int, tuple[int, float]]:
    """Start of each step with samples, to their number and sum, added up by the database."""
    if not series_ids:
        return {}
    rows = (
        Bucket.objects.filter(series_id__in=series_ids, start__gte=start, start__lt=end)
        .annotate(slot=slot("start", step))
        .values("slot")
        .annotate(samples=Sum("n"), total=Sum("sum"))
    )
    return {row["slot"]: (row["samples"], row["total"]) for row in rows}


def _value(measure: Measure, n: int, total: float) -> float:
    return total / n if measure is Measure.MEAN else total


def _point(at: int, value: float, samples: int) -> Point:
    return Point(datetime.fromtimestamp(at, UTC), value, samples)
