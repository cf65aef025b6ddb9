"""The merge of three, for any file, any installation and any memory."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nctool_rollout.playbook.plan import MISSING, UNTOUCHED, WRITES, Outcome, fingerprint, name, plan, remembered
from nctool_rollout.playbook.wanted import Item

ITEMS: list[Item] = [
    ("environments", "live", "purpose"),
    ("states", "live", "sending", "rollout"),
    ("states", "live", "sending", "parameters", "a/b"),
    ("states", "live", "sending", "parameters", "a~1b"),
    ("states", "test", "sending", "parameters", "limit"),
    ("ramps", "slow"),
]
values = st.sampled_from([1, 2, UNTOUCHED["states", "rollout"]])
some = st.dictionaries(st.sampled_from(ITEMS), values)
locked = st.sets(st.sampled_from(ITEMS))


def apply(decisions: list[Any], current: dict[Item, Any]) -> dict[Item, Any]:
    """The installation after the load."""
    after = dict(current)
    for decision in decisions:
        if decision.outcome in WRITES:
            after[decision.item] = decision.wanted
    return {item: value for item, value in after.items() if value is not MISSING}


@settings(deadline=None)
@given(wanted=some, current=some, set_before=some, locks=locked)
def test_a_load_never_writes_over_anybody_and_loaded_again_writes_nothing(
    wanted: dict[Item, Any], current: dict[Item, Any], set_before: dict[Item, Any], locks: set[Item]
) -> None:
    def blocked(item: Item) -> str:
        return "locked" if item in locks else ""

    last_set = {name(item): fingerprint(value) for item, value in set_before.items()}
    decisions = plan(wanted, current, last_set, blocked=blocked)
    assert len({decision.item for decision in decisions}) == len(decisions)
    for decision in decisions:
        item = decision.item
        assert (decision.current, decision.wanted) == (current.get(item, MISSING), wanted.get(item, MISSING))
        if decision.outcome in WRITES:
            assert item not in locks
            ours = item in set_before and decision.current == set_before[item]
            nobody_s = item not in set_before and decision.current in (MISSING, UNTOUCHED["states", "rollout"])
            assert ours or nobody_s
        if decision.outcome is Outcome.KEEP:
            assert decision.why

    after, memory = apply(decisions, current), remembered(decisions, last_set)
    again = plan(wanted, after, memory, blocked=blocked)
    assert not [decision for decision in again if decision.outcome in WRITES]
    assert remembered(again, memory) == memory


@settings(deadline=None)
@given(first=some, second=some)
def test_where_nobody_interferes_the_last_file_is_what_there_is(
    first: dict[Item, Any], second: dict[Item, Any]
) -> None:
    decisions = plan(first, {}, {})
    there = apply(decisions, {})
    there = apply(plan(second, there, remembered(decisions, {})), there)
    assert {item: there[item] for item in second} == second


def test_a_number_is_the_same_however_a_database_gives_it_back() -> None:
    assert fingerprint({"a": [1e16, 5.0]}) == fingerprint({"a": [10**16, 5]}) != fingerprint({"a": [1e16, 5.5]})
    assert fingerprint(True) != fingerprint(1)


def test_names_of_items_are_told_apart() -> None:
    assert len({name(item) for item in ITEMS}) == len(ITEMS)
