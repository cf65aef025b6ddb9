"""Onto the status page, and to those who subscribed to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from communications import selectors
from communications.domain.audiences import Content, Frequency
from communications.domain.outgoing import Outgoing
from communications.models import Announcement, Audience, Channel
from communications.selectors.outgoing import outgoing
from communications.services import announcing, connecting, sending
from communications.services.audiences import Way
from communications.services.sending import Outcome
from core.actors import Actor
from statuspage.models import Component, PublicIncident, Subscription
from statuspage.services import components

pytestmark = pytest.mark.django_db
ABOUT = {"incident": 4, "title": "error-rate fired", "level": 2, "components": ["wallets", "not-on-the-page"]}


@pytest.fixture
def page(
    channel: Callable[..., Channel], audience: Callable[..., Audience], operator_actor: Actor, now: datetime
) -> Channel:
    made = channel("page", "status-page")
    audience("users", [Way("page")], content=Content.SERVICE, frequency=Frequency.AS_NEEDED)
    words = {"name": "Wallets", "description": "", "group": "", "translations": {}, "position": 0}
    components.define("wallets", words, actor=operator_actor, reason="tests", now=now)
    return made


def send(channel: Channel, now: datetime) -> list[Any]:
    hand_over = connecting.connect(channel)
    outcomes = [Outcome(row, hand_over(row, outgoing(row))) for row in sending.claim(channel, most=100, now=now)]
    sending.note(outcomes, now=now, jitter=lambda: 0.0)
    return [outcome.answer for outcome in outcomes]


def test_an_update_for_users_is_on_the_status_page_in_their_words_once(
    page: Channel, happens: Callable[..., None], now: datetime
) -> None:
    happens("incident.updated", "incident:4", **ABOUT, state="identified", texts={"users": "Payments are slow."})
    send(page, now)
    incident = PublicIncident.objects.get()
    assert (incident.reference, incident.impact, incident.state) == ("incident:4", "major", "identified")
    assert Component.objects.get().state == "partial_outage"
    row = Announcement.objects.select_related("alert__event", "alert__environment", "channel").get()
    connecting.connect(page)(row, outgoing(row))
    assert incident.updates.count() == 1

    later = now + timedelta(hours=1)
    over = {**ABOUT, "state": "resolved", "texts": {"users": "All is well again."}}
    happens("incident.resolved", "incident:4", at=later, **over)
    send(page, later)
    incident.refresh_from_db()
    assert incident.state == "resolved"
    assert Component.objects.get().state == "operational"


def test_what_the_page_refuses_is_told_and_not_tried_for_ever(
    page: Channel, happens: Callable[..., None], now: datetime
) -> None:
    happens("incident.resolved", "incident:4", **ABOUT, state="resolved", texts={"users": "It was never told of."})
    [answer] = send(page, now)
    assert answer.permanent
    assert "The status page did not take it" in answer.error


@pytest.mark.parametrize(("kind", "key"), [("email", "email"), ("webhook", "subscribers")])
def test_subscribers_hear_of_what_is_published_with_a_way_out(
    kind: str,
    key: str,
    page: Channel,
    channel: Callable[..., Channel],
    happens: Callable[..., None],
    settings: Settings,
    now: datetime,
) -> None:
    settings.PUBLIC_URL = "https://rollout.example"
    mail = channel(key, kind, settings={"url": ""} if kind == "webhook" else {})
    address = "a@example.org" if kind == "email" else "https://hook.example/in"
    Subscription.objects.create(kind=kind, address=address, language="en", asked_at=now, confirmed_at=now)
    happens("incident.updated", "incident:4", **ABOUT, state="identified", texts={"users": "Payments are slow."})
    send(page, now)
    announcing.announce(now=now)
    row = Announcement.objects.select_related("alert__event", "alert__environment", "channel").get(channel=mail)
    message: Outgoing = outgoing(row)
    assert (row.audience, row.recipient, row.text.splitlines()[0]) == ("subscribers", address, "Payments are slow.")
    assert "/status/" in message.fields["unsubscribe"]
    assert set(message.fields) == {"unsubscribe"}
    assert row.thread == ""  # the public's name of an incident is not its number
    assert row.alert is not None
    assert row.alert.feature == "We are working on the problem"
    assert "/admin/communications/alert/" in selectors.message(row.alert).link
    assert "error-rate" not in message.subject + message.text


def test_who_subscribes_is_asked_by_a_link_that_is_kept_nowhere(
    channel: Callable[..., Channel], happens: Callable[..., None], settings: Settings, now: datetime
) -> None:
    settings.PUBLIC_URL = "https://rollout.example"
    channel("email")
    asked = Subscription.objects.create(kind="email", address="a@example.org", language="en", asked_at=now)
    happens("status.subscription_asked", f"subscription:{asked.pk}", subscription=asked.pk)
    row = Announcement.objects.select_related("alert__event", "alert__environment", "channel").get()
    assert "/status/" in outgoing(row).text
    assert "confirm" in outgoing(row).text.lower()
    assert "token" not in row.text
    assert len(row.text) < 120


def test_partners_get_no_fact_for_programs_and_no_page_of_the_admin(
    channel: Callable[..., Channel], audience: Callable[..., Audience], happens: Callable[..., None], settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://rollout.example"
    channel("email")
    audience(
        "partners",
        [Way("email", "p@example.org")],
        content=Content.INTEGRATION,
        frequency=Frequency.MAJOR,
        least_level=2,
    )
    happens("incident.opened", "incident:4", **ABOUT, state="investigating", rollback_id="rb-20260302-090000-x")
    row = Announcement.objects.select_related("alert__event", "alert__environment", "channel").get()
    message = outgoing(row)
    assert (dict(message.fields), message.link) == ({}, "https://rollout.example/status/")
    Audience.objects.all().delete()
    assert dict(outgoing(row).fields) == {}


def test_a_draft_that_news_has_overtaken_is_not_sent_by_mistake(page: Channel, happens: Callable[..., None]) -> None:
    happens("incident.opened", "incident:4", **ABOUT, state="investigating")
    happens("incident.acknowledged", "incident:4", **ABOUT, state="investigating")
    assert [row.state for row in Announcement.objects.order_by("id")] == ["draft"]
    happens("incident.resolved", "incident:4", **ABOUT, state="resolved")
    told = [(row.state, row.why) for row in Announcement.objects.order_by("id")]
    assert told == [("discarded", "there is newer news"), ("draft", "a person has to approve it")]


def test_the_address_of_the_status_page_itself_may_be_named(
    channel: Callable[..., Channel], audience: Callable[..., Audience], happens: Callable[..., None], settings: Settings
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    channel("email")
    audience("partners", [Way("email", "p@example.org")], content=Content.INTEGRATION, frequency=Frequency.MAJOR)
    happens("incident.updated", "incident:4", **ABOUT, state="identified", texts={"partners": "The API is slow."})
    row = Announcement.objects.get()
    assert (row.state, "http://127.0.0.1:8000/status/" in row.text) == ("queued", True)
