"""What takes a change back, without a database."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.inverse import Told, inverse
from core.asking import Change
from core.errors import Conflict

OFF: dict[str, Any] = {"enabled": False, "percentage": 0.0, "parameters": {}, "targeting": {}}


def told(number: int, before: dict[str, Any], after: dict[str, Any], **data: Any) -> Told:
    kind = data.pop("kind", "flag.rollout_changed")
    return Told(number, kind, "olga", OFF | before, OFF | after, data)


def test_only_the_fields_that_changed_go_back() -> None:
    event = told(1, {"percentage": 10}, {"percentage": 25, "parameters": {"a": 1}})
    now = OFF | {"enabled": True, "percentage": 25, "parameters": {"a": 1, "b": 2}}
    back = Change("flag.state", "f", {"percentage": "10", "parameters": {"b": 2}})
    assert inverse("f", [event], now=now) == [back]


def test_several_events_go_back_to_before_the_first() -> None:
    events = [
        told(1, {}, {"enabled": True, "percentage": 10}),
        told(2, {"enabled": True, "percentage": 10}, {"enabled": True, "percentage": 50}),
    ]
    now = OFF | {"enabled": True, "percentage": 50}
    assert inverse("f", events, now=now) == [Change("flag.state", "f", {"enabled": False, "percentage": "0"})]


def test_both_lists_and_the_targeting_go_back() -> None:
    promoted = told(
        1,
        {"targeting": {"off": "off"}},
        {"targeting": {"serve": "on"}},
        kind="flag.promoted",
        added=["a"],
        removed=["b"],
        deny_added=["c"],
    )
    denied = told(2, {}, {}, kind="flag.deny_list_changed", added=["d"])
    assert inverse("f", [promoted, denied], now=OFF) == [
        Change("flag.allow_list", "f", {"add": ["b"], "remove": ["a"]}),
        Change("flag.deny_list", "f", {"add": [], "remove": ["c", "d"]}),
        Change("flag.targeting", "f", {"targeting": {"off": "off"}}),
    ]


@pytest.mark.parametrize(
    ("event", "since", "words"),
    [
        (told(1, {}, {"percentage": 25}), told(7, {"percentage": 25}, {"percentage": 50}), "percentage by olga"),
        (
            told(1, {}, {"parameters": {"a": 1}}),
            told(7, {"parameters": {"a": 1}}, {"parameters": {"a": 2}}),
            "a in the parameters by olga",
        ),
        (
            told(1, {}, {}, kind="flag.allow_list_changed", added=["x"]),
            told(7, {}, {}, kind="flag.allow_list_changed", removed=["x"]),
            "x in the allow-list by olga",
        ),
    ],
)
def test_a_field_that_was_changed_since_is_named_with_event_and_person(event: Told, since: Told, words: str) -> None:
    with pytest.raises(Conflict, match=rf"{words} \(flag\.\w+, event 7\)"):
        inverse("f", [event], now=OFF, since=[since])


def test_what_others_changed_beside_it_stays() -> None:
    event = told(1, {}, {"parameters": {"a": 1}})
    since = told(2, {"parameters": {"a": 1}}, {"percentage": 5, "parameters": {"a": 1, "b": 2}})
    now = OFF | {"percentage": 5, "parameters": {"a": 1, "b": 2}}
    assert inverse("f", [event], now=now, since=[since]) == [Change("flag.state", "f", {"parameters": {"b": 2}})]


STATE = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "percentage": st.integers(0, 100).map(float),
        "parameters": st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)),
        "targeting": st.sampled_from([{}, {"serve": "on"}]),
    }
)


@given(st.lists(STATE, min_size=2, max_size=6))
def test_taking_back_restores_what_was(states: list[dict[str, Any]]) -> None:
    events = [Told(n, "flag.promoted", "olga", *pair) for n, pair in enumerate(pairwise(states))]
    now = dict(states[-1])
    for change in inverse("f", events, now=now):
        now |= change.payload
    assert now | {"percentage": float(now["percentage"])} == states[0]
