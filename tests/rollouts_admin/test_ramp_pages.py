"""The pages of the ramps: who sees them, what they tell, what they offer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from core import beside
from core.actors import CLOCK, GUARD, Actor
from flags.services import emergency
from monitoring.domain.verdict import Verdict
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
ROLES = ("viewer", "operator", "approver", "administrator")
LIST = "/admin/rollouts/ramp/"


def page(ramp: Ramp, rest: str = "change/") -> str:
    return f"{LIST}{ramp.pk}/{rest}"


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_sees_ramps_and_only_operators_their_commands(
    role: str, client_as: ClientAs, ramp: Ramp
) -> None:
    client = client_as(role)
    text = client.get(page(ramp)).content.decode()
    assert client.get(LIST).status_code == 200
    assert ("Advance now" in text, "Start a ramp" in client.get(LIST).content.decode()) == (role != "viewer",) * 2


@pytest.mark.parametrize("rest", ["", "{pk}/change/", "add/", "{pk}/advance/", "{pk}/roll-back/"])
def test_a_stranger_is_sent_to_the_login(rest: str, client: Client, ramp: Ramp) -> None:
    answer = client.get(LIST + rest.format(pk=ramp.pk))
    assert (answer.status_code, answer["Location"].startswith("/admin/login/")) == (302, True)


@pytest.mark.parametrize("address", ["abc", "999999", "9" * 40, "-1"])
@pytest.mark.parametrize("rest", ["change/", "hold/"])
def test_an_address_without_a_ramp_is_a_404(address: str, rest: str, client_as: ClientAs, ramp: Ramp) -> None:
    assert client_as("operator").get(f"{LIST}{address}/{rest}").status_code == 404


def test_nobody_edits_or_deletes_a_ramp_by_hand(client_as: ClientAs, ramp: Ramp) -> None:
    client = client_as("administrator")
    assert client.post(page(ramp), {"state": "completed"}).status_code == 405
    assert client.post(page(ramp, "delete/"), {"post": "yes"}).status_code == 403
    ramp.refresh_from_db()
    assert ramp.state == "running"


def test_the_page_tells_where_the_ramp_stands_and_what_it_waits_for(
    client_as: ClientAs, ramp: Ramp, guard: Guard, now: datetime
) -> None:
    steering.advance(ramp.pk, actor=CLOCK, reason="due", now=now)
    guard.judges(Verdict.INSUFFICIENT, at=now)
    text = " ".join(client_as("viewer").get(page(ramp)).content.decode().split())
    assert "enabled for its allow-list only" in text
    assert "What the next step waits for:</strong> Step 2, 10 %, is due 2025-08-11 10:00:00 UTC." in text
    assert "fallbackToLegacy = true" in text
    assert "in 1 h (10:00:00 UTC)" in text
    assert 'data-status="now"' in text
    assert "INSUFFICIENT" in text
    assert "Error rate" in text


def test_htmx_gets_only_the_part_that_renews_itself(client_as: ClientAs, ramp: Ramp) -> None:
    text = client_as("viewer").get(page(ramp), headers={"HX-Request": "true"}).content.decode()
    assert "What the next step waits for" in text
    assert "<html" not in text


def test_a_ramp_that_was_rolled_back_shows_no_present_step_and_offers_nothing(
    client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    steering.advance(ramp.pk, actor=operator_actor, reason="go", now=now)
    steering.roll_back(ramp.pk, actor=operator_actor, reason="errors in the mint", now=now)
    text = client_as("operator").get(page(ramp)).content.decode()
    assert 'data-status="now"' not in text
    assert "data-dialog" not in text
    assert "errors in the mint" in text
    assert "off again" in client_as("operator").get(LIST).content.decode()


def test_a_step_the_flag_no_longer_stands_at_is_not_shown_as_the_present_one(
    client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    steering.advance(ramp.pk, actor=operator_actor, reason="go", now=now)
    assert [card.status for card in client_as("viewer").get(page(ramp)).context["cards"]][:2] == ["now", "next"]
    emergency.roll_back(KEY, "production", actor=GUARD, reason="too many errors", now=now)
    clock.follow(now=now)
    answer = client_as("viewer").get(page(ramp))
    assert [card.status for card in answer.context["cards"]][:2] == ["taken", "next"]
    assert "Once resumed, step 2 of 5" in " ".join(answer.content.decode().split())


def offered(client: Client, ramp: Ramp) -> set[str]:
    text = client.get(page(ramp)).content.decode()
    names = ("advance", "hold", "resume", "skip", "roll-back")
    return {name for name in names if reverse(f"admin:rollouts_ramp_{name}", args=[ramp.pk]) in text}


def test_only_commands_that_are_possible_are_offered(
    client_as: ClientAs, ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    client = client_as("operator")
    assert offered(client, ramp) == {"advance", "hold", "skip", "roll-back"}
    guard.judges(Verdict.BREACH, at=now)
    assert offered(client, ramp) == {"hold", "skip", "roll-back"}
    steering.hold(ramp.pk, actor=operator_actor, reason="wait", now=now)
    assert offered(client, ramp) == {"roll-back"}
    assert "is in BREACH. Until then it cannot be resumed." in client.get(page(ramp)).content.decode()
    guard.judges(Verdict.PASS, at=now)
    assert offered(client, ramp) == {"resume", "roll-back"}


def test_the_history_joins_ramp_and_flag_and_tells_each_step_once(
    client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    steering.advance(ramp.pk, actor=operator_actor, reason="first step by hand", now=now)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="too many errors", now=now)
    clock.follow(now=now + timedelta(seconds=5))
    history = client_as("viewer").get(page(ramp)).context["history"]
    assert [event.kind for event in history] == ["ramp.held", "flag.rolled_back", "ramp.advanced", "ramp.started"]


def test_pages_take_the_same_queries_however_much_there_is(
    client_as: ClientAs,
    ramp: Ramp,
    template: RampTemplate,
    operator_actor: Actor,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_as("operator")
    client.get(LIST)
    with django_assert_max_num_queries(12) as before:
        client.get(LIST)
    for environment in ("development", "staging", "pre-production"):
        other = starting.start(template.key, environment, actor=operator_actor, reason="", now=now)
        for _ in range(4):
            steering.advance(other.pk, actor=operator_actor, reason="go", now=now)
    with django_assert_num_queries(len(before)):
        client.get(LIST)
    with django_assert_max_num_queries(27):
        client.get(page(ramp))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"state__exact": "running"}, 1),
        ({"state__exact": "held"}, 0),
        ({"environment__id__exact": "{environment}"}, 1),
        ({"q": "atomic"}, 1),
        ({"q": "nothing like it"}, 0),
    ],
)
def test_the_list_is_filtered(query: dict[str, str], rows: int, client_as: ClientAs, ramp: Ramp) -> None:
    asked = {name: value.format(environment=ramp.environment_id) for name, value in query.items()}
    assert client_as("viewer").get(LIST, asked).context["cl"].result_count == rows


def test_an_empty_list_says_what_to_do(client_as: ClientAs, template: RampTemplate) -> None:
    assert "No ramp yet" in client_as("operator").get(LIST).content.decode()


def test_the_flag_s_pages_are_told_of_the_ramp(ramp: Ramp) -> None:
    (note,) = beside.flag_notes()[KEY, "production"]
    assert (note.url, note.warning) == (
        page(ramp),
        "Atomic melt, phased is running: this change holds it.",
    )
    assert beside.page_of(f"ramp:{ramp.pk}") == page(ramp)
