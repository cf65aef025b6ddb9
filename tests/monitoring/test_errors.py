"""Errors of one kind from the first that is seen until they are over, and what handling them brings."""

from __future__ import annotations

from collections import namedtuple
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core import events
from core.actors import Actor
from core.environments import get as environment
from core.errors import Conflict, Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import registry, rollout
from monitoring.domain.errors import HANDLING, Kind, Rate, Seen, by_severity, kind_of, reduction, resolution, seen
from monitoring.domain.melts import melts, one_source, total
from monitoring.domain.severity import Severity
from monitoring.models import ErrorEpisode, Rollup, Series
from monitoring.selectors import store
from monitoring.selectors.errors import Effectiveness, effectiveness
from monitoring.selectors.totals import totals
from monitoring.services import errors, ingest
from tests.monitoring.conftest import KEY, counted
from tests.racing import at_once

Line = namedtuple("Line", "source labels rows")
Step = namedtuple("Step", "start n sum")


def line(source: str, sums: dict[int, float], **labels: str) -> Line:
    return Line(source, labels, [Step(at, 1, value) for at, value in sums.items()])


@pytest.mark.parametrize(
    ("labels", "severity"),
    [({"severity": "critical"}, "CRITICAL"), ({"severity": "LOW"}, "LOW"), ({"severity": "odd"}, "HIGH"), ({}, "HIGH")],
)
def test_an_error_of_no_known_severity_is_a_high_one(labels: dict[str, str], severity: str) -> None:
    assert kind_of(labels).severity == severity


def test_errors_are_counted_from_where_each_kind_was_counted_to() -> None:
    high = {"severity": "HIGH", "flag": KEY}
    lines = [line("json", {0: 1, 10: 0, 20: 2, 30: 4}, **high), line("json", {10: 5}, severity="LOW")]
    found = seen(lines, {kind_of(high): 10}, otherwise=0, until=30)
    assert found[kind_of(high)] == Seen(2, 20, 30)
    assert found[Kind(Severity.LOW, "", "")].count == 5


def test_every_melt_is_counted_once_whoever_and_how_many_report_it() -> None:
    lines = [
        line("pull-b", {0: 100}, flag="a"),
        line("json", {0: 50}, flag="a", variant="on"),
        line("json", {0: 40}, flag="a", variant="off"),
        line("json", {0: 90}, flag="b"),
        line("recorded", {0: 900}, flag="a"),
    ]
    assert total(melts(lines)) == 90
    assert {each.source for each in one_source(lines)} == {"json"}
    assert {each.source for each in one_source([lines[0], lines[4]])} == {"pull-b"}


def test_an_error_that_every_flag_tells_is_counted_once() -> None:
    lines = [
        line("json", {0: 3, 10: 1}, severity="LOW", flag="a"),
        line("json", {0: 2}, severity="LOW", flag="b", variant="on"),
        line("json", {0: 3}, severity="LOW", flag="b", variant="off"),
        line("json", {0: 2}, severity="CRITICAL", flag="b"),
        line("pull", {0: 99}, severity="CRITICAL", flag="b"),
    ]
    assert by_severity(lines) == {"CRITICAL": 2, "HIGH": 0, "MEDIUM": 0, "LOW": 5}


def test_the_reduction_has_an_interval_and_cannot_be_said_without_a_before() -> None:
    found = reduction(Rate(100, 10_000), Rate(40, 8_000))
    assert found is not None
    # two Poisson rates: ratio 0.5, standard error of its logarithm sqrt(1/40 + 1/100)
    assert (found.percent, round(found.least, 1), round(found.most, 1)) == (50, 27.9, 65.3)
    none = reduction(Rate(10, 1_000), Rate(0, 1_000))
    assert none is not None
    assert none.percent == 100
    assert none.least < 100
    assert reduction(Rate(0, 1_000), Rate(1, 1_000)) is None
    assert reduction(Rate(0, 0), Rate(1, 1_000)) is None
    assert reduction(Rate(3, 1_000), Rate(0, 0)) is None


