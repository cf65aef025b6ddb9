"""Chains, and how an escalation goes through one. Pure: no database, no clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from oncall.domain import chain
from oncall.domain.chain import Notify, Step, Wait
from oncall.domain.running import Due, Place, notified, upcoming, waited

START = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
levels = st.integers(1, 3)
notify = st.builds(
    lambda name, level: {"notify": {"people": [name]}, "fromLevel": level}, st.sampled_from("abcd"), levels
)
wait = st.builds(lambda minutes, level: {"wait": minutes, "fromLevel": level}, st.integers(1, 60), levels)


@st.composite
def step_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = draw(st.lists(st.one_of(notify, wait), min_size=1, max_size=8))
    found.insert(draw(st.integers(0, len(found))), {"notify": {"people": ["z"]}})
    if draw(st.booleans()):
        found.insert(draw(st.integers(0, len(found))), {"wait": draw(st.integers(1, 60))})
        found.append({"repeat": draw(st.integers(1, 3))})
    return found


def run(steps: tuple[Step, ...], level: int, *, reached: bool = True) -> tuple[list[tuple[str, int]], int]:
    """Whom it tells after how many minutes, and after how many it is exhausted, with a clock that is always on time."""
    due: Due = waited(steps, Place(), level, now=START)
    found = []
    for _ in range(1000):
        now = due.at
        place, step = upcoming(steps, due.place, level)
        minutes = round((now - START).total_seconds() / 60)
        if step is None:
            return found, minutes
        if isinstance(step, Notify):
            found.append((step.names[0], minutes))
            due = notified(steps, place, level, reached=reached, now=now)
        else:
            due = waited(steps, place, level, now=now)
    raise AssertionError("it never ends")


def expected(steps: list[dict[str, Any]], level: int) -> tuple[list[tuple[str, int]], int]:
    """The same, told another way: the rounds written out."""
    mine = [step for step in steps if step.get("fromLevel", 1) <= level]
    times = next((step["repeat"] for step in mine if "repeat" in step), 0)
    minutes, found = 0, []
    for step in mine * (times + 1):
        minutes += step.get("wait", 0)
        found += [(step["notify"]["people"][0], minutes)] if "notify" in step else []
    return found, minutes


@given(step_lists(), levels)
def test_everybody_is_told_in_order_and_on_time_and_it_ends(steps: list[dict[str, Any]], level: int) -> None:
    assert run(chain.read_steps(steps), level) == expected(steps, level)


@given(step_lists(), levels)
def test_where_nobody_is_reached_everybody_is_still_told_in_order_and_not_later(
    steps: list[dict[str, Any]], level: int
) -> None:
    found, ends = run(chain.read_steps(steps), level, reached=False)
    planned, planned_end = expected(steps, level)
    assert [name for name, _ in found] == [name for name, _ in planned]
    assert all(mine <= theirs for (_, mine), (_, theirs) in zip(found, planned, strict=True))
    assert ends <= planned_end


def test_a_wait_is_left_out_only_when_it_would_be_for_nobody_and_somebody_else_can_be_told() -> None:
    steps = chain.read_steps(
        [{"notify": {"people": ["a"]}}, {"wait": 15}, {"notify": {"people": ["b"]}}, {"wait": 10}, {"repeat": 1}]
    )
    assert run(steps, 1) == ([("a", 0), ("b", 15), ("a", 25), ("b", 40)], 50)
    assert run(steps, 1, reached=False) == ([("a", 0), ("b", 0), ("a", 10), ("b", 10)], 20)


@given(step_lists())
def test_a_chain_is_written_as_it_is_read(steps: list[dict[str, Any]]) -> None:
    values = chain.read({"name": "Major", "steps": steps})
    assert chain.read(values) == values
    assert chain.stored(values["steps"]) == chain.read_steps(steps)


@pytest.mark.parametrize(
    ("steps", "field", "words"),
    [
        ([], "steps", "1 to 30 steps"),
        ([{"wait": 5}], "steps", "would notify nobody"),
        ([{"notify": {"people": ["a"]}, "fromLevel": 2}], "steps", "At level 1"),
        ([{"notify": {"people": ["a"]}}, {"wait": 0}], "steps.1", "1 to 1440 minutes"),
        ([{"notify": {"people": ["a"]}}, {"wait": True}], "steps.1", "1 to 1440 minutes"),
        ([{"notify": {"people": ["a"]}}, {"repeat": 11}], "steps.1", "1 to 10 times"),
        ([{"notify": {"people": ["a"]}}, {"repeat": 2}], "steps.1", "needs a wait"),
        ([{"wait": 5}, {"repeat": 1}, {"notify": {"people": ["a"]}}], "steps.1", "Only the last step"),
        ([{"notify": {"pager": "a"}}], "steps.0", "notify names one of"),
        ([{"notify": {"people": []}}], "steps.0", "Name whom"),
        ([{"notify": {"role": ["a", "b"]}}], "steps.0", "one role"),
        ([{"notify": {"people": ["a"]}, "wait": 5}], "steps.0", "one of notify, wait and repeat"),
        ([{"notify": {"people": ["a"]}, "fromLevel": 4}], "steps.0", "1, 2 or 3"),
        (["notify"], "steps.0", "one of notify"),
    ],
)
def test_bad_steps_are_refused_with_their_place(steps: Any, field: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        chain.read({"name": "Major", "steps": steps})
    assert refused.value.field == field


def test_steps_are_told_in_sentences() -> None:
    steps = [Notify(chain.Target.SCHEDULE, ("first-line",)), Wait(1, 2), chain.Repeat(3)]
    assert [chain.sentence(step) for step in steps] == [
        "Notify whoever is on call in first-line.",
        "Wait 1 minute for an acknowledgement (from level 2).",
        "Begin again, 3 times at most.",
    ]
