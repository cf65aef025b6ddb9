"""Promotion: what a flag does in one environment becomes what it does in another, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flags.selectors
from core import events
from core.actors import Actor
from core.asking import ApprovalNeeded
from core.errors import Conflict, Invalid, NotFound
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.domain.lists import ListEdit
from flags.domain.permit import Permit
from flags.domain.promotion import PARTS, Promotion, configuration, digest, skipped, taken_over
from flags.domain.rules import ChangeKind
from flags.models import ApprovalRule, Flag
from flags.selectors.comparison import compare
from flags.services import emergency, lists, promotion, registry, rollout, segments, targeting
from rollouts.domain.template import RampStepSpec
from rollouts.services import starting, templates

KEY = "atomicMeltOperations"
BETA = {"attribute": "country", "op": "in", "values": ["DE"]}
ORDER = ["development", "staging", "pre-production", "production"]
npubs = st.lists(st.text("ab12", min_size=1, max_size=4), unique=True, max_size=5)
states = st.builds(
    SimpleNamespace,
    enabled=st.booleans(),
    percentage=st.integers(0, 10_000).map(lambda n: Decimal(n) / 100),
    parameters=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2)),
    targeting=st.dictionaries(st.just("serve"), st.sampled_from(["on", "off"])),
)


@given(source=states, target=states, parts=st.sets(st.sampled_from(list(PARTS)), min_size=1))
def test_what_is_taken_over_makes_the_chosen_parts_alike_and_touches_no_other(
    source: Any, target: Any, parts: set[str]
) -> None:
    new = configuration(target) | taken_over(source, target, parts)
    for part, names in PARTS.items():
        for name in names:
            if name in new:
                assert new[name] == configuration(source if part in parts else target)[name]


@given(state=states, add=npubs, remove=npubs, waiver=st.text(max_size=10))
def test_a_promotion_comes_back_from_its_payload_as_it_was(
    state: Any, add: list[str], remove: list[str], waiver: str
) -> None:
    made = Promotion("f", "staging", configuration(state), ListEdit(tuple(add)), ListEdit((), tuple(remove)), waiver)
    again = Promotion.from_payload("f", made.to_payload())
    assert again == made
    assert digest([again]) == digest([made])


@pytest.mark.parametrize(
    ("source", "target", "passed"),
    [
        ("staging", "pre-production", []),
        ("staging", "production", ["pre-production"]),
        ("development", "production", ["staging", "pre-production"]),
        ("production", "pre-production", []),
        ("production", "development", []),
    ],
)
def test_only_a_promotion_upwards_can_skip_environments(source: str, target: str, passed: list[str]) -> None:
    assert skipped(source, target, ORDER) == passed


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "passed QA", "now": now}


@pytest.fixture
def staged(flag: Flag, who: dict[str, Any]) -> Flag:
    """In staging the flag is on for a quarter, with parameters and testers."""
    change = StateChange(enabled=True, percentage=25, parameters={"autoCorrection": True})
    rollout.change(KEY, "staging", change, **who)
    lists.edit_allow_list(KEY, "staging", add=["npub1a", "npub1b"], **who)
    lists.edit_allow_list(KEY, "pre-production", add=["npub1b", "npub1c"], **who)
    return flag


def standing(environment: str) -> tuple[bool, Decimal, dict[str, Any], list[str]]:
    state = flags.selectors.state(KEY, environment)
    listed = flags.selectors.allowed_users(state.pk).values_list("npub", flat=True)
    return state.enabled, state.percentage, state.parameters, sorted(listed)


def test_a_promoted_flag_does_in_the_target_what_it_does_in_the_source(staged: Flag, who: dict[str, Any]) -> None:
    [done] = promotion.promote([KEY], "staging", "pre-production", **who)
    assert (
        standing("pre-production") == standing("staging") == (True, 25, {"autoCorrection": True}, ["npub1a", "npub1b"])
    )
    assert done.allow_count == 2
    told = events.about(f"flag:{KEY}", environment_id=done.environment_id).first()
    assert told is not None
    assert (told.kind, told.reason) == ("flag.promoted", "passed QA")
    assert (told.before["percentage"], told.after["percentage"]) == (0, 25)
    assert (told.data["source"], told.data["added"], told.data["removed"]) == ("staging", ["npub1a"], ["npub1c"])
    assert told.data["configuration"] == done.configuration
    assert promotion.promote([KEY], "staging", "pre-production", **who) == []
    assert not any(row.differs for row in compare("staging", "pre-production"))


def test_parts_that_were_not_chosen_stay(staged: Flag, who: dict[str, Any]) -> None:
    promotion.promote([KEY], "staging", "pre-production", parts=["parameters"], **who)
    assert standing("pre-production") == (False, 0, {"autoCorrection": True}, ["npub1b", "npub1c"])


def test_many_flags_are_promoted_together_or_not_at_all(staged: Flag, who: dict[str, Any]) -> None:
    registry.define("other", name="Other", description="", bucketing=Bucketing.MURMUR3, **who)
    rollout.enable("other", "staging", **who)
    rollout.set_rollout(KEY, "pre-production", 5, **who)
    emergency.emergency_disable(KEY, "pre-production", **who)
    with pytest.raises(Conflict, match=r"switched off in an emergency \(passed QA\)"):
        promotion.promote([KEY, "other"], "staging", "pre-production", **who)
    assert not flags.selectors.state("other", "pre-production").enabled


def test_targeting_is_checked_by_what_there_is_in_the_target(staged: Flag, who: dict[str, Any]) -> None:
    only_beta = {"rules": [{"name": "beta", "when": [{"segment": "beta"}]}]}
    segments.define("beta", "staging", name="Beta", conditions=[BETA], **who)
    targeting.set_targeting(KEY, "staging", only_beta, **who)
    with pytest.raises(Invalid, match="beta"):
        promotion.promote([KEY], "staging", "pre-production", **who)
    segments.define("beta", "pre-production", name="Beta", conditions=[BETA], **who)
    [done] = promotion.promote([KEY], "staging", "pre-production", parts=["targeting"], **who)
    assert done.targeting == flags.selectors.state(KEY, "staging").targeting
    assert not done.enabled


def test_a_live_ramp_in_the_target_keeps_its_flag(staged: Flag, who: dict[str, Any]) -> None:
    step = RampStepSpec("one", week=1, day=1, percentage=Decimal(50))
    templates.define("t", name="T", flag_key=KEY, steps=[step], **who)
    ramp = starting.start("t", "pre-production", **who)
    with pytest.raises(Conflict, match=rf"Ramp {ramp.pk} \(running\) moves {KEY}"):
        promotion.promote([KEY], "staging", "pre-production", **who)


def test_a_preview_that_has_grown_old_is_refused(staged: Flag, who: dict[str, Any]) -> None:
    seen = digest(promotion.preview([KEY], "staging", "pre-production"))
    rollout.set_rollout(KEY, "staging", 50, **who)
    with pytest.raises(Conflict, match="has changed since you looked"):
        promotion.promote([KEY], "staging", "pre-production", seen=seen, **who)
    seen = digest(promotion.preview([KEY], "staging", "pre-production"))
    assert promotion.promote([KEY], "staging", "pre-production", seen=seen, **who)


def test_skipping_an_environment_needs_a_reason_and_an_approver(staged: Flag, who: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="This skips Pre-Production"):
        promotion.promote([KEY], "staging", "production", **who)
    with pytest.raises(ApprovalNeeded, match="skips Pre-Production on its way to Production") as asked:
        promotion.promote([KEY], "staging", "production", waiver="hot fix", **who)
    [change] = asked.value.changes
    assert (change.kind, change.flag, asked.value.approvals) == ("flag.promotion", KEY, 1)
    assert not flags.selectors.state(KEY, "production").enabled

    permit = Permit("request", 7)
    done = promotion.place_payload(KEY, "production", change.payload, permit=permit, **who)
    assert standing("production") == standing("staging")
    assert [need.approvals for need in permit.needs] == [1]
    told = events.about(f"flag:{KEY}", environment_id=done.environment_id).first()
    assert told is not None
    assert (told.data["skipped"], told.data["waiver"], told.data["request"]) == (["Pre-Production"], "hot fix", 7)


def test_rules_are_asked_for_all_flags_at_once(staged: Flag, who: dict[str, Any]) -> None:
    registry.define("other", name="Other", description="", bucketing=Bucketing.MURMUR3, **who)
    rollout.enable("other", "pre-production", **who)
    where = flags.selectors.state(KEY, "production").environment
    ApprovalRule.objects.create(environment=where, kind=ChangeKind.PROMOTION.value, approvals=2)
    rollout.set_rollout(KEY, "pre-production", 30, **who)
    with pytest.raises(ApprovalNeeded) as asked:
        promotion.promote([KEY, "other"], "pre-production", "production", **who)
    assert [change.flag for change in asked.value.changes] == [KEY, "other"]
    assert asked.value.approvals == 2
    assert [need.why for need in asked.value.needs] == [
        f"In Production, {KEY} is promoted.",
        "In Production, other is promoted.",
    ]


@pytest.mark.parametrize(
    ("keys", "source", "target", "parts", "error"),
    [
        ([KEY], "staging", "staging", PARTS, Invalid),
        ([KEY], "staging", "moon", PARTS, NotFound),
        (["nothing"], "staging", "production", PARTS, NotFound),
        ([], "staging", "production", PARTS, Invalid),
        ([KEY], "staging", "production", [], Invalid),
        ([KEY], "staging", "production", ["salt"], Invalid),
    ],
)
@pytest.mark.usefixtures("staged")
def test_what_cannot_be_promoted_is_refused(
    keys: list[str], source: str, target: str, parts: list[str], error: type[Exception], who: dict[str, Any]
) -> None:
    with pytest.raises(error):
        promotion.promote(keys, source, target, parts=parts, waiver="w", **who)


def test_a_comparison_counts_npubs_of_one_side_and_reads_none(
    staged: Flag, who: dict[str, Any], django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        registry.define(f"f{number}", name="F", description="", bucketing=Bucketing.MURMUR3, **who)
        lists.edit_allow_list(f"f{number}", "staging", add=["npub1x"], **who)
        lists.edit_allow_list(f"f{number}", "pre-production", add=[f"npub1{number % 2 and 'x'}"], **who)
    with django_assert_num_queries(3):
        rows = {row.left.flag.key: row for row in compare("staging", "pre-production")}
    assert (rows[KEY].allow.left_only, rows[KEY].allow.right_only) == (1, 1)
    assert [(d.field, d.before, d.after) for d in rows[KEY].fields][:2] == [
        ("enabled", "yes", "no"),
        ("percentage", "25", "0"),
    ]
    assert (rows["f0"].differs, rows["f1"].differs) == (True, False)