@given(st.integers(1, 500), st.integers(0, 500), st.integers(500, 9_000), st.integers(500, 9_000))
def test_the_interval_holds_what_it_is_about(before: int, after: int, many: int, more: int) -> None:
    found = reduction(Rate(before, many), Rate(after, more))
    assert found is not None
    assert found.least < found.most <= 100
    assert after == 0 or found.least <= found.percent <= found.most


def test_how_long_errors_last_is_the_median_and_the_ninth_in_ten() -> None:
    assert resolution([]) is None
    assert resolution([30, 10, 20]) == (20, 28, 3)


class Nctool:
    """Reports melts and errors every ten seconds; the followers look after each."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def report(self, severity: str = "HIGH", failed: int = 0, **labels: str) -> None:
        rows = [counted("melt_operations_total", 100, self.at, flag=KEY, variant="on")]
        told = {"flag": KEY, "variant": "on", "severity": severity, **labels}
        rows += [counted("melt_errors_total", failed, self.at, **told)]
        self.at += timedelta(seconds=10)
        ingest.store("production", {"metrics": rows}, now=self.at)

    def followed(self) -> int:
        return errors.follow(now=self.at + timedelta(seconds=4))

    def quiet(self, seconds: int) -> None:
        """Time in which melts go well, reported once a minute."""
        for _ in range(0, seconds, 60):
            self.report()
            self.at += timedelta(seconds=50)


@pytest.fixture
def nctool(flag: Flag, now: datetime) -> Nctool:
    return Nctool(now)


def only() -> ErrorEpisode:
    return ErrorEpisode.objects.get()


def told(kind: str) -> list[dict[str, Any]]:
    return [event.data for event in events.recent().filter(kind=kind)]


@pytest.mark.django_db
def test_the_first_error_opens_an_episode_and_the_next_are_counted_on_it(nctool: Nctool, now: datetime) -> None:
    nctool.report("CRITICAL", 3)
    assert [nctool.followed(), nctool.followed()] == [1, 0]
    nctool.report("CRITICAL", 2)
    nctool.report()
    assert nctool.followed() == 0
    row = only()
    assert (row.count, row.first_seen, row.last_seen) == (5, now, now + timedelta(seconds=20))
    assert [(data["severity"], data["count"], data["flag"]) for data in told("error.opened")] == [("CRITICAL", 3, KEY)]


@pytest.mark.django_db
def test_ten_quiet_minutes_end_it_and_it_was_over_with_its_last_error(nctool: Nctool, now: datetime) -> None:
    nctool.report(failed=1)
    nctool.followed()
    nctool.quiet(540)
    nctool.followed()
    assert only().resolved_at is None
    nctool.quiet(120)
    nctool.followed()
    assert (only().resolved_at, only().resolved_by) == (now + timedelta(seconds=10), "clock")
    nctool.report(failed=1)
    assert nctool.followed() == 1
    assert ErrorEpisode.objects.count() == 2
    assert len(told("error.resolved")) == 1


@pytest.mark.django_db
def test_silence_ends_nothing(nctool: Nctool) -> None:
    nctool.report(failed=1)
    nctool.followed()
    nctool.at += timedelta(days=2)
    nctool.followed()
    assert only().resolved_at is None
    nctool.quiet(300)
    nctool.followed()
    assert only().resolved_at is None


@pytest.mark.django_db
def test_a_low_rate_of_small_errors_is_one_episode(nctool: Nctool) -> None:
    for _ in range(6):
        nctool.report("LOW", 1)
        nctool.followed()
        nctool.quiet(1_200)
        nctool.followed()
    assert (only().count, only().resolved_at) == (6, None)


@pytest.mark.django_db
def test_severities_features_and_variants_are_told_apart_and_old_errors_open_nothing(nctool: Nctool) -> None:
    nctool.report("HIGH", 1)
    nctool.quiet(660)
    assert nctool.followed() == 0
    nctool.report("HIGH", 1)
    nctool.report("LOW", 1)
    nctool.report("HIGH", 1, variant="off")
    nctool.report("HIGH", 1, flag="preFlightReconciliation")
    assert nctool.followed() == 4


@pytest.mark.django_db
def test_a_person_ends_it_with_a_note_and_only_later_errors_open_another(nctool: Nctool, operator_actor: Actor) -> None:
    nctool.report(failed=1)
    nctool.followed()
    now = nctool.at + timedelta(seconds=5)
    with pytest.raises(Invalid):
        errors.resolve(only().pk, note="  ", actor=operator_actor, now=now)
    errors.resolve(only().pk, note="Mint was restarted", actor=operator_actor, now=now)
    with pytest.raises(Conflict):
        errors.resolve(only().pk, note="again", actor=operator_actor, now=now)
    assert (only().resolved_at, only().resolved_by, only().note) == (now, "olga", "Mint was restarted")
    nctool.report(failed=1)
    assert nctool.followed() == 0
    nctool.report(failed=1)
    assert nctool.followed() == 1


@pytest.mark.django_db
def test_what_the_handling_brings_is_measured_from_before_it_was_on(nctool: Nctool, operator_actor: Actor) -> None:
    here = environment("production").pk

    def found() -> Effectiveness:
        return effectiveness("production", here, now=nctool.at)

    assert "no flag" in found().why
    switch: dict[str, Any] = {"actor": operator_actor, "reason": "week 3"}
    registry.define(
        HANDLING, name="h", description="", bucketing=Bucketing.JS31, actor=operator_actor, reason="r", now=nctool.at
    )
    assert (found().now.total, found().now.operations, found().now.resolution) == (None, 0, None)
    for _ in range(10):
        nctool.report("CRITICAL", 4)
    assert "is off here" in found().why
    nctool.at += timedelta(hours=30)
    rollout.change(HANDLING, "production", StateChange(enabled=True), now=nctool.at, **switch)
    rollout.change(HANDLING, "production", StateChange(percentage=50), now=nctool.at, **switch)
    since = nctool.at
    rollout.change(HANDLING, "production", StateChange(percentage=100), now=nctool.at + timedelta(minutes=1), **switch)
    assert "Nothing has been measured since" in found().why
    for _ in range(10):
        nctool.report("LOW", 1)
    one = found()
    assert (one.since, one.percentage, one.why) == (since, 100, "")
    assert one.reduction is not None
    assert one.before is not None
    assert one.before.rate.per_thousand == 40
    assert one.now.by_severity == {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "LOW": 10}
    assert (one.now.rate.per_thousand, one.reduction.percent) == (10, 75)
    ErrorEpisode.objects.create(
        environment_id=here,
        severity="LOW",
        counted_until=0,
        first_seen=since,
        last_seen=since,
        resolved_at=since + timedelta(seconds=40),
    )
    assert errors.record(now=nctool.at) == 2
    end = int(nctool.at.timestamp()) + 10
    gauges = store.read_all(here, [errors.RESOLUTION_TIME, errors.IMPACT_REDUCTION], start=0, end=end)
    assert [(each.source, each.name, each.rows[0].last) for each in gauges] == [
        ("recorded", "error_resolution_time", 40),
        ("recorded", "user_impact_reduction", 75),
    ]


@pytest.mark.django_db
def test_whole_hours_are_taken_from_what_they_were_rolled_up_to(nctool: Nctool) -> None:
    """One hour is rolled up, with another sum than its buckets have: so one can see which of the two was read."""
    here = environment("production").pk
    start = int(nctool.at.timestamp())
    for _ in range(3):
        nctool.report()
        nctool.at += timedelta(minutes=45, seconds=-10)
    nctool.report()
    name, series = "melt_operations_total", Series.objects.get(name="melt_operations_total")
    assert [each.rows[0].sum for each in totals(here, [name], start=start, end=start + 9_000)] == [400]
    Rollup.objects.create(series=series, span=3600, start=start + 3600, n=1, sum=7, min=0, max=7, last=7)
    with CaptureQueriesContext(connection) as queries:
        assert [each.rows[0].sum for each in totals(here, [name], start=start, end=start + 9_000)] == [307]
    assert len(queries) == 4


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_four_followers_at_once_count_once(nctool: Nctool) -> None:
    nctool.report(failed=3)
    assert sum(at_once(*[nctool.followed] * 4)) == 1
    nctool.report(failed=2)
    assert sum(at_once(*[nctool.followed] * 4)) == 0
    assert only().count == 5
    assert len(told("error.opened")) == 1
    assert only().environment == environment("production")
