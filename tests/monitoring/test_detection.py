"""What the error-rate trigger of the playbook makes of simulated traffic: the figures of docs/adr/0006-guard.md."""

from __future__ import annotations

import random

import pytest

from monitoring.domain.rule import Definition
from monitoring.domain.track import Track, follow
from monitoring.domain.windows import Data, Tally, judge
from tests.monitoring.conftest import ERROR_RATE

T = 1_700_000_000
RULE = Definition.read("error-rate", ERROR_RATE).rule


def fires_after(rng: random.Random, *, rate: float, errors: float, seconds: int, healthy: int = 0) -> int | None:
    """Seconds of judged time until it fires, counted from the end of the healthy time; None when it does not."""
    numerator, denominator = {}, {}
    for second in range(0, healthy + seconds, 10):
        done = sum(rng.random() < rate / 20 for _ in range(200))
        share = errors if second >= healthy else 0.01
        numerator[T + second] = Tally(1, sum(rng.random() < share for _ in range(done)))
        denominator[T + second] = Tally(1, done)
    data, track = Data(numerator, denominator), Track(judged_until=T)
    for until in range(T + 10, T + healthy + seconds + 1, 10):
        track = follow(RULE, track, judge(RULE, data, since=track.judged_until, until=until))
        if track.fired_by:
            return until - T - healthy
    return None


@pytest.mark.parametrize("rate", [1, 2.5, 3.9, 5])
def test_half_a_day_at_one_percent_fires_nothing(rate: float) -> None:
    assert fires_after(random.Random(rate), rate=rate, errors=0.01, seconds=43_200) is None


@pytest.mark.parametrize(("rate", "most", "within"), [(10, 20, 0.99), (5, 30, 0.97), (2.5, 40, 0.9), (1, 80, 0.8)])
def test_a_fifth_of_the_operations_failing_fires_soon(rate: float, most: int, within: float) -> None:
    rng = random.Random(rate)
    delays = [fires_after(rng, rate=rate, errors=0.2, seconds=600, healthy=60) for _ in range(100)]
    assert sum(delay is not None and 0 < delay <= most for delay in delays) >= within * 100
