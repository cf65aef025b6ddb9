"""Crafted weeks: what nctool reported, hour by hour, written into the store as the roll-up leaves it.

Every figure that is written is also kept here, so that a test computes what a report must say from these lists alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core import environments
from monitoring.domain.sketch import LogSketch
from monitoring.models import Rollup, Series, Sketch

HOUR = 3600
FLAG = "atomicMeltOperations"
BERLIN = "Europe/Berlin"


def midnight(day: date, zone: str = "UTC") -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


class Store:
    """Writes hours of one environment."""

    def __init__(self, environment: str = "production") -> None:
        self.environment = environments.get(environment)
        self.series: dict[tuple[str, ...], Series] = {}
        self.rows: list[Rollup] = []
        self.sketches: list[Sketch] = []

    def flush(self) -> None:
        """Everything that was said so far is in the database then."""
        Rollup.objects.bulk_create(self.rows)
        Sketch.objects.bulk_create(self.sketches)
        self.rows, self.sketches = [], []

    def hour(self, at: datetime, name: str, total: float, n: int | None = None, **labels: str) -> None:
        """One hour of one series: what it adds up to, from how many samples."""
        start, samples = int(at.timestamp()), int(total) if n is None else n
        row = self._series(name, labels)
        self.rows.append(Rollup(series=row, span=HOUR, start=start, n=samples, sum=total, min=0, max=total, last=total))

    def melts(self, at: datetime, n: int, *, errors: int = 0, ms: float = 250.0, share: float = 0.5) -> None:
        """An hour of melts, `share` of them on the new path, where the errors are."""
        on = round(n * share)
        for variant, count in (("on", on), ("off", n - on)):
            self.hour(at, "melt_operations_total", count, flag=FLAG, variant=variant)
        if errors >= 0:
            self.hour(at, "melt_errors_total", errors, flag=FLAG, variant="on", severity="HIGH")
        self.hour(at, "melt_duration_ms", n * ms, n, flag=FLAG)
        sketch = LogSketch()
        sketch.add(ms, n)
        row = self._series("melt_duration_ms", {"flag": FLAG})
        start = int(at.timestamp())
        self.sketches.append(Sketch(series=row, span=HOUR, start=start, writer=0, cells=sketch.to_bytes()))

    def _series(self, name: str, labels: dict[str, str]) -> Series:
        key = (name, *sorted(f"{one}={value}" for one, value in labels.items()))
        if key not in self.series:
            kind = "timing" if name.endswith("_ms") else "gauge" if name == "up" else "counter"
            self.series[key] = Series.objects.create(
                environment=self.environment,
                name=name,
                kind=kind,
                labels=labels,
                digest=str(hash(key)),
                created_at=datetime(2025, 1, 1, tzinfo=UTC),
            )
        return self.series[key]


def hours(start: datetime, end: datetime) -> Iterable[datetime]:
    at = start
    while at < end:
        yield at
        at += timedelta(hours=1)
