"""`manage.py trigger`: what an operator has when the web is down."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core import events
from core.actors import Actor
from monitoring.models import Trigger
from monitoring.services import triggers
from tests.monitoring.conftest import (
    CRITICAL_ERRORS,
    ERROR_RATE,
    KEY,
    RESPONSE_TIME,
    THROUGHPUT_DROP,
    USER_COMPLAINTS,
    Traffic,
    counted,
    latch,
)


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


def test_a_replay_says_the_same_until_the_data_differ(error_rate: Trigger, traffic: Traffic) -> None:
    traffic.melts(30)
    traffic.judged()
    said = run("replay", "error-rate", "--environment", "production", "--last", "2")
    assert said.count("the same") == len(said.splitlines()) == 2
    late = counted("melt_errors_total", 9, traffic.at - timedelta(seconds=10), flag=KEY, variant="on")
    traffic.sends([late])
    newest, before = json.loads(run("replay", "error-rate", "--environment", "production", "--last", "2", "--json"))
    assert (newest["same"], newest["judged"]["value"], newest["today"]["value"]) == (False, 1.0, 10.0)
    assert before["same"]


@pytest.mark.parametrize("values", [ERROR_RATE, RESPONSE_TIME, THROUGHPUT_DROP, CRITICAL_ERRORS, USER_COMPLAINTS])
def test_every_measure_can_be_replayed(
    both_flags: None, traffic: Traffic, operator_actor: Actor, values: dict[str, Any]
) -> None:
    triggers.define("it", "production", values, actor=operator_actor, reason="r", now=traffic.at)
    traffic.melts(150, critical=1)
    traffic.pauses(100)
    traffic.melts(60)
    traffic.judged()
    assert "now" not in run("replay", "it", "--environment", "production", "--last", "50")


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


def test_a_trigger_is_made_to_observe_and_to_act_again(error_rate: Trigger) -> None:
    asked = ("error-rate", "--environment", "production", "--reason", "trying it out")
    assert "only observes" in run("observe", *asked)
    assert "observes: atomicMeltOperations" in run("list")
    assert json.loads(run("enforce", *asked, "--json"))["observe"] is False
    assert "rollback: atomicMeltOperations" in run("list")
    with pytest.raises(CommandError, match="There is no trigger"):
        run("observe", "nothing", *asked[1:])
