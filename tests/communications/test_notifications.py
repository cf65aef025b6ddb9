"""The bell in the admin, and the notifications that nctool shows to its users."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from communications.domain.audiences import Content, Frequency
from communications.models import Audience, Channel, Notification
from communications.selectors.outgoing import outgoing
from communications.services import connecting, sending
from communications.services.audiences import Way
from communications.services.sending import Outcome
from core import events
from core.actors import Actor
from flags.services import tokens
from tests.communications.conftest import Receiver, send_all

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/notifications"


@pytest.fixture
def bell(channel: Callable[..., Channel]) -> Channel:
    return channel("in-app")


def deliver(channel: Channel, now: datetime) -> None:
    hand_over = connecting.connect(channel)
    outcomes = [Outcome(row, hand_over(row, outgoing(row))) for row in sending.claim(channel, most=100, now=now)]
    assert sending.note(outcomes, now=now, jitter=lambda: 0.0) == len(outcomes)


@pytest.fixture
def published(
    bell: Channel, audience: Callable[..., Audience], happens: Callable[..., None], now: datetime
) -> Notification:
    """What all users of nctool in production are told."""
    audience("users", [Way("in-app")], content=Content.SERVICE, frequency=Frequency.AS_NEEDED)
    about = {"incident": 4, "title": "Errors", "level": 2, "state": "identified"}
    happens("incident.updated", "incident:4", **about, texts={"users": "Payments are slow until 15:00."})
    deliver(bell, now)
    return Notification.objects.get()


def token(scope: str, environment: str, actor: Actor, now: datetime) -> dict[str, Any]:
    _, text = tokens.create(f"{scope}-{environment}", environment, [scope], actor=actor, now=now)
    return {"headers": {"Authorization": f"Bearer {text}"}}


def test_a_user_sees_it_until_it_is_read_and_another_environment_never(
    published: Notification, client: Client, operator_actor: Actor, now: datetime
) -> None:
    mine = token("evaluate", "production", operator_actor, now)
    other = token("evaluate", "staging", operator_actor, now)
    with time_machine.travel(now):
        told = client.get(ADDRESS, {"npub": "npub1a"}, **mine).json()
        assert (told["unread"], told["notifications"][0]["text"]) == (1, "Payments are slow until 15:00.")
        assert client.get(ADDRESS, {"npub": "npub1a"}, **other).json()["notifications"] == []
        body = {"npub": "npub1a", "ids": [published.pk, 999]}
        for _ in range(2):
            read = client.post(f"{ADDRESS}/read", body, content_type="application/json", **mine)
            assert read.status_code == 204
        assert client.get(ADDRESS, {"npub": "npub1a", "unread": True}, **mine).json()["notifications"] == []
        assert client.get(ADDRESS, {"npub": "npub1b"}, **mine).json()["unread"] == 1
        refused = client.get(ADDRESS, {"npub": "npub1a"}, **token("report", "production", operator_actor, now))
        assert refused.status_code == 403
        for npub in ("", "a b", "a\0b"):
            assert client.get(ADDRESS, {"npub": npub}, **mine).status_code == 422
        too_large = {"npub": "npub1a", "ids": [2**63]}
        assert client.post(f"{ADDRESS}/read", too_large, content_type="application/json", **mine).status_code == 422


def test_the_bell_counts_what_is_new_and_only_its_owner_has_it(
    bell: Channel,
    happens: Callable[..., None],
    client_as: Callable[[str], Client],
    now: datetime,
) -> None:
    operator = client_as("operator")
    happens("escalation.notified", "escalation:1", to=["operator"], title="Errors", level=3)
    deliver(bell, now)
    with time_machine.travel(now):
        assert "1 new" in operator.get("/admin/communications/notification/bell/").content.decode()
        page = operator.get("/admin/communications/notification/").content.decode()
        assert "YOU ARE NEEDED: Errors" in page
        assert "new" not in client_as("viewer").get("/admin/communications/notification/bell/").content.decode()
        pk = Notification.objects.get().pk
        operator.post("/admin/communications/notification/read/", {"id": [pk]})
        assert "new" not in operator.get("/admin/communications/notification/bell/").content.decode()


def test_a_repeat_makes_no_second_notification(published: Notification, bell: Channel) -> None:
    row = published.announcement
    hand_over = connecting.connect(bell)
    hand_over(row, outgoing(row))
    assert Notification.objects.count() == 1


def test_announcements_are_listed_for_machines(
    slack: Channel, happens: Callable[..., None], client: Client, operator_actor: Actor, now: datetime
) -> None:
    happens("metrics.silent", "environment:production")
    happens("risk.level_raised", "environment:production", severity="high")
    send_all(slack, Receiver(), now)
    with time_machine.travel(now):
        mine = token("operate", "production", operator_actor, now)
        found = client.get("/api/v1/announcements", {"state": "sent", "limit": 1}, **mine)
        assert (found["Total-Count"], found.json()[0]["channel"]) == ("2", "slack")
        assert client.get("/api/v1/announcements", {"state": "lost"}, **mine).status_code == 422
    assert events.recent().filter(kind="token.created").exists()
