"""The iCalendar feed, read back by a library that did not write it for us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from icalendar import Calendar

from core import freezing
from core.actors import Actor
from core.errors import Invalid
from core.freezing import Plan
from core.models import Freeze
from flags.models import ApiToken
from flags.services import tokens
from rollouts.models import Ramp
from tests.rollouts.conftest import guard, ramp, template  # noqa: F401

URL = "/api/v1/calendar.ics"


@pytest.fixture
def token(all_environments: None, operator_actor: Actor, now: datetime) -> str:
    return tokens.create("wall calendar", "production", ["calendar"], actor=operator_actor, now=now)[1]


@pytest.fixture
def freeze(all_environments: None, operator_actor: Actor) -> Freeze:
    now = datetime.now(UTC)
    wanted = Plan(
        name="Pay day; büro, Zürich",
        reason="Alle lösen ihre Löhne ein, " * 10,
        environments=["production"],
        zone="Europe/Berlin",
        starts_at=f"{now:%Y-%m-%d}T02:30",
        duration=36 * 3600,
        recurrence="FREQ=WEEKLY",
    )
    return freezing.plan(wanted, actor=operator_actor, now=now)


def events(body: bytes) -> list:
    return list(Calendar.from_ical(body).walk("VEVENT"))


def test_the_feed_holds_every_occurrence_of_a_year_in_utc(token: str, freeze: Freeze) -> None:
    answer = Client().get(f"{URL}?token={token}")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    found = events(answer.content)

    assert len(found) in (53, 54)
    first = found[0]
    assert first["SUMMARY"] == "Freeze: Pay day; büro, Zürich (Production)"
    assert first["DESCRIPTION"] == freeze.reason
    assert {each["DTSTART"].dt.tzname() for each in found} == {"UTC"}
    assert all(timedelta(hours=35) <= each["DTEND"].dt - each["DTSTART"].dt <= timedelta(hours=37) for each in found)
    assert len({str(each["UID"]) for each in found}) == len(found)
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    assert answer.content.endswith(b"END:VCALENDAR\r\n")


def test_planned_steps_of_ramps_are_in_it(token: str, ramp: Ramp, now: datetime) -> None:  # noqa: F811
    soon = datetime.now(UTC) + timedelta(days=2)
    ramp.steps.filter(position=3).update(due_at=soon)
    (step,) = [
        each
        for each in events(Client().get(f"{URL}?token={token}").content)
        if each["DTSTART"].dt > soon - timedelta(1)
    ]
    assert step["SUMMARY"] == "atomicMeltOperations 25 % (Production)"
    assert step["TRANSP"] == "TRANSPARENT"


def test_another_environment_is_not_in_it_and_cannot_be_asked_for(
    token: str, freeze: Freeze, operator_actor: Actor, now: datetime
) -> None:
    staging = tokens.create("staging wall", "staging", ["calendar"], actor=operator_actor, now=now)[1]
    assert events(Client().get(f"{URL}?token={staging}").content) == []
    refused = Client().get(f"{URL}?token={staging}&environment=production")
    assert refused.status_code == 403
    assert "This token is of staging" in refused.json()["detail"]
    assert Client().get(f"{URL}?token={token}&environment=production").status_code == 200


def test_an_unchanged_feed_is_not_sent_again_and_a_change_is(token: str, freeze: Freeze, operator_actor: Actor) -> None:
    client = Client()
    etag = client.get(f"{URL}?token={token}")["ETag"]
    again = client.get(f"{URL}?token={token}", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)

    freezing.end(freeze.pk, actor=operator_actor, reason="r", now=datetime.now(UTC))
    fresh = client.get(f"{URL}?token={token}", headers={"If-None-Match": etag})
    assert (fresh.status_code, events(fresh.content)) == (200, [])


@pytest.mark.parametrize("scope", ["evaluate", "operate", "snapshot", "report"])
def test_a_token_that_opens_more_is_not_taken_from_an_address(
    all_environments: None, operator_actor: Actor, now: datetime, scope: str
) -> None:
    other = tokens.create("machine", "production", [scope], actor=operator_actor, now=now)[1]
    assert Client().get(f"{URL}?token={other}").status_code == 403
    for address in ("/api/v1/flags", "/api/v1/ramps"):
        assert Client().get(f"{address}?token={other}").status_code == 401
    with pytest.raises(Invalid, match="a token of its own"):
        tokens.create("both", "production", [scope, "calendar"], actor=operator_actor, now=now)


def test_a_calendar_token_opens_nothing_else_and_nothing_once_revoked(
    token: str, operator_actor: Actor, now: datetime
) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get(URL).status_code == 200
    assert client.get("/api/v1/flags").status_code == 403
    assert Client().get(URL).status_code == 401
    assert Client().get(f"{URL}?token=nct_wrong").status_code == 401
    tokens.revoke(ApiToken.objects.get().pk, actor=operator_actor, now=now)
    assert Client().get(f"{URL}?token={token}").status_code == 401


def test_the_address_is_shown_once_with_the_token(client_as, all_environments: None) -> None:
    page = client_as("administrator").post(
        "/admin/flags/apitoken/create/", {"name": "wall", "environment": "production", "calendar": "on"}
    )
    assert "/api/v1/calendar.ics?token=nct_" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
