"""Ramps with hours: what is planned, what the clock does outside of them, and what a person may."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from icalendar import Calendar

from core import events
from core.actors import Actor
from core.errors import Invalid
from core.models import Environment
from flags import selectors as flag_selectors
from flags.services import tokens
from monitoring.domain.verdict import Verdict
from rollouts import selectors
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db
OFFICE = {"from": "09:00", "to": "17:00", "days": ["mon", "tue", "wed", "thu", "fri"], "zone": "Europe/Zurich"}
HOUR = timedelta(hours=1)
Start = Callable[..., Ramp]


def zurich(day: int, hour: int) -> datetime:
    """Of August 2025: two hours ahead of UTC. The 11th is a Monday."""
    return datetime(2025, 8, day, hour - 2, tzinfo=UTC)


@pytest.fixture
def start(template: RampTemplate, guard: Guard, operator_actor: Actor, now: datetime) -> Start:
    """Start a ramp of the playbook, which has office hours."""
    template.hours = {name: OFFICE[name] for name in ("from", "to", "days")}
    template.save()
    Environment.objects.update(zone="Europe/Zurich")

    def _start(**over: Any) -> Ramp:
        asked = {"actor": operator_actor, "reason": "r", "now": now, **over}
        return starting.start(template.key, "production", **asked)

    return _start


def due(ramp: Ramp) -> list[datetime]:
    return [step.due_at for step in ramp.steps.all()]


def test_steps_are_planned_in_the_hours_and_a_later_playbook_changes_none_of_them(
    start: Start, template: RampTemplate, now: datetime
) -> None:
    ramp = start(starts_at=zurich(15, 20))  # a Friday evening; the playbook says days 0, 2, 4, 7, 10
    template.hours = {}
    template.save()

    assert due(ramp) == [zurich(day, 9) for day in (18, 20, 22, 25, 28)]
    assert (ramp.starts_at, ramp.state, ramp.hours) == (zurich(18, 9), "planned", OFFICE)
    assert events.about(f"ramp:{ramp.pk}").get().data["hours"] == OFFICE


def test_a_step_that_falls_on_a_weekend_moves_and_takes_the_later_ones_with_it(start: Start) -> None:
    ramp = start(starts_at=zurich(14, 9))  # a Thursday: two days later is a Saturday
    assert due(ramp) == [zurich(14, 9), zurich(18, 9), zurich(20, 9), zurich(25, 9), zurich(28, 9)]


def test_a_person_may_choose_other_hours_or_none(start: Start) -> None:
    ramp = start(starts_at=zurich(16, 20), hours={})
    assert (due(ramp)[0], ramp.hours) == (zurich(16, 20), {})
    Ramp.objects.all().delete()
    night = {"from": "22:00", "to": "04:00", "days": ["sat"], "zone": "UTC"}
    assert due(start(starts_at=zurich(16, 20), hours=night))[0] == datetime(2025, 8, 16, 22, tzinfo=UTC)
    with pytest.raises(Invalid, match="no time zone 'Mars'"):
        start(hours={**night, "zone": "Mars"})


def test_outside_the_hours_the_clock_waits_and_goes_on_when_they_begin(
    start: Start, guard: Guard, operator_actor: Actor
) -> None:
    ramp = start(starts_at=zurich(11, 16), pace=3600, soak=0)
    steering.advance(ramp.pk, actor=operator_actor, reason="r", now=zurich(11, 16))
    steering.advance(ramp.pk, actor=operator_actor, reason="r", now=zurich(11, 16))
    assert [at.astimezone(UTC) for at in due(ramp)][2:] == [zurich(12, 10), zurich(12, 11), zurich(12, 12)]
    ramp.steps.filter(position=3).update(due_at=zurich(11, 16))  # it waited for data until the evening
    evening, morning = zurich(11, 18), zurich(12, 9)
    guard.passes(since=zurich(11, 16), until=evening)

    assert clock.advance_due(now=evening) == 0
    ramp.refresh_from_db()
    assert ramp.waiting_for == (
        "Steps are taken Monday to Friday 09:00 to 17:00 (Europe/Zurich): the next time is Tue 12 Aug 2025 09:00 CEST."
    )
    assert selectors.timeline(ramp.pk, now=evening).waits_for == ramp.waiting_for
    guard.judges(Verdict.PASS, at=morning)
    assert clock.advance_due(now=morning - timedelta(seconds=1)) == 0
    assert clock.advance_due(now=morning) == 1
    assert flag_selectors.state(KEY, "production").percentage == 25


def test_a_late_step_moves_the_later_ones_into_the_hours(start: Start, operator_actor: Actor) -> None:
    ramp = start(starts_at=zurich(11, 12), pace=3600, soak=0)
    for hour in (12, 16):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=zurich(11, hour))
    assert due(ramp)[2:] == [zurich(12, 9), zurich(12, 10), zurich(12, 11)]
    told = events.about(f"ramp:{ramp.pk}").filter(kind="ramp.advanced")[0].data
    assert told["moved_seconds"] == (zurich(12, 9) - zurich(11, 14)).total_seconds()


def test_a_person_may_advance_outside_the_hours_and_the_dialog_says_so(
    start: Start, client_as: Callable[[str], Client]
) -> None:
    ramp = start(starts_at=zurich(18, 9))
    with time_machine.travel(zurich(16, 12), tick=False):
        client = client_as("operator")
        dialog = client.get(f"/admin/rollouts/ramp/{ramp.pk}/advance/").content.decode()
        assert "Now is outside the hours of this ramp. Steps are taken Monday to Friday 09:00 to 17:00" in dialog
        said = {"reason": "the testers asked for it", "version": ramp.version}
        assert client.post(f"/admin/rollouts/ramp/{ramp.pk}/advance/", said).status_code == 302
    assert flag_selectors.state(KEY, "production").enabled is True
    assert events.about(f"ramp:{ramp.pk}").first().reason == "the testers asked for it"  # type: ignore[union-attr]


def test_the_feed_and_the_page_show_when_a_step_can_really_be_taken(
    start: Start, operator_actor: Actor, client_as: Callable[[str], Client]
) -> None:
    at = datetime.now(UTC) + timedelta(days=2)
    away = {"from": "03:00", "to": "04:00", "days": [f"{at + 2 * timedelta(days=1):%a}".lower()], "zone": "UTC"}
    ramp = start(now=datetime.now(UTC), starts_at=at, hours=away)
    token = tokens.create("wall", "production", ["calendar"], actor=operator_actor, now=at)[1]
    feed = Calendar.from_ical(Client().get(f"/api/v1/calendar.ics?token={token}").content)
    shown = [each["DTSTART"].dt for each in feed.walk("VEVENT")]
    assert shown == [step.due_at.replace(microsecond=0) for step in ramp.steps.all()]
    assert {each.hour for each in shown} == {3}
    page = client_as("viewer").get(f"/admin/rollouts/ramp/{ramp.pk}/change/").content.decode()
    assert "03:00 to 04:00 (UTC)" in page


@pytest.mark.parametrize(
    ("over", "hours"),
    [
        ({}, OFFICE),
        ({"any_time": "on"}, {}),
        (
            {"opens": "22:00", "closes": "02:30", "days": ["fri"], "zone": "UTC"},
            {"from": "22:00", "to": "02:30", "days": ["fri"], "zone": "UTC"},
        ),
    ],
)
def test_the_form_takes_the_hours_of_the_playbook_others_or_none(
    over: dict[str, Any], hours: dict[str, Any], start: Start, client_as: Callable[[str], Client]
) -> None:
    asked = {"template": "atomic-phased", "environment": "production", "zone": "UTC", "reason": "r", **over}
    client = client_as("operator")
    plan = client.get("/admin/rollouts/ramp/add/", asked, headers={"HX-Request": "true"}).content.decode()
    assert ("and only" in plan) is bool(hours)
    assert client.post("/admin/rollouts/ramp/add/", asked).status_code == 302
    assert Ramp.objects.get().hours == hours


@pytest.mark.parametrize(
    ("over", "field", "words"),
    [
        ({"opens": "09:00"}, "closes", "both times"),
        ({"closes": "09:00", "days": ["mon"]}, "opens", "both times"),
        ({"opens": "09:00", "closes": "17:00"}, "days", "at least one day"),
        ({"opens": "9 o'clock", "closes": "17:00"}, "opens", "for example 09:00"),
        ({"opens": "09:00", "closes": "17:00", "days": ["xyz"]}, "days", "not one of the available choices"),
        ({"opens": "09:00", "closes": "17:00", "any_time": "on"}, "any_time", "choose one"),
    ],
)
def test_hours_that_cannot_be_are_refused_at_their_field(
    over: dict[str, Any], field: str, words: str, start: Start, client_as: Callable[[str], Client]
) -> None:
    asked = {"template": "atomic-phased", "environment": "production", "zone": "UTC", "reason": "r", **over}
    answer = client_as("operator").post("/admin/rollouts/ramp/add/", asked)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])


def test_hours_over_rest(start: Start, operator_actor: Actor, now: datetime) -> None:
    token = tokens.create("ci", "production", ["operate"], actor=operator_actor, now=now)[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def post(hours: object) -> Any:
        body = {"template": "atomic-phased", "reason": "r", "hours": hours}
        return client.post("/api/v1/ramps", body, content_type="application/json")

    assert post({"from": "9", "to": "17:00"}).status_code == 422
    assert post("always").status_code == 422
    assert post({"from": "09:00", "to": "17:00", "until": "x"}).status_code == 422
    assert post({"from": "10:00", "to": "16:00"}).json()["hours"] == {**OFFICE, "from": "10:00", "to": "16:00"}
    Ramp.objects.all().delete()
    assert post("any").json()["hours"] == {}
    Ramp.objects.all().delete()
    assert post(None).json()["hours"] == OFFICE


def test_hours_from_a_terminal(start: Start) -> None:
    def run(*more: str) -> dict[str, Any]:
        out = io.StringIO()
        told = ("start", "atomic-phased", "--environment", "production", "--reason", "r", "--json", *more)
        call_command("ramp", *told, stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        Ramp.objects.all().delete()
        return found

    assert run("--hours", "any")["hours"] == {}
    own = run("--hours", "10:00-16:00", "--days", "mon,wed", "--zone", "Asia/Kathmandu")["hours"]
    assert own == {"from": "10:00", "to": "16:00", "days": ["mon", "wed"], "zone": "Asia/Kathmandu"}
    for wrong in (("--hours", "10-16"), ("--hours", "any", "--zone", "UTC"), ("--days", "mon")):
        with pytest.raises(CommandError):
            run(*wrong)
