"""The audit over the API: what a token sees, and what it does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from audit.domain import heads
from audit.models import Verification
from audit.services import holding, verifying
from audit.services.holding import Held
from core import events
from core.actors import Actor
from core.models import Event
from flags.services import tokens
from flags.services.tokens import Scope
from tests.audit.conftest import Happens

EVENTS, SEALS, HOLDS = "/api/v1/audit/events", "/api/v1/audit/seals", "/api/v1/audit/holds"


@pytest.fixture
def auth(all_environments: None, operator_actor: Actor, now: datetime) -> dict[str, Any]:
    _, secret = tokens.create("auditor", "production", [Scope.OPERATE], actor=operator_actor, now=now)
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


@pytest.mark.parametrize("address", [EVENTS, SEALS, HOLDS])
def test_only_a_token_that_may_operate_reads_the_audit(
    client: Client, address: str, auth: dict[str, Any], operator_actor: Actor, now: datetime
) -> None:
    _, secret = tokens.create("reporter", "production", [Scope.REPORT], actor=operator_actor, now=now)
    assert client.get(address).status_code == 401
    assert client.get(address, HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 403
    assert client.get(address, **auth).status_code == 200
    assert client.post(address, **auth).status_code == 405


def test_events_are_those_of_the_token_s_environment_and_of_flags_in_pages(
    client: Client, auth: dict[str, Any], sealed: list[Event], happens: Happens, operator_actor: Actor, now: datetime
) -> None:
    events.record("person.changed", subject="person:anna", actor=operator_actor, now=now)
    answer = client.get(EVENTS, {"limit": 5, "kind": "flag.x"}, **auth)
    found = answer.json()
    address = answer["Link"].partition("<")[2].partition(">")[0]
    pages = []
    while address:
        happens(99)  # what happens meanwhile moves nothing
        answer = client.get(address, **auth)
        pages.append([one["id"] for one in answer.json()])
        address = answer.get("Link", "").partition("<")[2].partition(">")[0]
    assert [*(one["id"] for one in found), *(pk for page in pages for pk in page)] == [
        row.pk for row in reversed(sealed) if row.environment is None or row.environment.key == "production"
    ]
    assert [len(one) for one in pages] == [5, 3]
    assert [one["environment"] for one in found] == ["", *["production"] * 4]
    assert (found[1]["before"], found[1]["after"], found[1]["actor"]) == ({"share": 11}, {"share": 12}, "olga")
    assert client.get(EVENTS, {"kind": "person.changed"}, **auth).json() == []
    assert {one["environment"] for one in client.get(EVENTS, **auth).json()} == {"", "production"}


def test_events_are_filtered_by_who_what_object_environment_and_time(
    client: Client, auth: dict[str, Any], happens: Happens, now: datetime
) -> None:
    for number in range(4):
        happens(number, after=60 * number, kind=f"flag.{number % 2}")
    happens(9, where=None, after=30)

    def shares(**wanted: object) -> list[int]:
        found = client.get(EVENTS, {"actor": "olga", **wanted}, **auth).json()
        return [one["before"]["share"] for one in found if one["before"].get("share") is not None]

    assert shares() == [9, 3, 2, 1, 0]
    assert shares(actor="nobody") == []
    assert shares(kind="flag.1") == [3, 1]
    assert shares(subject="flag:2") == [2]
    assert shares(environment="") == [9]
    assert shares(environment="production") == [3, 2, 1, 0]
    since, until = now + timedelta(seconds=60), now + timedelta(seconds=180)
    assert shares(since=since.isoformat(), until=until.isoformat()) == [2, 1]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"environment": "staging"}, 404),
        ({"since": "2025-08-02T00:00:00Z", "until": "2025-08-01T00:00:00Z"}, 422),
        ({"since": "yesterday"}, 422),
        ({"limit": 0}, 422),
        ({"actor": "a\0"}, 422),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    client: Client, auth: dict[str, Any], wanted: dict[str, Any], status: int
) -> None:
    assert client.get(EVENTS, wanted, **auth).status_code == status


def test_seals_tell_heads_that_can_be_kept_and_how_the_last_verification_ended(
    client: Client, auth: dict[str, Any], key: str, sealed: list[Event], operator_actor: Actor, now: datetime
) -> None:
    assert client.get(SEALS, **auth).json()["verification"] is None
    Event.objects.filter(pk=sealed[3].pk).update(reason="another")
    Event.objects.filter(pk=sealed[12].pk).update(reason="another")
    verifying.ask(actor=operator_actor, now=now)
    verifying.run(clock=lambda: now)
    told = client.get(SEALS, **auth).json()
    assert {head.chain for head in heads.read(client.get(SEALS, **auth).content)} >= {"production", "staging"}
    assert all(head["signature"] and head["key"] == told["key"] for head in told["heads"])
    last = told["verification"]
    assert (last["state"], last["wrong"], Verification.objects.get().wrong) == ("broken", 2, 2)
    assert [(one["chain"], one["event"]) for one in last["findings"]] == [("production", sealed[3].pk)]


def test_holds_are_those_that_concern_the_environment(
    client: Client, auth: dict[str, Any], operator_actor: Actor, now: datetime
) -> None:
    for title, about in (
        ("here", {"environment": "production"}),
        ("there", {"environment": "staging"}),
        ("everywhere", {"subject": "flag:x"}),
        ("a person", {"subject": "person:anna"}),
    ):
        holding.place(Held(title, "a complaint", **about), actor=operator_actor, now=now)
    found = client.get(HOLDS, **auth).json()
    assert [(one["title"], one["environment"]) for one in found] == [("everywhere", ""), ("here", "production")]
    assert {one["released_at"] for one in found} == {None}
