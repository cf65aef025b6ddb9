"""What changed lately, what is wrong now, and what came before it: one page for whoever is called at night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerting.models import Alert, Silence
from core import environments, events, freezing, recent
from core.actors import CLOCK, GUARD, Actor
from core.models import Event
from flags.models import Flag
from flags.services import emergency, rollout
from rollouts.models import Ramp
from rollouts.services import steering
from tests.core.test_freezes import plan
from tests.rollouts.conftest import KEY, Guard, guard, ramp, template  # noqa: F401

pytestmark = pytest.mark.django_db
PAGE = "/admin/core/event/recent/"
ClientAs = Callable[[str], Client]


@pytest.fixture
def later(now: datetime) -> Iterator[datetime]:
    """Two hours after everything was set up: none of that is listed any more."""
    with time_machine.travel(now + timedelta(hours=2), tick=False):
        yield now + timedelta(hours=2)


@pytest.fixture
def about(operator_actor: Actor) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "week 5"}


def fires(where: str = "production", *, at: datetime, name: str = "MeltErrors") -> None:
    Alert.objects.create(
        environment=environments.get(where),
        fingerprint=f"{name}-{where}",
        name=name,
        severity="critical",
        state="firing",
        starts_at=at,
    )


def raise_it(share: int, where: str = "production", *, at: datetime, about: dict[str, Any]) -> Event:
    rollout.set_rollout(KEY, where, Decimal(share), now=at, **about)
    return events.recent()[0]


def kinds(client: Client, query: str = "") -> list[str]:
    return [event.kind for event in client.get(f"{PAGE}{query}").context["events"]]


def test_only_what_matters_in_the_time_that_is_asked_for_is_listed_newest_first(
    client_as: ClientAs, flag: Flag, later: datetime, about: dict[str, Any]
) -> None:
    viewer = client_as("viewer")
    raise_it(10, at=later - timedelta(hours=1, seconds=1), about=about)
    raise_it(20, at=later - timedelta(minutes=16), about=about)
    raise_it(30, "staging", at=later - timedelta(minutes=2), about=about)
    told = {"actor": CLOCK, "now": later - timedelta(minutes=1), "reason": "nightly"}
    events.record("person.changed", subject="person:olga", **told)
    events.record("playbook.loaded", subject="playbook:nctool-v2", **told)
    assert kinds(viewer) == ["playbook.loaded", "flag.rollout_changed", "flag.rollout_changed"]
    assert kinds(viewer, "?last=15m") == ["playbook.loaded", "flag.rollout_changed"]
    assert kinds(viewer, "?last=15m&environment=production") == ["playbook.loaded"]
    longer = kinds(viewer, "?last=6h&environment=production")
    assert longer == ["playbook.loaded", "flag.rollout_changed", "flag.rollout_changed"]
    text = viewer.get(PAGE).text
    for part in ("week 5", "olga", "</span>0</del>", "</span>20</ins>", "What changed in the last hour", KEY):
        assert part in text


def test_what_went_wrong_stands_beside_the_change_before_it_and_no_cause_is_named(
    client_as: ClientAs, flag: Flag, later: datetime, about: dict[str, Any]
) -> None:
    change = raise_it(10, at=later - timedelta(minutes=10), about=about)
    raise_it(10, "staging", at=later - timedelta(minutes=9), about=about)
    told = {"actor": GUARD, "reason": "7 %", "now": later - timedelta(minutes=9)}
    events.record("trigger.fired", subject="trigger:e", environment_id=change.environment_id, **told)
    fires(at=later - timedelta(minutes=8))
    fires("development", at=later - timedelta(minutes=20), name="Slow")
    fires("staging", at=later - timedelta(hours=3), name="Old")
    answer = client_as("viewer").get(PAGE)
    seen = {each.trouble.name: (each.before and each.before.pk, each.older) for each in answer.context["troubles"]}
    assert seen == {"MeltErrors": (change.pk, False), "Slow": (None, False), "Old": (None, True)}
    assert [each.trouble.name for each in answer.context["troubles"]] == ["MeltErrors", "Slow", "Old"]
    words = " ".join(answer.text.split())
    assert f'2 min after <a class="ops-link" href="#event-{change.pk}">Rollout changed: {KEY}</a>, by olga' in words
    assert "No listed change came before it" in words
    assert "because" not in words
    here = client_as("viewer").get(f"{PAGE}?environment=staging").context["troubles"]
    assert [each.trouble.name for each in here] == ["Old"]


def test_of_a_list_that_was_cut_short_nothing_is_said_about_what_came_before_it(
    client_as: ClientAs, flag: Flag, later: datetime, about: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST", 2)
    for minute in range(5):
        raise_it(10 + minute, at=later - timedelta(minutes=20 - minute), about=about)
    fires(at=later - timedelta(minutes=18, seconds=30))
    answer = client_as("viewer").get(PAGE)
    assert [each.older for each in answer.context["troubles"]] == [True]
    assert "Only the newest 2" in answer.text


def test_what_can_be_undone_is_one_click_away_as_things_stand_now(
    client_as: ClientAs,
    ramp: Ramp,  # noqa: F811
    guard: Guard,  # noqa: F811
    later: datetime,
    about: dict[str, Any],
) -> None:
    operator, viewer = client_as("operator"), client_as("viewer")
    steering.advance(ramp.pk, now=later - timedelta(minutes=9), **about)
    steering.advance(ramp.pk, now=later - timedelta(minutes=8), **about)
    text = operator.get(PAGE).text
    assert text.count(f"/admin/rollouts/ramp/{ramp.pk}/step-back/") == 1
    assert "/undo/" in text
    steering.hold(ramp.pk, now=later - timedelta(minutes=7), **about)
    guard.fires()
    guard.trigger.latched_at = later - timedelta(minutes=6)
    guard.trigger.save()
    where = ramp.environment_id
    told = {"actor": GUARD, "reason": "7 %", "now": later - timedelta(minutes=6), "environment_id": where}
    events.record("trigger.fired", subject=f"trigger:{guard.trigger.key}", **told)
    silence = Silence.objects.create(
        environment_id=where,
        matchers=[],
        starts_at=later,
        ends_at=later + timedelta(hours=1),
        reason="x",
        created_by="o",
    )
    events.record("silence.created", subject=f"silence:{silence.pk}", **told)
    text = operator.get(PAGE).text
    for link in (
        f"/admin/rollouts/ramp/{ramp.pk}/resume/",
        f"/admin/monitoring/trigger/{guard.trigger.pk}/rearm/",
        f"/admin/alerting/silence/{silence.pk}/end/",
    ):
        assert link in text
        assert link not in viewer.get(PAGE).text
    assert "/roll-back/" not in text
    assert "has fired, and guards nothing until a person re-arms it" in viewer.get(PAGE).text
    steering.roll_back(ramp.pk, now=later, **about)
    Silence.objects.update(ended_at=later)
    text = operator.get(PAGE).text
    assert "/resume/" not in text
    assert "/end/" not in text


def test_a_freeze_that_was_planned_lately_can_be_ended_from_there(
    client_as: ClientAs, flag: Flag, later: datetime
) -> None:
    row = plan(later)
    link = f"/admin/core/freeze/{row.pk}/end/"
    assert link in client_as("approver").get(PAGE).text
    assert link not in client_as("operator").get(PAGE).text
    freezing.end(row.pk, actor=CLOCK, reason="over", now=later)
    assert link not in client_as("approver").get(PAGE).text


@pytest.mark.parametrize("query", ["?last=2h", "?last=", "?environment=moon"])
def test_a_time_or_a_place_that_is_none_is_said_with_those_there_are(
    query: str, client_as: ClientAs, flag: Flag
) -> None:
    assert client_as("viewer").get(f"{PAGE}{query}").status_code == 404


def test_who_may_not_read_events_sees_no_such_page(client: Client, client_as: ClientAs, flag: Flag) -> None:
    assert client.get(PAGE).headers["Location"].startswith("/admin/login/")
    stranger = client_as("viewer")
    get_user_model().objects.get(username="viewer").groups.clear()
    assert stranger.get(PAGE).status_code == 403


def test_quiet_hours_say_so(client_as: ClientAs, flag: Flag, later: datetime) -> None:
    text = client_as("viewer").get(PAGE).text
    assert "Nothing changed here in the last hour." in text
    assert "No trigger has fired, no alert fires, no rollback has stopped" in text


def test_the_page_takes_the_same_queries_however_much_has_changed(
    client_as: ClientAs,
    flag: Flag,
    later: datetime,
    about: dict[str, Any],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    operator = client_as("operator")

    def everything(number: int) -> None:
        for noun in ("ramp", "trigger", "silence", "freeze"):
            what = {"ramp": "advanced", "trigger": "fired", "silence": "created", "freeze": "planned"}[noun]
            subject = f"{noun}:{number}"
            where = environments.get("production").pk
            events.record(f"{noun}.{what}", subject=subject, environment_id=where, now=later, **about)
        fires(at=later, name=f"alert {number}")

    raise_it(10, at=later, about=about)
    everything(1)
    operator.get(PAGE)
    with django_assert_max_num_queries(20) as first:
        operator.get(PAGE)
    emergency.emergency_disable(KEY, "production", now=later, **about)
    for number in range(2, 40):
        everything(number)
    with django_assert_num_queries(len(first)):
        operator.get(PAGE)


def test_home_and_the_sidebar_lead_there(client_as: ClientAs, flag: Flag) -> None:
    assert client_as("viewer").get("/admin/").text.count(PAGE) >= 2
