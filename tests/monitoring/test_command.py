"""`manage.py trigger`: what an operator has when the web is down."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core import events
from monitoring.models import Trigger
from tests.monitoring.conftest import Traffic, latch


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("trigger", *arguments, stdout=out)
    return out.getvalue()


def test_triggers_are_listed(error_rate: Trigger) -> None:
    assert "error-rate" in run("list")
    (row,) = json.loads(run("list", "--environment", "production", "--json"))
    assert (row["key"], row["state"], row["flag_key"]) == ("error-rate", "armed", "atomicMeltOperations")
    assert "There is no trigger yet" in run("list", "--environment", "staging")


def test_one_trigger_shows_what_it_judged(error_rate: Trigger, traffic: Traffic) -> None:
    traffic.melts(20)
    traffic.judged()
    text = run("show", "error-rate", "--environment", "production")
    assert "PASS" in text
    assert "1 of 100 samples" in text
    shown: dict[str, Any] = json.loads(run("show", "error-rate", "--environment", "production", "--json"))
    assert [window["value"] for window in shown["judgements"]] == [1.0, 1.0]


def test_it_re_arms_in_the_name_of_who_runs_it(error_rate: Trigger) -> None:
    latch(error_rate, at=timezone.now())
    assert "is armed again" in run("rearm", "error-rate", "--environment", "production", "--reason", "fixed")
    event = events.about("trigger:error-rate").first()
    assert event is not None
    assert (event.kind, event.actor_kind, event.reason) == ("trigger.rearmed", "command", "fixed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "errors", "--environment", "production"], "There is no trigger 'errors'"),
        (["list", "--environment", "prod"], "There is no environment 'prod'"),
        (["rearm", "error-rate", "--environment", "production", "--reason", "r"], "has not fired"),
        (["rearm", "error-rate", "--environment", "production"], "--reason"),
    ],
)
def test_a_refusal_is_one_line(error_rate: Trigger, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
