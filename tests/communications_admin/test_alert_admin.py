from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from communications.domain.alerts import ChannelName
from communications.models import Delivery
from communications.services import announcing
from core import events
from core.actors import GUARD
from flags.models import Flag
from flags.services import emergency

LIST = "admin:communications_alert_changelist"


@pytest.fixture
def deliveries(flag: Flag, now: datetime) -> dict[str, Delivery]:
    """One rollback: given up by Slack, sent by mail."""
    evidence = {"value": 11.8, "threshold": 5.0}
    emergency.roll_back(flag.key, "production", actor=GUARD, reason="errors", now=now, evidence=evidence)
    announcing.announce(channels=list(ChannelName), now=now)
    found = {delivery.channel: delivery for delivery in Delivery.objects.all()}
    dead, sent = found["slack"], found["email"]
    dead.failed_at, dead.tries, dead.error = now, 12, "Slack answered 404: no_service"
    sent.sent_at, sent.tries = now, 1
    dead.save()
    sent.save()
    return found


def test_the_list_tells_how_each_delivery_fared(
    client_as: Callable[[str], Client], deliveries: dict[str, Delivery]
) -> None:
    text = client_as("viewer").get(reverse(LIST)).content.decode()
    for part in ("rollback", "atomicMeltOperations", "slack: given up", "email: sent", "errors"):
        assert part in text


@pytest.mark.parametrize(("wanted", "found"), [("dead", True), ("waiting", False), ("nonsense", True)])
def test_alerts_are_filtered_by_the_state_of_their_deliveries(
    client_as: Callable[[str], Client], deliveries: dict[str, Delivery], wanted: str, *, found: bool
) -> None:
    text = client_as("viewer").get(reverse(LIST), {"delivery": wanted}).content.decode()
    assert ("slack: given up" in text) is found


def test_an_alert_shows_its_evidence_and_the_last_error(
    client_as: Callable[[str], Client], deliveries: dict[str, Delivery]
) -> None:
    page = reverse("admin:communications_alert_change", args=[deliveries["slack"].alert_id])
    text = client_as("viewer").get(page).content.decode()
    for part in ("11.8", "Rollback id", "no_service"):
        assert part in text
    assert "Try again" not in text
    assert "Try again" in client_as("operator").get(page).content.decode()


def test_a_dead_delivery_is_tried_again_with_a_reason(
    client_as: Callable[[str], Client], deliveries: dict[str, Delivery]
) -> None:
    client, dead = client_as("operator"), deliveries["slack"]
    address = reverse("admin:communications_retry", args=[dead.pk])
    assert "Say why" in client.post(address, {"reason": ""}).content.decode()
    answer = client.post(address, {"reason": "the webhook is repaired"}, follow=True)
    assert "is in the queue for slack again" in answer.content.decode()
    dead.refresh_from_db()
    assert (dead.failed_at, dead.tries) == (None, 0)
    assert events.recent().filter(kind="delivery.retried", actor="operator").count() == 1
    assert client.get(address).status_code == 404


def test_a_delivery_that_was_sent_is_not_sent_again(
    client_as: Callable[[str], Client], deliveries: dict[str, Delivery]
) -> None:
    address = reverse("admin:communications_retry", args=[deliveries["email"].pk])
    assert client_as("operator").post(address, {"reason": "again"}).status_code == 404
