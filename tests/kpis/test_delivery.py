"""The four delivery metrics, from events as the other apps record them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core.models import Environment
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import emergency, rollout
from incidents.domain.states import IncidentState
from incidents.services import opening, steering
from kpis import selectors
from kpis.domain.delivery import (
    FAILS_WITHIN,
    Deployment,
    Happening,
    Trouble,
    deployments,
    judged,
    led,
    middle,
    spread,
)
from kpis.domain.figure import Period
from kpis.domain.weeks import weeks
from kpis.selectors.delivery import Delivery, delivery
from kpis.services import recording
from tests.conftest import KEY
from tests.kpis.conftest import OLGA, happens, raised, taken_back

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WHO: dict[str, Any] = {"actor": OLGA, "reason": "tests"}


def seen(production: Environment, now: datetime, days: int = 7) -> Delivery:
    return delivery(production, Period(now - DAY, now + days * DAY))


def test_the_four_are_told_week_by_week_and_a_week_with_nothing_has_no_median() -> None:
    def deployed(day: date, lead: int | None, failed: str = "") -> tuple[date, Deployment]:
        took = None if lead is None else lead * HOUR
        return day, Deployment(1, datetime(2025, 8, 1, tzinfo=UTC), "x", "x", begins=True, lead=took, failed=failed)

    found = weeks(
        date(2025, 8, 1),
        date(2025, 8, 17),
        deployed=[
            deployed(date(2025, 8, 17), 4, "rolled back"),
            deployed(date(2025, 8, 11), 1),
            deployed(date(2025, 8, 11), 2),
            deployed(date(2025, 8, 10), None),
        ],
        restored=[(date(2025, 8, 17), 10 * MINUTE), (date(2025, 8, 12), 30 * MINUTE)],
    )
    assert [(one.first, one.last) for one in found] == [
        (date(2025, 8, 11), date(2025, 8, 17)),
        (date(2025, 8, 4), date(2025, 8, 10)),
        (date(2025, 7, 28), date(2025, 8, 3)),
    ]
    assert [(one.deployments, one.leads, one.lead, one.failed) for one in found] == [
        (3, 3, 2 * HOUR, 1),
        (1, 0, None, 0),
        (0, 0, None, 0),
    ]
    assert [(one.restored, one.restore) for one in found] == [(2, 20 * MINUTE), (0, None), (0, None)]


def test_what_the_services_themselves_record_is_understood(flag: Flag, production: Environment, now: datetime) -> None:
    def share(where: str, percentage: int, at: datetime) -> None:
        rollout.change(KEY, where, StateChange(enabled=True, percentage=percentage), now=at, **WHO)

    share("development", 100, now)
    share("production", 5, now + DAY)
    share("production", 10, now + 2 * DAY)
    emergency.emergency_disable(KEY, "production", actor=OLGA, reason="it fails", now=now + 2 * DAY + HOUR)
    found = seen(production, now)
    assert [(one.what, one.begins, one.lead, one.failed) for one in found.deployments] == [
        (f"{KEY} raised", True, DAY, ""),
        (f"{KEY} raised", False, None, "switched off in an emergency"),
    ]


def test_a_deployment_is_a_raise_a_completed_migration_or_a_deploy_activity(
    production: Environment, now: datetime
) -> None:
    raised(5, now=now)
    raised(6, before=5, now=now + 9 * MINUTE)  # the same deployment
    raised(3, before=6, now=now + HOUR)  # a lowering is none
    raised(10, before=3, now=now + 2 * HOUR)
    happens("migration.completed", "migration:m1", now=now + 3 * HOUR, direction="up", number="002", rule="002 atomic")
    happens(
        "item.marked", "item:1", now=now + 4 * HOUR, after={"state": "PASSED"}, reason="Deploy application: passed."
    )
    happens("item.marked", "item:2", now=now + 5 * HOUR, after={"state": "PASSED"}, reason="Run smoke tests: passed.")
    happens("item.marked", "item:3", now=now + 5 * HOUR, after={"state": "FAILED"}, reason="Deploy again: failed.")
    raised(50, now=now, where="staging")
    assert [one.what for one in seen(production, now).deployments] == [
        f"{KEY} raised",
        f"{KEY} raised",
        "migration 002 atomic",
        "Deploy application",
    ]


def test_lead_time_starts_in_the_first_environment_after_the_last_end_or_with_the_request(
    production: Environment, now: datetime
) -> None:
    raised(100, now=now - 30 * DAY, where="development")
    raised(5, now=now)
    taken_back(now=now + HOUR)
    raised(100, before=50, now=now + 2 * HOUR, where="development")
    raised(5, now=now + DAY)
    happens("request.opened", "request:7", now=now + DAY)
    raised(5, flag="other", now=now + 3 * DAY, request=7)
    happens("migration.requested", "migration:m1", now=now + 3 * DAY)
    happens("migration.completed", "migration:m1", now=now + 4 * DAY, direction="up", number="002")
    raised(5, flag="third", now=now + 5 * DAY)
    found = seen(production, now)
    assert found.leads == [30 * DAY, DAY - 2 * HOUR, 2 * DAY, DAY]
    assert found.deployments[-1].why.startswith("its start is not known")


@pytest.mark.parametrize(
    ("trouble", "fails"),
    [
        (lambda at: taken_back(now=at + HOUR), True),
        (lambda at: taken_back(now=at + FAILS_WITHIN), True),
        (lambda at: taken_back(now=at + FAILS_WITHIN + MINUTE), False),
        (lambda at: taken_back(now=at + HOUR, flag="other"), False),
        (lambda at: taken_back(now=at + HOUR, kind="flag.emergency_disabled"), True),
        (lambda at: happens("rollback.completed", "rollback:r", now=at + HOUR, component="application"), False),
    ],
)
def test_a_deployment_failed_when_its_flag_was_taken_back_within_a_day(
    trouble: Callable[[datetime], object], fails: bool, production: Environment, now: datetime
) -> None:
    raised(5, now=now)
    trouble(now)
    assert [bool(one.failed) for one in seen(production, now).deployments] == [fails]


def test_an_incident_counts_against_the_newest_deployment_of_what_it_is_about(
    flag: Flag, production: Environment, now: datetime
) -> None:
    raised(5, now=now)
    raised(10, before=5, now=now + HOUR)
    incident = opening.declare("production", "Melts fail", 2, flag_keys=[KEY], actor=OLGA, now=now + 2 * HOUR)
    first, second = seen(production, now).deployments
    assert (first.failed, second.failed) == ("", f"incident {incident.pk} was opened about it")


def test_migrations_and_the_application_fail_when_they_are_taken_back(production: Environment, now: datetime) -> None:
    happens("migration.completed", "migration:m1", now=now, direction="up", number="002")
    happens("item.marked", "item:1", now=now, after={"state": "PASSED"}, reason="Deploy application: passed.")
    happens("migration.completed", "migration:m2", now=now + HOUR, direction="down", number="002")
    happens("rollback.completed", "rollback:r", now=now + HOUR, component="all")
    assert [one.failed for one in seen(production, now).deployments] == [
        "taken back by another run",
        "the application was rolled back",
    ]


def test_time_to_restore_ends_with_mitigation_and_open_incidents_are_named(
    flag: Flag, kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    def incident(minutes: int, at: datetime) -> None:
        row = opening.declare("production", "Melts fail", 2, separate=True, actor=OLGA, now=at)
        for state, after in ((IncidentState.MONITORING, minutes), (IncidentState.RESOLVED, minutes + 60)):
            steering.set_state(row.pk, state, reason="better", actor=OLGA, now=at + after * MINUTE)

    for minutes in (10, 20, 60):
        incident(minutes, now)
    opening.declare("production", "Still going", 1, separate=True, actor=OLGA, now=now)
    found = seen(production, now)
    assert found.times == [10 * MINUTE, 20 * MINUTE, HOUR]
    assert [one.why for one in found.restored if one.took is None] == ["it is not restored yet"]
    recording.record(production, now=now + 3 * HOUR)
    figure = next(
        each for each in selectors.current(production, now=now + 3 * HOUR) if each.key == "meanTimeToRecovery"
    )
    assert (figure.value, figure.n, figure.status) == (30, 3, "missed")


def test_the_kpis_count_what_the_page_shows(kpis: dict[str, Any], production: Environment, now: datetime) -> None:
    for number in range(10):
        raised(number + 1, before=number, now=now + number * DAY)
    taken_back(now=now + 9 * DAY + HOUR)
    at = now + 9 * DAY + 2 * HOUR
    recording.record(production, now=at)
    found = {each.key: each for each in selectors.current(production, now=at)}
    assert (found["changeFailureRate"].value, found["changeFailureRate"].n) == (10, 10)
    days = 9 + at.hour / 24
    assert found["deploymentFrequency"].value == pytest.approx(7 * 10 / days)
    assert found["deploymentFrequency"].status == "met"


def test_the_page_takes_the_same_number_of_queries_however_much_was_deployed(
    flag: Flag, production: Environment, now: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            seen(production, now)
        return len(found)

    raised(5, now=now, request=1)
    opening.declare("production", "Melts fail", 2, flag_keys=[KEY], actor=OLGA, now=now)
    few = queries()
    for number in range(40):
        raised(6 + number, before=5 + number, now=now + number * HOUR, request=number)
        opening.declare("production", "Again", 1, separate=True, actor=OLGA, now=now)
    assert queries() == few <= 8


AT = datetime(2025, 8, 11)
MOMENTS = st.integers(0, 5_000).map(lambda minutes: AT + minutes * MINUTE)


@given(st.lists(MOMENTS, unique=True), st.lists(MOMENTS))
def test_each_trouble_fails_at_most_one_deployment_and_never_a_later_one(
    raises: list[datetime], bad: list[datetime]
) -> None:
    found = [Deployment(number, at, "flag:a", "raised", begins=False) for number, at in enumerate(sorted(raises))]
    failed = [one for one in judged(found, [Trouble(at, "flag:a", "back") for at in bad]) if one.failed]
    assert len(failed) <= len(bad)
    assert all(any(one.at <= at <= one.at + FAILS_WITHIN for at in bad) for one in failed)


@given(st.lists(MOMENTS, unique=True, min_size=1))
def test_raises_of_one_flag_close_together_are_one_deployment(raises: list[datetime]) -> None:
    ordered = sorted(raises)
    on = [{"enabled": True, "percentage": number + 1, "allow_count": 0} for number in range(len(ordered) + 1)]
    told = [
        Happening(number, at, "flag.rollout_changed", "flag:a", on[number], on[number + 1])
        for number, at in enumerate(ordered)
    ]
    gaps = sum(later - earlier > 10 * MINUTE for earlier, later in pairwise(ordered))
    assert len(deployments(told)) == 1 + gaps


@given(st.lists(MOMENTS), st.lists(MOMENTS), st.none() | MOMENTS)
def test_no_lead_time_is_negative_or_reaches_back_behind_the_last_end(
    activated: list[datetime], ended: list[datetime], asked: datetime | None
) -> None:
    at = AT + 3_000 * MINUTE
    found = led(Deployment(1, at, "flag:a", "", begins=True), activated=activated, ended=ended, asked=asked)
    assert (found.lead is None) == bool(found.why)
    if found.lead is not None:
        assert found.lead >= timedelta(0)
        assert at - found.lead in {*activated, asked}


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=100))))
def test_the_spread_counts_every_time_once_and_the_median_is_the_middle(times: list[timedelta]) -> None:
    assert sum(count for _, count in spread(times)) == len(times)
    half = middle(times)
    if half is not None:
        assert sum(one <= half for one in times) >= len(times) / 2 <= sum(one >= half for one in times)
