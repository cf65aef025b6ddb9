"""The form that starts a ramp."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from core import events
from core.actors import GUARD, Actor
from flags.services import emergency, rollout
from rollouts.admin.start_form import moment
from rollouts.models import Ramp, RampTemplate
from tests.rollouts.conftest import KEY

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
ADD = "/admin/rollouts/ramp/add/"
GOOD = {"template": "atomic-phased", "environment": "production", "zone": "UTC", "reason": "weeks 5 and 6"}


def test_a_ramp_starts_at_the_chosen_time_in_the_chosen_zone(client_as: ClientAs, template: RampTemplate) -> None:
    asked = {**GOOD, "starts_on": "2025-08-12T09:30", "zone": "Europe/Berlin", "pace": "600", "soak": "0"}
    answer = client_as("operator").post(ADD, asked)
    ramp = Ramp.objects.get()
    assert answer["Location"] == f"/admin/rollouts/ramp/{ramp.pk}/change/"
    assert (ramp.state, ramp.starts_at) == ("planned", datetime(2025, 8, 12, 7, 30, tzinfo=UTC))
    assert [step.due_at - ramp.starts_at for step in ramp.steps.all()] == [timedelta(minutes=10 * n) for n in range(5)]
    event = events.about(f"ramp:{ramp.pk}").get()
    assert (event.actor, event.reason) == ("operator", "weeks 5 and 6")


def test_without_a_time_it_starts_now(client_as: ClientAs, template: RampTemplate, now: datetime) -> None:
    client_as("approver").post(ADD, GOOD)
    assert (Ramp.objects.get().starts_at, Ramp.objects.get().state) == (now, "running")


def test_before_it_starts_the_form_tells_the_risk_of_its_first_and_of_its_highest_step(
    client_as: ClientAs, template: RampTemplate
) -> None:
    page = client_as("operator").get(ADD, GOOD).content.decode()
    first, highest = page.index("Risk of its first step, 0 %:"), page.index("Risk of its highest step, 100 %, if taken")
    assert "Nothing speaks against it." in page[first:highest]
    assert "100 more of 100 users" in page[highest:]


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("operator", True), ("administrator", True)])
def test_starting_needs_the_operate_permission(
    role: str, allowed: bool, client_as: ClientAs, template: RampTemplate
) -> None:
    client = client_as(role)
    assert client.get(ADD).status_code == (200 if allowed else 403)
    assert client.post(ADD, GOOD).status_code == (302 if allowed else 403)
    assert Ramp.objects.exists() is allowed


@pytest.mark.parametrize(
    ("over", "field", "words"),
    [
        ({"template": ""}, "template", "required"),
        ({"template": "nosuch"}, "template", "not one of the available choices"),
        ({"environment": "mars"}, "environment", "not one of the available choices"),
        ({"reason": " "}, "reason", "protected"),
        ({"reason": "x" * 2001}, "reason", "at most 2000"),
        ({"starts_on": "tomorrow"}, "starts_on", "A date and a time"),
        ({"starts_on": "2025-13-40T99:00"}, "starts_on", "A date and a time"),
        ({"starts_on": "2025-08-11T08:59"}, "starts_on", "not in the past"),
        ({"starts_on": "2027-08-11T09:00"}, "starts_on", "within a year"),
        ({"starts_on": "2026-03-29T02:30", "zone": "Europe/Berlin"}, "starts_on", "skip 02:30"),
        ({"starts_on": "2025-10-26T02:30", "zone": "Europe/Berlin"}, "starts_on", "comes twice"),
        ({"starts_on": "2025-08-12T09:00", "zone": "Mars/Olympus"}, "zone", "not one of the available choices"),
        ({"pace": "0"}, "pace", "greater than or equal to 1"),
        ({"pace": "abc"}, "pace", "whole number"),
        ({"pace": "1.5"}, "pace", "whole number"),
        ({"soak": "-1"}, "soak", "greater than or equal to 0"),
        ({"soak": "99999999999"}, "soak", "less than or equal to"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_starts_nothing(
    over: dict[str, str], field: str, words: str, client_as: ClientAs, template: RampTemplate
) -> None:
    answer = client_as("operator").post(ADD, {**GOOD, **over})
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert not Ramp.objects.exists()


def test_a_flag_that_was_rolled_back_cannot_be_ramped(
    client_as: ClientAs, template: RampTemplate, now: datetime
) -> None:
    emergency.roll_back(KEY, "production", actor=GUARD, reason="too many errors", now=now)
    client = client_as("operator")
    answer = client.post(ADD, GOOD)
    assert "Enable it first" in " ".join(answer.context["form"].non_field_errors())
    plan = client.get(ADD, GOOD, headers={"HX-Request": "true"}).content.decode()
    assert "It will be refused" in plan
    assert not Ramp.objects.exists()


def test_a_second_ramp_is_refused_and_the_plan_says_so_beforehand(client_as: ClientAs, ramp: Ramp) -> None:
    client = client_as("operator")
    assert "has a ramp that is running already" in client.post(ADD, GOOD).content.decode()
    assert f"/admin/rollouts/ramp/{ramp.pk}/change/" in client.get(ADD, GOOD).content.decode()
    assert Ramp.objects.count() == 1


def test_the_plan_shows_every_step_with_its_date_before_anything_starts(
    client_as: ClientAs, template: RampTemplate
) -> None:
    asked = {**GOOD, "starts_on": "2025-08-12T09:00", "reason": ""}
    text = client_as("operator").get(ADD, asked, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    for words in ("Tue 12 Aug 09:00:00 UTC", "Thu 14 Aug", "Fri 22 Aug", "25 %", "transactionTimeout = 30000"):
        assert words in text
    assert not Ramp.objects.exists()


@pytest.mark.parametrize("asked", [{}, {"template": "atomic-phased"}, {"environment": "mars", "template": "nosuch"}])
def test_an_unfinished_form_has_no_plan_yet(asked: dict[str, Any], client_as: ClientAs, template: RampTemplate) -> None:
    text = client_as("operator").get(ADD, asked, headers={"HX-Request": "true"}).content.decode()
    assert "Choose a ramp and an environment" in text


def test_without_templates_the_form_says_what_to_load(client_as: ClientAs, all_environments: None) -> None:
    assert "playbook load" in client_as("operator").get(ADD).content.decode()


def test_a_plan_below_where_the_flag_stands_is_announced_as_refused(
    client_as: ClientAs, template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="on", now=now)
    rollout.set_rollout(KEY, "production", 40, actor=operator_actor, reason="on", now=now)
    client = client_as("operator")
    assert "never goes back" in client.get(ADD, GOOD, headers={"HX-Request": "true"}).content.decode()
    assert "never goes back" in client.post(ADD, GOOD).content.decode()


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ((2025, 8, 11, 9, 0), "UTC", (2025, 8, 11, 9, 0)),
        ((2025, 1, 11, 9, 0), "Europe/Berlin", (2025, 1, 11, 8, 0)),
        ((2025, 8, 11, 9, 0), "Asia/Kolkata", (2025, 8, 11, 3, 30)),
    ],
)
def test_a_local_time_is_one_moment(local: tuple[int, ...], zone: str, utc: tuple[int, ...]) -> None:
    assert moment(datetime(*local), zone) == datetime(*utc, tzinfo=UTC)  # type: ignore[misc,arg-type]
