"""What a ramp waits for, as a list: on its page, over REST, and for a migration that its flag needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from core.actors import Actor
from flags import selectors as flags
from flags.services import tokens
from monitoring.domain.verdict import Verdict
from rollouts.models import Ramp
from rollouts.services import clock, steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db


def test_a_ramp_whose_flag_needs_a_migration_waits_for_it_and_is_not_held(
    ramp: Ramp, guard: Guard, now: datetime, settings: Settings
) -> None:
    guard.judges(Verdict.PASS, at=now)
    settings.MIGRATION_INTERLOCK = True
    settings.NCTOOL_MONGODBS = {"PRODUCTION": "mongodb://127.0.0.1:1/nctool"}
    assert clock.advance_due(now=now) == 0
    ramp.refresh_from_db()
    assert ramp.state == "running"
    assert ramp.waiting_for.startswith(f"{KEY} needs migration 002")

    settings.MIGRATION_INTERLOCK = False
    assert clock.advance_due(now=now) == 1
    assert flags.state(KEY, "production").enabled


def test_page_and_token_see_each_requirement_and_how_far_the_soak_is(
    ramp: Ramp, guard: Guard, client_as: Callable[[str], Client], operator_actor: Actor
) -> None:
    now = datetime.now().astimezone()
    steering.advance(ramp.pk, actor=operator_actor, reason="testers first", now=now - timedelta(minutes=20))
    guard.passes(since=now - timedelta(minutes=20), until=now - timedelta(seconds=5))

    page = client_as("viewer").get(f"/admin/rollouts/ramp/{ramp.pk}/change/").content.decode()
    assert "Before step 2: what must be true" in page
    assert 'role="progressbar" aria-label="Soak"' in page
    assert 'aria-valuenow="66"' in page
    token = tokens.create("ci", "production", ["operate"], actor=operator_actor, now=now)[1]
    told = Client(headers={"Authorization": f"Bearer {token}"}).get(f"/api/v1/ramps/{ramp.pk}").json()
    standing = {each["key"]: each["standing"] for each in told["gate"]}
    assert standing == {**dict.fromkeys(standing, "met"), "due": "unmet", "soak": "unmet"}
