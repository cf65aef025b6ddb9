"""Decisions: their order, their reasons, and that the fast ways agree with the slow one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from flags.domain.bucketing import MEMO_UNITS, Bucketing, js31_memo
from flags.domain.configuration import EnvironmentConfig, FlagConfig
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
