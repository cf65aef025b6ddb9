"""What comes in, by environment and source, and what the metrics stand at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Max

from monitoring.domain.metrics import BUCKET_SECONDS, Push, preferred
from monitoring.models import Bucket, Metric, Series

SILENT = timedelta(seconds=90)
LOOKED = 3600  # seconds back for the newest measurement


@dataclass(frozen=True, slots=True)
class Door:
    """One source of one environment. `last` is when its newest measurement of the last hour ended."""

    environment: str
    source: str
    series: int
    last: datetime | None

    def silent(self, now: datetime) -> bool:
        return self.last is None or now - self.last > SILENT


def doors(*, now: datetime) -> list[Door]:
    """Every source that ever brought something: two queries."""
    counted = Series.objects.values("environment__name", "environment__position", "source").annotate(n=Count("pk"))
    recent = Bucket.objects.filter(start__gte=int(now.timestamp()) - LOOKED)
    newest = {
        (row["series__environment__name"], row["series__source"]): row["last"]
        for row in recent.values("series__environment__name", "series__source").annotate(last=Max("start")).order_by()
    }
    found = []
    for row in counted.order_by("environment__position", "source"):
        start = newest.get((row["environment__name"], row["source"]))
        last = None if start is None else min(now, datetime.fromtimestamp(start + BUCKET_SECONDS, UTC))
        found.append(Door(row["environment__name"], row["source"], row["n"], last))
    return found


def standing() -> dict[str, list[tuple[str, float]]]:
    """What each metric of the catalogue stands at, by its key: environment and labels, and the value. Two queries.

    It is that of the last minute in which anything was recorded.
    """
    newest = Bucket.objects.filter(series__source=Push.RECORDED).aggregate(last=Max("start"))["last"]
    first = (newest or 0) - 60
    names = set(Metric.objects.values_list("key", flat=True))
    rows = Bucket.objects.filter(series__name__in=names, start__gte=first).order_by("series_id", "start")
    last: dict[tuple[str, str, str], dict[str, tuple[str, float]]] = {}
    for name, where, source, labels, value in rows.values_list(
        "series__name", "series__environment__name", "series__source", "series__labels", "last"
    ):
        shown = ", ".join(f"{key}={text}" for key, text in sorted(labels.items()))
        last.setdefault((name, where, shown), {})[source] = (f"{where} {shown}".strip(), value)
    found: dict[str, list[tuple[str, float]]] = {}
    for (name, _, _), by_source in last.items():
        found.setdefault(name, []).append(by_source[preferred(by_source)])
    return found
