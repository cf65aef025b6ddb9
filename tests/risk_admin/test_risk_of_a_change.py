"""What a raise would risk, told before it is confirmed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.services import requests
from core.actors import Actor
from core.asking import Change
from flags.models import Flag, FlagState
from flags.services import rollout
from monitoring.models import Trigger
from risk.models import Score
from rollouts.models import RampTemplate
from tests.monitoring_admin.conftest import trigger as trigger
from tests.rollouts.conftest import as_playbook

ClientAs = Callable[..., Client]
KEY = "atomicMeltOperations"


@pytest.fixture
def state(flag: Flag, operator_actor: Actor, now: datetime) -> FlagState:
    """On for a quarter in production."""
    who = {"actor": operator_actor, "reason": "x", "now": now}
    rollout.set_rollout(KEY, "production", 25, **who)
    return rollout.enable(KEY, "production", **who)


def dialog(client: Client, state: FlagState, percentage: int) -> str:
    address = reverse("admin:flags_rollout", args=[state.pk])
    return client.get(f"{address}?percentage={percentage}").content.decode()


def test_a_raise_tells_its_risk_and_why_and_a_lowering_tells_none(
    client_as: ClientAs, state: FlagState, trigger: Trigger
) -> None:
    client = client_as("operator")
    raised = dialog(client, state, 75)
    assert "Risk of this change:" in raised
    for words in ("50 more of 100 users", "A trigger guards this flag", "Nobody knows the present risk"):
        assert words in raised
    assert "Risk of this change:" not in dialog(client, state, 10)


def test_the_present_risk_speaks_against_a_raise(
    client_as: ClientAs, state: FlagState, assessed: Callable[..., Score]
) -> None:
    assessed(timezone.now())
    assert "The risk is HIGH." in dialog(client_as("operator"), state, 30)


def test_a_request_to_start_a_ramp_tells_the_risk_of_its_first_and_of_its_highest_step(
    client_as: ClientAs, flag: Flag, operator_actor: Actor
) -> None:
    steps = [as_playbook("1", 1, 1, 10), as_playbook("2", 2, 1, 60)]
    RampTemplate.objects.create(key="slow", name="Slow", flag=flag, steps=steps)
    change, now = Change("ramp.start", KEY, {"template": "slow"}), timezone.now()
    row = requests.open_request("production", [change], title="Slow", reason="x", actor=operator_actor, now=now)
    page = client_as("viewer").get(f"/admin/approvals/changerequest/{row.pk}/change/").content.decode()
    first, highest = page.index("Risk of its first step, 10 %:"), page.index("Risk of its highest step, 60 %")
    assert "10 more of 100 users" in page[first:highest]
    assert "60 more of 100 users" in page[highest:]


def test_a_request_to_raise_tells_its_risk(client_as: ClientAs, state: FlagState, operator_actor: Actor) -> None:
    change, now = Change("flag.state", KEY, {"percentage": "75"}), timezone.now()
    row = requests.open_request("production", [change], title="More", reason="x", actor=operator_actor, now=now)
    page = client_as("viewer").get(f"/admin/approvals/changerequest/{row.pk}/change/")
    assert "Risk of this change:" in page.content.decode()
