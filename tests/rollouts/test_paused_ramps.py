"""A trigger whose actions pause holds every ramp of its environment until a person resumes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import events
from core.actors import GUARD, Actor
from rollouts.models import Ramp
from rollouts.services import clock, steering
from tests.rollouts.conftest import Guard


def fires(guard: Guard, *actions: str, at: datetime) -> None:
    """As the guard tells it: of another flag, or of none."""
    events.record(
        "trigger.fired",
        subject="trigger:throughput-drop",
        actor=GUARD,
        now=at,
        environment_id=guard.trigger.environment_id,
        reason="Throughput drop 80 % is above 50 %.",
        data={"flag": "", "actions": list(actions)},
    )


@pytest.mark.parametrize(("actions", "state"), [(["pause", "rollback"], "held"), (["notify"], "running")])
def test_ramps_follow_a_trigger_that_pauses(
    ramp: Ramp, guard: Guard, now: datetime, actions: list[str], state: str
) -> None:
    fires(guard, *actions, at=now)
    clock.follow(now=now + timedelta(seconds=5))
    ramp.refresh_from_db()
    assert ramp.state == state


def test_once_a_person_resumes_it_goes_on_and_the_same_firing_does_not_hold_it_again(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    fires(guard, "pause", at=now)
    clock.follow(now=now)
    ramp.refresh_from_db()
    assert "A trigger that pauses all ramps here fired: Throughput drop" in ramp.hold_reason
    steering.resume(ramp.pk, actor=operator_actor, reason="looked", now=now)
    assert clock.follow(now=now) == 0
    fires(guard, "pause", at=now)
    assert clock.follow(now=now) == 1
