"""What judged windows do to a trigger, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.rule import Rule
from monitoring.domain.track import Track, follow
from monitoring.domain.verdict import Measure, TriggerState, Verdict
from monitoring.domain.windows import Window

T = 1_700_000_000
P, B, I, N = Verdict.PASS, Verdict.BREACH, Verdict.INSUFFICIENT, Verdict.NO_DATA  # noqa: E741


def rule(consecutive: int) -> Rule:
    return Rule(Measure.RATIO, 5.0, 10, 300, 20, consecutive)


def row(*verdicts: Verdict) -> list[Window]:
    """Windows of ten seconds, one after the other."""
    return [Window(T + 10 * index, T + 10 * index + 10, verdict, None, 0) for index, verdict in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("consecutive", "verdicts", "fires_at"),
    [
        (1, [B], 0),
        (2, [B], None),
        (2, [B, B], 1),
        (2, [B, P, B], None),
        (2, [B, I, B], 2),  # too few samples say nothing: they neither count nor reset
        (2, [B, N, N, B], 3),
        (3, [B, B, P, B, B, B], 5),
        (2, [I, N, I, N], None),
        (2, [B, B, B, B], 1),
    ],
)
def test_so_many_breaches_in_a_row_fire(consecutive: int, verdicts: list[Verdict], fires_at: int | None) -> None:
    windows = row(*verdicts)
    track = follow(rule(consecutive), Track(judged_until=T), windows)
    assert track.fired_by == (None if fires_at is None else windows[fires_at])
    assert (track.state is TriggerState.LATCHED) == (fires_at is not None)


def test_a_latched_trigger_goes_on_judging_and_does_not_fire() -> None:
    track = follow(rule(1), Track(state=TriggerState.LATCHED, judged_until=T), row(B, B, B))
    assert track.fired_by is None
    assert (track.last, track.breaches) == (row(B, B, B)[-1], 3)


@given(st.lists(st.sampled_from(Verdict), max_size=30), st.integers(1, 4), st.integers(0, 30))
def test_rounds_do_not_matter(verdicts: list[Verdict], consecutive: int, cut: int) -> None:
    asked, windows = rule(consecutive), row(*verdicts)
    whole = follow(asked, Track(judged_until=T), windows)
    first = follow(asked, Track(judged_until=T), windows[:cut])
    second = follow(asked, first, windows[cut:])
    assert (first.fired_by or second.fired_by) == whole.fired_by
    assert (second.state, second.breaches, second.passing_since) == (whole.state, whole.breaches, whole.passing_since)


@given(st.lists(st.sampled_from(Verdict), max_size=30))
def test_only_windows_that_passed_one_after_the_other_count_as_passing(verdicts: list[Verdict]) -> None:
    track = follow(rule(2), Track(judged_until=T), row(*verdicts))
    passed = 0
    for verdict in reversed(verdicts):
        if verdict is not P:
            break
        passed += 1
    assert track.passing_since == (T + 10 * (len(verdicts) - passed) if passed else None)


def test_time_that_nobody_judged_ends_the_passing() -> None:
    track = follow(rule(2), Track(judged_until=T), row(P))
    later = [Window(T + 500, T + 510, P, 0.0, 100)]
    assert follow(rule(2), track, later).passing_since == T + 500
