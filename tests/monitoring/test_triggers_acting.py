"""What triggers do once they fire, on real rows: actions, observing, cool-down, canary, replay, and missing data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import flags.selectors
from core import events, freezes, freezing
from core.actors import Actor
from core.models import Event
from flags.domain.change import StateChange
from flags.services import rollout
from monitoring import selectors
from monitoring.domain.complaints import Said
from monitoring.domain.metrics import Push
from monitoring.models import Judgement, Rollup, Series, Trigger
from monitoring.services import complaints, guard, ingest, replaying, silence, triggers
from monitoring.services.ingest import Gauge
from tests.monitoring.conftest import (
    CRITICAL_ERRORS,
    ERROR_RATE,
    KEY,
    OTHER,
    RESPONSE_TIME,
    THROUGHPUT_DROP,
    Traffic,
    counted,
)

pytestmark = pytest.mark.usefixtures("both_flags")
Define = Callable[..., Trigger]
CANARY = {
    **ERROR_RATE,
    "measure": "canary",
    "numerator": {"metric": "melt_errors_total", "labels": {"flag": KEY}},
    "denominator": {"metric": "melt_operations_total", "labels": {"flag": KEY}},
    "threshold": 0,
    "max_window": 10,
    "consecutive": 1,
}


@pytest.fixture
def define(operator_actor: Actor, start: datetime) -> Define:
    def define(values: dict[str, Any], key: str = "it", at: datetime = start) -> Trigger:
        return triggers.define(key, "production", values, actor=operator_actor, reason="playbook", now=at)

    return define


def told(kind: str) -> list[Event]:
    return list(events.recent().filter(kind=kind))


def is_on(key: str) -> bool:
    return flags.selectors.state(key, "production").enabled


def melts(traffic: Traffic, seconds: int, *, bad_on: float, bad_off: float, slow: float = 300) -> None:
    """Ten of a hundred melts in ten seconds have the feature."""
    for _ in range(0, seconds, 10):
        rows = []
        for variant, n, bad in (("on", 10, bad_on), ("off", 90, bad_off)):
            labels = {"flag": KEY, "variant": variant}
            took = slow if variant == "on" else 300
            rows += [
                counted("melt_operations_total", n, traffic.at, **labels),
                counted("melt_errors_total", bad, traffic.at, **labels),
                {**counted("melt_duration_ms", took * n, traffic.at, **labels), "kind": "timing", "count": n},
            ]
        traffic.sends(rows)
        traffic.at += timedelta(seconds=10)


def test_freeze_freezes_for_a_day_and_switches_nothing_off(
    define: Define, traffic: Traffic, operator_actor: Actor
) -> None:
    define({**ERROR_RATE, "actions": ["notify", "freeze"]})
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
    assert is_on(KEY)
    (fired,) = told("trigger.fired")
    assert (fired.data["actions"], fired.data["rollback_id"]) == (["notify", "freeze"], "")
    assert "a person must look" in fired.reason
    later = traffic.at + timedelta(hours=23)
    frozen = freezes.holding(selectors.trigger("it", "production").environment_id, now=later)
    assert frozen is not None
    assert frozen.freeze_id == fired.data["freeze_id"]
    freezing.end(frozen.freeze_id, actor=operator_actor, reason="looked", now=traffic.at)


def test_pausing_comes_before_rolling_back(define: Define, traffic: Traffic) -> None:
    define({**THROUGHPUT_DROP, "actions": ["pause", "rollback"]})
    traffic.melts(120)
    traffic.melts(60, rate=4)
    assert traffic.judged() == 1
    (fired,) = told("trigger.fired")
    assert fired.data["actions"] == ["pause", "rollback"]
    assert not is_on(OTHER)
    assert fired.reason.index("paused") < fired.reason.index("was rolled back")


def test_observing_tells_once_in_a_run_and_does_nothing(define: Define, traffic: Traffic) -> None:
    define({**ERROR_RATE, "observe": True})
    for errors in (0.2, 0.2, 0.2, 0.2, 0.0, 0.2, 0.2, 0.2):
        traffic.melts(10, errors=errors)
        assert traffic.judged() == 0
    assert len(told("trigger.observed")) == 2
    assert "would have done: rollback" in told("trigger.observed")[0].reason
    assert not told("trigger.fired")
    assert is_on(KEY)
    assert selectors.trigger("it", "production").state == "armed"
    assert not selectors.verdicts_for(KEY, "production")  # what only observes holds no ramp


def test_observe_and_enforce_ask_why_and_judge_from_then_on(
    define: Define, traffic: Traffic, operator_actor: Actor
) -> None:
    define(ERROR_RATE)
    with pytest.raises(Exception, match="Say why"):
        triggers.observe("it", "production", actor=operator_actor, reason=" ", now=traffic.at)
    traffic.melts(10, errors=0.2)
    triggers.observe("it", "production", actor=operator_actor, reason="trying out", now=traffic.at)
    traffic.melts(40, errors=0.2)
    assert traffic.judged() == 0
    triggers.enforce("it", "production", actor=operator_actor, reason="proven", now=traffic.at)
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1


def test_while_it_cools_down_it_judges_and_does_not_fire(
    define: Define, traffic: Traffic, operator_actor: Actor
) -> None:
    define({**ERROR_RATE, "cooldown": 120})
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
    triggers.rearm("it", "production", actor=operator_actor, reason="fixed", now=traffic.at)
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=50), actor=operator_actor, reason="r", now=traffic.at
    )
    traffic.melts(110, errors=0.2)
    assert traffic.judged() == 0
    assert selectors.trigger("it", "production").breaches == 11
    traffic.melts(10, errors=0.2)
    assert traffic.judged() == 1


def test_a_canary_that_fails_more_than_the_control_is_rolled_back(define: Define, traffic: Traffic) -> None:
    define(CANARY)
    melts(traffic, 300, bad_on=0.1, bad_off=0.9)
    assert traffic.judged() == 0
    melts(traffic, 100, bad_on=2, bad_off=0.9)
    assert traffic.judged() == 1
    assert not is_on(KEY)
    rows = list(selectors.judgements(selectors.trigger("it", "production").pk))
    grown = [row.detail["e_value"] for row in rows[:3]]
    assert grown == sorted(grown, reverse=True)
    assert rows[0].threshold == 100
    (fired,) = told("trigger.fired")
    assert "0.29 % with it off" not in fired.reason
    assert "1.00 % with it off at the same time" in fired.reason


def test_a_canary_that_both_sides_suffer_with_stays(define: Define, traffic: Traffic) -> None:
    define(CANARY)
    melts(traffic, 300, bad_on=2, bad_off=18)
    assert traffic.judged() == 0


def test_a_canary_that_is_slow_is_rolled_back(define: Define, traffic: Traffic) -> None:
    values = {**CANARY, "numerator": {"metric": "melt_duration_ms", "labels": {"flag": KEY}}, "denominator": {}}
    define({**values, "threshold": 5000})
    melts(traffic, 100, bad_on=0, bad_off=0)
    assert traffic.judged() == 0
    melts(traffic, 60, bad_on=0, bad_off=0, slow=8000)
    assert traffic.judged() == 1


def test_the_evidence_of_a_canary_does_not_depend_on_the_rhythm(define: Define, traffic: Traffic) -> None:
    define(CANARY, "a")
    for step in range(20):
        melts(traffic, 10, bad_on=step % 2, bad_off=1)
        traffic.judged()
    steady = list(Judgement.objects.order_by("window_end").values_list("window_end", "value", "detail"))
    Judgement.objects.all().delete()
    Trigger.objects.update(judged_until=int(traffic.at.timestamp()) - 200, progress={})
    traffic.judged()
    assert list(Judgement.objects.order_by("window_end").values_list("window_end", "value", "detail")) == steady


def test_a_mean_with_its_p95_ignores_one_time_out(define: Define, traffic: Traffic) -> None:
    define({**RESPONSE_TIME, "percentile": 95, "consecutive": 1})
    labels = {"flag": OTHER, "variant": "on"}
    for _ in range(3):
        one = {**counted("melt_duration_ms", 600_000, traffic.at, **labels), "kind": "timing", "count": 1}
        many = {**counted("melt_duration_ms", 100 * 300, traffic.at, **labels), "kind": "timing", "count": 100}
        traffic.sends([one, many])
        traffic.at += timedelta(seconds=10)
    assert traffic.judged() == 0
    row = selectors.trigger("it", "production")
    assert (row.verdict, (row.value or 0) > 5000) == ("PASS", True)
    assert row.detail["p95"] == pytest.approx(300, rel=0.01)


def test_only_different_users_who_complain_count(define: Define, traffic: Traffic, operator_actor: Actor) -> None:
    define(
        {
            "measure": "distinct",
            "numerator": {"metric": "user_complaints"},
            "threshold": 5,
            "window": 600,
            "target": "last_raised",
        }
    )
    traffic.melts(20)

    def complain(npub: str) -> None:
        said = Said(category="other", npub=npub, text="", at=traffic.at)
        complaints.receive("production", said, actor=operator_actor, now=traffic.at)

    for number in range(12):
        complain(f"npub{number % 5}")
    traffic.melts(10)
    assert traffic.judged() == 0
    complain("npub6")
    traffic.melts(10)
    assert traffic.judged() == 1
    assert selectors.trigger("it", "production").value == 6


def test_a_rise_is_measured_from_before_the_flag_was_raised(
    define: Define, traffic: Traffic, operator_actor: Actor, start: datetime
) -> None:
    rollout.disable(KEY, "production", actor=operator_actor, reason="r", now=start)
    traffic.melts(300, mean=300)
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=10), actor=operator_actor, reason="r", now=traffic.at
    )
    numerator = {"metric": "melt_duration_ms", "labels": {"flag": KEY}}
    define(
        {**RESPONSE_TIME, "measure": "rise", "numerator": numerator, "threshold": 20, "flag_key": KEY}, at=traffic.at
    )
    traffic.melts(60, mean=350)
    assert traffic.judged() == 0
    traffic.melts(60, mean=370)
    assert traffic.judged() == 1
    row = selectors.trigger("it", "production")
    assert (round(row.progress["baseline"]["value"]), row.detail["baseline_samples"]) == (300, 3000)


def test_a_drop_knows_past_weeks(define: Define, traffic: Traffic) -> None:
    define(THROUGHPUT_DROP)
    traffic.melts(120)
    series = Series.objects.get(name="melt_operations_total", labels__flag=KEY)
    begin = int(traffic.at.timestamp()) // 300 * 300
    for week in (1, 2, 3):
        for step in (-300, 0, 300):
            Rollup.objects.create(
                series=series, span=300, start=begin + step - week * 7 * 86_400, n=1, sum=600, min=0, max=0, last=0
            )
    traffic.melts(60, rate=2)
    assert traffic.judged() == 0
    row = selectors.trigger("it", "production")
    assert (row.detail["baseline"], row.detail["weeks"], row.verdict) == ("past weeks", 3, "PASS")


def test_of_several_sources_one_is_read(define: Define, traffic: Traffic) -> None:
    row = define(CRITICAL_ERRORS)
    traffic.melts(20, critical=3)
    labels = {"flag": KEY, "severity": "CRITICAL"}
    ingest.store_gauges(
        row.environment_id,
        Push.OTLP,
        [Gauge("melt_errors_total", labels, traffic.at.timestamp() - 5, 50.0)],
        now=traffic.at,
    )
    assert traffic.judged() == 0
    assert selectors.trigger("it", "production").value == 6
    define({"numerator": {**CRITICAL_ERRORS["numerator"], "source": "otlp"}})
    Judgement.objects.all().delete()
    Trigger.objects.update(judged_until=0, armed_from=0)
    assert traffic.judged() == 1
    assert Judgement.objects.latest("window_end").query["sources"] == {"melt_errors_total": "otlp"}


@pytest.mark.parametrize("values", [ERROR_RATE, CRITICAL_ERRORS, THROUGHPUT_DROP])
def test_a_replay_shows_the_same_numbers_after_the_rule_was_changed(
    define: Define, traffic: Traffic, values: dict[str, Any]
) -> None:
    define(values)
    traffic.melts(120)
    traffic.melts(60, errors=0.2, critical=3, rate=4)
    assert traffic.judged() == 1
    define({"threshold": 99.0, "window": 60, "max_window": 600}, at=traffic.at)
    assert all(one.same for one in replaying.replay("it", "production", last=50))
    (fired,), (rolled_back,) = told("trigger.fired"), told("flag.rolled_back")
    for event in (fired, rolled_back):
        again = replaying.of_event(event)
        assert again.same
        assert again.today.value == fired.data["evidence"]["value"]
        assert again.judgement.query["rule"]["threshold"] == values["threshold"]


def test_a_replay_says_what_differs(define: Define, traffic: Traffic) -> None:
    define(ERROR_RATE)
    traffic.melts(20, errors=0.2)
    traffic.judged()
    traffic.sends([counted("melt_operations_total", 100, traffic.at - timedelta(seconds=5), flag=KEY, variant="on")])
    again = replaying.of_event(told("trigger.fired")[0])
    assert not again.same
    assert again.differences[0] == "The value was 20.0 and is 10.0 now."


# Missing data


def test_silence_is_told_within_two_minutes_and_its_end_too(define: Define, traffic: Traffic) -> None:
    define(ERROR_RATE)
    traffic.melts(30)
    ended = traffic.at
    told_at = None
    while told_at is None and traffic.at - ended < timedelta(minutes=5):
        traffic.pauses(10)
        traffic.judged()
        if told("metrics.silent"):
            told_at = traffic.at + timedelta(seconds=4)
    assert told_at is not None
    assert told_at - ended <= timedelta(minutes=2)
    traffic.pauses(600)
    traffic.judged()
    assert not told("metrics.heard")
    traffic.melts(10)
    traffic.judged()
    traffic.judged()
    assert (len(told("metrics.silent")), len(told("metrics.heard"))) == (1, 1)
    assert not told("trigger.fired")


def test_what_we_compute_and_probe_ourselves_is_no_report(define: Define, traffic: Traffic) -> None:
    row = define(CRITICAL_ERRORS)
    traffic.melts(30)
    for _ in range(12):
        traffic.pauses(10)
        at = traffic.at.timestamp() - 5
        for source, name in ((Push.RECORDED, "error_rate"), ("nctool-health", "up")):
            ingest.store_gauges(row.environment_id, source, [Gauge(name, {}, at, 1.0)], now=traffic.at)
        traffic.judged()
    assert len(told("metrics.silent")) == 1
    assert selectors.trigger("it", "production").verdict == "NO_DATA"


def test_who_never_reported_is_not_silent(define: Define, start: datetime) -> None:
    define(ERROR_RATE)
    assert silence.watch(now=start) == 0


def test_a_clock_that_stood_still_for_an_hour_fires_nothing_old_and_finds_what_is_new(
    define: Define, traffic: Traffic
) -> None:
    define(ERROR_RATE)
    define(THROUGHPUT_DROP, "drop")
    define(CANARY, "canary")
    traffic.melts(60)
    traffic.judged()
    traffic.pauses(3600)
    traffic.melts(60)
    assert guard.judge_all(now=traffic.at + timedelta(seconds=4)) == 0
    traffic.melts(20, errors=0.2)
    assert traffic.judged() == 1
