"""How long a chart of seven days takes on the server: `python -m benchmarks.chart`.

In a SQLite database of its own: seventeen series, one of them a timing with its sketches, each measured every ten
seconds for seven days, and rolled up by the product. Each page is rendered by the product's own views, 20 times
after one that warms up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from benchmarks.place import place, spent
from benchmarks.table import percentile, show

SERIES, DAYS = 17, 7
EXPLORER = "/admin/monitoring/series/explore/?environment=production&range=7d"
PAGES = {
    "a metric of the catalogue": f"{EXPLORER}&metric=error_rate",
    "the same beside the week before": f"{EXPLORER}&metric=error_rate&compare=on",
    "sum by (flag) (rate(melts_total[1h]))": f"{EXPLORER}&expr=sum+by+(flag)+(rate(melts_total[1h]))",
    "histogram_quantile(0.95, rate(melt_ms_bucket[1h]))": (
        f"{EXPLORER}&expr=histogram_quantile(0.95,rate(melt_ms_bucket[1h]))"
    ),
    "one day of the metric in steps of 5 min": f"{EXPLORER.replace('7d', '24h')}&metric=error_rate&step=300",
}


def main() -> None:
    with place() as client:
        measurements = fill()
        rows = [row(client, name, address) for name, address in PAGES.items()]
        show(f"A chart of 7 days over {measurements:,} measurements", ("page", "median", "p95"), rows)


def row(client: Any, name: str, address: str) -> list[str]:
    times = spent(client, address)
    return [f"`{name}`", f"{percentile(times, 50):.0f} ms", f"{percentile(times, 95):.0f} ms"]


def fill() -> int:
    """The series and what was measured; how many measurements that are."""
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from core.models import Environment
    from monitoring.models import Bucket, Series
    from monitoring.services import catalogue, rollup

    now = timezone.now()
    environment = Environment.objects.create(key="production", name="Production", position=1)
    row = {"title": "Error rate", "unit": "%", "meaning": "m", "group": "g", "owner": "o", "better": "lower"}
    actor = Actor("benchmark", ActorKind.COMMAND)
    catalogue.define("error_rate", {**row, "warning": 1, "critical": 5}, actor=actor, reason="r", now=now)
    end = int(now.timestamp()) // 10 * 10
    times = range(end - DAYS * 86_400, end, 10)
    names = [("error_rate", "gauge"), ("melt_ms", "timing"), *[("melts_total", "counter")] * (SERIES - 2)]
    for number, (name, kind) in enumerate(names):
        series = Series.objects.create(
            environment=environment,
            name=name,
            kind=kind,
            source="push",
            labels={"flag": f"f{number % 4}", "n": str(number)},
            digest=str(number),
            created_at=now - timedelta(days=DAYS),
        )
        Bucket.objects.bulk_create(
            (Bucket(series=series, start=at, n=20, sum=20.0, min=0.5, max=2.0, last=1.0) for at in times),
            batch_size=5_000,
        )
        if kind == "timing":
            _spread(series.pk, times)
    rollup.roll_up(now=now)
    return len(names) * len(times)


def _spread(series_id: int, times: range) -> None:
    from monitoring.domain.sketch import LogSketch
    from monitoring.models import Sketch

    def rows() -> Iterator[Sketch]:
        for at in times:
            sketch = LogSketch()
            for value in (180.0, 240.0, 250.0 + at % 700):
                sketch.add(value)
            yield Sketch(series_id=series_id, span=10, start=at, writer=1, cells=sketch.to_bytes())

    Sketch.objects.bulk_create(rows(), batch_size=5_000)


if __name__ == "__main__":
    main()
