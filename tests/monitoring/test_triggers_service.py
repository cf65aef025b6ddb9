"""Triggers are defined by the playbook and re-armed by people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import events
from core.actors import GUARD, Actor
from core.errors import Conflict, Invalid, NotFound, Refused
from monitoring import selectors
from monitoring.models import Trigger
from monitoring.services import triggers
from tests.monitoring.conftest import ERROR_RATE, latch

pytestmark = pytest.mark.usefixtures("flag")


@pytest.fixture
def define(operator_actor: Actor, now: datetime) -> Any:
    def define(values: dict[str, Any], *, at: datetime = now, key: str = "error-rate") -> Trigger:
        return triggers.define(key, "production", values, actor=operator_actor, reason="playbook", now=at)

    return define


def told(kind: str) -> int:
    return events.recent().filter(kind=kind).count()


def test_a_trigger_is_created_armed_and_judges_nothing_that_was_before_it(define: Any, now: datetime) -> None:
    row = define(ERROR_RATE, at=now + timedelta(seconds=4))
    assert (row.state, row.verdict) == ("armed", "NO_DATA")
    assert row.judged_until == row.armed_from == int(now.timestamp()) + 10
    assert told("trigger.created") == 1


def test_defining_it_again_writes_nothing(define: Any) -> None:
    define(ERROR_RATE)
    define(ERROR_RATE)
    assert (told("trigger.created"), told("trigger.changed")) == (1, 0)


def test_a_new_rule_does_not_inherit_what_passed_under_the_old_one(define: Any, now: datetime) -> None:
    row = define(ERROR_RATE)
    Trigger.objects.filter(pk=row.pk).update(verdict="PASS", passing_since=now, judged_at=now, breaches=1)
    row = define({"threshold": 2.0}, at=now + timedelta(minutes=1))
    assert (row.verdict, row.passing_since, row.breaches) == ("NO_DATA", None, 0)
    event = events.about("trigger:error-rate").first()
    assert (event.kind, event.before["threshold"], event.after["threshold"]) == ("trigger.changed", 5.0, 2.0)


def test_a_new_rule_does_not_re_arm(define: Any, now: datetime) -> None:
    latch(define(ERROR_RATE), at=now)
    assert define({"threshold": 2.0}).state == "latched"


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"measure": "median"}, "measure"),
        ({"target": "all"}, "target"),
        ({"threshold": "5"}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": -1}, "threshold"),
        ({"window": 15}, "window"),
        ({"window": True}, "window"),
        ({"max_window": 10}, "max_window"),
        ({"max_window": 7200}, "max_window"),
        ({"min_samples": -1}, "min_samples"),
        ({"consecutive": 0}, "consecutive"),
        ({"numerator": {}}, "numerator"),
        ({"numerator": {"metric": "m", "labels": {"flag": 1}}}, "numerator"),
        ({"numerator": {"metric": "m", "lables": {}}}, "numerator"),
        ({"numerator": "melt_errors_total"}, "numerator"),
        ({"denominator": {}}, "denominator"),
        ({"measure": "count"}, "denominator"),
        ({"flag_key": ""}, "flag_key"),
        ({"target": "last_raised"}, "flag_key"),
        ({"enabled": "yes"}, "enabled"),
        ({"name": "x" * 121}, "name"),
        ({"treshold": 5}, "treshold"),
        ({"actions": []}, "actions"),
        ({"actions": ["rollback", "rollback"]}, "actions"),
        ({"actions": ["rollback", "freeze"]}, "actions"),
        ({"actions": ["restart"]}, "actions"),
        ({"actions": "rollback"}, "actions"),
        ({"observe": 1}, "observe"),
        ({"percentile": 95}, "percentile"),
        ({"measure": "mean", "denominator": {}, "percentile": 100}, "percentile"),
        ({"clear_threshold": 6.0}, "clear_threshold"),
        ({"clear_threshold": float("nan")}, "clear_threshold"),
        ({"cooldown": -1}, "cooldown"),
        ({"cooldown": 8 * 86_400}, "cooldown"),
        ({"alpha": 0.0}, "alpha"),
        ({"measure": "count", "denominator": {}, "alpha": 0.1}, "alpha"),
        ({"factor": 2.0}, "factor"),
        ({"measure": "canary"}, "numerator"),  # it reads both variants by itself
        ({"measure": "canary", "target": "last_raised", "flag_key": ""}, "target"),
        ({"measure": "canary", "numerator": {"metric": "m"}, "denominator": {}, "threshold": 0}, "threshold"),
        ({"measure": "canary", "numerator": {"metric": "m"}, "denominator": {"metric": "n"}, "factor": 0.5}, "factor"),
        ({"measure": "distinct", "denominator": {}}, "numerator"),
        ({"numerator": {"metric": "m", "source": 1}}, "numerator"),
        ({"numerator": {"metric": "m", "source": "otlp"}}, "denominator"),  # both from one source
        ({"phase": 1}, "phase"),
    ],
)
def test_a_rule_that_cannot_be_judged_is_refused_by_its_field(define: Any, over: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        define({**ERROR_RATE, "window": 20, "max_window": 300, **over})
    assert refusal.value.field == field
    assert not Trigger.objects.exists()


def test_an_unknown_flag_environment_or_key_is_refused(define: Any, operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(NotFound):
        define({**ERROR_RATE, "flag_key": "atomicMelt"})
    with pytest.raises(NotFound):
        triggers.define("error-rate", "prod", ERROR_RATE, actor=operator_actor, reason="r", now=now)
    with pytest.raises(Invalid):
        define(ERROR_RATE, key="error rate")


def test_a_person_re_arms_with_a_reason(define: Any, operator_actor: Actor, now: datetime) -> None:
    latch(define(ERROR_RATE), at=now)
    later = now + timedelta(minutes=5, seconds=1)
    row = triggers.rearm("error-rate", "production", actor=operator_actor, reason="fixed in 2.0.1", now=later)

    row.refresh_from_db()
    assert (row.state, row.verdict, row.breaches, row.evidence, row.latched_at) == ("armed", "NO_DATA", 0, {}, None)
    assert row.armed_from == row.judged_until == int(now.timestamp()) + 310
    event = events.about("trigger:error-rate").first()
    assert (event.kind, event.actor, event.reason) == ("trigger.rearmed", "olga", "fixed in 2.0.1")
    assert (event.before["state"], event.after["state"]) == ("latched", "armed")
    assert event.before["evidence"]


def test_a_refused_re_arm_changes_nothing(define: Any, operator_actor: Actor, now: datetime) -> None:
    row = latch(define(ERROR_RATE), at=now)
    before = Trigger.objects.values().get(pk=row.pk)
    for actor, reason, refusal in [(GUARD, "r", Refused), (operator_actor, "  ", Invalid)]:
        with pytest.raises(refusal):
            triggers.rearm("error-rate", "production", actor=actor, reason=reason, now=now)
    with pytest.raises(NotFound):
        triggers.rearm("error-rate", "staging", actor=operator_actor, reason="r", now=now)
    assert Trigger.objects.values().get(pk=row.pk) == before
    assert not told("trigger.rearmed")


def test_what_has_not_fired_cannot_be_re_armed(define: Any, operator_actor: Actor, now: datetime) -> None:
    define(ERROR_RATE)
    with pytest.raises(Conflict, match="has not fired"):
        triggers.rearm("error-rate", "production", actor=operator_actor, reason="r", now=now)
    assert selectors.trigger("error-rate", "production").state == "armed"
