"""The page of an environment tells what needs other people's approval there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from core import environments
from core.actors import Actor
from flags.models import Flag
from flags.services import approval_rules

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("production", ["Raising by more than 20 points within a day: 2 approvals within 3 days.", "Starting a ramp"]),
        ("staging", ["Nothing. Rules for approvals come from the playbook."]),
    ],
)
def test_an_environment_says_what_needs_approval(
    environment: str,
    told: list[str],
    client_as: Callable[[str], Client],
    flag: Flag,
    operator_actor: Actor,
    now: datetime,
) -> None:
    rules = {"raise": {"above": 20, "approvals": 2}, "ramp": {}}
    approval_rules.define("production", rules, actor=operator_actor, reason="tests", now=now)
    address = reverse("admin:core_environment_change", args=[environments.get(environment).pk])
    page = client_as("viewer").get(address).content.decode()
    assert "Needs approval" in page
    for sentence in told:
        assert sentence in page
