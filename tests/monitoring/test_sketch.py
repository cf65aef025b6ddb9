"""The log-sketch: percentiles within one percent, whatever order and however many pieces the values come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.sketch import GAMMA, LogSketch

VALUES = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e9)), min_size=1, max_size=60)


def sketch_of(values: list[float]) -> LogSketch:
    sketch = LogSketch()
    for value in values:
        sketch.add(value)
    return sketch


@given(VALUES, st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_is_within_one_percent_of_the_value_at_that_rank(values: list[float], q: float) -> None:
    found = sketch_of(values).quantile(q)
    assert found == pytest.approx(sorted(values)[int(q * (len(values) - 1))], rel=(GAMMA - 1) / (GAMMA + 1) + 1e-9)


@given(VALUES, VALUES)
def test_pieces_merge_in_any_order_and_survive_storage(some: list[float], others: list[float]) -> None:
    one, other = sketch_of(some), sketch_of(others)
    one.merge(sketch_of(others))
    other.merge(sketch_of(some))
    assert one == other == sketch_of(some + others) == LogSketch.from_bytes(one.to_bytes())
    assert one.count == len(some) + len(others)


@given(VALUES, st.lists(st.integers(-200, 1000), min_size=1, max_size=8, unique=True))
def test_below_counts_what_is_at_most_each_bound(values: list[float], powers: list[int]) -> None:
    bounds = [GAMMA**power for power in sorted(powers)]
    found = sketch_of(values).below(bounds)
    for bound, n in zip(bounds, found, strict=True):
        surely = sum(value < bound * (1 - 1e-6) for value in values)
        perhaps = sum(value < bound * (1 + 1e-6) for value in values)
        assert surely <= n <= perhaps


def test_without_values_there_is_no_percentile() -> None:
    assert LogSketch().quantile(0.5) is None
    assert LogSketch().below([1.0, 2.0]) == [0, 0]


@pytest.mark.parametrize("stored", [b"", b"\x02\x00", b"\x01", b"\x01\x00\x05", b"\x01\x80", b"\x01" + b"\xff" * 20])
def test_what_is_no_sketch_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match=r"sketch|number"):
        LogSketch.from_bytes(stored)
