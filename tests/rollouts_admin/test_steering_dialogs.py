"""The dialogs that steer a ramp: what they name, who may, what they do, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import events
from core.actors import Actor
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.services import rollout
from rollouts.models import Ramp
from rollouts.services import steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
COMMANDS = ("advance", "hold", "resume", "move", "skip", "step-back", "roll-back")


def url(ramp: Ramp, name: str) -> str:
    return f"/admin/rollouts/ramp/{ramp.pk}/{name}/"


def standing(ramp: Ramp) -> tuple[Any, ...]:
    ramp.refresh_from_db()
    state = flag_selectors.state(KEY, "production")
    return ramp.state, ramp.position, ramp.version, state.enabled, state.percentage, events.recent().count()


def send(client: Client, ramp: Ramp, name: str, **over: Any) -> Any:
    ramp.refresh_from_db()
    when = {"on": f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}", "zone": "UTC"} if name == "move" else {}
    return client.post(url(ramp, name), {"reason": "because", "version": ramp.version, **when, **over})


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "administrator"])
@pytest.mark.parametrize("name", COMMANDS)
def test_commands_need_the_operate_permission(
    name: str, role: str, client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    if name == "resume":
        steering.hold(ramp.pk, actor=operator_actor, reason="wait", now=now)
    if name == "step-back":
        steering.advance(ramp.pk, actor=operator_actor, reason="testers first", now=now)
    client, before = client_as(role), standing(ramp)
    allowed = role != "viewer"
    assert client.get(url(ramp, name)).status_code == (200 if allowed else 403)
    assert send(client, ramp, name).status_code == (302 if allowed else 403)
    assert (standing(ramp) != before) is allowed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_stranger_commands_nothing(name: str, client: Client, ramp: Ramp) -> None:
    before = standing(ramp)
    assert send(client, ramp, name)["Location"].startswith("/admin/login/")
    assert standing(ramp) == before


@pytest.mark.parametrize(
    ("name", "state", "position", "kind"),
    [
        ("advance", "running", 1, "ramp.advanced"),
        ("hold", "held", 0, "ramp.held"),
        ("move", "running", 0, "ramp.moved"),
        ("skip", "running", 1, "ramp.skipped"),
        ("roll-back", "rolled_back", 0, "ramp.rolled_back"),
    ],
)
def test_a_command_is_done_by_the_person_with_the_reason(
    name: str, state: str, position: int, kind: str, client_as: ClientAs, ramp: Ramp
) -> None:
    answer = send(client_as("operator"), ramp, name, reason="rehearsed twice")
    assert answer["Location"] == f"/admin/rollouts/ramp/{ramp.pk}/change/"
    assert standing(ramp)[:2] == (state, position)
    event = events.about(f"ramp:{ramp.pk}").filter(kind=kind).get()
    assert (event.actor, event.actor_kind, event.reason) == ("operator", "person", "rehearsed twice")


@pytest.mark.parametrize(
    ("name", "over", "status", "words"),
    [
        ("hold", {"reason": ""}, 200, "Say why"),
        ("hold", {"reason": "   "}, 200, "Say why"),
        ("hold", {"reason": "x" * 2001}, 200, "at most 2000 characters"),
        ("hold", {"version": 99}, 409, "changed by someone else"),
        ("hold", {"version": "abc"}, 200, "Hold in Production"),
        ("resume", {}, 409, "only a held ramp can be resumed"),
    ],
)
def test_a_refused_command_says_why_and_changes_nothing(
    name: str, over: dict[str, Any], status: int, words: str, client_as: ClientAs, ramp: Ramp
) -> None:
    before = standing(ramp)
    answer = send(client_as("operator"), ramp, name, **over)
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert standing(ramp) == before


def test_after_a_stale_version_the_next_click_is_about_what_is_shown_now(
    client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    client, seen = client_as("operator"), ramp.version
    steering.advance(ramp.pk, actor=operator_actor, reason="somebody else", now=now)
    refused = send(client, ramp, "advance", version=seen)
    assert "It goes to 10 % at once" in refused.content.decode()
    again = refused.context["form"]["version"].value()
    assert send(client, ramp, "advance", version=again).status_code == 302
    assert standing(ramp)[1] == 2


def test_a_dialog_leaves_by_itself_and_a_refusal_stays_in_it(client_as: ClientAs, ramp: Ramp) -> None:
    client, headers = client_as("operator"), {"HX-Request": "true"}
    refused = client.post(url(ramp, "hold"), {"reason": "", "version": ramp.version}, headers=headers)
    assert (refused.status_code, "Say why" in refused.content.decode()) == (200, True)
    done = client.post(url(ramp, "hold"), {"reason": "wait", "version": ramp.version}, headers=headers)
    assert done["HX-Redirect"] == f"/admin/rollouts/ramp/{ramp.pk}/change/"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("advance", "atomicMeltOperations in Production is off. It goes to allow-list only at once: step 1 of 5, 5.1."),
        ("advance", "Its parameters change: fallbackToLegacy = true."),
        ("advance", "The next step, 10 %, then needs 30 min in which all triggers pass."),
        ("hold", "atomicMeltOperations in Production stays as it is: off."),
        ("skip", "Step 1, allow-list only, is left out."),
        ("skip", "The next step is then step 2, 10 %, due in 1 h (10:00:00 UTC)."),
        ("skip", "That step also sets the parameters of this one: fallbackToLegacy = true."),
        ("roll-back", "It is switched off at once, for everybody, allow-list included."),
        ("roll-back", "This ramp ends for good."),
    ],
)
def test_a_dialog_names_its_effect(name: str, words: str, client_as: ClientAs, ramp: Ramp) -> None:
    assert words in client_as("operator").get(url(ramp, name)).content.decode()


def test_resume_says_that_it_enables_the_flag_again(
    client_as: ClientAs, ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    steering.advance(ramp.pk, actor=operator_actor, reason="go", now=now)
    steering.hold(ramp.pk, actor=operator_actor, reason="wait", now=now)
    rollout.change(
        KEY, "production", StateChange(enabled=False), actor=operator_actor, reason="night", now=now, version=None
    )
    assert "Resuming ENABLES it" in client_as("operator").get(url(ramp, "resume")).content.decode()


def test_the_last_step_says_that_it_completes_the_ramp(
    client_as: ClientAs, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    for _ in range(4):
        steering.advance(ramp.pk, actor=operator_actor, reason="go", now=now)
    client = client_as("operator")
    assert "It is the last step" in client.get(url(ramp, "advance")).content.decode()
    assert "No step is left then" in client.get(url(ramp, "skip")).content.decode()
    send(client, ramp, "advance")
    assert standing(ramp)[0] == "completed"
    assert "This ramp has no step left." in client.get(url(ramp, "skip")).content.decode()
