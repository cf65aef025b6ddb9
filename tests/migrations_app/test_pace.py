"""How fast a run goes, and what holds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrations_app.adapters.replication import lag_of
from migrations_app.domain.pace import FIRST, LEAST, MOST, Lag, Pace, brake

NOW = datetime(2025, 8, 18, 9, 0, tzinfo=UTC)


def member(number: int, state: int, behind: float | None) -> dict[str, Any]:
    at = {} if behind is None else {"optimeDate": NOW - timedelta(seconds=behind)}
    return {"_id": number, "state": state, **at}


@pytest.mark.parametrize(
    ("members", "kept_back", "seconds", "counted"),
    [
        ([member(0, 1, 0)], (), None, 0),
        ([member(0, 1, 0), member(1, 2, 3), member(2, 2, 8)], (), 8.0, 2),
        ([member(0, 1, 0), member(1, 2, 3), member(2, 2, 3600)], (2,), 3.0, 1),
        ([member(0, 1, 0), member(1, 7, None)], (), None, 0),
        ([member(0, 1, 0), member(1, 2, None)], (), None, 1),
        ([member(1, 2, 3)], (), None, 1),
        ([member(0, 1, 0), member(1, 3, 60)], (), None, 0),
    ],
)
def test_the_lag_is_that_of_the_slowest_secondary_that_is_meant_to_keep_up(
    members: list[dict[str, Any]], kept_back: tuple[int, ...], seconds: float | None, counted: int
) -> None:
    assert lag_of({"members": members}, frozenset(kept_back)) == Lag(seconds, counted)


@pytest.mark.parametrize(
    ("lag", "queued", "why", "abort"),
    [
        (Lag(None, 0), None, "", False),
        (Lag(5.0, 2), 100, "", False),
        (Lag(5.1, 2), None, "the run waits until it is below 5 s", False),
        (Lag(30.0, 2), None, "the run waits", False),
        (Lag(30.1, 2), None, "above 30 s", True),
        (Lag(None, 1), None, "cannot be told: the run waits", False),
        (Lag(None, 0), 101, "101 operations wait in the server", False),
    ],
)
def test_a_run_waits_above_five_seconds_of_lag_and_ends_above_thirty(
    lag: Lag, queued: int | None, why: str, *, abort: bool
) -> None:
    found = brake(lag, queued)
    assert (found is not None) == bool(why)
    if found is not None:
        assert why in found.why
        assert found.abort is abort


def test_batches_come_to_take_half_a_second_and_never_double_at_once() -> None:
    pace, sizes = Pace(), []
    for _ in range(12):
        sizes.append(pace.size)
        pace.took(pace.size, pace.size * 0.002)
    assert (sizes[0], sizes[-1]) == (FIRST, 250)
    slow = Pace()
    for _ in range(12):
        slow.took(slow.size, slow.size * 1.0)
    assert slow.size == LEAST
    fast = Pace()
    sizes = [fast.size for _ in range(12) if fast.took(fast.size, fast.size * 0.00001) >= 0]
    assert sizes[:2] == [400, 800]
    assert fast.size == MOST


def test_a_speed_of_a_quarter_rests_three_times_as_long_as_it_works() -> None:
    assert Pace(speed=25).took(100, 0.5) == pytest.approx(1.5)
    assert Pace(speed=100).took(100, 0.5) == 0
