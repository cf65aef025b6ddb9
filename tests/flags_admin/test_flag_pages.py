"""The pages of one flag and of segments: who may open and send them, what they tell, and how often they ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import flags.selectors
from core import events
from core.actors import Actor
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.models import AllowedUser, Flag, FlagState, Segment, Usage
from flags.services import archiving, definition, lists, rollout, segments, targeting

ALL = frozenset({"viewer", "operator", "approver", "administrator"})
OPERATE = ALL - {"viewer"}
OF_STATE = {
    "targeting": ALL,
    "targeting_json": ALL,
    "usage": ALL,
    "ramp": ALL,
    "history": ALL,
    "allow_list_csv": ALL,
    "deny_list": ALL,
    "deny_list_csv": ALL,
    "deny_list_edit": OPERATE,
    "targeting_edit": OPERATE,
    "definition": OPERATE,
    "buckets": OPERATE,
    "archive": OPERATE,
}
OF_SEGMENT = {"segment_change": ALL, "segment_edit": OPERATE, "segment_remove": OPERATE}
WITHOUT = {"segment_changelist": ALL, "archived": ALL, "new": OPERATE, "segment_new": OPERATE}
EVERY = {**OF_STATE, **OF_SEGMENT, **WITHOUT, "restore": OPERATE}
EU = [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]
State = Callable[..., FlagState]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def segment(flag: Flag, who: dict[str, Any]) -> Segment:
    return segments.define("eu", "production", name="In the EU", conditions=EU, **who)


@pytest.fixture
def addresses(state: State, segment: Segment, who: dict[str, Any]) -> dict[str, str]:
    old = definition.create("old", DefinitionChange(name="Old"), **who)
    archiving.archive("old", **who)
    found = {name: reverse(f"admin:flags_{name}", args=[state().pk]) for name in OF_STATE}
    found |= {name: reverse(f"admin:flags_{name}", args=[segment.pk]) for name in OF_SEGMENT}
    found |= {name: reverse(f"admin:flags_{name}") for name in WITHOUT}
    return {**found, "restore": reverse("admin:flags_restore", args=[old.pk])}


@pytest.mark.parametrize("role", sorted(ALL))
def test_a_page_opens_for_those_who_may_and_refuses_the_others(
    client_as: Callable[[str], Client], addresses: dict[str, str], role: str
) -> None:
    client = client_as(role)
    answers = {name: client.get(address).status_code for name, address in addresses.items()}
    assert answers == {name: 200 if role in EVERY[name] else 403 for name in addresses}


def test_a_viewer_who_sends_a_form_changes_nothing_and_neither_does_a_form_without_its_token(
    client_as: Callable[[str], Client], person: Callable[[str], Any], addresses: dict[str, str]
) -> None:
    before = events.recent().count()
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(person("operator"), "django.contrib.auth.backends.ModelBackend")
    form = {"reason": "x", "targeting": "{}", "name": "x", "key": "x", "npubs": "a", "mode": "add", "step": "apply"}
    sent = [name for name in addresses if EVERY[name] == OPERATE or name == "targeting_json"]
    for name in sent:
        assert client_as("viewer").post(addresses[name], form).status_code == 403, name
        assert forged.post(addresses[name], form).status_code == 403, name
    assert events.recent().count() == before


def test_viewers_are_offered_no_change(client_as: Callable[[str], Client], addresses: dict[str, str]) -> None:
    for name in ("targeting", "targeting_json", "deny_list", "segment_change", "segment_changelist", "archived"):
        shown = client_as("viewer").get(addresses[name]).content.decode()
        offers = [other for other, roles in EVERY.items() if roles == OPERATE and f'"{addresses[other]}"' in shown]
        assert not offers, name


def test_the_state_tab_shows_all_environments_beside_each_other_with_their_rules_in_words(
    client_as: Callable[[str], Client], state: State, segment: Segment, who: dict[str, Any], flag: Flag
) -> None:
    rules = [{"name": "EU", "when": [{"segment": "eu"}], "percentage": 10}]
    targeting.set_targeting(flag.key, "production", {"rules": rules}, **who)
    rollout.change(flag.key, "staging", StateChange(enabled=True, percentage=40), **who)
    lists.edit_deny_list(flag.key, "staging", add=["a", "b"], **who)
    shown = client_as("viewer").get(reverse("admin:flags_flagstate_change", args=[state().pk])).content.decode()
    for part in (
        "Where in segment eu: 10 % of them get on, the others off.",
        "40 %",
        "2 denied",
        "Development",
        "Pre-Production",
    ):
        assert part in shown


@pytest.mark.parametrize("tab", ["flagstate_change", "targeting", "ramp", "history", "usage"])
def test_a_tab_asks_the_database_as_often_for_a_flag_with_fifty_rules(
    client_as: Callable[[str], Client], state: State, segment: Segment, who: dict[str, Any], flag: Flag, tab: str
) -> None:
    client, address = client_as("viewer"), reverse(f"admin:flags_{tab}", args=[state().pk])
    client.get(address)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client.get(address).status_code == 200
        return len(found)

    targeting.set_targeting(flag.key, "production", {"rules": [{"name": "r", "when": [{"segment": "eu"}]}]}, **who)
    few = queries()
    rules = [{"name": f"r{n}", "when": [{"segment": "eu"}, *EU]} for n in range(50)]
    targeting.set_targeting(flag.key, "production", {"rules": rules}, **who)
    assert queries() == few <= 30


def test_a_flag_is_made_changed_archived_and_restored_in_the_browser(
    client_as: Callable[[str], Client], flag: Flag
) -> None:
    client = client_as("operator")
    form = {
        "key": "colour",
        "name": "Colour",
        "value_type": "string",
        "variants.key": ["red", "blue", ""],
        "variants.value": ["#f00", "#00f", ""],
        "bucketing": "murmur3",
        "group": "shop",
        "parameter_schema": '{"properties": {"size": {"type": "integer"}}}',
    }
    made = client.post(reverse("admin:flags_new"), form)
    row = Flag.objects.get(key="colour")
    last = row.states.get(environment__key="production")
    assert made.headers["Location"] == reverse("admin:flags_flagstate_change", args=[last.pk])
    assert row.variants == [{"key": "red", "value": "#f00"}, {"key": "blue", "value": "#00f"}]
    assert (row.group, row.parameter_schema) == ("shop", {"properties": {"size": {"type": "integer"}}})

    edit = reverse("admin:flags_definition", args=[last.pk])
    shown = client.get(edit).content.decode()
    assert 'value="#00f"' in shown
    form |= {"version": 1, "reason": "green too", "variants.key": ["red", "blue", "green"]}
    form["variants.value"] = ["#f00", "#00f", "#0f0"]
    assert client.post(edit, form).status_code == 302
    stale = client.post(edit, {**form, "name": "Mine"})
    assert stale.status_code == 409
    assert 'value="Mine"' in stale.content.decode()

    archive = reverse("admin:flags_archive", args=[last.pk])
    answer = client.post(archive, {"reason": "over", "version": 2})
    assert answer.headers["Location"] == reverse("admin:flags_archived")
    assert client.get(edit).status_code == 404
    restore = reverse("admin:flags_restore", args=[row.pk])
    assert "Restore colour" in client.get(restore).content.decode()
    assert client.post(restore, {"version": 3}).status_code == 302
    assert flags.selectors.state("colour", "production").enabled is False


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"key": "a b"}, "A flag key has 1 to 100 letters"),
        ({"variants.key": ["a", "b"], "variants.value": ["x", "2"]}, "The value of a is not a number."),
        ({"variants.key": ["a"], "variants.value": ["1"]}, "at least two variants"),
        ({"parameter_schema": "{"}, "This is no JSON: Expecting property name enclosed in double quotes in line 1"),
        ({"parameter_schema": '{"pattern": "(a+)+$"}'}, "regular expressions can take for ever"),
        ({"key": "atomicMeltOperations"}, "There is a flag atomicMeltOperations already"),
        ({"group": "g", "bucketing": "js31"}, "js31 flags share their buckets already"),
    ],
)
def test_a_flag_that_cannot_be_made_keeps_what_was_typed_and_says_why(
    client_as: Callable[[str], Client], flag: Flag, wrong: dict[str, Any], told: str
) -> None:
    form = {
        "key": "size",
        "name": "A long name",
        "value_type": "number",
        "bucketing": "murmur3",
        "variants.key": ["small", "large"],
        "variants.value": ["1", "2"],
    }
    answer = client_as("operator").post(reverse("admin:flags_new"), {**form, **wrong})
    text = answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    assert told in text
    assert 'value="A long name"' in text
    assert Flag.objects.count() == 1


def test_other_buckets_tell_who_moves_before_anybody_does(
    client_as: Callable[[str], Client], state: State, who: dict[str, Any], flag: Flag
) -> None:
    client, address = client_as("operator"), reverse("admin:flags_buckets", args=[state().pk])
    rollout.change(flag.key, "production", StateChange(enabled=True, percentage=20), **who)
    typing = {"HX-Request": "true", "HX-Trigger-Name": "bucketing"}
    told = client.get(address, {"bucketing": "murmur3", "group": ""}, headers=typing).content.decode()
    assert "Production, at 20 %: no npub was asked about lately; of 10,000 made-up npubs, 1,6" in told
    assert "Staging: nobody moves, as it stands at 0 %" in told
    form = {"bucketing": "murmur3", "group": "", "reason": "finer steps", "version": 1}
    assert client.post(address, form).status_code == 302
    assert Flag.objects.get().bucketing == "murmur3"
    gone = client.post(address, {**form, "bucketing": "js31", "group": "g", "version": 2})
    assert "js31 flags share their buckets already" in gone.content.decode()


def test_a_flag_that_is_asked_for_is_archived_only_by_somebody_who_says_so(
    client_as: Callable[[str], Client], state: State, who: dict[str, Any], flag: Flag
) -> None:
    row = state()
    Usage.objects.create(
        environment=row.environment,
        flag_key=flag.key,
        variant="off",
        reason="DISABLED",
        source="server",
        at=timezone.now(),
        count=7,
    )
    client, address = client_as("operator"), reverse("admin:flags_archive", args=[row.pk])
    assert "It was asked for 7 times in Production in the last 7 days." in client.get(address).content.decode()
    refused = client.post(address, {"reason": "over", "version": 1})
    assert refused.status_code == 409
    assert client.post(address, {"reason": "over", "version": 1, "force": "on"}).status_code == 302


def test_a_segment_is_made_changed_and_deleted_in_the_browser(
    client_as: Callable[[str], Client], flag: Flag, who: dict[str, Any]
) -> None:
    client = client_as("operator")
    row = {
        "conditions[0].attribute": "country",
        "conditions[0].op": "in",
        "conditions[0].values": "DE\nFR",
        "conditions[0].type": "text",
    }
    form = {"key": "eu", "environment": "production", "name": "EU", "reason": "markets", "version": 0, **row}
    new = reverse("admin:flags_segment_new")
    more = client.post(new, {**form, "do": "when.add"}).content.decode()
    assert 'name="conditions[1].attribute"' in more
    assert not Segment.objects.exists()
    wrong = client.post(new, {**form, "conditions[0].op": "number_ge"}).content.decode()
    assert "cannot be read as number" in wrong
    assert "DE\nFR</textarea>" in wrong
    assert client.post(new, form).status_code == 302
    segment = Segment.objects.get()
    assert segment.conditions == EU

    edit = reverse("admin:flags_segment_edit", args=[segment.pk])
    assert "DE\nFR</textarea>" in client.get(edit).content.decode()
    changed = {**form, "version": 1, "conditions[0].values": "DE"}
    assert client.post(edit, changed).status_code == 302
    targeting.set_targeting(flag.key, "production", {"rules": [{"name": "r", "when": [{"segment": "eu"}]}]}, **who)
    assert f"{flag.key} uses it" in client.get(edit).content.decode()
    remove = reverse("admin:flags_segment_remove", args=[segment.pk])
    refused = client.post(remove, {"reason": "x", "version": 2})
    assert refused.status_code == 409
    assert f"eu is used by {flag.key}" in refused.content.decode()
    targeting.set_targeting(flag.key, "production", {}, **who)
    assert client.post(remove, {"reason": "x", "version": 2}).status_code == 302
    assert not Segment.objects.exists()


def test_the_form_of_a_list_opens_with_as_few_queries_for_100_000_npubs_as_for_none(
    client_as: Callable[[str], Client], state: State
) -> None:
    row, client = state(), client_as("operator")
    address = reverse("admin:flags_allow_list_edit", args=[row.pk])
    client.get(address)

    def opened() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as found:
            answer = client.get(address)
        return len(found), len(answer.content)

    empty = opened()
    AllowedUser.objects.bulk_create(
        (AllowedUser(state=row, npub=f"npub1{n:058d}") for n in range(100_000)), batch_size=5_000
    )
    FlagState.objects.filter(pk=row.pk).update(allow_count=100_000)
    full = opened()
    assert full[0] == empty[0]
    assert full[1] < empty[1] + 100


def test_json_is_read_by_viewers_and_written_by_operators(
    client_as: Callable[[str], Client], state: State, flag: Flag
) -> None:
    address = reverse("admin:flags_targeting_json", args=[state().pk])
    rules = {"rules": [{"name": "EU", "when": EU}]}
    form = {"targeting": json.dumps(rules), "reason": "markets", "version": 1}
    done = client_as("operator").post(address, form)
    assert str(list(get_messages(done.wsgi_request))[-1]) == f"{flag.key} in Production has 1 rule."
    assert state().targeting == rules
    assert "&quot;country&quot;" in client_as("viewer").get(address).content.decode()
    for text, told in (
        ("[1", "This is not JSON"),
        ('{"rules": [{"name": "x", "when": []}]}', "rules[0].when: This list has 0 items"),
        ("x" * 70_000, "are too many"),
    ):
        refused = client_as("operator").post(address, {**form, "targeting": text, "version": 2})
        assert refused.status_code == 422
        assert told in refused.content.decode()
