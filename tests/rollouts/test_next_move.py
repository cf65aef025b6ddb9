"""The decision of the clock, without a database: what it may never do, and what it says when it waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.domain.verdict import Verdict
from rollouts.domain.move import Complete, FlagFacts, Hold, Situation, Step, Take, Wait, Watch, next_move
from rollouts.domain.states import RampState

NOW = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watch(**over: object) -> Watch:
    facts = {
        "trigger": "error-rate",
        "verdict": Verdict.PASS,
        "judged_at": NOW - timedelta(seconds=5),
        "passing_since": NOW - 3 * HOUR,
        "max_window": timedelta(seconds=300),
    }
    return Watch(**{**facts, **over})


def step(position: int, percentage: int, **over: object) -> Step:
    facts = {"position": position, "percentage": Decimal(percentage), "due_at": NOW - HOUR, "soak": HOUR}
    return Step(**{**facts, **over})


def situation(**over: object) -> Situation:
    """At 5 %, taken two hours ago, all well: the clock would take 25 % now."""
    facts = {
        "state": RampState.RUNNING,
        "steps": [step(1, 5, taken_at=NOW - 2 * HOUR), step(2, 25), step(3, 100)],
        "position": 1,
        "left": FlagFacts(True, Decimal(5)),
        "soaking_since": NOW - 2 * HOUR,
        "flag": FlagFacts(True, Decimal(5)),
        "watches": [watch()],
        "guard_seen_at": NOW - timedelta(seconds=10),
    }
    return Situation(**{**facts, **over})


def test_a_step_that_is_due_soaked_and_passing_is_taken() -> None:
    move = next_move(situation(), now=NOW)
    assert isinstance(move, Take)
    assert move.step.percentage == 25


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"state": RampState.HELD}, "The ramp is held"),
        (
            {"steps": [step(1, 5, taken_at=NOW), step(2, 25, due_at=NOW + HOUR)]},
            "Step 2, 25 %, is due 2026-03-09 10:00:00 UTC",
        ),
        ({"guard_seen_at": None}, "The guard has never run"),
        ({"guard_seen_at": NOW - timedelta(seconds=61)}, "nobody is watching"),
        ({"watches": []}, "No trigger watches"),
        ({"watches": [watch(verdict=Verdict.INSUFFICIENT)]}, "too few samples"),
        ({"watches": [watch(verdict=Verdict.NO_DATA, passing_since=None)]}, "No data is never a pass"),
        ({"watches": [watch(verdict=Verdict.BREACH)]}, "is in BREACH"),
        ({"watches": [watch(latched=True)]}, "until a person re-arms it"),
        ({"watches": [watch(judged_at=NOW - timedelta(seconds=361))]}, "too old"),
        ({"watches": [watch(), watch(trigger="drop", verdict=Verdict.NO_DATA)]}, "Trigger drop"),
        ({"soaking_since": NOW - HOUR / 2}, "Soaks until 2026-03-09 09:30:00 UTC"),
        ({"watches": [watch(passing_since=NOW - HOUR / 4)]}, "Soaks until 2026-03-09 09:45:00 UTC"),
        ({"soaking_since": NOW - timedelta(seconds=5)}, "has not been judged since"),
    ],
)
def test_the_clock_waits_and_says_for_what(over: dict[str, object], words: str) -> None:
    move = next_move(situation(**over), now=NOW)
    assert isinstance(move, Wait)
    assert words in move.why


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        (FlagFacts(False, Decimal(5)), "disabled the flag"),
        (FlagFacts(True, Decimal(50)), "stands at 50 %; this ramp left it at 5 %"),
        (FlagFacts(True, Decimal(5), halted="errors"), "switched off: errors"),
    ],
)
def test_a_flag_that_others_changed_holds_the_ramp(flag: FlagFacts, words: str) -> None:
    move = next_move(situation(flag=flag), now=NOW)
    assert isinstance(move, Hold)
    assert words in move.why


OFF = FlagFacts(False, Decimal(0))


def test_the_first_step_of_a_flag_that_is_off_needs_no_pass_since_it_has_no_traffic() -> None:
    first = situation(
        steps=[step(1, 5), step(2, 25)], position=0, left=OFF, flag=OFF, watches=[watch(verdict=Verdict.NO_DATA)]
    )
    assert isinstance(next_move(first, now=NOW), Take)
    for danger in (
        {"guard_seen_at": None},
        {"watches": [watch(latched=True)]},
        {"watches": [watch(verdict=Verdict.BREACH)]},
    ):
        assert isinstance(next_move(replace(first, **danger), now=NOW), Wait)
    on_already = FlagFacts(True, Decimal(2))
    assert isinstance(next_move(replace(first, left=on_already, flag=on_already), now=NOW), Wait)


def test_a_step_that_would_go_back_is_never_taken() -> None:
    back = situation(steps=[step(1, 50, taken_at=NOW - 2 * HOUR), step(2, 25)], left=FlagFacts(True, Decimal(50)))
    assert isinstance(next_move(replace(back, flag=back.left), now=NOW), Hold)


def test_a_ramp_without_steps_left_is_complete() -> None:
    assert next_move(situation(position=3), now=NOW) == Complete()


# One run of a ramp under an arbitrary history of ticks, verdicts and interference.
ticks = st.lists(
    st.tuples(
        st.integers(0, 4000),  # seconds to the next tick: from the same instant to an outage
        st.sampled_from(Verdict),
        st.booleans(),  # the guard judged since the last tick
        st.sampled_from(["", "", "", "", "disable", "set", "hold", "halt"]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(
    percentages=st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True).map(sorted),
    soak=st.integers(0, 3000),
    pace=st.integers(0, 3000),
    history=ticks,
)
def test_whatever_happens_a_ramp_is_monotone_proven_and_takes_one_step_a_tick(
    percentages: list[int], soak: int, pace: int, history: list[tuple[int, Verdict, bool, str]]
) -> None:
    now, state, flag, left, position = NOW, RampState.RUNNING, OFF, OFF, 0
    soaking_since, seen = NOW, watch(judged_at=None, passing_since=None, verdict=Verdict.NO_DATA)
    steps = [
        step(number, share, due_at=NOW + timedelta(seconds=pace * (number - 1)), soak=timedelta(seconds=soak))
        for number, share in enumerate(percentages, start=1)
    ]
    taken: list[tuple[datetime, Decimal]] = []
    for seconds, verdict, judged, interference in history:
        now += timedelta(seconds=seconds)
        if judged:
            unbroken = verdict is Verdict.PASS and seen.verdict is Verdict.PASS
            since = seen.passing_since if unbroken else now if verdict is Verdict.PASS else None
            seen = watch(verdict=verdict, judged_at=now, passing_since=since)
        flag = {
            "disable": FlagFacts(False, flag.percentage),
            "set": FlagFacts(True, Decimal(100)),
            "halt": FlagFacts(False, Decimal(0), halted="x"),
        }.get(interference, flag)
        if interference == "hold":
            state = RampState.HELD
        # Two clocks at the same instant: the second must find nothing to do.
        steps_now = 0
        for _ in range(2):
            move = next_move(
                Situation(state, steps, position, left, soaking_since, flag, [seen], guard_seen_at=now), now=now
            )
            if isinstance(move, Hold):
                state = RampState.HELD
            if not isinstance(move, Take):
                continue
            steps_now += 1
            assert state is RampState.RUNNING
            assert move.step.due_at <= now
            assert (flag.enabled, flag.percentage, flag.halted) == (left.enabled, left.percentage, "")
            if taken:
                soaked = timedelta(seconds=soak)
                assert seen.verdict is Verdict.PASS
                assert seen.judged_at is not None
                assert taken[-1][0] < seen.judged_at <= now
                assert seen.passing_since is not None
                assert seen.passing_since + soaked <= now
                assert taken[-1][0] + soaked <= now
                assert taken[-1][1] <= move.step.percentage
            steps[position] = replace(move.step, taken_at=now)
            position = move.step.position
            left = flag = FlagFacts(True, move.step.percentage)
            soaking_since = now
            taken.append((now, move.step.percentage))
        assert steps_now <= 1
    assert [share for _, share in taken] == percentages[: len(taken)]
