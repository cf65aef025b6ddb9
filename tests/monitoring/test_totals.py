"""Running totals become increments; gauges are kept; what was stored is read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Invalid
from core.models import Environment
from monitoring.domain.metrics import MetricKind
from monitoring.domain.totals import Standing, increment, start
from monitoring.selectors import store
from monitoring.services import ingest
from monitoring.services.ingest import Cumulative, Gauge

NOW = datetime(2026, 3, 9, 9, tzinfo=UTC)
SECOND = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("before", "now", "more"),
    [
        (Standing(5, 10), Standing(8, 20), 3),
        (Standing(5, 10), Standing(5, 20), 0),
        (Standing(5, 10), Standing(2, 20), 2),  # it fell: begun anew
        (Standing(5, 10, 1), Standing(9, 20, 15), 9),  # it began anew and has overtaken
        (Standing(5, 10, 1), Standing(9, 20), 4),
        (Standing(5, 10), Standing(8, 10), None),  # twice
        (Standing(5, 10), Standing(4, 9), None),  # late
    ],
)
def test_an_increment_is_what_was_added_since(before: Standing, now: Standing, more: float | None) -> None:
    assert increment(before, now) == more


def test_only_of_a_counter_that_has_just_begun_the_first_total_counts() -> None:
    assert increment(start(Standing(7, 100, 40)), Standing(7, 100, 40)) == 7
    assert increment(start(Standing(7, 1000, 40)), Standing(7, 1000, 40)) is None
    assert increment(start(Standing(7, 100)), Standing(7, 100)) is None
    unknown = start(Standing(1_000_000, 100, 100))
    assert increment(unknown, Standing(1_000_000, 100, 100)) is None
    assert increment(unknown, Standing(1_000_010, 110, 100)) == 10


@pytest.fixture
def production(db: None) -> int:
    return Environment.objects.create(key="production", name="Production", position=1).pk


def report(environment: int, *values: tuple[int, float]) -> int:
    totals = [Cumulative("requests_total", {"job": "nctool"}, SECOND + at, value) for at, value in values]
    return ingest.store_totals(environment, "otlp", totals, now=NOW)


def test_totals_that_come_twice_late_or_anew_are_counted_once(production: int) -> None:
    assert report(production, (0, 100)) == 0
    assert report(production, (10, 130), (20, 150)) == 2
    assert report(production, (10, 130), (20, 150)) == 0
    assert report(production, (30, 5), (25, 149)) == 2
    (read,) = store.read(production, "requests_total", start=SECOND, end=SECOND + 60)
    assert (read.kind, read.source, read.labels) == (MetricKind.COUNTER, "otlp", {"job": "nctool"})
    assert [(row.start - SECOND, row.sum) for row in read.rows] == [(10, 30), (20, 169), (30, 5)]


def test_a_gauge_keeps_its_last_value_and_another_source_is_another_series(production: int) -> None:
    for source, value in (("recorded", 2.5), ("prom", 9.0)):
        gauges = [Gauge("error_rate", {}, SECOND + at, value + at) for at in (4, 1, 8)]
        assert ingest.store_gauges(production, source, gauges, now=NOW) == 3
    reads = store.read(production, "error_rate", start=SECOND, end=SECOND + 10)
    assert {read.source: read.rows[0].last for read in reads} == {"recorded": 10.5, "prom": 17.0}
    assert [read.source for read in store.read(production, "error_rate", start=0, end=SECOND, source="prom")] == [
        "prom"
    ]


def test_a_metric_has_one_kind_in_a_source(production: int) -> None:
    report(production, (0, 1))
    with pytest.raises(Invalid, match="is a counter already"):
        ingest.store_gauges(production, "otlp", [Gauge("requests_total", {}, SECOND, 1)], now=NOW)


def test_percentiles_are_read_from_what_all_writers_stored(production: int) -> None:
    for value in (100, 900):
        samples = [{"name": "melt_duration_ms", "kind": "timing", "value": value, "at": SECOND}] * 10
        ingest.store("production", {"metrics": samples}, now=NOW + timedelta(seconds=1))
    (read,) = store.read(production, "melt_duration_ms", start=SECOND, end=SECOND + 10)
    sketch = store.sketches([read.series_id], start=SECOND, end=SECOND + 10)[read.series_id][SECOND]
    assert sketch.count == 20
    assert sketch.quantile(0.95) == pytest.approx(900, rel=0.01)
    assert sketch.quantile(0.25) == pytest.approx(100, rel=0.01)
