"""A freeze: ramps wait, people are refused, and nothing keeps anybody from switching a flag off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import environments, events, freezing
from core.actors import GUARD, Actor
from core.errors import DomainError
from core.freezes import FrozenError
from core.freezing import Plan
from core.models import Freeze
from flags import selectors as flag_selectors
from flags.services import emergency, rollout
from rollouts import selectors
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import KEY, Guard

HOUR = timedelta(hours=1)


@pytest.fixture
def frozen(flag: object, operator_actor: Actor, now: datetime) -> Freeze:
    """Production is frozen from an hour after `now`, for six hours."""
    wanted = Plan("Pay day", "Everybody melts.", ["production"], "UTC", f"{now + HOUR:%Y-%m-%dT%H:%M}", 6 * 3600)
    return freezing.plan(wanted, actor=operator_actor, now=now)


def share() -> int:
    return int(flag_selectors.state(KEY, "production").percentage)


def test_a_due_step_waits_for_the_end_of_the_freeze_and_its_soak_goes_on(
    ramp: Ramp, guard: Guard, frozen: Freeze, operator_actor: Actor, now: datetime
) -> None:
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=now)
    during, after = now + 3 * HOUR, now + 7 * HOUR
    guard.passes(since=now, until=during)

    assert clock.advance_due(now=during) == 0
    ramp.refresh_from_db()
    assert ramp.state == "running"
    assert ramp.waiting_for == "Frozen until 2025-08-11 16:00 UTC (Pay day): Everybody melts."
    assert selectors.timeline(ramp.pk, now=during).waits_for == ramp.waiting_for
    assert share() == 10

    guard.passes(since=now, until=after)
    assert clock.advance_due(now=after - timedelta(seconds=1)) == 0
    assert clock.advance_due(now=after) == 1  # at once: the soak was counted while it was frozen
    assert share() == 25


def test_a_step_that_is_not_due_yet_says_so_and_not_that_it_is_frozen(
    ramp: Ramp, frozen: Freeze, now: datetime
) -> None:
    clock.advance_due(now=now)
    step = selectors.timeline(ramp.pk, now=now).next
    assert step is not None
    later = now + 90 * timedelta(minutes=1)
    Ramp.objects.get().steps.filter(position=2).update(due_at=now + 9 * HOUR)
    assert "is due 2025-08-11 18:00:00 UTC" in selectors.timeline(ramp.pk, now=later).waits_for


def test_a_person_cannot_advance_a_frozen_ramp_until_changes_are_let_through(
    ramp: Ramp, guard: Guard, frozen: Freeze, operator_actor: Actor, now: datetime
) -> None:
    during = now + 2 * HOUR
    with pytest.raises(FrozenError, match="production is frozen until 2025-08-11 16:00 UTC"):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=during)
    ramp.refresh_from_db()
    assert (ramp.position, share()) == (0, 0)

    freezing.override(frozen.pk, "production", actor=Actor("ada", operator_actor.kind), reason="Outage.", now=during)
    steering.advance(ramp.pk, actor=operator_actor, reason="r", now=during)
    steering.advance(ramp.pk, actor=operator_actor, reason="r", now=during)
    assert share() == 10


def test_a_ramp_can_be_started_while_it_is_frozen_and_takes_no_step(
    template: RampTemplate, guard: Guard, frozen: Freeze, operator_actor: Actor, now: datetime
) -> None:
    during = now + 2 * HOUR
    ramp = starting.start(template.key, "production", actor=operator_actor, reason="r", now=during)
    guard.passes(since=now, until=during)
    assert clock.advance_due(now=during) == 0
    ramp.refresh_from_db()
    assert (ramp.position, share()) == (0, 0)
    assert "Frozen until" in ramp.waiting_for


def test_a_freeze_holds_what_raises_and_nothing_that_switches_off(
    ramp: Ramp, guard: Guard, frozen: Freeze, operator_actor: Actor, now: datetime
) -> None:
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=now)
    during = now + 2 * HOUR
    said = {"actor": operator_actor, "reason": "r", "now": during}
    for raise_it in (
        lambda: rollout.set_rollout(KEY, "production", 11, **said),
        lambda: rollout.set_parameters(KEY, "production", {"a": 1}, **said),
    ):
        with pytest.raises(FrozenError):
            raise_it()
    steering.hold(ramp.pk, **said)
    rollout.set_rollout(KEY, "production", 9, **said)
    rollout.disable(KEY, "production", **said)
    with pytest.raises(FrozenError):
        rollout.enable(KEY, "production", **said)
    with pytest.raises(DomainError):
        steering.resume(ramp.pk, **said)
    emergency.emergency_disable(KEY, "production", **said)
    assert emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=during).startswith("rb-")
    steering.roll_back(ramp.pk, **said)
    ramp.refresh_from_db()
    assert ramp.state == "rolled_back"
    rollout.set_rollout(KEY, "staging", 50, **said)  # another environment goes on


def test_a_freeze_that_ended_or_was_lifted_and_closed_again_counts_from_that_moment(
    flag: object, frozen: Freeze, operator_actor: Actor, now: datetime
) -> None:
    during = now + 2 * HOUR
    said = {"actor": operator_actor, "reason": "r"}
    override = freezing.override(frozen.pk, "production", now=during, until=during + HOUR, **said)
    rollout.set_rollout(KEY, "production", 1, now=during, **said)
    freezing.lift(override.pk, now=during + timedelta(minutes=1), **said)
    with pytest.raises(FrozenError):
        rollout.set_rollout(KEY, "production", 2, now=during + timedelta(minutes=1), **said)
    freezing.end(frozen.pk, now=during + timedelta(minutes=2), **said)
    rollout.set_rollout(KEY, "production", 3, now=during + timedelta(minutes=2), **said)
    kinds = events.about(f"freeze:{frozen.pk}").values_list("kind", flat=True)
    assert list(kinds) == ["freeze.ended", "freeze.override_lifted", "freeze.overridden", "freeze.planned"]
    assert environments.get("production").freezes.count() == 1
