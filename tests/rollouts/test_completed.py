"""The end of a ramp, in the strategy's own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from communications.models import Alert
from communications.services.announcing import announce
from core import events
from core.actors import Actor
from rollouts import selectors
from rollouts.models import Ramp
from rollouts.services import steering
from tests.telling import somebody_hears

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "r", "now": now}


def test_after_its_last_step_everybody_hears_that_the_rollout_is_completed(
    ramp: Ramp, who: dict[str, Any], client_as: Callable[[str], Client], now: datetime
) -> None:
    for _ in range(5):
        steering.advance(ramp.pk, **who)
    event = events.about(f"ramp:{ramp.pk}")[0]
    assert (event.kind, event.reason, event.data["rolled_out"]) == ("ramp.completed", "Rollout completed", "6.2")

    somebody_hears()
    assert announce(now=now) == 1
    alert = Alert.objects.get()
    assert (alert.type, alert.severity, alert.announcements.count()) == ("ROLLOUT_COMPLETED", "info", 1)
    assert alert.text.startswith("[INFO] Rollout completed: atomicMeltOperations in production")
    assert selectors.timeline(ramp.pk, now=now).rolled_out == "Rollout completed"
    client = client_as("viewer")
    for page in ("/admin/", "/admin/rollouts/ramp/", f"/admin/rollouts/ramp/{ramp.pk}/change/"):
        assert "Rollout completed" in client.get(page).content.decode(), page


def test_a_ramp_whose_last_step_was_skipped_has_ended_but_rolled_nothing_out(
    ramp: Ramp, who: dict[str, Any], client_as: Callable[[str], Client], now: datetime
) -> None:
    for steer in [steering.advance] * 4 + [steering.skip]:
        steer(ramp.pk, **who)
    assert events.about(f"ramp:{ramp.pk}")[0].reason == "No step is left; ended at 6.1."
    assert announce(now=now) == 0
    page = client_as("viewer").get(f"/admin/rollouts/ramp/{ramp.pk}/change/").content.decode()
    assert "Rollout completed" not in page
