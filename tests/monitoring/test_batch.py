"""What a batch of metrics may be, and what it adds up to, without a database."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from monitoring.domain.batch import Batch, SeriesKey, digest, read_batch
from monitoring.domain.metrics import MetricKind

NOW = 1_700_000_003.0


def sample(**over: Any) -> dict[str, Any]:
    facts = {"name": "melt_operations_total", "kind": "counter", "value": 1}
    return {name: value for name, value in {**facts, **over}.items() if value is not ...}


def read(*samples: Any, **body: Any) -> Batch:
    return read_batch({"metrics": list(samples), **body}, now=NOW)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (None, "body"),
        ({}, "metrics"),
        ({"metrics": []}, "metrics"),
        ({"metrics": {}}, "metrics"),
        ({"metrics": [sample()] * 5001}, "metrics"),
        ({"metrics": [sample()], "ID": "x"}, "ID"),
        ({"metrics": [sample()], "id": 7}, "id"),
        ({"metrics": [sample()], "id": ""}, "id"),
        ({"metrics": [sample()], "id": "x" * 101}, "id"),
        ({"metrics": [sample(), 3]}, "metrics.1"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_by_its_field(body: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_batch(body, now=NOW)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"lables": {}}, "lables"),
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": "2fast"}, "name"),
        ({"name": "melt operations"}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": 3}, "name"),
        ({"kind": ...}, "kind"),
        ({"kind": "histogram"}, "kind"),
        ({"kind": ["counter"]}, "kind"),
        ({"value": ...}, "value"),
        ({"value": "1"}, "value"),
        ({"value": None}, "value"),
        ({"value": True}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": float("inf")}, "value"),
        ({"value": -1}, "value"),
        ({"value": -0.001, "kind": "timing"}, "value"),
        ({"value": 1e13}, "value"),
        ({"count": 1}, "count"),
        ({"kind": "timing", "count": 0}, "count"),
        ({"kind": "timing", "count": 1.0}, "count"),
        ({"kind": "timing", "count": True}, "count"),
        ({"kind": "timing", "count": None}, "count"),
        ({"kind": "timing", "count": 1_000_001}, "count"),
        ({"labels": []}, "labels"),
        ({"labels": {f"l{n}": "" for n in range(9)}}, "labels"),
        ({"labels": {"a-b": "x"}}, "labels.a-b"),
        ({"labels": {"": "x"}}, "labels."),
        ({"labels": {"flag": 1}}, "labels.flag"),
        ({"labels": {"flag": None}}, "labels.flag"),
        ({"labels": {"flag": "x" * 101}}, "labels.flag"),
        ({"labels": {"flag": "a\x00b"}}, "labels.flag"),
        ({"labels": {"flag": "\ud800"}}, "labels.flag"),
        ({"at": NOW + 61}, "at"),
        ({"at": NOW * 1000}, "at"),
        ({"at": NOW - 3601}, "at"),
        ({"at": float("nan")}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2023-11-14T22:13:20"}, "at"),  # whose time?
        ({"at": True}, "at"),
        ({"at": {}}, "at"),
    ],
)
def test_a_sample_that_cannot_be_counted_is_refused_by_its_field(over: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(sample(name="fine"), sample(**over))
    assert refusal.value.field == f"metrics.1.{field}"


def test_one_metric_has_one_kind() -> None:
    with pytest.raises(Invalid, match="is a counter above") as refusal:
        read(sample(), sample(kind="timing", labels={"flag": "x"}))
    assert refusal.value.field == "metrics.1.kind"


@pytest.mark.parametrize(
    "at", [1_700_000_000, 1_700_000_009.9, "2023-11-14T22:13:20Z", "2023-11-14T23:13:25.5+01:00", None]
)
def test_times_are_read_in_every_form(at: Any) -> None:
    ((_, start),) = read(sample(at=at)).slots
    assert start == 1_700_000_000


def test_several_timings_in_one_sample_count_as_several() -> None:
    (slot,) = read(sample(kind="timing", value=1200, count=4), sample(kind="timing", value=90)).slots.values()
    assert (slot.n, slot.sum, slot.min, slot.max, slot.last) == (5, 1290, 90, 300, 90)
    assert slot.sketch.quantile(0.5) == pytest.approx(300, rel=0.01)


def test_the_order_of_labels_makes_no_other_series() -> None:
    batch = read(sample(labels={"flag": "a", "variant": "on"}), sample(labels={"variant": "on", "flag": "a"}))
    (key,) = batch.kinds
    assert key == SeriesKey("melt_operations_total", (("flag", "a"), ("variant", "on")))
    assert batch.kinds[key] is MetricKind.COUNTER
    assert digest(key) != digest(SeriesKey("melt_operations_total", ()))


samples = st.builds(
    lambda value, at, flag: sample(value=value, at=at, labels={"flag": flag}),
    st.integers(0, 1000),
    st.integers(int(NOW) - 60, int(NOW)),
    st.sampled_from("ab"),
)


@given(st.lists(samples, min_size=1, max_size=40), st.lists(st.integers(0, 40)))
def test_any_split_into_batches_adds_up_to_the_same(all_of_them: list[dict[str, Any]], cuts: list[int]) -> None:
    edges = sorted({0, len(all_of_them), *(cut for cut in cuts if cut < len(all_of_them))})
    parts = [read(*all_of_them[a:b]) for a, b in itertools.pairwise(edges)]
    merged: dict[Any, list[float]] = {}
    for part in parts:
        for key, slot in part.slots.items():
            n, total, least, most = merged.get(key, [0, 0, float("inf"), float("-inf")])
            merged[key] = [n + slot.n, total + slot.sum, min(least, slot.min), max(most, slot.max)]
    whole = read(*all_of_them)
    assert merged == {key: [slot.n, slot.sum, slot.min, slot.max] for key, slot in whole.slots.items()}
    assert sum(slot.n for slot in whole.slots.values()) == whole.samples == len(all_of_them)
