"""A whole plan goes back: features off, ramps held, the plan at its end, whatever a gate says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

import flags.selectors
from core import events
from core.actors import Actor
from core.errors import IllegalMove, Invalid
from flags.domain.change import StateChange
from flags.services import rollout, tokens
from plans.models import Plan
from plans.services import phases, plans
from rollouts.models import Block
from tests.conftest import KEY
from tests.plans.conftest import phase

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "it harms", "now": now}


@pytest.fixture
def begun(plan: Plan, passes: Callable[..., None], said: dict[str, Any]) -> Plan:
    """The first phase has begun, and everybody has its feature."""
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, **said)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=100), **said)
    return plan


def test_every_feature_of_it_goes_off_once_and_the_plan_ends_also_while_it_is_paused(
    begun: Plan, said: dict[str, Any]
) -> None:
    plans.pause(begun.pk, **said)
    with pytest.raises(Invalid):
        plans.roll_back(begun.pk, **{**said, "reason": " "})
    assert flags.selectors.state(KEY, "production").enabled, "nothing half done"

    plan, ids = plans.roll_back(begun.pk, **said)
    assert (plan.state, plan.ended_at) == ("rolled_back", said["now"])
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, [state.rollback_id]) == (False, ids)
    assert [phase(key).state for key in ("first", "second")] == ["rolled_back", "waiting"]
    event = events.recent().get(kind="plan.rolled_back")
    assert (event.reason, event.data["rollback_ids"]) == ("it harms", ids)
    assert not Block.objects.exists()
    with pytest.raises(IllegalMove):
        plans.resume(begun.pk, **said)


def test_it_is_done_on_the_board_over_rest_and_by_the_command_line(
    begun: Plan, said: dict[str, Any], client_as: Callable[[str], Client]
) -> None:
    address = f"/admin/plans/plan/{begun.pk}/roll-back/"
    assert client_as("viewer").post(address, {"reason": "no"}).status_code == 403
    client_as("operator").post(address, {"reason": "melts hang", "version": begun.version})
    begun.refresh_from_db()
    assert begun.state == "rolled_back"

    token = tokens.create("ci", "production", ["operate"], actor=said["actor"], now=said["now"])[1]
    again = plans.start("small", "production", **said)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    answer = client.post(f"/api/v1/plans/{again.pk}/rollback", {"reason": "r"}, content_type="application/json")
    assert (answer.status_code, answer.json()["rollback_ids"]) == (200, [])
    third = plans.start("small", "production", **said)
    call_command("plan", "roll-back-all", str(third.pk), "--reason", "r")
    third.refresh_from_db()
    assert third.state == "rolled_back"
