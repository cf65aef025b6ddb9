"""The undo button wherever the history is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import flags.selectors
from approvals.models import ChangeRequest
from core import events
from core.actors import Actor
from core.models import Event
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import approval_rules, emergency, rollout


@pytest.fixture
def lowered(flag: Flag, operator_actor: Actor, now: datetime) -> Event:
    """From 80 to 10 %."""
    about: dict[str, Any] = {"actor": operator_actor, "reason": "x", "now": now}
    rollout.change(flag.key, "production", StateChange(enabled=True, percentage=80), **about)
    rollout.set_rollout(flag.key, "production", 10, **about)
    return events.about(f"flag:{flag.key}").first()


def percentage() -> Decimal:
    return flags.selectors.state("atomicMeltOperations", "production").percentage


def undo(client: Client, event: Event, reason: str = "wrong flag") -> Any:
    return client.post(reverse("admin:approvals_undo", args=[event.pk]), {"reason": reason}, follow=True)


def test_a_change_is_undone_from_its_page_as_a_new_change(client_as: Callable[[str], Client], lowered: Event) -> None:
    client = client_as("operator")
    page = reverse("admin:core_event_change", args=[lowered.pk])
    address = reverse("admin:approvals_undo", args=[lowered.pk])
    assert address in client.get(page).content.decode()
    assert "percentage: 10 → 80" in client.get(address).content.decode()
    undo(client, lowered)
    assert percentage() == 80
    newest = events.about(lowered.subject).first()
    assert (newest.actor, newest.reason) == ("operator", f"Undo of event {lowered.pk}: wrong flag")


def test_where_a_rule_asks_for_approval_the_undo_becomes_a_request(
    client_as: Callable[[str], Client], lowered: Event, operator_actor: Actor, now: datetime
) -> None:
    rule = {"raise": {"above": 20, "approvals": 1, "expires_after": 3600}}
    approval_rules.define("production", rule, actor=operator_actor, reason="x", now=now)
    answer = undo(client_as("operator"), lowered)
    assert percentage() == 10
    request = ChangeRequest.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("admin:approvals_changerequest_change", args=[request.pk])


def test_what_was_changed_since_is_not_undone(
    client_as: Callable[[str], Client], lowered: Event, operator_actor: Actor, now: datetime
) -> None:
    rollout.set_rollout("atomicMeltOperations", "production", 30, actor=operator_actor, reason="x", now=now)
    answer = undo(client_as("operator"), lowered)
    assert answer.status_code == 409
    assert "olga" in answer.content.decode()
    assert percentage() == 30


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 200)])
def test_who_may_not_change_flags_is_offered_no_undo(
    client_as: Callable[[str], Client], lowered: Event, role: str, status: int
) -> None:
    client, address = client_as(role), reverse("admin:approvals_undo", args=[lowered.pk])
    page = client.get(reverse("admin:core_event_change", args=[lowered.pk])).content.decode()
    assert (address in page) == (status == 200)
    assert client.get(address).status_code == status
    assert client.post(address, {"reason": "x"}, follow=True).status_code == status


def test_an_emergency_can_be_undone_and_an_event_that_changes_nothing_cannot(
    client_as: Callable[[str], Client], lowered: Event, operator_actor: Actor, now: datetime
) -> None:
    client = client_as("operator")
    emergency.emergency_disable("atomicMeltOperations", "production", actor=operator_actor, reason="x", now=now)
    undo(client, events.about(lowered.subject).first())
    assert percentage() == 10
    created = Event.objects.get(kind="environment.created", environment__key="production")
    page = client.get(reverse("admin:core_event_change", args=[created.pk])).content.decode()
    assert "/undo/" not in page
    assert undo(client, created).status_code == 422
    assert client.get(reverse("admin:approvals_undo", args=[999_999])).status_code == 404
