"""Whom a step reaches: counted by the flag's own evaluation, and told as it is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

import flags.selectors
import flags.services.rollout
from core.actors import Actor
from flags.domain.bucketing import js31_bucket
from flags.models import SeenUnit
from flags.selectors import reach
from flags.services import lists, targeting
from flags.services.tokens import create
from rollouts.domain.radius import Radius
from rollouts.models import Ramp
from rollouts.selectors.radius import radius
from rollouts.services import steering
from tests.rollouts.conftest import KEY

UNITS = [f"npub1{number:04d}" for number in range(400)]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Radius(1234, 1234, 20_000, having=124, joining=61),
            "Of 1,234 npubs seen in the last 7 days, 61 join: 124 have it now, 185 then.",
        ),
        (Radius(1, 1, 9, having=1), "Of 1 npub seen in the last 7 days, none joins: 1 has it now, 1 then."),
        (
            Radius(9, 9, 99, having=4, joining=1, leaving=2),
            "Of 9 npubs seen in the last 7 days, 1 joins and 2 lose it: 4 have it now, 3 then.",
        ),
        (
            Radius(10_000, 20_000, 20_000, joining=500, ruled=True),
            "Of the 10,000 npubs seen last (20,000 in the last 7 days), 500 join: 0 have it now, 500 then. "
            "There may have been more: only the newest 20,000 are kept. "
            "Rules that ask for more than the npub hold for none of them here.",
        ),
        (Radius(0, 0, 9), "Nobody was seen here in the last 7 days, so who joins cannot be told."),
        (Radius(0, 0, 0), "Who joins cannot be told: SEEN_UNITS is 0, so no npub is remembered here."),
    ],
)
def test_the_sentence_says_what_is_known_and_what_is_not(found: Radius, sentence: str) -> None:
    assert found.sentence == sentence


def see(environment_id: int, units: list[str], *, on: datetime) -> None:
    SeenUnit.objects.bulk_create(
        SeenUnit(environment_id=environment_id, unit=unit, seen_on=on.date()) for unit in units
    )


def between(low: int, high: int) -> int:
    return sum(low <= js31_bucket(unit) < high for unit in UNITS)


@pytest.fixture
def at_ten(ramp: Ramp, operator_actor: Actor, now: datetime) -> Ramp:
    """The ramp stands at 10 % and goes to 25 % next; 400 npubs were seen today, and three on the eighth day back."""
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="go", now=now)
    see(ramp.environment_id, UNITS, on=now)
    see(ramp.environment_id, ["npub1old1", "npub1old2", "npub1old3"], on=now - timedelta(days=7))
    return ramp


@pytest.mark.django_db
def test_lists_rules_and_buckets_decide_who_joins(at_ten: Ramp, operator_actor: Actor, now: datetime) -> None:
    state = flags.selectors.state(KEY, "production")
    found = radius(state, Decimal(25), now=now)
    assert (found.seen, found.counted, found.ruled) == (400, 400, False)
    assert (found.having, found.joining, found.then) == (between(0, 10), between(10, 25), between(0, 25))

    beyond = [unit for unit in UNITS if js31_bucket(unit) >= 25][:3]
    inside = [unit for unit in UNITS if 10 <= js31_bucket(unit) < 25][:5]
    told = {"actor": operator_actor, "reason": "pilots", "now": now}
    lists.edit_allow_list(KEY, "production", add=[*beyond, inside[0]], **told)
    lists.edit_deny_list(KEY, "production", add=inside[1:], **told)
    found = radius(flags.selectors.state(KEY, "production"), Decimal(25), now=now)
    assert (found.having, found.joining) == (between(0, 10) + 4, between(10, 25) - 5)

    rule = {
        "rules": [
            {
                "name": "nobody",
                "when": [{"attribute": "targetingKey", "op": "prefix", "values": ["npub1"]}],
                "percentage": 0,
            }
        ]
    }
    targeting.set_targeting(KEY, "production", rule, **told)
    found = radius(flags.selectors.state(KEY, "production"), Decimal(25), now=now)
    assert (found.having, found.joining, found.ruled) == (4, 0, True)


@pytest.mark.django_db
def test_of_more_than_can_be_counted_the_newest_are(
    at_ten: Ramp, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "MOST_UNITS", 100)
    monkeypatch.setattr(settings, "SEEN_UNITS", 400)
    found = radius(flags.selectors.state(KEY, "production"), Decimal(25), now=now)
    newest = UNITS[-100:]
    assert (found.counted, found.seen, found.kept) == (100, 400, 400)
    assert found.joining == sum(10 <= js31_bucket(unit) < 25 for unit in newest)
    assert "only the newest 400 are kept" in found.sentence


@pytest.mark.django_db
def test_the_number_of_queries_does_not_depend_on_how_many_were_seen(
    ramp: Ramp, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    state = flags.selectors.state(KEY, "production")
    with django_assert_num_queries(2):  # the npubs and the segments
        radius(state, Decimal(25), now=now)
    see(ramp.environment_id, UNITS, on=now)
    with django_assert_num_queries(2):
        radius(state, Decimal(25), now=now)


@pytest.mark.django_db
def test_page_dialogs_terminal_and_machines_tell_the_same(
    at_ten: Ramp, client_as: Callable[[str], Client], operator_actor: Actor, now: datetime
) -> None:
    said = (
        f"Of 400 npubs seen in the last 7 days, {between(10, 25)} join: "
        f"{between(0, 10)} have it now, {between(0, 25)} then."
    )
    page = f"/admin/rollouts/ramp/{at_ten.pk}"
    with time_machine.travel(now, tick=False):
        client = client_as("operator")
        assert said in client.get(f"{page}/change/").content.decode()
        assert said in client.get(f"{page}/advance/").content.decode()

        out = io.StringIO()
        call_command("ramp", "show", str(at_ten.pk), stdout=out)
        assert said in out.getvalue()
        out = io.StringIO()
        call_command("ramp", "show", str(at_ten.pk), "--json", stdout=out)
        assert json.loads(out.getvalue())["radius"]["sentence"] == said

        token = create("ci", "production", ["operate"], actor=operator_actor, now=now)[1]
        told = client.get(f"/api/v1/ramps/{at_ten.pk}", headers={"Authorization": f"Bearer {token}"}).json()
        assert (told["radius"]["sentence"], told["radius"]["joining"]) == (said, between(10, 25))


@pytest.mark.django_db
def test_a_resume_tells_whom_it_reaches_at_once_and_by_the_next_step(
    at_ten: Ramp, client_as: Callable[[str], Client], operator_actor: Actor, now: datetime
) -> None:
    about = {"actor": operator_actor, "reason": "look", "now": now}
    steering.hold(at_ten.pk, **about)
    flags.services.rollout.disable(KEY, "production", **about)
    with time_machine.travel(now, tick=False):
        text = client_as("operator").get(f"/admin/rollouts/ramp/{at_ten.pk}/resume/").content.decode()
    of = "Of 400 npubs seen in the last 7 days"
    assert f"{of}, {between(0, 10)} join: 0 have it now, {between(0, 10)} then." in text
    assert f"By the next step: {of}, {between(0, 25)} join: 0 have it now, {between(0, 25)} then." in text


@pytest.mark.django_db
def test_a_ramp_that_has_ended_reaches_nobody_any_more(
    at_ten: Ramp, client_as: Callable[[str], Client], operator_actor: Actor, now: datetime
) -> None:
    steering.roll_back(at_ten.pk, actor=operator_actor, reason="customers call", now=now)
    assert (
        "Whom the next step reaches"
        not in client_as("viewer").get(f"/admin/rollouts/ramp/{at_ten.pk}/change/").content.decode()
    )
