"""Batches on real rows: all of one or nothing, and never twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid, NotFound
from monitoring.domain import batch
from monitoring.models import Bucket, Receipt, Series
from monitoring.services import ingest

pytestmark = pytest.mark.usefixtures("all_environments")


def sample(now: datetime, value: float = 1, ago: int = 0, **labels: str) -> dict[str, Any]:
    at = now.timestamp() - ago
    return {"name": "melt_operations_total", "kind": "counter", "value": value, "labels": labels, "at": at}


def total() -> tuple[int, float]:
    rows = list(Bucket.objects.values_list("n", "sum"))
    return sum(n for n, _ in rows), sum(value for _, value in rows)


def test_samples_of_the_same_ten_seconds_are_one_bucket(now: datetime) -> None:
    metrics = [sample(now, 3, flag="a"), sample(now, 5, flag="a"), sample(now, 4, 11, flag="a"), sample(now, flag="b")]
    assert ingest.store("production", {"metrics": metrics}, now=now) == ingest.Stored(4, duplicate=False)
    start = int(now.timestamp())
    rows = Bucket.objects.order_by("series", "start").values_list("start", "n", "sum", "min", "max")
    assert sorted(rows) == [(start - 20, 1, 4, 4, 4), (start, 1, 1, 1, 1), (start, 2, 8, 3, 5)]
    assert str(Series.objects.get(labels={"flag": "a"})) == 'melt_operations_total{flag="a"}'


def test_a_later_batch_is_added_to_the_bucket(now: datetime) -> None:
    for value in (5, 2, 9):
        ingest.store("production", {"metrics": [sample(now, value)]}, now=now)
    assert list(Bucket.objects.values_list("n", "sum", "min", "max")) == [(3, 16, 2, 9)]


def test_a_batch_that_was_stored_is_not_counted_again(now: datetime) -> None:
    body = {"id": "host-1:17", "metrics": [sample(now)]}
    answers = [ingest.store("production", body, now=now) for _ in range(3)]
    assert [(answer.stored, answer.duplicate) for answer in answers] == [(1, False), (0, True), (0, True)]
    assert total() == (1, 1)
    assert ingest.store("staging", body, now=now).stored == 1


def test_of_a_bad_batch_nothing_is_stored_and_it_can_be_sent_again_corrected(now: datetime) -> None:
    ingest.store("production", {"metrics": [sample(now)]}, now=now)
    other_kind = {**sample(now), "kind": "timing"}
    for metrics, field in [
        ([sample(now), {**sample(now), "value": None}], "metrics.1.value"),
        ([{**sample(now), "name": "fine"}, other_kind], "metrics.1.kind"),
        ([{**sample(now), "name": "fine"}, {**other_kind, "labels": {"flag": "new"}}], "metrics.1.kind"),
    ]:
        with pytest.raises(Invalid) as refusal:
            ingest.store("production", {"id": "17", "metrics": metrics}, now=now)
        assert refusal.value.field == field
    assert total() == (1, 1)
    assert not Receipt.objects.exists()
    assert Series.objects.count() == 1
    assert ingest.store("production", {"id": "17", "metrics": [sample(now)]}, now=now).stored == 1


def test_an_environment_takes_no_more_series_than_it_can_hold(now: datetime) -> None:
    for first in range(0, batch.MOST_SERIES, 1000):
        metrics = [sample(now, user=str(first + n)) for n in range(1000)]
        ingest.store("production", {"metrics": metrics}, now=now)
    with pytest.raises(Invalid, match=r"at most 2,000 series.*such as a user") as refusal:
        ingest.store("production", {"metrics": [sample(now, user="1"), sample(now, user="one more")]}, now=now)
    assert refusal.value.field == "metrics.1.labels"
    assert ingest.store("production", {"metrics": [sample(now, user="1")]}, now=now).stored == 1
    assert ingest.store("staging", {"metrics": [sample(now, user="one more")]}, now=now).stored == 1


def test_an_unknown_environment_is_told(now: datetime) -> None:
    with pytest.raises(NotFound, match="Known: development"):
        ingest.store("prod", {"metrics": [sample(now)]}, now=now)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 59), st.sampled_from("abc")), min_size=1, max_size=40),
    st.integers(1, 10),
)
def test_the_buckets_hold_what_was_reported_however_it_was_split(
    now: datetime, reported: list[tuple[int, int, str]], size: int
) -> None:
    Bucket.objects.all().delete()
    Receipt.objects.all().delete()
    metrics = [sample(now, value, ago, flag=flag) for value, ago, flag in reported]
    for number, start in enumerate(range(0, len(metrics), size)):
        body = {"id": str(number), "metrics": metrics[start : start + size]}
        ingest.store("production", body, now=now)
        ingest.store("production", body, now=now)
    assert total() == (len(reported), sum(value for value, _, _ in reported))
    for series in Series.objects.all():
        of_it = [value for value, _, flag in reported if flag == series.labels["flag"]]
        rows = list(Bucket.objects.filter(series=series).values_list("min", "max"))
        assert not rows or (min(low for low, _ in rows), max(high for _, high in rows)) == (min(of_it), max(of_it))
