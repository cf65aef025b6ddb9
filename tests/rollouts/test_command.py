"""`manage.py ramp`: the same commands as everywhere, by the user of the operating system."""

from __future__ import annotations

import getpass
import io
import json
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from core import events
from flags import selectors
from rollouts.models import Ramp, RampTemplate
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_now(now: datetime) -> Any:
    with time_machine.travel(now, tick=False):
        yield


def ramp_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ramp", *arguments, stdout=out)
    return out.getvalue()


def test_a_ramp_is_started_steered_and_rolled_back_from_a_terminal(template: RampTemplate, guard: Guard) -> None:
    assert "0, 10, 25, 50, 100 %" in ramp_command("templates")
    said = ramp_command("start", template.key, "--environment", "production", "--reason", "weeks 5 and 6")
    assert "before its first step" in said
    assert "> 5.1" in said
    number = str(Ramp.objects.get().pk)
    assert "x 5.1" in ramp_command("advance", number, "--reason", "allow-list", "--version", "1")
    assert "> 5.1" in ramp_command("back", number, "--reason", "too early")
    ramp_command("resume", number, "--reason", "now it is time")
    assert "x 5.1" in ramp_command("advance", number, "--reason", "allow-list again")
    assert "- 5.2" in ramp_command("skip", number, "--reason", "rehearsed")
    assert "month end" in ramp_command("hold", number, "--reason", "month end")
    assert "held at 5.1, 0 %, monitoring intensive" in ramp_command("list", "--environment", "production")
    ramp_command("resume", number, "--reason", "month ended")
    told = json.loads(ramp_command("rollback", number, "--reason", "customers call", "--json"))

    assert (told["state"], told["rollback_id"]) == ("rolled_back", selectors.state(KEY, "production").rollback_id)
    assert "No ramp here" in ramp_command("list")
    assert [row["id"] for row in json.loads(ramp_command("list", "--all", "--json"))] == [int(number)]
    assert {(event.actor, event.actor_kind) for event in events.about(f"ramp:{number}")} == {
        (getpass.getuser(), "command")
    }


def test_a_ramp_can_be_planned_for_a_time_and_rehearsed_at_another_pace(template: RampTemplate, now: datetime) -> None:
    start = ("start", template.key, "--environment", "staging")
    said = ramp_command(*start, "--at", "2025-08-12T09:00Z", "--pace", "60", "--soak", "0")
    assert "planned before its first step" in said
    assert "due Tue 12 Aug 09:01:00 UTC (in 1 day), soaks 0 s" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "99"), "There is no ramp 99."),
        (("list", "--environment", "mars"), "no environment 'mars'"),
        (("start", "nosuch", "--environment", "staging"), "Known: atomic-phased"),
        (("start", "atomic-phased", "--environment", "production"), "say why you change it"),
        (("start", "atomic-phased", "--environment", "staging", "--at", "tomorrow"), "'tomorrow' is no time"),
        (("start", "atomic-phased", "--environment", "staging", "--at", "2025-08-12T09:00"), "with its zone"),
        (("start", "atomic-phased", "--environment", "staging", "--at", "2025-13-12T09:00Z"), "is no time"),
        (("start", "atomic-phased", "--environment", "staging", "--at", "2025-08-01T09:00Z"), "not in the past"),
        (("start", "atomic-phased", "--environment", "staging", "--pace", "0"), "pace is 1 to"),
        (("hold", "99", "--reason", " "), "Say why"),
        (("advance", "99"), "--reason"),
    ],
)
def test_a_refusal_is_one_sentence_and_changes_nothing(
    arguments: tuple[str, ...], words: str, template: RampTemplate
) -> None:
    rows = events.recent().count()
    with pytest.raises(CommandError, match=words):
        ramp_command(*arguments)
    assert (Ramp.objects.count(), events.recent().count()) == (0, rows)
