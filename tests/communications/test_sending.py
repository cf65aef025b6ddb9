"""Announcements on their way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from communications import selectors
from communications.domain.delivery import LEASE, MAX_TRIES, Failure
from communications.domain.outgoing import Act
from communications.management.commands import sender
from communications.models import Announcement, Audience, Channel, Delivery
from communications.services import announcing, sending
from communications.services.audiences import Way
from communications.services.sending import Outcome
from core import events, heartbeats
from core.actors import Actor
from core.errors import IllegalMove, NotFound
from oncall.services import chaining, escalating
from tests.communications.conftest import Receiver, send_all

pytestmark = pytest.mark.django_db
Happens = Callable[..., None]


@pytest.fixture
def announced(rolled_back: str, slack: Channel, now: datetime) -> Announcement:
    announcing.announce(now=now)
    return Announcement.objects.get()


def test_what_is_taken_is_sent_with_its_key_its_fields_and_one_row_for_the_try(
    announced: Announcement, slack: Channel, rolled_back: str, now: datetime
) -> None:
    receiver = Receiver()
    assert send_all(slack, receiver, now) == 1
    [message] = receiver.got
    assert (message.target, message.key) == ("#dev-alerts", f"announcement-{announced.pk}-{int(now.timestamp())}")
    assert message.fields["rollbackId"] == rolled_back
    announced.refresh_from_db()
    assert (announced.state, announced.sent_at, announced.reference) == ("sent", now, "ref-1")
    assert list(announced.deliveries.values_list("number", "taken", "answer", "error")) == [(1, True, "ok", "")]
    assert send_all(slack, receiver, now + LEASE) == 0


@pytest.mark.parametrize(
    ("failure", "again_after"),
    [
        (Failure("HTTP 500: oops"), timedelta(seconds=5)),
        (Failure("HTTP 429: slow", retry_after=timedelta(seconds=120)), timedelta(seconds=120)),
        (Failure("HTTP 404: no_service", permanent=True), None),
    ],
)
def test_what_the_receiver_answers_decides_when_it_is_tried_again(
    failure: Failure, again_after: timedelta | None, announced: Announcement, slack: Channel, now: datetime
) -> None:
    receiver = Receiver([failure])
    assert send_all(slack, receiver, now) == 0
    announced.refresh_from_db()
    assert (announced.error, announced.sent_at) == (failure.error, None)
    assert announced.failed_at == (now if again_after is None else None)
    slack.refresh_from_db()
    assert (slack.failures, slack.error, slack.failed_at) == (1, failure.error, now)
    if again_after is not None:
        assert send_all(slack, receiver, now + again_after - timedelta(seconds=1)) == 0
        assert send_all(slack, receiver, now + again_after) == 1
        assert len({message.key for message in receiver.got}) == 1
        slack.refresh_from_db()
        assert (slack.failures, slack.error, slack.ok_at) == (0, "", now + again_after)


def test_a_channel_that_fails_is_left_alone_for_a_while_and_one_that_asks_for_quiet_gets_it(
    slack: Channel, happens: Happens, now: datetime
) -> None:
    for number in range(4):
        happens("risk.level_raised", f"environment:{number}", severity="high")
    receiver = Receiver([Failure("HTTP 500")] * 3 + [Failure("HTTP 429", retry_after=timedelta(minutes=2))])
    send_all(slack, receiver, now)
    assert send_all(slack, receiver, now + timedelta(seconds=119)) == 0
    assert len(receiver.got) == 4
    assert send_all(slack, receiver, now + timedelta(seconds=120)) == 4


def test_after_its_last_try_it_is_given_up_and_a_person_can_bring_it_back(
    announced: Announcement, slack: Channel, operator_actor: Actor, now: datetime
) -> None:
    broken = Receiver([Failure("HTTP 500: oops")] * MAX_TRIES)
    for hours in range(MAX_TRIES + 3):
        send_all(slack, broken, now + timedelta(hours=hours))
    dead = selectors.dead().get()
    assert (dead.tries, dead.error, len(broken.got)) == (MAX_TRIES, "HTTP 500: oops", MAX_TRIES)

    later = now + timedelta(days=1)
    sending.retry(dead.pk, actor=operator_actor, reason="Slack is back", now=later)
    event = events.recent().get(kind="announcement.retried")
    assert (event.reason, event.before["error"]) == ("Slack is back", "HTTP 500: oops")
    with pytest.raises(IllegalMove, match="queued cannot become queued"):
        sending.retry(dead.pk, actor=operator_actor, reason="again", now=later)
    assert send_all(slack, broken, later) == 1
    with pytest.raises(IllegalMove, match="sent cannot become queued"):
        sending.retry(dead.pk, actor=operator_actor, reason="again", now=later)
    with pytest.raises(NotFound):
        sending.retry(0, actor=operator_actor, reason="again", now=later)


def test_while_a_lease_lasts_nobody_else_sends_and_a_late_sender_does_not_overwrite_the_outcome(
    announced: Announcement, slack: Channel, now: datetime
) -> None:
    rescuer = Receiver()

    [row] = sending.claim(slack, most=1, now=now)
    assert send_all(slack, rescuer, now + LEASE - timedelta(seconds=1)) == 0
    assert send_all(slack, rescuer, now + LEASE) == 1
    sending.note([Outcome(row, Failure("HTTP 500: too late"))], now=now, jitter=lambda: 1.0)
    announced.refresh_from_db()
    assert (announced.sent_at, announced.error, announced.fence) == (now + LEASE, "", 2)
    assert list(Delivery.objects.values_list("number", "taken")) == [(1, False), (2, True)]


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_jumps_loses_nothing_and_delays_nothing(
    hours: int, announced: Announcement, slack: Channel, happens: Happens, now: datetime
) -> None:
    receiver, jumped = Receiver([Failure("HTTP 500: oops"), Failure("HTTP 500: oops")]), now + timedelta(hours=hours)
    send_all(slack, receiver, now)
    happens("metrics.silent", "environment:production", at=now + LEASE)
    [row] = sending.claim(slack, most=1, now=now + LEASE)  # its sender dies
    happens("metrics.heard", "environment:staging", at=now + LEASE)
    while sending.claim(slack, most=1, now=now + LEASE):
        pass
    for minute in range(30):
        send_all(slack, receiver, jumped + timedelta(minutes=minute))
    assert set(Announcement.objects.values_list("state", flat=True)) == {"sent"}
    assert {message.key for message in receiver.got} >= {f"announcement-{row.pk}-{int(row.made_at.timestamp())}"}


def test_what_is_new_goes_at_once_also_when_the_clock_was_set_back(
    announced: Announcement, slack: Channel, now: datetime
) -> None:
    assert send_all(slack, Receiver(), now - timedelta(hours=3)) == 1


def test_the_sender_takes_the_steps_of_escalations_and_announces_them(
    flag: object, slack: Channel, operator_actor: Actor
) -> None:
    begun = timezone.now() - timedelta(minutes=20)
    steps = [{"notify": {"audience": "developmentTeam"}}, {"wait": 15}, {"notify": {"audience": "developmentTeam"}}]
    told = {"actor": operator_actor, "reason": "tests", "now": begun}
    chaining.define("ops", {"name": "Ops", "steps": steps}, **told)
    escalating.start("incident:1", chain="ops", title="Errors", level=1, **told)
    assert sender.call(seldom=True)
    assert not sender.call(seldom=False)
    announcing.announce(now=timezone.now())
    assert Announcement.objects.filter(alert__type="PAGE").count() == 1
    assert heartbeats.last()["escalate"] > begun


def test_who_dies_in_the_last_try_leaves_nothing_that_waits_for_ever(
    announced: Announcement, slack: Channel, now: datetime
) -> None:
    for number in range(MAX_TRIES):
        assert len(sending.claim(slack, most=1, now=now + LEASE * number)) == 1
    end = now + LEASE * MAX_TRIES
    assert sending.claim(slack, most=1, now=end) == []
    assert sending.give_up_the_dead(now=end) == 1
    assert selectors.dead().get().error == "The sender died during the last try."


def test_the_end_of_a_thing_is_never_told_before_its_beginning_and_knows_where_that_was(
    slack: Channel, happens: Happens, now: datetime
) -> None:
    about = {"incident": 7, "title": "Errors", "level": 2}
    happens("incident.opened", "incident:7", **about)
    happens("incident.resolved", "incident:7", **about)
    receiver = Receiver([Failure("HTTP 500")])
    assert send_all(slack, receiver, now) == 0
    for seconds in (5, 10):
        send_all(slack, receiver, now + timedelta(seconds=seconds))
    assert [(message.act, message.thread, message.reference) for message in receiver.got] == [
        (Act.OPEN, "incident:7", ""),
        (Act.OPEN, "incident:7", ""),
        (Act.CLOSE, "incident:7", "ref-2"),
    ]


def test_one_channel_keeps_no_other_waiting(
    slack: Channel, channel: Callable[..., Channel], audience: Callable[..., Audience], happens: Happens, now: datetime
) -> None:
    email = channel("email")
    audience("operationsTeam", [Way("email", "ops@example.org")])
    happens("metrics.silent", "environment:production")
    sending.claim(slack, most=100, now=now)  # and never comes back
    assert send_all(email, Receiver(), now) == 1
