"""Complaints: the door, what is counted, and what the history tells of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import events
from core.actors import Actor
from core.environments import get as environment
from core.errors import Invalid
from flags.models import Flag
from flags.services import tokens
from monitoring.domain.complaints import Said, checked, shortened
from monitoring.models import Complaint
from monitoring.selectors import store
from monitoring.services import complaints, ingest
from tests.monitoring.conftest import KEY, counted
from tests.racing import at_once

NPUB = "npub1ada" + "q" * 55
Post = Callable[..., Any]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"category": "rude"}, "category"),
        ({"npub": "  "}, "npub"),
        ({"npub": "npub1 ada"}, "npub"),
        ({"npub": "n" * 201}, "npub"),
        ({"npub": "npub1\x00"}, "npub"),
        ({"text": "x" * 5_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"key": "k" * 101}, "key"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2025-08-11T09:00:00"}, "at"),
        ({"at": float("nan")}, "at"),
        ({"at": 1e300}, "at"),
        ({"at": datetime(2025, 8, 11, 9, 2, tzinfo=UTC)}, "at"),
        ({"at": datetime(2025, 8, 4, 8, 59, tzinfo=UTC)}, "at"),
    ],
)
def test_what_is_wrong_with_a_complaint_is_named(values: dict[str, Any], field: str, now: datetime) -> None:
    with pytest.raises(Invalid) as caught:
        checked(Said(**{"category": "slow", "npub": NPUB, **values}), now=now)
    assert caught.value.field == field


def test_nobody_complains_later_than_it_is_heard_of(now: datetime) -> None:
    ahead = checked(Said("slow", f" {NPUB} ", "line\nline", at=now.timestamp() + 30), now=now)
    assert (ahead.at, ahead.npub) == (now, NPUB)
    assert checked(Said("slow", NPUB, at="2025-08-11T10:30:00+02:00"), now=now).at == now - timedelta(minutes=30)


@pytest.fixture
def post(client: Client, flag: Flag, operator_actor: Actor, now: datetime) -> Post:
    _, report = tokens.create("support", "production", ["report"], actor=operator_actor, now=now)
    _, evaluate = tokens.create("nctool", "production", ["evaluate"], actor=operator_actor, now=now)

    def post(token: str = "report", headers: dict[str, str] | None = None, **values: Any) -> Any:
        text = {"report": report, "evaluate": evaluate, "none": "nobody"}[token]
        sent = {"Authorization": f"Bearer {text}", **(headers or {})}
        body = {"category": "failed_payment", "npub": NPUB, **values}
        with time_machine.travel(now, tick=False):
            return client.post("/api/v1/complaints", body, content_type="application/json", headers=sent)

    return post


@pytest.mark.django_db
def test_a_complaint_is_kept_once_and_its_event_gives_nobody_away(post: Post, now: datetime) -> None:
    values = {"text": "My money is gone, says Ada", "flag": KEY, "key": "ticket-7", "at": now.timestamp() - 5}
    first, again = post(**values), post(**values)
    assert (first.status_code, first.json()["duplicate"], again.json()["duplicate"]) == (202, False, True)
    assert first.json()["id"] == again.json()["id"]
    row = Complaint.objects.get()
    assert (row.npub, row.flag_key, row.at, row.received_by) == (NPUB, KEY, now - timedelta(seconds=5), "support")
    event = events.recent().filter(kind="complaint.received").get()
    assert event.data["npub"] == shortened(NPUB) == "npub1ada…qqqq"
    assert "money" not in str((event.data, event.after, event.reason))


@pytest.mark.django_db
def test_an_idempotency_key_does_the_same_for_those_without_a_key_of_their_own(post: Post) -> None:
    answers = [post(headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert Complaint.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "status", "field"),
    [
        ({"flag": "nosuch"}, 422, "flag"),
        ({"category": "rude"}, 422, "category"),
        ({"at": "2099-01-01T00:00:00Z"}, 422, "at"),
        ({"mood": "bad"}, 422, "mood"),
        ({"token": "evaluate"}, 403, None),
        ({"token": "none"}, 401, None),
    ],
)
def test_a_refused_complaint_says_why_and_is_not_kept(
    post: Post, values: dict[str, Any], status: int, field: str | None
) -> None:
    answer = post(**values)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert not Complaint.objects.exists()


@pytest.mark.django_db
def test_users_are_counted_and_not_complaints(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    for npub, ago, about in (("a", 10, KEY), ("a", 20, ""), ("b", 600, KEY), ("c", 601, KEY), ("d", 0, KEY)):
        said = Said("slow", npub, flag=about, at=now - timedelta(seconds=ago))
        complaints.receive("production", said, actor=operator_actor, now=now)
    complaints.receive("staging", Said("slow", "e"), actor=operator_actor, now=now)
    here, end = environment("production").pk, now.timestamp()
    assert complaints.distinct(here, end - 600, end) == 2
    assert complaints.distinct(here, end - 600, end, flag=KEY) == 2
    assert complaints.distinct(here, end - 100, end + 1) == 2
    assert complaints.made(here, end - 600, end) == [(end - 600, "b"), (end - 20, "a"), (end - 10, "a")]


@pytest.mark.django_db
def test_no_complaint_is_a_zero_only_where_something_is_measured(
    flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    assert complaints.record(now=now) == 0
    ingest.store("production", {"metrics": [counted("melt_operations_total", 1, now)]}, now=now)
    ids = {key: environment(key).pk for key in ("production", "staging")}
    for npub in "aab":
        for key in ids:
            complaints.receive(key, Said("slow", npub), actor=operator_actor, now=now - timedelta(seconds=1))
    for at in (now, now + timedelta(minutes=10)):
        assert complaints.record(now=at) == 1
    end = int(now.timestamp()) + 700
    read = {key: store.read(pk, "user_complaints", start=0, end=end) for key, pk in ids.items()}
    assert [(row.n, row.last) for row in read["production"][0].rows] == [(1, 2), (1, 0)]
    assert (read["production"][0].source, read["staging"]) == ("recorded", [])


@pytest.mark.django_db
def test_what_is_older_than_its_retention_is_forgotten(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    for npub in "ab":
        complaints.receive("production", Said("slow", npub), actor=operator_actor, now=now)
    Complaint.objects.filter(npub="a").update(at=now - timedelta(days=366))
    assert complaints.forget(now=now, keep=timedelta(days=365)) == 1
    assert Complaint.objects.get().npub == "b"


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_the_same_complaint_from_eight_senders_at_once_is_one(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    said = Said("slow", NPUB, key="ticket-7")
    results = at_once(*[lambda: complaints.receive("production", said, actor=operator_actor, now=now)] * 8)
    assert sorted(result.duplicate for result in results) == [False] + [True] * 7
    assert events.recent().filter(kind="complaint.received").count() == 1
