"""What gauges stand at, with the day before: few rows however much was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import OuterRef, Subquery, Sum

from monitoring.domain.metrics import BUCKET_SECONDS, preferred
from monitoring.models import Bucket, Rollup, Series
from monitoring.selectors.slots import slot

FIVE_MINUTES = 300


class Stood(NamedTuple):
    """One gauge. `last` and `at` are of its newest measurement; `means` has each step that has one, by its start."""

    name: str
    labels: Mapping[str, str]
    last: float | None
    at: datetime | None
    means: Mapping[int, float]


def stood(
    environment_id: int,
    names: Collection[str],
    *,
    start: int,
    end: int,
    step: int,
    features: Collection[str] | None = None,
) -> list[Stood]:
    """The gauges of these names, of each the preferred source. Three queries.

    Args:
        start, end: unix seconds, end excluded; what is older than `start` is not looked at, and `last` is None then.
        step: seconds, a multiple of 300: means come from what was rolled up.
        features: the values of the label `feature` that are wanted; None: all. A gauge without that label is there.
    """
    chosen = _chosen(environment_id, names, features)
    newest = Bucket.objects.filter(series=OuterRef("pk"), start__gte=start, start__lt=end).order_by("-start")
    rows = Series.objects.filter(pk__in=chosen).annotate(
        last=Subquery(newest.values("last")[:1]), at=Subquery(newest.values("start")[:1])
    )
    means = _means(chosen, start, end, step)
    by_source: dict[tuple[str, str], dict[str, Stood]] = {}
    for pk, name, source, labels, last, at in rows.values_list("pk", "name", "source", "labels", "last", "at"):
        told = None if at is None else datetime.fromtimestamp(at + BUCKET_SECONDS, UTC)
        place = name, repr(sorted(labels.items()))
        by_source.setdefault(place, {})[source] = Stood(name, labels, last, told, means.get(pk, {}))
    return [_preferred(found) for _, found in sorted(by_source.items())]


def _chosen(environment_id: int, names: Collection[str], features: Collection[str] | None) -> list[int]:
    found = Series.objects.filter(environment_id=environment_id, name__in=names).order_by()
    return [
        pk
        for pk, labels in found.values_list("pk", "labels")
        if features is None or labels.get("feature") in (None, *features)
    ]


def _means(chosen: Collection[int], start: int, end: int, step: int) -> dict[int, dict[int, float]]:
    rows = (
        Rollup.objects.filter(series_id__in=chosen, span=FIVE_MINUTES, start__gte=start, start__lt=end)
        .order_by()
        .annotate(slot=slot("start", step))
        .values("series_id", "slot")
        .annotate(samples=Sum("n"), total=Sum("sum"))
    )
    found: dict[int, dict[int, float]] = {}
    for row in rows:
        if row["samples"]:
            found.setdefault(row["series_id"], {})[row["slot"]] = row["total"] / row["samples"]
    return found


def _preferred(found: Mapping[str, Stood]) -> Stood:
    """Where several sources tell the same, one that still reports is read."""
    measured = {source: one for source, one in found.items() if one.at is not None} or found
    return measured[preferred(measured)]
