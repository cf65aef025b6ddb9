"""Double opt-in, leaving by one click, and a flood that reaches nobody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core import events
from core.errors import DomainError, Invalid, TooMany
from core.models import Visit
from statuspage import selectors
from statuspage.models import Subscription
from statuspage.services import subscribing
from tests.racing import at_once

Ask = Callable[..., None]


@pytest.fixture
def ask(page: None, now: datetime) -> Ask:
    def _ask(address: str = "olga@example.org", **over: Any) -> None:
        told: dict[str, Any] = {"components": [], "language": "en", "network": "192.0.2.1", "now": now, **over}
        subscribing.subscribe(told.pop("kind", "email"), address, **told)

    return _ask


def asked() -> list[int]:
    found = events.recent().filter(kind="status.subscription_asked").order_by("pk")
    return [event.data["subscription"] for event in found]


def token(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def confirmed(now: datetime) -> Subscription:
    return subscribing.confirm(token(selectors.confirmation_link(asked()[-1])), now=now)


def told(*keys: str) -> list[str]:
    return [each.address for each in selectors.subscribers(keys)]


def test_nobody_is_told_before_the_link_was_used(ask: Ask, now: datetime) -> None:
    ask()
    assert told("melt") == []
    link = selectors.confirmation_link(asked()[-1])
    assert link.startswith("https://status.example.org/status/confirm/")
    first = subscribing.confirm(token(link), now=now)
    again = subscribing.confirm(token(link), now=now + timedelta(hours=1))
    assert (told("melt"), again.confirmed_at) == (["olga@example.org"], first.confirmed_at)
    assert events.recent().filter(kind="status.subscribed").count() == 1


def test_who_chose_components_hears_of_those_alone(ask: Ask, now: datetime) -> None:
    ask(components=["wallets", "api"])
    confirmed(now)
    ask("anna@example.org")
    confirmed(now)
    assert told("wallets", "api") == ["olga@example.org", "anna@example.org"]
    assert told("melt") == told() == ["anna@example.org"]


def test_a_link_is_good_for_48_hours_and_only_whole(ask: Ask) -> None:
    with time_machine.travel(datetime(2025, 8, 11, 9, 0, tzinfo=UTC), tick=False) as clock:
        ask()
        link = selectors.confirmation_link(asked()[-1])
        for damaged in (token(link)[:-1], "x", selectors.unsubscribe_link(asked()[-1]).rpartition("/")[2]):
            with pytest.raises(Invalid, match="damaged"):
                subscribing.confirm(damaged, now=datetime(2025, 8, 11, 9, 0, tzinfo=UTC))
        clock.shift(timedelta(hours=48, seconds=1))
        with pytest.raises(Invalid, match="older than 48 hours"):
            subscribing.confirm(token(link), now=datetime(2025, 8, 13, 10, 0, tzinfo=UTC))
    assert told() == []


def test_an_address_is_asked_once_in_ten_minutes_whoever_asks(ask: Ask, now: datetime) -> None:
    for minute in range(10):
        ask(network=f"192.0.2.{minute}", now=now + timedelta(minutes=minute))
    assert len(asked()) == 1
    ask("OLGA@Example.org", network="192.0.2.99", now=now)
    assert len(asked()) == 1
    ask(network="192.0.2.99", now=now + timedelta(minutes=10))
    assert len(asked()) == 2


def test_a_second_asking_changes_nothing_until_its_own_link_is_used(ask: Ask, now: datetime) -> None:
    ask(components=["melt"])
    old = token(selectors.confirmation_link(asked()[-1]))
    subscribing.confirm(old, now=now)
    ask(components=["api"], language="de", now=now + timedelta(hours=1))
    assert (told("melt"), told("api")) == (["olga@example.org"], [])
    with pytest.raises(Invalid, match="newer one"):
        subscribing.confirm(old, now=now + timedelta(hours=1))
    confirmed(now + timedelta(hours=2))
    assert (told("melt"), told("api")) == ([], ["olga@example.org"])
    assert Subscription.objects.get().language == "de"


def test_who_leaves_is_forgotten(ask: Ask, now: datetime) -> None:
    ask()
    confirmed(now)
    (subscriber,) = selectors.subscribers(["melt"])
    assert subscriber.unsubscribe.startswith("https://status.example.org/status/unsubscribe/")
    subscribing.unsubscribe(token(subscriber.unsubscribe), now=now)
    subscribing.unsubscribe(token(subscriber.unsubscribe), now=now)
    assert not Subscription.objects.exists()
    assert events.recent().filter(kind="status.unsubscribed").count() == 1
    with pytest.raises(Invalid, match="damaged"):
        subscribing.unsubscribe("1:x", now=now)


def test_no_address_stands_in_the_log(ask: Ask, now: datetime) -> None:
    ask()
    confirmed(now)
    subscribing.end(asked()[-1], actor=subscribing.VISITOR, reason="asked by phone", now=now)
    for event in events.recent().filter(subject__startswith="subscription:"):
        assert "olga" not in f"{event.subject}{event.data}{event.before}{event.after}{event.actor}"


def test_a_flood_from_one_network_ends_after_ten(ask: Ask, now: datetime) -> None:
    def tries(network: str, at: datetime) -> int:
        before = len(asked())
        for number in range(15):
            with suppress(TooMany):
                ask(f"victim{number}@{network}.example.org", network=network, now=at)
        return len(asked()) - before

    assert tries("a", now) == 10
    assert tries("a", now) == 0
    counts = sorted(Visit.objects.values_list("count", flat=True))
    assert counts == [10, 10], "what one network is refused must not be counted for everybody"
    assert tries("b", now) == 10
    assert tries("a", now + timedelta(hours=1)) == 10
    assert TooMany.status == 429


@pytest.mark.parametrize(
    "over",
    [
        {"address": "olga"},
        {"kind": "pigeon"},
        {"components": ["mint"]},
        {"components": ["a\0b"]},
        {"language": "fr"},
        {"kind": "webhook"},
    ],
)
def test_what_cannot_be_subscribed_is_refused_and_not_kept(ask: Ask, over: dict[str, Any]) -> None:
    with pytest.raises(DomainError):
        ask(**over)
    assert not Subscription.objects.exists()


def test_unconfirmed_ones_are_deleted_after_a_week(ask: Ask, now: datetime) -> None:
    ask()
    confirmed(now)
    ask("anna@example.org")
    assert subscribing.forget(now=now + timedelta(days=6)) == 0
    assert subscribing.forget(now=now + timedelta(days=8)) == 1
    assert told() == ["olga@example.org"]


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_the_same_asking_many_times_at_once_is_one(ask: Ask) -> None:
    assert at_once(*[ask] * 4) == [None] * 4
    assert len(asked()) == Subscription.objects.count() == 1
