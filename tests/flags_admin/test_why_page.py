"""The page for support people, and the page of what can be cleaned up."""

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

from core import environments
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.models import Asked, Flag, FlagState, Usage
from flags.services import lists, registry, rollout, targeting

KEY = "atomicMeltOperations"
WHY = "admin:flags_why_npub"
NPUB = "npub1support"


@pytest.fixture
def story(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """In production: 100 %, then 0 % with our npub on the list, then a rule for Germans. A second flag is off."""
    about: dict[str, Any] = {"actor": operator_actor, "reason": "case 4711", "now": now}
    registry.define("second", name="Second", description="", bucketing=Bucketing.MURMUR3, **about)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=100), **about)
    rollout.set_rollout(KEY, "production", 0, **about)
    lists.edit_allow_list(KEY, "production", add=[NPUB], **about)
    rule = {"name": "Germans", "when": [{"attribute": "country", "op": "in", "values": ["DE"]}]}
    wanted = {"rules": [{**rule, "percentage": 100, "serve": "on"}]}
    targeting.set_targeting(KEY, "production", wanted, **about)


def ask(client: Client, **query: str) -> str:
    return client.get(reverse(WHY), query).content.decode()


def test_every_flag_is_explained_in_every_environment(client_as: Callable[[str], Client], story: None) -> None:
    client = client_as("viewer")
    text = ask(client, npub=NPUB)
    assert text.count("Over time") == 8
    assert "The npub is on the allow-list." in text
    assert "The flag is disabled." in text
    assert ask(client, npub=NPUB, environment="production").count("Over time") == 2
    assert "No flag is called like that" in ask(client, npub=NPUB, q="nothing like it")
    assert "Write an npub and ask" in ask(client)


@pytest.mark.parametrize("query", [{"flag": KEY}, {"q": "melt"}])
def test_one_flag_is_told_over_time(client_as: Callable[[str], Client], story: None, query: dict[str, str]) -> None:
    text = ask(client_as("viewer"), npub=NPUB, environment="production", **query)
    past = text.split('id="over-time"')[1]
    answers = re.findall(
        r'data-tone="\w+"><span class="material-symbols-outlined" aria-hidden="true">toggle_(\w+)', past
    )
    assert answers == ["on", "on", "off", "on", "off"]  # listed, listed, 0 %, 100 %, made
    assert past.count("As before.") == 1
    assert "case 4711" in past


def test_attributes_decide_where_rules_ask_for_them(client_as: Callable[[str], Client], story: None) -> None:
    client = client_as("viewer")
    where = {"npub": "npub1other", "flag": KEY, "environment": "production"}
    assert "Rule &#x27;Germans&#x27; holds" in ask(client, **where, context="country=DE\nage=18")
    assert "Rule &#x27;Germans&#x27; holds" not in ask(client, **where, context="country=FR")
    wrong = ask(client, **where, context="country=DE\nnonsense")
    assert "Line 2: write name=value" in wrong
    assert "country=DE" in wrong  # what was typed is kept


def test_answers_come_in_pages_with_a_fixed_number_of_queries(
    client_as: Callable[[str], Client],
    story: None,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client, made = client_as("viewer"), []
    with django_assert_max_num_queries(12) as few:
        ask(client, npub=NPUB)
    for number in range(300):
        made.append(Flag(key=f"many{number}", name="x", created_at=now))
    FlagState.objects.bulk_create(
        FlagState(flag=flag, environment=where, changed_at=now)
        for flag in Flag.objects.bulk_create(made)
        for where in environments.ordered()
    )
    with django_assert_max_num_queries(12) as many:
        text = ask(client, npub=NPUB)
    assert len(few) == len(many)
    assert "1–50 of 1,208" in text


def test_only_who_may_see_flags_asks(client_as: Callable[[str], Client], story: None) -> None:
    client = client_as("viewer")
    assert Client().get(reverse(WHY)).status_code == 302
    from django.contrib.auth import get_user_model

    get_user_model().objects.get(username="viewer").groups.clear()
    assert client.get(reverse(WHY), {"npub": NPUB}).status_code == 403
    assert client.get(reverse("admin:flags_stale")).status_code == 403


def test_odd_input_is_answered(client_as: Callable[[str], Client], story: None) -> None:
    client = client_as("viewer")
    for npub in ("a\0b", "😀", "<script>", "x" * 5_000):
        answer = client.get(reverse(WHY), {"npub": npub, "context": "a=\0"})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


@pytest.fixture
def old(story: None) -> None:
    """Both flags were made and changed long ago, and questions are counted for a month."""
    then = timezone.now() - timedelta(days=40)
    Flag.objects.update(created_at=then)
    FlagState.objects.update(changed_at=then)
    Usage.objects.create(environment=environments.get("staging"), flag_key="x", variant="on", at=then, count=1)


def test_what_can_be_cleaned_up_is_listed_with_why_and_what_to_do(
    client_as: Callable[[str], Client], old: None
) -> None:
    client = client_as("viewer")
    settled = FlagState.objects.get(flag__key="second", environment__key="production")
    Asked.objects.create(state=settled, at=timezone.now())
    text = client.get(reverse("admin:flags_stale")).content.decode()
    assert "2 flags to clean up" in text
    assert "/archive/" not in text
    offered = client_as("operator").get(reverse("admin:flags_stale")).content.decode()
    assert reverse("admin:flags_archive", args=[settled.pk]) in offered
    assert "Nobody has had it for 40 days in Production." in text
    assert "It was made 40 days ago and nobody has asked for it" in text
    shown = client.get(reverse("admin:flags_flagstate_changelist"), {"stale": "settled"}).content.decode()
    assert "second</a>" in shown
    assert f"{KEY}</a>" not in shown


def test_while_nothing_has_been_counted_nothing_is_called_stale(
    client_as: Callable[[str], Client], story: None
) -> None:
    text = client_as("viewer").get(reverse("admin:flags_stale")).content.decode()
    assert "Nothing to clean up" in text
    assert "No question has been counted yet" in text
