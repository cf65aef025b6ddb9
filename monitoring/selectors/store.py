"""Reads of the stored measurements, for everything that computes with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import QuerySet

from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind
from monitoring.domain.sketch import LogSketch
from monitoring.models import Bucket, Rollup, Series, Sketch

MOST_POINTS = 5_000
SPANS = (BUCKET_SECONDS, 300, 3600)


class Row(NamedTuple):
    """One step of a series. `start` is unix seconds."""

    start: int
    n: int
    sum: float
    min: float
    max: float
    last: float


class Read(NamedTuple):
    """A series with its rows, oldest first; a step without samples is absent."""

    series_id: int
    source: str
    name: str
    kind: MetricKind
    labels: Mapping[str, str]
    rows: list[Row]


def read(
    environment_id: int, name: str, *, start: int, end: int, span: int = BUCKET_SECONDS, source: str | None = None
) -> list[Read]:
    """All series of a metric with their steps from `start` to `end` (unix seconds, end excluded). Two queries.

    `span` is 10, 300 or 3600 seconds; `source` leaves the series of other sources out.
    """
    return read_all(environment_id, [name], start=start, end=end, span=span, source=source)


def read_all(
    environment_id: int,
    names: Collection[str],
    *,
    start: int,
    end: int,
    span: int = BUCKET_SECONDS,
    source: str | None = None,
) -> list[Read]:
    """As `read`, of several metrics at once: two queries all the same. A series without rows is there, too."""
    found = Series.objects.filter(environment_id=environment_id, name__in=names).order_by("name", "id")
    if source is not None:
        found = found.filter(source=source)
    reads = {
        pk: Read(pk, source_, name, MetricKind(kind), labels, [])
        for pk, source_, name, kind, labels in found.values_list("pk", "source", "name", "kind", "labels")
    }
    steps = _steps(span).filter(series_id__in=reads, start__gte=start, start__lt=end).order_by("start")
    for pk, at, n, total, least, most, last in steps.values_list("series_id", *Row._fields):
        reads[pk].rows.append(Row(at, n, total, least, most, last))
    return list(reads.values())


def sketches(
    series_ids: Collection[int], *, start: int, end: int, span: int = BUCKET_SECONDS
) -> dict[int, dict[int, LogSketch]]:
    """How the timings of each step are spread, by series and start; those of several writers merged. One query."""
    found: dict[int, dict[int, LogSketch]] = {series_id: {} for series_id in series_ids}
    rows = Sketch.objects.filter(series_id__in=found, span=span, start__gte=start, start__lt=end)
    for series_id, at, cells in rows.values_list("series_id", "start", "cells"):
        found[series_id].setdefault(at, LogSketch()).merge(LogSketch.from_bytes(bytes(cells)))
    return found


def _steps(span: int) -> QuerySet[Bucket] | QuerySet[Rollup]:
    return Bucket.objects.all() if span == BUCKET_SECONDS else Rollup.objects.filter(span=span)
