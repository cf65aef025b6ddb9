"""A plan keeps the ramps of phases that have not begun where they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from core.actors import Actor
from core.errors import Conflict
from plans.domain.states import ItemState
from plans.models import Plan
from plans.services import items, measuring, phases, plans
from rollouts.models import Block, Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from tests.plans.conftest import item, phase, validated
from tests.rollouts.conftest import template  # noqa: F401

pytestmark = pytest.mark.django_db


def test_a_ramp_waits_for_its_phase_and_no_person_advances_it(
    plan: Plan,
    template: RampTemplate,  # noqa: F811
    passes: Callable[..., None],
    operator_actor: Actor,
    now: datetime,
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "as planned", "now": now}
    ramp = starting.start("atomic-phased", "production", **said)
    assert clock.advance_due(now=now) == 0
    ramp.refresh_from_db()
    assert ramp.waiting_for == "Phase First of the plan Small plan has not begun."
    with pytest.raises(Conflict, match="Phase First"):
        steering.advance(ramp.pk, **said)
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, **said)
    assert clock.advance_due(now=now) == 1
    phases.roll_back(phase("first").pk, **said)
    assert Block.objects.get().why == "Phase First of the plan Small plan has not begun."
    plans.abort(plan.pk, **said)
    assert not Block.objects.exists()


def test_a_criterion_that_fails_keeps_the_ramps_of_its_phase_until_it_is_met_or_left_out(
    plan: Plan,
    template: RampTemplate,  # noqa: F811
    passes: Callable[..., None],
    operator_actor: Actor,
    now: datetime,
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "as planned", "now": now}
    ramp = starting.start("atomic-phased", "production", **said)
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, **said)
    validated(now, success=False)
    measuring.measure_all(now=now)
    assert clock.advance_due(now=now) == 0
    ramp.refresh_from_db()
    assert ramp.waiting_for == "First of the plan Small plan: It starts fails. It is down."

    items.mark(item("All works").pk, ItemState.FAILED, comment="Melts hang.", actor=operator_actor, now=now)
    validated(now)
    measuring.measure_all(now=now)
    with pytest.raises(Conflict, match=r"All works fails\. Melts hang"):
        steering.advance(ramp.pk, **said)
    items.mark(item("All works").pk, ItemState.SKIPPED, comment="On staging only.", actor=operator_actor, now=now)
    assert clock.advance_due(now=now) == 1


def test_a_plan_of_another_environment_holds_nothing_here(
    plan: Plan,
    template: RampTemplate,  # noqa: F811
    operator_actor: Actor,
    now: datetime,
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "as planned", "now": now}
    ramp = starting.start("atomic-phased", "staging", **said)
    assert clock.advance_due(now=now) == 1
    assert Ramp.objects.get(pk=ramp.pk).position == 1
