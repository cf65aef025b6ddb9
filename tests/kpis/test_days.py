"""The days are recorded once, whoever does it and whenever, and the figures are what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import environments, events
from core.errors import Invalid
from core.models import Environment
from kpis import selectors
from kpis.domain.figure import Figure, Status
from kpis.models import Day, Kpi
from kpis.selectors.registry import definition_of
from kpis.services import recording, registry, standing
from rollouts.models import ValidationRun
from tests.kpis.conftest import OLGA, raised
from tests.racing import at_once

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def figures(production: Environment, now: datetime) -> dict[str, Figure]:
    return {each.key: each for each in selectors.current(production, now=now)}


def test_figures_are_recomputed_from_what_was_reported(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    for number in range(3):
        melts(now + number * HOUR, 1_000, bad=number, ms=1_000 + 500 * number)
    at = now + 3 * HOUR
    recording.record(production, now=at)
    found = figures(production, at)
    assert found["errorRate"].value == pytest.approx(100 * 3 / 3_000)
    assert (found["errorRate"].n, found["errorRate"].status, found["errorRate"].sure) == (3_000, Status.MET, True)
    assert found["operationSuccessRate"].value == pytest.approx(100 - 100 * 3 / 3_000)
    assert found["responseTime"].value == pytest.approx(1.5)
    made = (at - now).total_seconds()  # production is as old as that
    assert found["throughput"].value == pytest.approx(3_000 / made)
    assert found["throughput"].status is Status.MISSED


def test_a_kpi_without_data_says_why_and_is_not_met(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    recording.record(production, now=now + HOUR)
    found = figures(production, now + HOUR)
    assert {each.status for each in found.values()} <= {Status.NO_DATA, Status.TOO_FEW}
    assert found["uptime"].why == "up was not reported"
    assert found["errorRate"].why == "melt_operations_total was not reported"
    assert found["transactionConsistency"].why == "no validation looked at atomicOperations"
    assert found["userSatisfaction"].why == "nobody answered the survey"
    assert found["supportTicketReduction"].why == "nobody has reported a figure yet"
    assert found["meanTimeToRecovery"].why == "no incident was restored"


def test_validations_that_looked_tell_of_the_data(kpis: dict[str, Any], production: Environment, now: datetime) -> None:
    def validated(at: datetime, success: bool | None, prevented: bool | None) -> None:
        evidence = [{"name": "doubleCountingPrevented", "value": "", "ok": prevented}] if prevented is not None else []
        results = {"atomicOperations": {"success": success, "evidence": evidence}}
        who = {"started_by": "clock", "started_by_kind": "machine", "lease": "", "lease_until": at}
        ValidationRun.objects.create(
            environment=production, started_at=at, finished_at=at, success=success, results=results, **who
        )

    for number, (success, prevented) in enumerate([(True, True), (False, True), (None, None), (True, True)]):
        validated(now + number * HOUR, success, prevented)
    recording.record(production, now=now + 5 * HOUR)
    found = figures(production, now + 5 * HOUR)
    assert found["transactionConsistency"].value == pytest.approx(100 * 2 / 3)
    assert (found["transactionConsistency"].n, found["transactionConsistency"].status) == (3, Status.MISSED)
    assert (found["doubleCountingPrevention"].value, found["doubleCountingPrevention"].status) == (100, Status.MET)


def test_the_clock_catches_up_on_days_it_missed_and_leaves_settled_ones(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    for number in range(6):
        melts(now + number * DAY, 1_000 * (number + 1))
    at = now + 5 * DAY + HOUR
    recording.record(production, now=at)
    rows = Day.objects.filter(environment=production, kpi__key="errorRate").order_by("day")
    assert [row.of for row in rows] == [1_000 * number for number in range(1, 7)]
    assert [row.settled for row in rows] == [True, True, False, False, False, False]
    before = list(rows.values())
    melts(now + 5 * DAY + HOUR, 500)
    Day.objects.filter(pk=rows[0].pk).update(of=7)
    recording.record(production, now=at + HOUR)
    after = list(rows.values())
    assert len(after) == len(before)
    assert (after[0]["of"], after[5]["of"]) == (7, 6_500)


def test_a_clock_that_ran_a_week_ahead_spoils_no_day_and_silences_nothing(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    registry.define("errorRate", {**kpis["errorRate"], "window": 1, "min_samples": 100}, actor=OLGA, reason="", now=now)
    for at in (now, now + 7 * DAY, now - DAY):  # forward, and a day too far back
        recording.record(production, now=at)
        standing.look(production, now=at)
    for number in range(6):
        at = now + number * DAY + HOUR
        melts(at - HOUR, 1_000, bad=50)
        recording.record(production, now=at)
        standing.look(production, now=at)
    rows = Day.objects.filter(environment=production, kpi__key="errorRate", day__lte=at.date()).order_by("day")
    assert [(row.part, row.of) for row in rows if row.of] == [(50, 1_000)] * 6
    assert events.about("kpi:errorRate").filter(kind=standing.FELL).count() == 1


def test_a_late_worker_does_not_overwrite_what_was_read_after_it(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    melts(now, 1_000)
    recording.record(production, now=now + HOUR)
    assert recording.record(production, now=now + HOUR / 2) == 0
    assert Day.objects.get(kpi__key="errorRate").measured_at == now + HOUR


def test_a_day_is_a_day_of_the_zone_of_the_environment_also_when_the_clocks_change(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None]
) -> None:
    environments.define(
        "production", {"zone": "Europe/Berlin"}, actor=OLGA, reason="", now=datetime(2025, 3, 1, tzinfo=UTC)
    )
    production.refresh_from_db()
    events.recent().update(at=datetime(2025, 3, 28, 12, tzinfo=UTC))
    first_moment, last_moment = datetime(2025, 3, 29, 23, 0, tzinfo=UTC), datetime(2025, 3, 30, 21, 59, 50, tzinfo=UTC)
    for at in (first_moment - timedelta(seconds=10), first_moment, last_moment, last_moment + timedelta(seconds=10)):
        melts(at, 1_000)
    recording.record(production, now=datetime(2025, 4, 2, tzinfo=UTC))
    row = Day.objects.get(kpi__key="throughput", day=date(2025, 3, 30))
    assert (row.part, row.of) == (2_000, 23 * 3_600)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_row_of_each_day(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    melts(now, 1_000)
    at_once(*[lambda number=number: recording.record(production, now=now + number * HOUR) for number in (1, 2, 1, 2)])
    rows = Day.objects.filter(environment=production, kpi__key="errorRate")
    assert [(row.of, row.measured_at) for row in rows] == [(1_000, now + 2 * HOUR)]


def test_recording_and_reading_take_the_same_number_of_queries_however_much_there_is(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    def queries(call: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as found:
            call()
        return len(found)

    melts(now, 1_000)
    raised(5, now=now)
    at = now + HOUR
    few = queries(lambda: recording.record(production, now=at))
    board = queries(lambda: selectors.board(production.pk, start=now - 7 * DAY, end=now + DAY))
    for number in range(30):
        melts(now + timedelta(minutes=number), 1_000, bad=1)
        raised(6 + number, before=5 + number, now=now + timedelta(minutes=11 * number))
    assert queries(lambda: recording.record(production, now=at + HOUR)) <= few + 1
    assert queries(lambda: selectors.board(production.pk, start=now - 7 * DAY, end=now + DAY)) == board == 4
    assert queries(lambda: selectors.current(production, now=at)) == 3


def test_a_board_of_a_week_compares_it_with_the_week_before(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    for number in range(14):
        melts(now + number * DAY, 1_000, bad=20 if number < 7 else 1)
    recording.record(production, now=now + 14 * DAY)
    midnight = now.replace(hour=0)
    week = selectors.board(production.pk, start=midnight + 7 * DAY, end=midnight + 14 * DAY)
    error_rate = next(each for each in week if each.key == "errorRate")
    assert error_rate.value == pytest.approx(0.1)
    assert error_rate.before is not None
    assert error_rate.before.value == pytest.approx(2.0)
    with pytest.raises(Invalid, match="No day"):
        selectors.board(production.pk, start=midnight + HOUR, end=midnight + 2 * HOUR)


def test_people_are_told_once_after_three_days_below_and_once_when_it_is_back(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    registry.define("errorRate", {**kpis["errorRate"], "window": 1, "min_samples": 100}, actor=OLGA, reason="", now=now)

    def told() -> list[str]:
        found = events.about("kpi:errorRate").filter(kind__in=(standing.FELL, standing.CAME_BACK)).order_by("id")
        return list(found.values_list("kind", flat=True))

    for number, bad in enumerate([0, 50, 0, 50, 50, 50, 50, 0, 0, 0, 0]):
        melts(now + number * DAY, 1_000, bad=bad)
        at = now + number * DAY + HOUR
        recording.record(production, now=at)
        standing.look(production, now=at)
        standing.look(production, now=at)
        assert told() == [[], ["kpi.missed"], ["kpi.missed", "kpi.met"]][(number >= 6) + (number >= 10)]
    (fell,) = events.about("kpi:errorRate").filter(kind=standing.FELL)
    assert fell.reason == ("3 days in a row: Error rate: 5 %, target <1% not met.")


def test_days_are_forgotten_but_not_those_that_would_be_recorded_again(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    kpi = Kpi.objects.get(key="errorRate")
    for days in (400, 190, 100):
        Day.objects.create(kpi=kpi, environment=production, day=(now - days * DAY).date(), measured_at=now, why="none")
    assert recording.forget(now=now, keep=timedelta(days=1)) == 2


def test_the_history_of_a_kpi_has_every_day_of_its_time(
    kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime
) -> None:
    melts(now, 2_000, bad=2)
    recording.record(production, now=now + DAY)
    line = selectors.history(production, definition_of(selectors.get("errorRate")), days=30, now=now + DAY)
    assert len(line) == 30
    assert [figure.value for _, figure in line[-3:]] == [None, 0.1, 0.1]
    with pytest.raises(Invalid):
        selectors.history(production, definition_of(selectors.get("errorRate")), days=400, now=now)
