"""`manage.py freeze …`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core import events, freezes, freezing
from core.actors import Actor
from core.freezing import Plan
from core.models import Freeze

pytestmark = pytest.mark.usefixtures("all_environments")


@pytest.fixture
def freeze(operator_actor: Actor) -> Freeze:
    """Production is frozen now, for an hour to come."""
    now = timezone.now()
    wanted = Plan("Pay day", "Melts.", ["production"], "UTC", f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", 7200)
    return freezing.plan(wanted, actor=operator_actor, now=now)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("freeze", *arguments, stdout=out)
    return out.getvalue()


def test_list_and_now_tell_it_as_text_and_as_json(freeze: Freeze) -> None:
    assert "name: Pay day" in run("list")
    (row,) = json.loads(run("list", "--json"))
    assert (row["id"], row["environments"], row["holds_now"]) == (freeze.pk, ["production"], True)
    (held,) = json.loads(run("now", "--json"))
    assert (held["environment"], held["name"], held["reason"]) == ("production", "Pay day", "Melts.")
    assert run("now", "--environment", "staging").strip() == "Nothing is frozen."


def test_a_pipeline_can_ask_by_the_exit_code(freeze: Freeze) -> None:
    with pytest.raises(CommandError) as stopped:
        run("now", "--environment", "production", "--check")
    assert stopped.value.returncode == 3
    run("now", "--environment", "staging", "--check")


def test_changes_are_let_through_and_the_freeze_is_ended(freeze: Freeze) -> None:
    run("override", str(freeze.pk), "--environment", "production", "--reason", "The web is down.")
    assert freezes.held_now(now=timezone.now()) == {}
    run("end", str(freeze.pk), "--reason", "Over.")
    kinds = [(event.kind, event.actor_kind, event.reason) for event in events.about(f"freeze:{freeze.pk}")[:2]]
    assert kinds == [("freeze.ended", "command", "Over."), ("freeze.overridden", "command", "The web is down.")]
    assert run("list").strip() == "Nothing is planned."


@pytest.mark.parametrize(
    ("arguments", "tells"),
    [
        (["end", "77", "--reason", "r"], "There is no freeze 77."),
        (["now", "--environment", "moon"], "There is no environment 'moon'"),
        (["override", "1", "--environment", "production", "--reason", "r", "--until", "noon"], "'noon' is no time"),
        (["override", "1", "--environment", "production", "--reason", "r", "--until", "2025-01-01"], "with an offset"),
    ],
)
def test_a_refusal_is_one_line(arguments: list[str], tells: str) -> None:
    with pytest.raises(CommandError, match=tells):
        run(*arguments)
