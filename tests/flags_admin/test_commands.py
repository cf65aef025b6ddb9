"""The changes of a flag through its forms: the effect, the refusal, and what the person is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from core import beside, events
from core.actors import GUARD, Actor
from core.beside import Note
from flags.models import FlagState
from flags.services import emergency, lists, rollout

HTMX = {"HX-Request": "true"}
KEY = "atomicMeltOperations"
State = Callable[..., FlagState]


@pytest.fixture
def send(client_as: Callable[[str], Client], state: State) -> Callable[..., Any]:
    """Post one command of the flag in an environment, as an operator."""
    client = client_as("operator")

    def post(name: str, *, environment: str = "production", headers: dict[str, str] | None = None, **form: Any) -> Any:
        row = state(environment)
        form = {"reason": "because", "version": row.version, **form}
        return client.post(reverse(f"admin:flags_{name}", args=[row.pk]), form, headers=headers)

    return post


@pytest.fixture
def see(client_as: Callable[[str], Client], state: State) -> Callable[..., str]:
    """The page of one command, or any other of the flag."""
    client = client_as("operator")

    def get(name: str, *, environment: str = "production", **more: Any) -> str:
        return client.get(reverse(f"admin:flags_{name}", args=[state(environment).pk]), **more).content.decode()

    return get


def test_a_flag_is_switched_on_moved_and_switched_off(send: Callable[..., Any], state: State) -> None:
    assert send("enable").status_code == 302
    assert send("rollout", percentage="25").status_code == 302
    assert (state().enabled, state().percentage) == (True, Decimal(25))
    answer = send("disable", reason="done for today")
    assert str(list(get_messages(answer.wsgi_request))[-1]) == f"{KEY} is off in Production."
    assert (state().enabled, state().percentage) == (False, Decimal(25))
    told = events.about(f"flag:{KEY}", environment_id=state().environment_id).first()
    assert told is not None
    assert (told.kind, told.actor, told.actor_kind, told.reason) == (
        "flag.disabled",
        "operator",
        "person",
        "done for today",
    )


@pytest.mark.parametrize("name", ["enable", "disable", "rollout", "parameters", "emergency"])
def test_production_asks_for_a_reason(send: Callable[..., Any], state: State, name: str) -> None:
    version = state().version
    answer = send(name, reason=" ", percentage="10", parameters="{}")
    assert "Say why" in answer.content.decode()
    assert state().version == version


def test_an_environment_that_is_not_protected_does_not_ask(send: Callable[..., Any], state: State) -> None:
    assert send("enable", environment="staging", reason="").status_code == 302
    assert state("staging").enabled


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("-1", "A rollout is 0 to 100 percent, not -1."),
        ("101", "A rollout is 0 to 100 percent, not 101."),
        ("abc", "is not a number: write 0 to 100."),
        ("NaN", "A rollout is 0 to 100 percent"),
        ("12.5", "This flag moves in steps of 1 percent"),
        ("", "Write 0 to 100."),
    ],
)
def test_a_bad_percentage_is_told_at_its_field_and_nothing_typed_is_lost(
    send: Callable[..., Any], state: State, typed: str, told: str
) -> None:
    version = state().version
    answer = send("rollout", percentage=typed, reason="a long explanation")
    text = answer.content.decode()
    assert answer.status_code in (200, 422)
    assert told in text
    assert "a long explanation" in text
    assert f'value="{typed}"' in text or not typed
    assert state().version == version


def test_a_stale_form_is_refused_keeps_what_was_typed_and_succeeds_when_sent_again(
    send: Callable[..., Any], state: State, operator_actor: Actor, now: datetime
) -> None:
    seen = state().version
    rollout.set_rollout(KEY, "production", 40, actor=operator_actor, reason="meanwhile", now=now)
    answer = send("rollout", percentage="25", reason="my reason", version=seen)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "was changed by someone else" in text
    assert "my reason" in text
    assert "From 40 % to 25 %." in text
    assert f'name="version" value="{state().version}"' in text
    assert state().percentage == 40
    assert send("rollout", percentage="25", reason="my reason", version=state().version).status_code == 302


def test_the_dialog_tells_refusals_inside_and_leaves_by_a_redirect_of_htmx(
    send: Callable[..., Any], state: State
) -> None:
    refused = send("rollout", percentage="101", headers=HTMX)
    assert refused.status_code == 200
    assert "<html" not in refused.content.decode()
    done = send("rollout", percentage="10", headers=HTMX)
    assert done.headers["HX-Redirect"] == reverse("admin:flags_flagstate_change", args=[state().pk])


def test_while_a_percentage_is_typed_the_dialog_says_who_gains_and_who_loses(
    see: Callable[..., str], operator_actor: Actor, now: datetime
) -> None:
    typing = {"headers": {**HTMX, "HX-Trigger-Name": "percentage"}}
    assert "nothing changes for anybody until it is enabled" in see("rollout", data={"percentage": "50"}, **typing)
    rollout.enable(KEY, "production", actor=operator_actor, reason="x", now=now)
    rollout.set_rollout(KEY, "production", 20, actor=operator_actor, reason="x", now=now)
    up = see("rollout", data={"percentage": "50"}, **typing)
    assert "From 20 % to 50 %." in up
    assert "About 30 % of all npubs get the feature; nobody who has it loses it." in up
    assert "About 15 % of all npubs lose the feature." in see("rollout", data={"percentage": "5"}, **typing)
    assert "not a number" in see("rollout", data={"percentage": "x"}, **typing)


def test_an_emergency_disable_names_its_effect_and_needs_no_version(
    see: Callable[..., str], send: Callable[..., Any], state: State, operator_actor: Actor, now: datetime
) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="x", now=now)
    rollout.set_rollout(KEY, "production", 25, actor=operator_actor, reason="x", now=now)
    lists.edit_allow_list(KEY, "production", add=["a", "b"], actor=operator_actor, reason="x", now=now)
    page = see("emergency")
    assert f"{KEY} goes off for everybody in Production, at once." in page
    assert "It is on for 25 % of all npubs and the 2 on the allow-list: they all lose it" in page
    assert "Protected" in page
    assert send("emergency", version="1", reason="it hurts").status_code == 302
    assert (state().enabled, state().percentage, state().disabled_by) == (False, 0, "operator")


def test_what_other_apps_know_is_said_before_a_change(
    see: Callable[..., str], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note("ramp running", "It runs.", "/ramp/", "info", "trending_up", warning="This change holds the ramp.")
    monkeypatch.setattr(beside, "_flag_notes", [lambda: {(KEY, "production"): note}])
    assert "This change holds the ramp." in see("rollout")
    assert "This change holds the ramp." not in see("rollout", environment="staging")
    assert "This change holds the ramp." not in see("parameters")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("{", "This is no JSON: Expecting property name enclosed in double quotes in line 1, column 2."),
        ("[1]", "Parameters are a JSON object"),
        ("9" * 5_000, "too deep, or holds a number that is too long"),
        ('{"a": NaN}', "Parameters must be JSON"),
        ('{"a": "' + "x" * 17_000 + '"}', "at most 16384 fit"),
        ("", "Write a JSON object"),
    ],
)
def test_bad_parameters_are_told_at_their_field(send: Callable[..., Any], state: State, typed: str, told: str) -> None:
    version = state().version
    assert told in send("parameters", parameters=typed).content.decode().replace("&quot;", '"')
    assert state().version == version


def test_parameters_are_replaced(send: Callable[..., Any], state: State) -> None:
    wanted = {"autoCorrection": True, "severityThreshold": "HIGH", "deep": {"a": [1]}}
    assert send("parameters", parameters=json.dumps(wanted)).status_code == 302
    assert state().parameters == wanted


def test_a_rollback_is_shown_with_its_evidence_until_a_person_enables_the_flag(
    client_as: Callable[[str], Client], send: Callable[..., Any], see: Callable[..., str], state: State, now: datetime
) -> None:
    evidence = {"value": 11.83, "threshold": 5.0, "samples": 1204}
    rollback = emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now, evidence=evidence)
    page = reverse("admin:flags_flagstate_change", args=[state().pk])
    text = client_as("viewer").get(page).content.decode()
    for part in (rollback, "errors", "11.8", "1,204", "rolled back", "emergency-system"):
        assert part in text
    assert f"This ends the rollback {rollback}" in see("enable")
    send("enable")
    assert rollback not in client_as("viewer").get(page, headers=HTMX).content.decode().split("Last changes in")[0]


@pytest.mark.parametrize(
    ("npub", "told"),
    [
        ("listed", "The npub is on the allow-list."),
        ("npub1other", "beyond the first 10 %"),
        ("", "Write an npub"),
        ("<script>", "&lt;script&gt;"),
    ],
)
def test_the_page_says_why_for_an_npub(
    see: Callable[..., str], operator_actor: Actor, now: datetime, npub: str, told: str
) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="x", now=now)
    rollout.set_rollout(KEY, "production", 10, actor=operator_actor, reason="x", now=now)
    lists.edit_allow_list(KEY, "production", add=["listed"], actor=operator_actor, reason="x", now=now)
    assert told in see("why", data={"npub": npub})


def test_a_flag_state_that_is_gone_is_a_404_and_not_an_error(client_as: Callable[[str], Client], state: State) -> None:
    for name in ("rollout", "emergency", "allow_list", "allow_list_edit"):
        assert client_as("operator").get(reverse(f"admin:flags_{name}", args=[999_999])).status_code == 404
