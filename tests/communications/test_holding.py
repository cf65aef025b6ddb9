"""What is held, and told as one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from communications.domain.audiences import Content, Frequency
from communications.models import Announcement, Audience, Channel
from communications.services import announcing, digests, releasing
from communications.services.audiences import Way
from core import environments, events
from core.actors import Actor
from tests.communications.conftest import KEY, Receiver, send_all
from tests.rollouts.conftest import guard, ramp, template  # noqa: F401

pytestmark = pytest.mark.django_db
Happens = Callable[..., None]
MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("all_environments")
def test_a_thousand_alerts_in_a_minute_are_six_messages(slack: Channel, operator_actor: Actor, now: datetime) -> None:
    told: dict[str, Any] = {"actor": operator_actor, "environment_id": environments.get("production").pk}
    for number in range(1000):
        at, rule = now + timedelta(milliseconds=60 * number), f"Rule{number % 40}"
        events.record("alert.firing", subject=f"alert:{rule}", now=at, data={"rule": rule, "severity": "high"}, **told)
        if number % 20 == 19:  # a look of the announcer, every 1.2 s
            announcing.announce(now=at)
    receiver = Receiver()
    for second in range(0, 180, 5):
        releasing.release(now=now + timedelta(seconds=second))
        send_all(slack, receiver, now + timedelta(seconds=second))
    assert len(receiver.got) <= 8
    assert receiver.got[5].subject.endswith("messages, last: [HIGH] ALERT: Rule39 in production")
    alone = [message for message in receiver.got if "messages" not in message.subject]
    assert Announcement.objects.filter(state="merged").count() + len(alone) == 1000
    assert " × [HIGH] ALERT: Rule" in receiver.got[5].text


def test_what_flaps_is_told_first_and_then_as_one(slack: Channel, happens: Happens, now: datetime) -> None:
    receiver = Receiver()
    for second in range(0, 600, 10):
        at = now + timedelta(seconds=second)
        releasing.release(now=at)
        kind = "alert.firing" if second % 20 == 0 else "alert.resolved"
        happens(kind, "alert:ErrorRate", at=at, rule="ErrorRate", severity="high")
        send_all(slack, receiver, at)
    assert 3 <= len(receiver.got) <= 5
    assert receiver.got[0].subject == "[HIGH] ALERT: ErrorRate in production"


def test_in_quiet_hours_all_waits_for_the_morning_but_level_3(
    channel: Callable[..., Channel], audience: Callable[..., Audience], happens: Happens, now: datetime
) -> None:
    email = channel("email")
    audience("developmentTeam", [Way("email", "d@example.org")], quiet=("08:00", "11:00"), zone="UTC")
    for number in range(3):
        happens("risk.level_raised", f"environment:{number}", severity="high")
    happens("incident.opened", "incident:1", incident=1, title="Balances differ", level=3)
    receiver, morning = Receiver(), now.replace(hour=11)
    releasing.release(now=morning - timedelta(seconds=1))
    assert send_all(email, receiver, morning - timedelta(seconds=1)) == 1
    assert "INCIDENT: #1 Balances differ" in receiver.got[0].subject
    releasing.release(now=morning)
    assert send_all(email, receiver, morning) == 1
    assert receiver.got[1].subject.startswith("3 messages, last:")


def test_what_is_held_of_an_incident_is_told_in_its_thread(
    channel: Callable[..., Channel], audience: Callable[..., Audience], happens: Happens, now: datetime
) -> None:
    email = channel("email")
    audience("developmentTeam", [Way("email", "d@example.org")], quiet=("08:00", "11:00"), zone="UTC")
    about = {"incident": 1, "title": "Melts fail", "level": 2}
    happens("incident.opened", "incident:1", **about)
    happens("risk.level_raised", "environment:1", severity="high")
    happens("incident.updated", "incident:1", **about)
    happens("risk.level_raised", "environment:2", severity="high")
    receiver, morning = Receiver(), now.replace(hour=11)
    releasing.release(now=morning)
    assert send_all(email, receiver, morning) == 2
    assert [(each.thread, each.act) for each in receiver.got] == [("", "note"), ("incident:1", "open")]
    happens("incident.resolved", "incident:1", at=morning, **about)
    send_all(email, receiver, morning)
    assert (receiver.got[2].thread, receiver.got[2].reference) == ("incident:1", "ref-2")


@pytest.fixture
def management(channel: Callable[..., Channel], audience: Callable[..., Audience]) -> Channel:
    made = channel("email")
    audience("management", [Way("email", "m@example.org")], frequency=Frequency.HOURLY, content=Content.BUSINESS)
    return made


@pytest.mark.usefixtures("ramp")
def test_management_gets_one_digest_an_hour_while_a_ramp_is_live(
    management: Channel, happens: Happens, now: datetime
) -> None:
    happens("alert.firing", "alert:ErrorRate", rule="ErrorRate", severity="high")
    assert digests.make(now=now) == 1  # of 9:00, in which the ramp began
    ten = now.replace(hour=10)
    assert [digests.make(now=ten), digests.make(now=ten + MINUTE)] == [1, 0]
    releasing.release(now=ten)
    receiver = Receiver()
    assert send_all(management, receiver, ten) == 2
    told = receiver.got[1]
    assert told.subject.startswith("Deployment at 10:00 UTC: ")
    assert "Something is measured that should not be (production)" in told.text
    assert KEY not in told.text
    assert digests.make(now=now.replace(hour=14)) == 1  # the hours that were missed are not made up for


def test_between_deployments_management_hears_at_the_full_hour_of_what_happened(
    management: Channel, happens: Happens, now: datetime
) -> None:
    happens("alert.firing", "alert:ErrorRate", rule="ErrorRate", severity="high")
    receiver, ten = Receiver(), now.replace(hour=10)
    assert digests.make(now=ten) == 0
    releasing.release(now=ten)
    assert send_all(management, receiver, ten) == 1
    assert receiver.got[0].subject == "Something is measured that should not be (production)"
