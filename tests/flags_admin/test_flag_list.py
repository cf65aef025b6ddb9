from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from core import environments
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.models import Flag, FlagState
from flags.services import emergency, registry, rollout

LIST = "admin:flags_flagstate_changelist"


@pytest.fixture
def three(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """One on for some, one stopped, one off, all in production."""
    about: dict[str, Any] = {"actor": operator_actor, "now": now}
    for key in ("second", "third"):
        registry.define(key, name=key, description="", bucketing=Bucketing.JS31, reason="", **about)
    rollout.enable(flag.key, "production", reason="x", **about)
    rollout.set_rollout(flag.key, "production", 25, reason="x", **about)
    emergency.emergency_disable("second", "production", reason="x", **about)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"atomicMeltOperations", "second", "third"}),
        ({"state": "on"}, {"atomicMeltOperations"}),
        ({"state": "partial"}, {"atomicMeltOperations"}),
        ({"state": "off"}, {"second", "third"}),
        ({"state": "halted"}, {"second"}),
        ({"state": "nonsense"}, {"atomicMeltOperations", "second", "third"}),
        ({"q": "melt"}, {"atomicMeltOperations"}),
        ({"q": "nothing like it"}, set()),
    ],
)
def test_flags_are_filtered_by_state_and_searched(
    client_as: Callable[[str], Client], three: None, query: dict[str, str], found: set[str]
) -> None:
    where = {"environment__id__exact": environments.get("production").pk}
    text = client_as("operator").get(reverse(LIST), {**where, **query}).content.decode()
    assert {key for key in ("atomicMeltOperations", "second", "third") if f">{key}</a>" in text} == found


def test_production_comes_first(client_as: Callable[[str], Client], three: None) -> None:
    text = client_as("viewer").get(reverse(LIST)).content.decode().split("result_list")[1]
    assert text.index("Production") < text.index("Pre-Production") < text.index("Staging") < text.index("Development")


def test_a_thousand_flags_cost_as_many_queries_as_three(
    client_as: Callable[[str], Client],
    three: None,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_as("operator")
    with django_assert_max_num_queries(12) as few:
        client.get(reverse(LIST))
    made = Flag.objects.bulk_create(Flag(key=f"flag{n:04d}", name="x", created_at=now) for n in range(1_000))
    where = environments.get("staging")
    FlagState.objects.bulk_create(FlagState(flag=flag, environment=where, changed_at=now) for flag in made)
    with django_assert_max_num_queries(12) as many:
        text = client.get(reverse(LIST)).content.decode()
    assert len(few) == len(many)
    assert text.count("ops-commands") == 25


def test_an_event_leads_to_the_flag_it_is_about(client_as: Callable[[str], Client], three: None) -> None:
    client = client_as("viewer")
    found = client.get(reverse("admin:flags_at", args=["production", "second"]), follow=True)
    assert "emergency off" in found.content.decode()
    gone = client.get(reverse("admin:flags_at", args=["production", "nothing"]))
    assert gone.headers["Location"] == f"{reverse(LIST)}?q=nothing"
