"""The guard on real rows: what it fires on, what it rolls back, and what it tells."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import flags.selectors
from core import events
from core.actors import Actor
from core.models import Event
from flags.services import emergency, lists, rollout
from monitoring import selectors
from monitoring.domain.windows import CODE_VERSION
from monitoring.models import Judgement, Trigger
from monitoring.services import guard, triggers
from tests.monitoring.conftest import (
    CRITICAL_ERRORS,
    ERROR_RATE,
    KEY,
    OTHER,
    RESPONSE_TIME,
    THROUGHPUT_DROP,
    USER_COMPLAINTS,
    Traffic,
    counted,
)

pytestmark = pytest.mark.usefixtures("both_flags")
Define = Callable[..., Trigger]


@pytest.fixture
def define(operator_actor: Actor, start: datetime) -> Define:
    def define(values: dict[str, Any], key: str = "it", at: datetime = start) -> Trigger:
        return triggers.define(key, "production", values, actor=operator_actor, reason="playbook", now=at)

    return define


def told(kind: str) -> list[Event]:
    return list(events.recent().filter(kind=kind))


def is_on(key: str) -> bool:
    return flags.selectors.state(key, "production").enabled


def test_a_fault_switches_the_flag_off_and_everything_is_told(error_rate: Trigger, traffic: Traffic) -> None:
    traffic.melts(60)
    assert traffic.judged() == 0
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1

    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.percentage, state.disabled_by) == (False, 0, "emergency-system")
    error_rate.refresh_from_db()
    assert (error_rate.state, error_rate.verdict, error_rate.breaches) == ("latched", "BREACH", 2)
    (fired,), (rolled_back,) = told("trigger.fired"), told("flag.rolled_back")
    assert fired.data["rollback_id"] == state.rollback_id == rolled_back.data["rollback_id"]
    assert fired.data["evidence"] == error_rate.evidence
    assert fired.reason == (
        "Error rate 20 % is above 5 % (100 operations, 09:01:10 to 09:01:20 UTC, 2 windows in a row). "
        "atomicMeltOperations was rolled back from 50 %."
    )
    proof = rolled_back.data["evidence"]
    assert proof.pop("detail") == {"chance": pytest.approx(8.585, abs=0.001)}
    assert proof == {
        "trigger": "error-rate",
        "measure": "ratio",
        "value": 20.0,
        "threshold": 5.0,
        "samples": 100,
        "window_start": "2026-03-09T09:01:10+00:00",
        "window_end": "2026-03-09T09:01:20+00:00",
        "windows_in_a_row": 2,
        "flag_percentage": 50.0,
        "numerator": ERROR_RATE["numerator"],
        "denominator": ERROR_RATE["denominator"],
        "sources": {"melt_errors_total": "json", "melt_operations_total": "json"},
        "code_version": CODE_VERSION,
    }
    assert fired.data["actions"] == ["rollback"]
    assert is_on(OTHER)


def test_one_bad_window_does_not_fire(error_rate: Trigger, traffic: Traffic) -> None:
    for _ in range(5):
        traffic.melts(10, errors=0.5)
        traffic.melts(10)
        assert traffic.judged() == 0
    assert is_on(KEY)


def test_slow_answers_roll_back_the_reconciliation(define: Define, traffic: Traffic) -> None:
    define(RESPONSE_TIME)
    traffic.melts(30)
    traffic.melts(20, mean=8000)
    assert traffic.judged() == 1
    assert (is_on(KEY), is_on(OTHER)) == (True, False)


@pytest.mark.parametrize(
    ("values", "happens"),
    [
        (CRITICAL_ERRORS, lambda traffic: traffic.melts(20, critical=6)),
        (USER_COMPLAINTS, lambda traffic: (traffic.melts(10), traffic.complains(6), traffic.melts(10))),
        (THROUGHPUT_DROP, lambda traffic: (traffic.melts(120), traffic.melts(60, rate=4))),
    ],
)
def test_what_names_no_flag_rolls_back_the_one_that_was_raised_last(
    define: Define, traffic: Traffic, values: dict[str, Any], happens: Callable[[Traffic], Any]
) -> None:
    define(values)
    happens(traffic)
    assert traffic.judged() == 1
    assert (is_on(KEY), is_on(OTHER)) == (True, False)


@pytest.mark.parametrize(
    ("values", "happens"),
    [
        (CRITICAL_ERRORS, lambda traffic: traffic.melts(50, critical=2)),
        (USER_COMPLAINTS, lambda traffic: (traffic.melts(10), traffic.complains(5), traffic.melts(10))),
        (THROUGHPUT_DROP, lambda traffic: (traffic.melts(120), traffic.melts(120, rate=5))),
        (THROUGHPUT_DROP, lambda traffic: (traffic.melts(120), traffic.pauses(120))),
        (RESPONSE_TIME, lambda traffic: traffic.melts(100, mean=5000)),
        (ERROR_RATE, lambda traffic: traffic.melts(100, errors=0.05)),
    ],
)
def test_at_its_threshold_or_without_data_nothing_fires(
    define: Define, traffic: Traffic, values: dict[str, Any], happens: Callable[[Traffic], Any]
) -> None:
    define(values)
    happens(traffic)
    assert traffic.judged() == 0
    assert is_on(KEY)
    assert is_on(OTHER)


def raise_other(actor: Actor, now: datetime) -> None:
    rollout.set_rollout(OTHER, "production", 30, actor=actor, reason="r", now=now)


def lower_other(actor: Actor, now: datetime) -> None:
    rollout.set_rollout(OTHER, "production", 20, actor=actor, reason="r", now=now)


def raise_first(actor: Actor, now: datetime) -> None:
    rollout.set_rollout(KEY, "production", 60, actor=actor, reason="r", now=now)


def allow_first(actor: Actor, now: datetime) -> None:
    lists.edit_allow_list(KEY, "production", add=["npub1"], actor=actor, reason="r", now=now)


def disable_other(actor: Actor, now: datetime) -> None:
    rollout.disable(OTHER, "production", actor=actor, reason="r", now=now)


def enable_other(actor: Actor, now: datetime) -> None:
    rollout.enable(OTHER, "production", actor=actor, reason="r", now=now)


def tune_first(actor: Actor, now: datetime) -> None:
    rollout.set_parameters(KEY, "production", {"n": 1}, actor=actor, reason="r", now=now)


@pytest.mark.parametrize(
    ("steps", "suspect"),
    [
        ([], OTHER),
        ([lower_other], OTHER),  # it is still the one that was raised last
        ([raise_first], KEY),
        ([raise_first, raise_other], OTHER),
        ([allow_first], KEY),
        ([tune_first], OTHER),
        ([disable_other], KEY),  # the first suspect is off already
        ([disable_other, raise_first, enable_other], OTHER),  # switched on is raised
    ],
)
def test_the_suspect_is_the_flag_that_was_raised_last_and_is_still_on(
    define: Define, traffic: Traffic, operator_actor: Actor, now: datetime, steps: list[Any], suspect: str
) -> None:
    for step in steps:
        step(operator_actor, now)
    define(CRITICAL_ERRORS)
    traffic.melts(20, critical=6)
    assert traffic.judged() == 1
    assert [event.subject for event in told("flag.rolled_back")] == [f"flag:{suspect}"]


def test_with_every_flag_off_it_latches_and_says_that_a_person_must_look(
    define: Define, traffic: Traffic, operator_actor: Actor, now: datetime
) -> None:
    for key in (KEY, OTHER):
        emergency.emergency_disable(key, "production", actor=operator_actor, reason="r", now=now)
    define(CRITICAL_ERRORS)
    traffic.melts(20, critical=6)
    assert traffic.judged() == 1
    (fired,) = told("trigger.fired")
    assert "a person must look" in fired.reason
    assert (fired.data["flag"], fired.data["rollback_id"]) == ("", "")
    assert selectors.trigger("it", "production").state == "latched"
    assert not told("flag.rolled_back")


def test_a_flag_that_is_off_already_is_not_rolled_back_again(
    error_rate: Trigger, traffic: Traffic, operator_actor: Actor, now: datetime
) -> None:
    traffic.melts(20, errors=0.2)
    emergency.emergency_disable(KEY, "production", actor=operator_actor, reason="saw it first", now=now)
    assert traffic.judged() == 1
    (fired,) = told("trigger.fired")
    assert "was off already" in fired.reason
    assert not told("flag.rolled_back")
    assert flags.selectors.state(KEY, "production").disabled_reason == "saw it first"


def test_a_latched_trigger_judges_on_and_fires_once(
    error_rate: Trigger, traffic: Traffic, operator_actor: Actor, now: datetime
) -> None:
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
    rollout.enable(KEY, "production", actor=operator_actor, reason="again", now=now)
    traffic.melts(60, errors=0.2)
    assert traffic.judged() == 0
    assert is_on(KEY)
    assert len(told("trigger.fired")) == 1
    assert selectors.trigger("error-rate", "production").breaches == 8


@pytest.mark.parametrize("values", [ERROR_RATE, CRITICAL_ERRORS])
def test_after_a_re_arm_the_old_fault_does_not_fire_and_a_new_one_does(
    define: Define, traffic: Traffic, operator_actor: Actor, now: datetime, values: dict[str, Any]
) -> None:
    define(values)
    traffic.melts(20, errors=0.2, critical=6)
    assert traffic.judged() == 1
    traffic.melts(10, errors=0.2, critical=6)
    triggers.rearm("it", "production", actor=operator_actor, reason="fixed", now=traffic.at - timedelta(seconds=1))
    rollout.change(
        KEY, "production", rollout.StateChange(enabled=True, percentage=10), actor=operator_actor, reason="r", now=now
    )
    traffic.melts(60)
    assert traffic.judged() == 0
    assert selectors.trigger("it", "production").verdict == "PASS"
    traffic.melts(20, errors=0.2, critical=6)
    assert traffic.judged() == 1
    assert not is_on(KEY)


def test_verdicts_are_kept_with_their_numbers_and_what_passes_is_told_since_when(
    error_rate: Trigger, traffic: Traffic, start: datetime
) -> None:
    traffic.melts(30)
    traffic.pauses(30)
    traffic.melts(30)
    traffic.judged()
    rows = list(reversed(selectors.judgements(error_rate.pk)))
    assert [row.verdict for row in rows][:3] == ["PASS"] * 3
    assert all(a.window_end == b.window_start for a, b in itertools.pairwise(rows))
    assert (rows[0].value, rows[0].samples, rows[0].threshold) == (1.0, 100, 5.0)
    (fact,) = selectors.verdicts_for(KEY, "production")
    assert (fact.verdict.value, fact.passing_since, fact.judged_until) == ("PASS", start, traffic.at)


def test_a_silent_reporter_is_no_data_and_ends_the_passing(error_rate: Trigger, traffic: Traffic) -> None:
    traffic.melts(30)
    traffic.pauses(60)
    traffic.judged()
    row = selectors.trigger("error-rate", "production")
    assert (row.verdict, row.passing_since) == ("NO_DATA", None)
    back = traffic.at
    traffic.melts(10)
    traffic.judged()
    row.refresh_from_db()
    assert (row.verdict, row.passing_since) == ("PASS", back)


def test_it_does_not_matter_how_often_the_guard_runs(define: Define, traffic: Traffic, operator_actor: Actor) -> None:
    for key, values in (("a", ERROR_RATE), ("b", RESPONSE_TIME), ("c", CRITICAL_ERRORS), ("d", THROUGHPUT_DROP)):
        define(values, key)
    for _ in range(12):
        traffic.melts(10, errors=0.03, critical=1)
        traffic.judged()
    often = list(Judgement.objects.order_by("trigger", "window_end").values_list("trigger", "window_end", "value"))
    Judgement.objects.all().delete()
    Trigger.objects.update(state="armed", judged_until=int(traffic.at.timestamp()) - 120, breaches=0)
    traffic.judged()
    once = list(Judgement.objects.order_by("trigger", "window_end").values_list("trigger", "window_end", "value"))
    assert once == often


def test_a_trigger_that_cannot_be_judged_does_not_stop_the_others(
    error_rate: Trigger, traffic: Traffic, define: Define, caplog: pytest.LogCaptureFixture
) -> None:
    define(CRITICAL_ERRORS, "a-broken-one")
    Trigger.objects.filter(key="a-broken-one").update(numerator={})
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
    assert "a-broken-one" in caplog.text


def test_a_disabled_trigger_is_not_judged(define: Define, traffic: Traffic) -> None:
    define({**ERROR_RATE, "enabled": False})
    traffic.melts(60, errors=0.5)
    assert traffic.judged() == 0
    assert selectors.trigger("it", "production").judged_at is None


def test_another_environment_is_not_touched(error_rate: Trigger, traffic: Traffic, operator_actor: Actor) -> None:
    staging = triggers.define("error-rate", "staging", ERROR_RATE, actor=operator_actor, reason="r", now=traffic.at)
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
    staging.refresh_from_db()
    assert staging.state == "armed"


def test_a_round_costs_the_same_queries_however_many_series_there_are(
    define: Define, traffic: Traffic, start: datetime
) -> None:
    define(CRITICAL_ERRORS)

    def cost() -> int:
        traffic.melts(10)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            traffic.judged()
        return len(queries)

    few = cost()
    traffic.sends(
        [counted("melt_errors_total", 0, traffic.at, flag=KEY, severity="CRITICAL", n=str(n)) for n in range(40)]
    )
    assert cost() == few
    assert few <= 16


def test_a_guard_whose_clock_is_behind_judges_nothing_twice(error_rate: Trigger, traffic: Traffic) -> None:
    traffic.melts(60)
    traffic.judged()
    assert guard.judge_all(now=traffic.at - timedelta(seconds=30)) == 0
    assert Judgement.objects.count() == 6
