"""The list of flags: one row each, seen from one environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core import environments, events
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.models import Asked, Flag, FlagState, Usage
from flags.services import emergency, registry, rollout

LIST = "admin:flags_flagstate_changelist"
KEYS = ("atomicMeltOperations", "second", "third")


@pytest.fixture
def three(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """One on for some, one stopped, one off, all in production."""
    about: dict[str, Any] = {"actor": operator_actor, "now": now}
    for key in KEYS[1:]:
        registry.define(key, name=key, description="", bucketing=Bucketing.JS31, reason="", **about)
    rollout.enable(flag.key, "production", reason="x", **about)
    rollout.set_rollout(flag.key, "production", 25, reason="x", **about)
    emergency.emergency_disable("second", "production", reason="x", **about)


def shown(client: Client, **query: str) -> list[str]:
    """The keys in their order on the page."""
    text = client.get(reverse(LIST), query).content.decode()
    return [key for key in re.findall(r">(\w+)</a>", text) if key in KEYS]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, set(KEYS)),
        ({"environment": "nowhere"}, set(KEYS)),
        ({"state": "on"}, {"atomicMeltOperations"}),
        ({"state": "on", "environment": "staging"}, set()),
        ({"state": "partial"}, {"atomicMeltOperations"}),
        ({"state": "off"}, {"second", "third"}),
        ({"state": "halted"}, {"second"}),
        ({"state": "ramping"}, set()),
        ({"state": "nonsense"}, set(KEYS)),
        ({"type": "boolean"}, set(KEYS)),
        ({"type": "json"}, set()),
        ({"stale": "any"}, set()),
        ({"q": "melt"}, {"atomicMeltOperations"}),
        ({"q": "nothing like it"}, set()),
    ],
)
def test_flags_are_filtered_and_searched_in_the_chosen_environment(
    client_as: Callable[[str], Client], three: None, query: dict[str, str], found: set[str]
) -> None:
    assert set(shown(client_as("operator"), **query)) == found


def test_a_row_tells_production_first_and_the_other_environments_beside_it(
    client_as: Callable[[str], Client], three: None
) -> None:
    text = client_as("viewer").get(reverse(LIST), {"q": "melt"}).content.decode().split("result_list")[1]
    assert text.index("Percentage") < text.index("Pre-Production") < text.index("Staging") < text.index("Development")
    assert "25 %" in text
    assert "Development: Off for everybody" in text
    assert "ops-commands" not in text


def test_flags_are_sorted_by_percentage_and_by_when_they_were_last_asked_for(
    client_as: Callable[[str], Client], three: None, now: datetime
) -> None:
    here = {state.flag.key: state for state in FlagState.objects.filter(environment__key="production")}
    Asked.objects.create(state=here["third"], at=now)
    Asked.objects.create(state=here["second"], at=now - timedelta(hours=1))
    client = client_as("operator")
    assert shown(client, o="-3")[0] == "atomicMeltOperations"
    assert shown(client, o="-7") == ["third", "second", "atomicMeltOperations"]
    assert shown(client, o="7") == ["atomicMeltOperations", "second", "third"]


def test_a_row_shows_how_often_a_flag_was_asked_for_in_each_of_the_last_24_hours(
    client_as: Callable[[str], Client], three: None
) -> None:
    at = timezone.now().replace(minute=0, second=0, microsecond=0)
    where = environments.get("production")
    for hours, count in ((0, 1), (1, 2_000), (30, 7)):
        Usage.objects.create(
            environment=where, flag_key="second", variant="on", at=at - timedelta(hours=hours), count=count
        )
    text = client_as("viewer").get(reverse(LIST), {"q": "second"}).content.decode()
    assert 'aria-label="2,001 times"' in text


def test_a_thousand_flags_cost_as_many_queries_as_three(
    client_as: Callable[[str], Client],
    three: None,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_as("operator")
    with django_assert_max_num_queries(15) as few:
        client.get(reverse(LIST))
    made = Flag.objects.bulk_create(Flag(key=f"flag{n:04d}", name="x", created_at=now) for n in range(1_000))
    FlagState.objects.bulk_create(
        FlagState(flag=flag, environment=where, changed_at=now) for flag in made for where in environments.ordered()
    )
    with django_assert_max_num_queries(15) as many:
        text = client.get(reverse(LIST)).content.decode()
    assert len(few) == len(many)
    assert text.count("ops-commands") == 50


def test_an_event_leads_to_the_flag_it_is_about(client_as: Callable[[str], Client], three: None) -> None:
    client = client_as("viewer")
    found = client.get(reverse("admin:flags_at", args=["production", "second"]), follow=True)
    assert "emergency off" in found.content.decode()
    gone = client.get(reverse("admin:flags_at", args=["production", "nothing"]))
    assert gone.headers["Location"] == f"{reverse(LIST)}?q=nothing"


def chosen(*keys: str) -> list[int]:
    found = FlagState.objects.filter(environment__key="production", flag__key__in=keys)
    return list(found.values_list("pk", flat=True))


def test_many_flags_are_changed_by_one_confirmation_with_one_reason(
    client_as: Callable[[str], Client], three: None
) -> None:
    client = client_as("operator")
    selected = {"action": "enable", "_selected_action": chosen("second", "third")}
    page = client.post(f"{reverse(LIST)}?environment=production", selected)
    text = client.get(page.headers["Location"]).content.decode()
    assert "Enable: 2 flags" in text
    assert "This ends its stop: “x”" in text
    assert client.post(page.headers["Location"], {"reason": ""}).status_code == 200  # asked again: it is protected
    client.post(page.headers["Location"], {"reason": "drill is over"})
    assert FlagState.objects.filter(environment__key="production", enabled=True).count() == 3
    assert events.recent().filter(kind="flag.enabled", reason="drill is over").count() == 2


def test_when_one_of_many_is_refused_none_is_changed(
    client_as: Callable[[str], Client], three: None, operator_actor: Actor, now: datetime
) -> None:
    page = reverse("admin:flags_many_percentage")
    ids = ",".join(map(str, chosen(*KEYS)))
    answer = client_as("operator").post(f"{page}?ids={ids}", {"percentage": "12.5", "reason": "x"})
    assert answer.status_code == 422
    assert "atomicMeltOperations" in answer.content.decode()
    assert set(FlagState.objects.values_list("percentage", flat=True)) == {0, 25}


@pytest.mark.parametrize("ids", ["", "x", "999999", "9" * 5_000])
def test_without_flags_there_is_nothing_to_confirm(client_as: Callable[[str], Client], three: None, ids: str) -> None:
    assert client_as("operator").get(reverse("admin:flags_many_enable"), {"ids": ids}).status_code == 404


def test_a_viewer_is_offered_no_change_and_refused_one(client_as: Callable[[str], Client], three: None) -> None:
    client = client_as("viewer")
    assert 'name="action"' not in client.get(reverse(LIST)).content.decode()
    assert reverse("admin:flags_new") not in client.get(reverse(LIST)).content.decode()
    ids = ",".join(map(str, chosen("third")))
    assert client.post(f"{reverse('admin:flags_many_enable')}?ids={ids}", {"reason": "x"}).status_code == 403
    assert not FlagState.objects.get(pk=chosen("third")[0]).enabled


def test_a_selection_is_archived_together_or_not_at_all(client_as: Callable[[str], Client], three: None) -> None:
    client, page = client_as("operator"), reverse("admin:flags_many_archive")
    refused = client.post(f"{page}?ids={','.join(map(str, chosen(*KEYS)))}", {"reason": "done"})
    assert refused.status_code == 409
    assert "atomicMeltOperations cannot be archived" in refused.content.decode()
    assert not Flag.objects.exclude(archived_at=None).exists()
    client.post(f"{page}?ids={','.join(map(str, chosen('second', 'third')))}", {"reason": "done"})
    assert shown(client) == ["atomicMeltOperations"]


def test_a_selection_leads_to_the_preview_of_its_promotion(client_as: Callable[[str], Client], three: None) -> None:
    staging = FlagState.objects.filter(environment__key="staging", flag__key__in=KEYS[:2])
    selected = {"action": "promote", "_selected_action": list(staging.values_list("pk", flat=True))}
    client = client_as("operator")
    answer = client.post(f"{reverse(LIST)}?environment=staging", selected)
    assert answer.headers["Location"] == (
        f"{reverse('admin:flags_promote')}?source=staging&target=pre-production&flag=atomicMeltOperations&flag=second"
    )
    assert "Promote to" not in client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(("query", "told"), [("?q=nosuch", "No flags fit the search and the filters."), ("", "")])
def test_a_list_that_shows_nothing_says_why_and_leads_back(
    query: str, told: str, client_as: Callable[[str], Client], three: None
) -> None:
    page = client_as("viewer").get(f"{reverse('admin:flags_flagstate_changelist')}{query}").content.decode()
    assert told in page
    assert ("Show all of them" in page) is bool(told)


def test_the_list_leads_to_a_new_flag_and_to_the_archived_ones(client_as: Callable[[str], Client], three: None) -> None:
    client = client_as("operator")
    page = client.get(reverse(LIST)).content.decode()
    for name in ("flags_new", "flags_archived", "flags_stale", "flags_why_npub"):
        address = reverse(f"admin:{name}")
        assert f'href="{address}' in page
        assert client.get(address).status_code == 200
