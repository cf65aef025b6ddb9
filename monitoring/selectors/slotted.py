"""What was measured in a long time, in a few steps whose lengths differ: days of a zone, or their quarters.

Read from the hours that were rolled up as far as that has got, and from the buckets for the rest, row by row: what is
kept is one sum for each series and step. An hour belongs to the step in which it begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.db.models import F, Max, Min, QuerySet, Sum

from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.sketch import LogSketch
from monitoring.models import Bucket, Rollup, Series, Sketch
from monitoring.selectors.slots import slot
from monitoring.selectors.totals import HOUR, Whole

AT_ONCE = 2_000
Summed = Iterator[tuple[int, int, int, float]]  # series, unix second, samples, sum


class Slotted(NamedTuple):
    """A series with the steps that have samples, oldest first; `start` of each is where the step begins."""

    series_id: int
    source: str
    name: str
    labels: Mapping[str, str]
    rows: Sequence[Whole]


def by_slot(environment_id: int, names: Collection[str], edges: Sequence[int]) -> list[Slotted]:
    """All series of these metrics, in the steps between the ascending `edges` (unix seconds). At most four queries."""
    wanted = Series.objects.filter(environment_id=environment_id, name__in=names)
    series = {pk: rest for pk, *rest in wanted.order_by("name", "pk").values_list("pk", "source", "name", "labels")}
    sums: dict[int, dict[int, list[float]]] = {pk: {} for pk in series}
    for pk, at, n, total in _summed(wanted, edges[0], edges[-1]):
        kept = sums[pk].setdefault(bisect_right(edges, at) - 1, [0, 0.0])
        kept[0] += n
        kept[1] += total
    return [
        Slotted(pk, source, name, labels, [Whole(edges[at], int(n), total) for at, (n, total) in sorted(own.items())])
        for pk, (source, name, labels) in series.items()
        for own in [sums[pk]]
    ]


def spreads(series_ids: Collection[int], edges: Sequence[int]) -> list[LogSketch]:
    """How the timings of these series together are spread in each step; empty where there are none. Three queries."""
    found = [LogSketch() for _ in edges[1:]]
    rows = Sketch.objects.filter(series_id__in=series_ids, start__gte=edges[0], start__lt=edges[-1])
    hours = rows.filter(span=HOUR)
    rolled = hours.aggregate(first=Min("start"), last=Max("start"))
    fine = rows.filter(span=BUCKET_SECONDS)
    if rolled["first"] is not None:
        fine = fine.exclude(start__gte=rolled["first"], start__lt=rolled["last"] + HOUR)
    for some in (hours, fine):
        for at, cells in some.values_list("start", "cells").iterator(chunk_size=AT_ONCE):
            found[bisect_right(edges, at) - 1].merge(LogSketch.from_bytes(bytes(cells)))
    return found


def _summed(series: QuerySet[Series], start: int, end: int) -> Summed:
    hours = Rollup.objects.filter(series__in=series, span=HOUR, start__gte=start, start__lt=end)
    buckets = Bucket.objects.filter(series__in=series, start__gte=start, start__lt=end)
    rolled = hours.aggregate(first=Min("start"), last=Max("start"))
    if rolled["first"] is not None:
        buckets = buckets.exclude(start__gte=rolled["first"], start__lt=rolled["last"] + HOUR)
        yield from hours.order_by().values_list("series_id", "start", "n", "sum").iterator(chunk_size=AT_ONCE)
    by_hour = buckets.order_by().annotate(hour=slot("start", HOUR)).values("series_id", "hour")
    grouped = by_hour.annotate(samples=Sum("n"), total=Sum(F("sum")))
    yield from grouped.values_list("series_id", "hour", "samples", "total").iterator(chunk_size=AT_ONCE)
