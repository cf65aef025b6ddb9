"""From firing to resolved, over real rows: `for`, no data, silences, two evaluators, and time nobody looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from alerting import selectors
from alerting.domain import state
from alerting.domain.state import Standing
from alerting.domain.states import AlertState, Health
from alerting.models import Alert, AlertRule
from alerting.services import alerts, evaluating, past, rules
from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, StaleVersion
from tests.alerting.conftest import RULE
from tests.racing import at_once

At = Callable[..., int]
Define = Callable[..., AlertRule]


def states() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("state", flat=True))


def told() -> list[str]:
    kinds = events.recent().filter(kind__startswith="alert.").order_by("id").values_list("kind", flat=True)
    return [kind.removeprefix("alert.") for kind in kinds]


def test_it_fires_once_it_held_for_as_long_as_it_must_and_not_before(define: Define, at: At) -> None:
    define(annotations={"summary": "Error rate is {{ $value }} %"}, runbook_url="https://runbooks.example/errors")
    for second in (0, 15, 30, 45):
        at(second, error_rate=2.5)
        assert states() == ["pending"]
    assert told() == []
    assert at(60, error_rate=3) == 1
    alert = Alert.objects.get()
    assert (alert.state, alert.value, alert.severity) == ("firing", 3.0, "critical")
    assert alert.annotations == {"summary": "Error rate is 3 %", "runbook_url": "https://runbooks.example/errors"}
    assert alert.labels == {"alertname": "ErrorRate", "severity": "critical"}
    assert told() == ["firing"]
    at(75, error_rate=2)
    assert at(90, error_rate=0.5) == 1
    assert states() == ["resolved"]
    assert told() == ["firing", "resolved"]


def test_what_ceases_to_hold_in_time_was_nothing(define: Define, at: At) -> None:
    define()
    at(0, error_rate=2)
    at(15, error_rate=0)
    assert states() == []
    at(30, error_rate=2)
    at(45, error_rate=2)
    assert states() == ["pending"]
    assert Alert.objects.get().starts_at == events_time(30)


def events_time(second: int) -> datetime:
    return datetime.fromisoformat("2025-08-11T09:00:00+00:00") + timedelta(seconds=second)


def test_no_data_is_never_resolved(define: Define, at: At) -> None:
    rule = define(for_seconds=0)
    at(0, error_rate=2)
    for second in (90, 105, 3600):
        at(second)
    rule.refresh_from_db()
    alert = Alert.objects.get()
    assert (alert.state, rule.health) == ("firing", Health.NO_DATA)
    assert alert.absent_since == rule.no_data_since == events_time(90)
    assert told() == ["firing", "no_data"]
    at(3700, error_rate=2)
    alert.refresh_from_db()
    assert (alert.state, alert.absent_since) == ("firing", None)
    at(3715, error_rate=0)
    assert states() == ["resolved"]


def test_what_only_pends_is_forgotten_with_its_data(define: Define, at: At) -> None:
    define(for_seconds=600)
    at(0, error_rate=2)
    at(60)
    at(75)
    assert states() == []
    at(90, error_rate=2)
    assert Alert.objects.get().starts_at == events_time(90)


def test_of_several_series_one_that_is_gone_does_not_resolve_its_alert(define: Define, at: At) -> None:
    define(expr="feature_error_rate > 5", for_seconds=0)
    at(0, {"feature": "a"}, {"feature": "b"}, feature_error_rate=9)
    assert states() == ["firing", "firing"]
    at(100, {"feature": "b"}, feature_error_rate=1)
    found = {alert.labels["feature"]: alert for alert in Alert.objects.all()}
    assert (found["a"].state, found["b"].state) == ("firing", "resolved")
    assert found["a"].absent_since is not None


def test_time_that_nobody_looked_at_does_not_count_for_it_to_fire(define: Define, at: At) -> None:
    define(for_seconds=600)
    at(0, error_rate=2)
    at(3600, error_rate=2)
    assert states() == ["pending"]
    assert Alert.objects.get().starts_at == events_time(3600)


def test_it_fires_on_for_as_long_as_it_is_told_to(define: Define, at: At) -> None:
    define(for_seconds=0, keep_firing_seconds=60)
    at(0, error_rate=2)
    at(30, error_rate=0)
    assert states() == ["firing"]
    at(75, error_rate=0)
    assert states() == ["resolved"]


def test_a_rule_that_fails_says_so_and_keeps_its_alerts_and_the_others(define: Define, at: At) -> None:
    define(for_seconds=0)
    bad = define("Bad", expr="error_rate > 1", for_seconds=0)
    at(0, error_rate=2)
    AlertRule.objects.filter(pk=bad.pk).update(expr="error_rate + on() error_rate{a=")
    at(15, error_rate=0)
    bad.refresh_from_db()
    assert bad.health == Health.ERROR
    assert "PromQL" in bad.error
    assert sorted(Alert.objects.values_list("name", "state")) == [("Bad", "firing"), ("ErrorRate", "resolved")]


def test_a_silenced_alert_is_shown_and_told_when_the_silence_ends(
    define: Define, at: At, operator_actor: Actor, now: datetime
) -> None:
    define(for_seconds=0)
    quiet = {"reason": "We know.", "actor": operator_actor, "now": now}
    match = [{"name": "alertname", "op": "=~", "value": "Error.*"}]
    alerts.silence("production", match, starts_at=now, ends_at=now + timedelta(seconds=60), **quiet)
    at(0, error_rate=2)
    at(45, error_rate=2)
    assert (states(), told()) == (["firing"], [])
    at(75, error_rate=2)
    assert told() == ["firing"]


def test_one_that_comes_and_goes_is_told_once_in_five_minutes(define: Define, at: At) -> None:
    define(for_seconds=0)
    for second in range(0, 240, 30):
        at(second, error_rate=2 if second % 60 == 0 else 0)
    assert told() == ["firing", "resolved"]
    at(400, error_rate=2)
    assert told() == ["firing", "resolved", "firing"]


def test_people_acknowledge_and_only_end_what_nothing_else_will(
    define: Define, at: At, operator_actor: Actor, now: datetime
) -> None:
    define(for_seconds=0)
    at(0, error_rate=2)
    alert = Alert.objects.get()
    who = {"actor": operator_actor, "now": now}
    with pytest.raises(Invalid):
        alerts.acknowledge(alert.pk, comment=" ", **who)
    assert alerts.acknowledge(alert.pk, comment="Looking.", **who).acknowledged_by == "olga"
    with pytest.raises(Conflict, match="followed by its rule"):
        alerts.resolve(alert.pk, reason="Enough.", **who)
    at(100)
    assert alerts.resolve(alert.pk, reason="The service is gone.", **who).state == "resolved"
    with pytest.raises(Conflict):
        alerts.acknowledge(alert.pk, comment="Late.", **who)


def test_a_changed_or_removed_rule_ends_its_alerts_and_a_stale_editor_is_told(
    define: Define, at: At, operator_actor: Actor, now: datetime
) -> None:
    rule = define(for_seconds=0)
    at(0, error_rate=2)
    define(for_seconds=0, annotations={"summary": "words"})
    assert states() == ["firing"]
    define(for_seconds=0, expr="error_rate > 5")
    assert states() == ["resolved"]
    with pytest.raises(StaleVersion):
        rules.define("production", "tests", "ErrorRate", {}, actor=operator_actor, reason="", now=now, version=1)
    at(30, error_rate=9)
    rules.remove(rule.pk, reason="Not needed.", actor=operator_actor, now=now)
    assert states() == ["resolved", "resolved"]
    assert not AlertRule.objects.exists()


def test_evaluating_takes_the_same_queries_for_many_rules(
    define: Define, at: At, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    define("Rule0", expr="error_rate > 5")
    at(0, error_rate=2)
    with CaptureQueriesContext(connection) as for_one:
        evaluating.evaluate_all(now=events_time(23))
    for number in range(1, 40):
        define(f"Rule{number}", expr=f"error_rate > {number + 5}")
    with django_assert_num_queries(len(for_one)):
        evaluating.evaluate_all(now=events_time(38))


def test_alerts_of_one_rule_make_one_message_and_those_that_follow_wait_a_minute(define: Define, at: At) -> None:
    define(expr="feature_error_rate > 5", for_seconds=0, annotations={"summary": "{{ $labels.feature }} fails"})
    several = [{"feature": name, "zone": "eu"} for name in "abcde"]
    at(0, *several, feature_error_rate=9)
    (event,) = events.recent().filter(kind="alert.firing")
    assert (event.data["count"], len(event.data["alerts"]), event.data["labels"]["zone"]) == (5, 5, "eu")
    assert "feature" not in event.data["labels"]
    assert event.reason == "5 alerts: a fails; b fails; c fails; and 2 more"
    for second, more in ((15, "f"), (30, "g"), (45, "h")):
        several.append({"feature": more, "zone": "eu"})
        at(second, *several, feature_error_rate=9)
    assert told() == ["firing"]
    at(70, *several, feature_error_rate=9)
    assert told() == ["firing", "firing"]
    assert events.recent().filter(kind="alert.firing").first().reason == "3 alerts: f fails; g fails; h fails"
    at(140, *several, feature_error_rate=1)
    assert told() == ["firing", "firing", "resolved"]


def test_two_rules_of_one_name_in_two_groups_fire_each_for_itself(
    define: Define, at: At, operator_actor: Actor, now: datetime
) -> None:
    define(for_seconds=0)
    said = {"actor": operator_actor, "reason": "tests", "now": now}
    rules.define("production", "others", "ErrorRate", {**RULE, "for_seconds": 0}, **said)
    at(0, error_rate=2)
    assert states() == ["firing", "firing"]
    assert told() == ["firing"]
    at(15, error_rate=0)
    assert states() == ["resolved", "resolved"]


def test_a_label_that_the_rule_overwrites_does_not_keep_its_alert_from_ending(define: Define, at: At) -> None:
    define(expr='discrepancies{severity="HIGH"} > 0', for_seconds=0, severity="critical")
    at(0, {"severity": "HIGH"}, discrepancies=3)
    assert states() == ["firing"]
    at(15, {"severity": "HIGH"}, discrepancies=0)
    assert states() == ["resolved"]


def test_a_rule_whose_alerts_cannot_be_told_apart_says_so(define: Define, at: At) -> None:
    rule = define(expr="feature_error_rate > 5", for_seconds=0, labels={"feature": "all"})
    define("Other", expr="feature_error_rate > 5", for_seconds=0)
    at(0, {"feature": "a"}, {"feature": "b"}, feature_error_rate=9)
    rule.refresh_from_db()
    assert (rule.health, Alert.objects.filter(rule=rule).count()) == (Health.ERROR, 0)
    assert "the same labels" in rule.error
    assert Alert.objects.filter(name="Other").count() == 2


def test_the_past_says_when_it_would_have_fired(define: Define, at: At, now: datetime) -> None:
    for second in range(0, 1200, 10):
        at(second, error_rate=5 if 300 <= second < 600 or 650 <= second < 670 else 0)
    end = now + timedelta(seconds=1200)
    definition = rules.definition_of(define())
    found = past.would_have("production", definition, since=now, now=end)
    (firing,) = found.firings
    assert firing.since == pytest.approx(now + timedelta(seconds=360), abs=timedelta(seconds=20))
    assert firing.until == pytest.approx(now + timedelta(seconds=600), abs=timedelta(seconds=75))
    assert (firing.value, found.step) == (5, 15)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_evaluators_at_once_are_one(define: Define, at: At) -> None:
    define(for_seconds=0)
    at(0, error_rate=0)
    from core import environments
    from monitoring.services import ingest

    gauge = ingest.Gauge("error_rate", {}, events_time(20).timestamp(), 4.0)
    ingest.store_gauges(environments.get("production").pk, "recorded", [gauge], now=events_time(30))
    at_once(*[lambda: evaluating.evaluate_all(now=events_time(33))] * 4)
    assert (states(), told()) == (["firing"], ["firing"])


MOVES = st.lists(st.sampled_from([None, 0.0, 1.0]), max_size=40)  # no data, false, true


@given(MOVES, st.integers(0, 4), st.integers(0, 4))
def test_whatever_comes_an_alert_fires_only_after_its_time_and_never_ends_for_want_of_data(
    moves: list[float | None], hold: int, keep: int
) -> None:
    standing: Standing | None = None
    row = 0
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    for number, move in enumerate(moves):
        before = standing
        row = row + 1 if move else row if move is None else 0
        standing = state.step(
            before,
            move or None,
            has_data=move is not None,
            hold=state.INTERVAL * hold,
            keep=state.INTERVAL * keep,
            now=start + number * state.INTERVAL,
        )
        if standing and standing.state is AlertState.FIRING and (before is None or before.state is AlertState.PENDING):
            assert row > 0
            assert standing.fired_at - standing.starts_at >= state.INTERVAL * hold
        if move is None and before and before.state is AlertState.FIRING:
            assert standing.state is AlertState.FIRING
        if standing and standing.state is AlertState.RESOLVED:
            assert move == 0
            standing = None


def test_the_lists_take_one_query_each(
    define: Define, at: At, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    define(for_seconds=0)
    at(0, error_rate=2)
    with django_assert_num_queries(1):
        assert [(rule.firing, rule.pending) for rule in selectors.rules("production")] == [(1, 0)]
    with django_assert_num_queries(1):
        assert [alert.rule.name for alert in selectors.open_alerts("production")] == ["ErrorRate"]
