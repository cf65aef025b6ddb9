"""Five minutes and hours: the same sums, made once complete, and again when something came late."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from core import environments
from monitoring.models import Bucket, Rollup, Sketch
from monitoring.selectors import store
from monitoring.services import ingest, promql, rollup

pytestmark = pytest.mark.usefixtures("all_environments")


def timings(at: datetime, values: list[float]) -> None:
    stamp = at.timestamp()
    samples = [{"name": "melt_duration_ms", "kind": "timing", "value": value, "at": stamp} for value in values]
    counted = {"name": "melts_total", "kind": "counter", "value": len(values), "at": stamp}
    level = {"name": "level", "kind": "gauge", "value": values[-1], "at": stamp}
    ingest.store("production", {"metrics": [*samples, counted, level]}, now=at)


def test_a_step_holds_what_its_buckets_hold(now: datetime) -> None:
    dice = random.Random(1)
    told = []
    for number in range(0, 3600, 30):
        values = [round(dice.lognormvariate(5, 1), 3) for _ in range(4)]
        told.append((number, values))
        timings(now + timedelta(seconds=number), values)
    rollup.roll_up(now=now + timedelta(seconds=3661))
    production = environments.get("production").pk
    start = int(now.timestamp())
    for span in rollup.SPANS:
        reads = {
            r.name: r
            for n in ("melts_total", "level", "melt_duration_ms")
            for r in store.read(production, n, start=start, end=start + 3600, span=span)
        }
        for row in reads["melts_total"].rows:
            mine = [values for number, values in told if row.start <= start + number < row.start + span]
            assert (row.n, row.sum) == (len(mine), 4 * len(mine))
        assert [row.last for row in reads["level"].rows][-1] == told[-1][1][-1]
        series_id = reads["melt_duration_ms"].series_id
        steps = store.sketches([series_id], start=start, end=start + 3600, span=span)[series_id]
        everything = [value for _, values in told for value in values]
        assert sum(sketch.count for sketch in steps.values()) == len(everything)
        if span == 3600:
            exact = sorted(everything)[int(0.95 * (len(everything) - 1))]
            assert steps[start].quantile(0.95) == pytest.approx(exact, rel=0.011)


def test_making_it_again_changes_nothing_and_what_came_late_is_in_it_in_the_end(now: datetime) -> None:
    timings(now, [100.0])
    for _ in range(2):
        rollup.roll_up(now=now + timedelta(seconds=400))
    assert list(Rollup.objects.filter(series__name="melts_total").values_list("span", "n", "sum")) == [(300, 1, 1.0)]
    late = {"name": "melts_total", "kind": "counter", "value": 5, "at": now.timestamp() + 20}
    ingest.store("production", {"metrics": [late]}, now=now + timedelta(minutes=50))
    for minutes in range(51, 75):
        rollup.roll_up(now=now + timedelta(minutes=minutes))
    assert list(Rollup.objects.filter(series__name="melts_total", span=300).values_list("sum", flat=True)) == [6.0]
    assert Sketch.objects.filter(span=300).count() == 1


def test_an_incomplete_step_is_not_made(now: datetime) -> None:
    timings(now, [100.0])
    rollup.roll_up(now=now + timedelta(seconds=355))
    assert not Rollup.objects.exists()


def test_a_chart_of_long_ago_is_drawn_from_what_is_still_kept(now: datetime) -> None:
    for number in range(0, 1200, 10):
        timings(now + timedelta(seconds=number), [100.0, 200.0])
    rollup.roll_up(now=now + timedelta(seconds=1300))
    Bucket.objects.all().delete()
    start = now.timestamp()
    later = start + 10 * 86_400
    drawn = promql.over(
        "production", "rate(melts_total[15m])", start=start + 900, end=start + 1200, step=300, now=later
    )
    assert [point for line in drawn for _, point in line.points] == pytest.approx([0.2, 0.2], rel=0.01)
