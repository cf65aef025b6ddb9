"""Who may open and do what: each address with each role, allowed and refused side by side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

import flags.selectors
from communications.models import Announcement
from communications.services import announcing
from core import events
from core.actors import Actor
from flags.models import Flag, FlagState
from flags.services import emergency, tokens
from tests.telling import somebody_hears

ALL = frozenset({"viewer", "operator", "approver", "administrator"})
OPERATE = ALL - {"viewer"}
ADMINISTER = frozenset({"administrator"})
READ = {
    "index": ALL,
    "flags_flagstate_changelist": ALL,
    "flags_flagstate_change": ALL,
    "flags_allow_list": ALL,
    "flags_why": ALL,
    "core_event_changelist": ALL,
    "core_event_change": ALL,
    "core_environment_changelist": ALL,
    "communications_alert_changelist": ALL,
    "communications_alert_change": ALL,
    "flags_enable": OPERATE,
    "flags_disable": OPERATE,
    "flags_emergency": OPERATE,
    "flags_rollout": OPERATE,
    "flags_parameters": OPERATE,
    "flags_allow_list_edit": OPERATE,
    "communications_retry": OPERATE,
    "flags_apitoken_changelist": ADMINISTER,
    "flags_token_create": ADMINISTER,
    "flags_token_revoke": ADMINISTER,
    "core_user_changelist": ADMINISTER,
    "core_user_add": ADMINISTER,
}


@pytest.fixture
def addresses(flag: Flag, state: Callable[..., FlagState], operator_actor: Actor, now: datetime) -> dict[str, str]:
    """Every address with something real behind it."""
    token, _ = tokens.create("nctool", "production", ["evaluate"], actor=operator_actor, now=now)
    emergency.emergency_disable(flag.key, "production", actor=operator_actor, reason="it hurts", now=now)
    somebody_hears()
    announcing.announce(now=now)
    announcement = Announcement.objects.get()
    announcement.state, announcement.failed_at = "failed", now
    announcement.save()
    event = events.recent().first()
    assert event is not None
    ids = {
        "core_event_change": event.pk,
        "communications_alert_change": announcement.alert_id,
        "communications_retry": announcement.pk,
        "flags_token_revoke": token.pk,
    }
    found = {}
    for name in READ:
        needs_none = name.endswith(("changelist", "create", "add")) or name == "index"
        args = [] if needs_none else [ids.get(name, state().pk)]
        found[name] = reverse(f"admin:{name}", args=args)
    return found


@pytest.mark.parametrize("role", sorted(ALL))
def test_a_page_opens_for_those_who_may_and_refuses_the_others(
    client_as: Callable[[str], Client], addresses: dict[str, str], role: str
) -> None:
    client = client_as(role)
    answers = {name: client.get(address).status_code for name, address in addresses.items()}
    assert answers == {name: 200 if role in READ[name] else 403 for name in addresses}


def test_strangers_are_sent_to_the_login(client: Client, addresses: dict[str, str]) -> None:
    for address in addresses.values():
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize("name", ["enable", "rollout", "emergency", "parameters", "allow_list_edit"])
def test_a_viewer_who_posts_changes_nothing(
    client_as: Callable[[str], Client], state: Callable[..., FlagState], name: str
) -> None:
    before = state()
    form = {"reason": "x", "percentage": "50", "parameters": "{}", "npubs": "a", "mode": "add", "step": "apply"}
    answer = client_as("viewer").post(reverse(f"admin:flags_{name}", args=[before.pk]), form)
    assert answer.status_code == 403
    assert (state().version, events.recent().exclude(kind__contains="created").count()) == (before.version, 0)


def test_state_fields_have_no_form(client_as: Callable[[str], Client], state: Callable[..., FlagState]) -> None:
    client = client_as("administrator")
    page = reverse("admin:flags_flagstate_change", args=[state().pk])
    assert client.post(page, {"enabled": "on", "percentage": "100"}).status_code == 405
    assert client.post(reverse("admin:flags_flagstate_add")).status_code == 403
    assert client.post(reverse("admin:flags_flagstate_delete", args=[state().pk])).status_code == 403
    assert flags.selectors.states().filter(enabled=True).count() == 0


def test_viewers_are_offered_no_change(client_as: Callable[[str], Client], state: Callable[..., FlagState]) -> None:
    for url in (
        reverse("admin:flags_flagstate_changelist"),
        reverse("admin:flags_flagstate_change", args=[state().pk]),
    ):
        assert "data-dialog" not in client_as("viewer").get(url).content.decode()
        assert "data-dialog" in client_as("operator").get(url).content.decode()
