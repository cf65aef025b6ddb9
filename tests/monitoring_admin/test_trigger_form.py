"""Changing when a trigger fires and what it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.test import Client

from core import events
from core.actors import Actor
from monitoring.models import Trigger
from monitoring.services import triggers

ClientAs = Callable[..., Client]


def address(trigger: Trigger) -> str:
    return f"/admin/monitoring/trigger/{trigger.pk}/define/"


def filled(trigger: Trigger, **over: Any) -> dict[str, Any]:
    newest = events.about("trigger:error-rate", environment_id=trigger.environment_id)[0].pk
    values: dict[str, Any] = {
        "threshold": "4.5",
        "clear_threshold": "4",
        "window": "10",
        "max_window": "300",
        "min_samples": "40",
        "consecutive": "3",
        "alpha": "",
        "cooldown": "600",
        "actions": ["notify", "rollback"],
        "observe": "",
        "enabled": "on",
        "reason": "after the drill",
        "version": newest,
        "seen": newest,
    }
    return {**values, **over}


def test_an_approver_changes_a_trigger_with_a_reason(client_as: ClientAs, trigger: Trigger) -> None:
    client = client_as("approver")
    form = client.get(address(trigger)).content.decode()
    assert 'name="threshold" value="5.0"' in form
    assert 'name="percentile"' not in form  # a ratio has none
    assert client.post(address(trigger), filled(trigger)).status_code == 302
    trigger.refresh_from_db()
    assert (trigger.threshold, trigger.clear_threshold, trigger.cooldown) == (4.5, 4.0, 600)
    assert trigger.actions == ["notify", "rollback"]
    told = events.about("trigger:error-rate", environment_id=trigger.environment_id)[0]
    assert (told.kind, told.reason, told.actor) == ("trigger.changed", "after the drill", "approver")


def test_the_new_rule_is_told_in_words_before_it_is_saved(client_as: ClientAs, trigger: Trigger) -> None:
    client = client_as("approver")

    def told(**over: Any) -> str:
        headers = {"HX-Request": "true", "HX-Trigger-Name": "threshold"}
        return client.get(address(trigger), filled(trigger, **over), headers=headers).content.decode()

    assert "Then: Tells people, then rolls back atomicMeltOperations when the ratio is above 4.5 %" in told()
    assert "Then: Only observes." in told(observe="on")
    assert "guards nothing" in told(enabled="")
    assert "in steps of ten" in told(window="15")
    trigger.refresh_from_db()
    assert trigger.threshold == 5.0


def test_what_cannot_be_judged_or_was_changed_meanwhile_saves_nothing(
    client_as: ClientAs, trigger: Trigger, operator_actor: Actor, now: datetime
) -> None:
    client, before = client_as("approver"), filled(trigger)
    assert client.post(address(trigger), filled(trigger, clear_threshold="9")).status_code == 422
    assert "Say why" in client.post(address(trigger), filled(trigger, reason="")).content.decode()
    triggers.define("error-rate", "production", {"consecutive": 2}, actor=operator_actor, reason="quicker", now=now)
    late = client.post(address(trigger), before)
    assert late.status_code == 409
    assert "changed by someone else" in late.content.decode()
    trigger.refresh_from_db()
    assert (trigger.threshold, trigger.consecutive) == (5.0, 2)


def test_only_an_approver_may(client_as: ClientAs, trigger: Trigger) -> None:
    page = f"/admin/monitoring/trigger/{trigger.pk}/change/"
    for role, status, offered in (("viewer", 403, False), ("operator", 403, False), ("approver", 200, True)):
        client = client_as(role)
        assert client.get(address(trigger)).status_code == status
        assert (address(trigger) in client.get(page).content.decode()) is offered
    assert client_as("operator").post(address(trigger), filled(trigger)).status_code == 403


def test_re_arming_tells_the_cool_down(client_as: ClientAs, fired: Trigger) -> None:
    dialog = f"/admin/monitoring/trigger/{fired.pk}/rearm/"
    client = client_as("operator")
    assert "cool-down" not in client.get(dialog).content.decode()
    Trigger.objects.update(cooldown=600)
    assert "in the next 10 min it judges and tells" in client.get(dialog).content.decode()
