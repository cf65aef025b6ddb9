"""What counters counted in a longer time, added up by the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Max, Min, QuerySet, Sum

from monitoring.models import Bucket, Rollup, Series

HOUR = 3600


class Whole(NamedTuple):
    """A time as one step: unix second of its start, samples, and what they add up to."""

    start: int
    n: int
    sum: float


class Totalled(NamedTuple):
    """A series with one step, or with none where nothing was reported."""

    source: str
    name: str
    labels: Mapping[str, str]
    rows: Sequence[Whole]


def totals(environment_id: int, names: Collection[str], *, start: int, end: int) -> list[Totalled]:
    """All series of these metrics from `start` to `end` (unix seconds, end excluded). At most four queries.

    Whole hours come from what they were rolled up to, as far as that has got, and the rest from the buckets.
    """
    found = Series.objects.filter(environment_id=environment_id, name__in=names).order_by("name", "pk")
    series = {pk: rest for pk, *rest in found.values_list("pk", "source", "name", "labels")}
    hours = Rollup.objects.filter(series_id__in=series, span=HOUR, start__gte=start, start__lt=end - HOUR + 1)
    buckets = Bucket.objects.filter(series_id__in=series, start__gte=start, start__lt=end)
    rolled = hours.aggregate(first=Min("start"), last=Max("start"))
    counted = []
    if rolled["first"] is not None:
        buckets = buckets.exclude(start__gte=rolled["first"], start__lt=rolled["last"] + HOUR)
        counted += _sums(hours)
    sums: dict[int, tuple[int, float]] = {}
    for pk, n, total in [*counted, *_sums(buckets)]:
        before = sums.get(pk, (0, 0.0))
        sums[pk] = before[0] + n, before[1] + total
    return [
        Totalled(source, name, labels, [Whole(start, *sums[pk])] if pk in sums else [])
        for pk, (source, name, labels) in series.items()
    ]


def _sums(rows: QuerySet[Any]) -> list[tuple[int, int, float]]:
    grouped = rows.order_by().values("series_id").annotate(count=Sum("n"), total=Sum("sum"))
    return list(grouped.values_list("series_id", "count", "total"))
