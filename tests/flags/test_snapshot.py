"""Decisions: their order, their reasons, and that the fast ways agree with the slow one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from flags.domain.bucketing import MEMO_UNITS, Bucketing, js31_memo
from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig
from flags.domain.decision import Reason, Rule
from flags.domain.snapshot import Snapshot

ON_AT_26 = "user-1"  # stands in js31 bucket 25


def one(**fields: object) -> Snapshot:
    return Snapshot(EnvironmentConfig("production", 7, flags=(FlagConfig(key="f", **fields),)))


@pytest.mark.parametrize(
    ("fields", "unit", "value", "rule", "reason", "why"),
    [
        ({"enabled": False, "percentage": 100, "allowed": {"user-1"}}, "user-1", False, "disabled", "DISABLED", "disa"),
        ({"enabled": True, "allowed": {"user-1"}}, "user-1", True, "allow-list", "TARGETING_MATCH", "allow-list"),
        ({"enabled": True, "allowed": {"user-1"}}, "user-2", False, "percentage", "STATIC", "beyond its allow-list"),
        ({"enabled": True, "percentage": 100}, "", True, "percentage", "STATIC", "everybody"),
        ({"enabled": True, "percentage": 25}, ON_AT_26, False, "percentage", "SPLIT", "at 25 %, beyond the first 25 %"),
        ({"enabled": True, "percentage": 26}, ON_AT_26, True, "percentage", "SPLIT", "at 25 %, within the first 26 %"),
    ],
)
def test_disabled_comes_before_the_allow_list_before_the_percentage_before_off(
    fields: dict[str, object], unit: str, value: bool, rule: str, reason: str, why: str
) -> None:
    fields = {
        **fields,
        "percentage": Decimal(fields.get("percentage", 0)),
        "allowed": frozenset(fields.get("allowed", ())),
    }
    decision = one(**fields).decide("f", unit)

    assert (decision.value, decision.rule, decision.reason) == (value, rule, reason)
    assert decision.variant == ("on" if value else "off")
    assert why in decision.why


def test_no_npub_is_the_seeds_anonymous_for_js31_and_cannot_be_split_by_a_salted_flag() -> None:
    js31 = {"enabled": True, "bucketing": Bucketing.JS31}
    assert one(**js31, percentage=Decimal(76)).is_on("f", "")  # 'anonymous' stands in bucket 75
    assert not one(**js31, percentage=Decimal(75)).is_on("f", "")
    salted = one(enabled=True, bucketing=Bucketing.MURMUR3, salt="s", percentage=Decimal("99.99"))
    assert salted.decide("f", "").rule is Rule.NO_KEY
    assert not salted.is_on("f", "")
    everybody = one(enabled=True, bucketing=Bucketing.MURMUR3, salt="s", percentage=Decimal(100))
    assert everybody.decide("f", "").reason is Reason.STATIC


def test_a_flag_that_does_not_exist_is_named_by_decide_and_off_for_is_on() -> None:
    snapshot = one(enabled=True, percentage=Decimal(100))
    with pytest.raises(NotFound, match="no flag 'g' in environment 'production'"):
        snapshot.decide("g", "user-1")
    assert not snapshot.is_on("g", "user-1")


units = st.text(st.characters(), max_size=12) | st.sampled_from(["listed", "", "user-1"])
configs = st.builds(
    FlagConfig,
    key=st.sampled_from([f"flag-{number}" for number in range(8)]),
    bucketing=st.sampled_from(Bucketing),
    salt=st.sampled_from(["a", "b"]),
    enabled=st.booleans(),
    percentage=st.integers(0, 100).map(Decimal),
    allowed=st.sampled_from([frozenset(), frozenset({"listed"}), frozenset({"listed", "user-1"})]),
)


@given(st.lists(configs, unique_by=lambda config: config.key), units)
def test_all_ways_to_ask_give_the_same_answer(flags: list[FlagConfig], unit: str) -> None:
    snapshot = Snapshot(EnvironmentConfig("e", 1, flags=tuple(flags)))
    one_by_one = {key: snapshot.decide(key, unit) for key in snapshot.keys}

    assert snapshot.decide_all(unit) == one_by_one
    assert {key: snapshot.is_on(key, unit) for key in snapshot.keys} == {
        key: decision.value for key, decision in one_by_one.items()
    }
    bucket = snapshot.shared_bucket(unit)
    if bucket is not None:
        assert snapshot.of_bucket(bucket) | snapshot.own(unit, {}, bucket) == one_by_one


@given(units, st.sampled_from(Bucketing), st.integers(0, 10_000), st.integers(0, 10_000))
def test_raising_a_percentage_never_evicts_anyone(unit: str, bucketing: Bucketing, one_: int, other: int) -> None:
    low, high = sorted((one_, other))
    step = 1 if bucketing is Bucketing.JS31 else Decimal("0.01")
    before, after = (
        one(
            enabled=True, bucketing=bucketing, salt="s", percentage=Decimal(share) // 100 if step == 1 else share * step
        )
        for share in (low, high)
    )
    assert before.is_on("f", unit) <= after.is_on("f", unit)


def test_what_is_kept_for_speed_stays_bounded_and_right() -> None:
    snapshot = one(enabled=True, percentage=Decimal(50))
    asked = [f"npub1{number}" for number in range(45_000)] + ["x" * 5_000]
    first = [snapshot.is_on("f", unit) for unit in asked]
    assert [snapshot.is_on("f", unit) for unit in asked] == first
    assert len(js31_memo) <= MEMO_UNITS
    assert "x" * 5_000 not in js31_memo


def test_what_did_not_change_is_not_compiled_again() -> None:
    """A flag that names a segment changes with it."""
    rule = {"name": "r", "when": [{"segment": "s"}]}
    flags = (FlagConfig("plain"), FlagConfig("listed", enabled=True, allowed=frozenset({"npub1"})))
    targeted = FlagConfig("targeted", enabled=True, targeting={"rules": [rule]})
    conditions = ({"attribute": "plan", "op": "equals", "values": ["pro"]},)
    first = Snapshot(EnvironmentConfig("e", 1, flags=(*flags, targeted), segments=(SegmentConfig("s", conditions),)))
    changed = replace(first._config, version=2, flags=(replace(flags[0], enabled=True), flags[1], targeted))
    second = Snapshot(changed, first)
    third = Snapshot(replace(changed, segments=(SegmentConfig("s", ({**conditions[0], "values": ["free"]},)),)), second)

    assert [second._flags[key] is first._flags[key] for key in second.keys] == [False, True, True]
    assert second._anyone is first._anyone
    assert [third._flags[key] is second._flags[key] for key in third.keys] == [True, True, False]
    assert [shot.is_on("targeted", "u", {"plan": "pro"}) for shot in (first, second, third)] == [True, True, False]
    assert Snapshot(replace(changed, flags=changed.flags[1:]), third).keys == ("listed", "targeted")


def test_a_long_chain_of_prerequisites_is_decided_without_recursion() -> None:
    flags = tuple(
        FlagConfig(
            str(number),
            enabled=True,
            percentage=Decimal(100),
            targeting={"prerequisites": [{"flag": str(number + 1), "variants": ["on"]}]},
        )
        for number in range(3_000)
    )
    last = FlagConfig("3000", enabled=True, percentage=Decimal(26))
    snapshot = Snapshot(EnvironmentConfig("e", 1, flags=(*flags, last)))
    assert snapshot.is_on("0", ON_AT_26)
    decision = snapshot.decide("0", "user-123")
    assert (decision.rule, decision.name) == (Rule.PREREQUISITE, "1")
    assert snapshot.decide_all("user-123")["0"] == decision


def test_a_long_allow_list_is_asked_in_bulk_too() -> None:
    long = frozenset(f"npub1{number}" for number in range(5_000))
    snapshot = one(enabled=True, allowed=long)
    assert snapshot.decide_all("npub14999")["f"].rule is Rule.ALLOW_LIST
    assert snapshot.shared_bucket("npub14999") is None
    assert snapshot.decide_all("npub15000")["f"].rule is Rule.PERCENTAGE
