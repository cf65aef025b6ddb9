"""Ramps under four eyes: approved as a whole, then taken step by step at their times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying
from core import events, heartbeats
from core.actors import GUARD
from core.asking import ApprovalNeeded, Change
from core.errors import Conflict, Invalid
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.domain.permit import Permit
from flags.services import approval_rules, emergency, rollout
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from tests.approvals.conftest import HOUR, KEY, OLGA, RULES, Ask, approve
from tests.rollouts.conftest import as_playbook

pytestmark = pytest.mark.django_db
START = Change("ramp.start", KEY, {"template": "slow", "pace": HOUR, "soak": 0})
ONLY_RAISE = {"raise": RULES["raise"]}


@pytest.fixture
def template(rules: Any) -> RampTemplate:
    shares = (10, 25, 50, 100)
    steps = [as_playbook(f"1.{n}", 1, n, share) for n, share in enumerate(shares, start=1)]
    flag = flag_selectors.flags().get(key=KEY)
    return RampTemplate.objects.create(key="slow", name="Slow", flag=flag, steps=steps)


@pytest.fixture
def ramp(ask: Ask, template: RampTemplate, now: datetime) -> Ramp:
    """Approved and started; a step an hour."""
    request = ask(START)
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    heartbeats.beat("guard", now=now)
    return Ramp.objects.get()


def percentage() -> int:
    return int(flag_selectors.state(KEY, "production").percentage)


def go(now: datetime) -> dict[str, Any]:
    return {"actor": OLGA, "reason": "r", "now": now}


def only(rules: dict[str, Any], now: datetime) -> None:
    """Other rules for production, set as by two people."""
    approval_rules.define("production", rules, **go(now), permit=Permit("request", 0))


def test_a_ramp_is_asked_for_with_its_steps_and_started_by_the_request(ramp: Ramp) -> None:
    request = ChangeRequest.objects.get()
    (effect,) = request.effects
    assert effect["subject"] == "ramp:new"
    assert [step["percentage"] for step in effect["data"]["steps"]] == [10, 25, 50, 100]
    assert request.rules == [
        f"In Production, {KEY} rises by 100 points, from 0 to 100 %.",
        f"In Production, a ramp of {KEY} is started.",
    ]
    assert (ramp.request, ramp.state) == (request.pk, "running")
    assert events.recent().get(kind="ramp.started").data["request"] == request.pk


def test_its_steps_are_taken_at_their_times_without_asking_again(ramp: Ramp, now: datetime) -> None:
    for hour, share in enumerate((10, 25, 50, 100)):
        steering.advance(ramp.pk, **go(now + timedelta(hours=hour)))  # due, on a person's word
        assert percentage() == share


def test_a_step_before_its_time_is_a_raise_of_its_own(ramp: Ramp, ask: Ask, now: datetime) -> None:
    steering.advance(ramp.pk, **go(now))
    steering.advance(ramp.pk, **go(now))  # 10 to 25 %: 15 points, which the rule lets pass
    with pytest.raises(ApprovalNeeded, match="rises by 40 points within a day, from 10 to 50 %") as needed:
        steering.advance(ramp.pk, **go(now))
    assert percentage() == 25

    request = ask(*needed.value.changes)
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    assert percentage() == 50
    ramp.refresh_from_db()
    assert (ramp.position, ramp.state) == (3, "running")


def test_without_a_rule_about_ramps_a_start_is_judged_by_where_it_leads(template: RampTemplate, now: datetime) -> None:
    only(ONLY_RAISE, now)
    with pytest.raises(ApprovalNeeded, match="rises by 100 points"):
        starting.start("slow", "production", **go(now))
    assert Ramp.objects.count() == 0


def test_a_ramp_that_nobody_was_asked_about_waits_when_the_rules_get_stricter(
    template: RampTemplate, ask: Ask, now: datetime
) -> None:
    only({}, now)
    ramp = starting.start("slow", "production", **go(now), pace=HOUR, soak=0)
    heartbeats.beat("guard", now=now)
    only({"raise": {"above": 5}}, now)
    assert clock.advance_due(now=now) == 0
    ramp.refresh_from_db()
    assert ramp.state == "running"
    assert "needs the approval of one other person" in ramp.waiting_for

    request = ask(Change("ramp.advance", KEY, {"ramp": ramp.pk}))
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    assert percentage() == 10


def test_steps_of_an_unapproved_ramp_are_no_way_to_slice_a_raise(template: RampTemplate, now: datetime) -> None:
    only({"raise": {"above": 100}}, now)
    ramp = starting.start("slow", "production", **go(now), pace=HOUR, soak=0)
    steering.advance(ramp.pk, **go(now))
    only(ONLY_RAISE, now)
    rollout.set_rollout(KEY, "production", 20, **go(now))
    with pytest.raises(ApprovalNeeded, match="within a day, from 0 to 30 %"):
        rollout.set_rollout(KEY, "production", 30, **go(now))


def test_a_resume_that_raises_the_flag_again_asks(ramp: Ramp, ask: Ask, now: datetime) -> None:
    for hour in range(3):
        steering.advance(ramp.pk, **go(now + timedelta(hours=hour)))
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now)
    clock.follow(now=now)
    with pytest.raises(ApprovalNeeded) as needed:
        steering.resume(ramp.pk, **go(now))
    assert needed.value.changes == (Change("ramp.resume", KEY, {"ramp": ramp.pk}),)
    assert percentage() == 0

    request = ask(*needed.value.changes)
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    ramp.refresh_from_db()
    assert (percentage(), ramp.state) == (50, "running")


def test_a_resume_that_raises_nothing_asks_nobody(ramp: Ramp, now: datetime) -> None:
    steering.advance(ramp.pk, **go(now))
    steering.hold(ramp.pk, **go(now))
    steering.resume(ramp.pk, **go(now))
    assert Ramp.objects.get().state == "running"


def test_a_resume_below_the_rule_counts_for_the_day(ramp: Ramp, now: datetime) -> None:
    steering.advance(ramp.pk, **go(now))
    rollout.disable(KEY, "production", **go(now))
    clock.follow(now=now)
    steering.resume(ramp.pk, **go(now))  # back to 10 %
    steering.hold(ramp.pk, **go(now))
    with pytest.raises(ApprovalNeeded, match="within a day, from 0 to 25 %"):
        rollout.set_rollout(KEY, "production", 25, **go(now))


def test_new_steps_in_the_playbook_void_a_request_for_the_old_ones(
    ask: Ask, template: RampTemplate, now: datetime
) -> None:
    request = ask(START)
    approve(request, now=now)
    template.steps = template.steps[:-1]
    template.save()
    with pytest.raises(Conflict, match="ramp template slow has changed since"):
        applying.apply(request.pk, actor=OLGA, now=now)


def test_a_ramp_is_started_when_it_is_applied_if_its_time_is_over(
    ask: Ask, template: RampTemplate, now: datetime
) -> None:
    start = Change("ramp.start", KEY, {**START.payload, "starts_at": (now + timedelta(hours=1)).isoformat()})
    request = ask(start)
    approve(request, now=now)
    later = now + timedelta(hours=9)
    applying.apply(request.pk, actor=OLGA, now=later)
    assert Ramp.objects.get().starts_at == later


def test_a_ramp_of_another_flag_and_the_revert_of_a_start_are_refused(ramp: Ramp, ask: Ask, now: datetime) -> None:
    for kind, payload in (("ramp.resume", {"ramp": ramp.pk}), ("ramp.start", {"template": "slow"})):
        with pytest.raises(Invalid, match=f"one of {KEY}, not of preFlightReconciliation"):
            ask(Change(kind, "preFlightReconciliation", payload))
    with pytest.raises(Invalid, match="A ramp is not taken back: roll it back"):
        applying.revert(ChangeRequest.objects.get().pk, reason="r", actor=OLGA, now=now)


def test_a_clock_that_takes_a_step_voids_what_was_asked_of_the_ramp(ramp: Ramp, ask: Ask, now: datetime) -> None:
    request = ask(Change("ramp.advance", KEY, {"ramp": ramp.pk}))
    approve(request, now=now)
    assert clock.advance_due(now=now) == 1
    assert "changed by clock" in selectors.standing(selectors.get(request.pk), now).stale
    rollout.change(KEY, "staging", StateChange(enabled=True), **go(now))  # elsewhere: nothing to do with it
