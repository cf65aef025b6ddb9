"""Figures from outside: taken whole or not at all, and corrected without losing what was said before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.models import Environment
from kpis import selectors
from kpis.domain.figure import Figure, Status
from kpis.models import OutsideFigure
from kpis.selectors import outside
from kpis.services import reporting
from kpis.services.reporting import Given
from tests.kpis.conftest import OLGA, WHERE
from tests.racing import at_once

TICKETS = "supportTicketReduction"
JULY = Given(TICKETS, date(2025, 7, 1), date(2025, 7, 31), 90, 120, "from the help desk")
HEAD = b"kpi,start,end,baseline,current,note\n"


def report(given: Given, now: datetime, **over: Any) -> OutsideFigure:
    return reporting.report(WHERE, given, actor=OLGA, now=now, **over)


def tickets(production: Environment, now: datetime) -> Figure:
    return next(each for each in selectors.current(production, now=now) if each.key == TICKETS)


def test_a_reported_figure_is_the_kpi_with_who_and_when(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    row = report(JULY, now)
    assert (tickets(production, now).value, tickets(production, now).status) == (25, Status.MET)
    (event,) = events.about(f"kpi:{TICKETS}").filter(kind=reporting.REPORTED)
    assert (event.actor, event.data["figure"], event.after["current"]) == ("olga", row.pk, 90)
    assert report(JULY, now + timedelta(hours=1)) == row
    assert outside.reported().count() == 1


def test_periods_of_one_window_add_up_and_an_old_one_is_no_figure_of_today(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    report(JULY, now)
    report(Given(TICKETS, date(2025, 8, 1), date(2025, 8, 7), 0, 30), now)
    assert tickets(production, now).value == pytest.approx(100 * (120 + 30 - 90) / 150)
    late = tickets(production, now + timedelta(days=90))
    assert (late.status, late.why) == (Status.NO_DATA, "nothing was reported for a period since 2025-08-07")


def test_a_correction_supersedes_and_the_old_figure_stays_in_the_history(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    first = report(JULY, now)
    better = Given(TICKETS, JULY.start, JULY.end, 60, 120)
    with pytest.raises(Conflict, match="correct that one"):
        report(better, now)
    second = report(better, now, correct=True)
    first.refresh_from_db()
    assert (second.corrects, first.superseded_at, first.current) == (first, now, 90)
    assert tickets(production, now).value == 50
    (event,) = events.about(f"kpi:{TICKETS}").filter(kind=reporting.CORRECTED)
    assert (event.before["current"], event.after["current"]) == (90, 60)


def test_a_period_that_overlaps_another_is_refused_until_that_one_is_withdrawn(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    row = report(JULY, now)
    other = Given(TICKETS, date(2025, 7, 15), date(2025, 8, 5), 1, 2)
    with pytest.raises(Conflict, match="overlaps"):
        report(other, now, correct=True)
    with pytest.raises(Invalid, match="Say why"):
        reporting.withdraw(row.pk, reason=" ", actor=OLGA, now=now)
    reporting.withdraw(row.pk, reason="wrong month", actor=OLGA, now=now)
    with pytest.raises(Conflict, match="no longer"):
        reporting.withdraw(row.pk, reason="wrong month", actor=OLGA, now=now)
    assert report(other, now).superseded_at is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Given("errorRate", JULY.start, JULY.end, 1), Invalid),
        (Given("unknown", JULY.start, JULY.end, 1, 2), NotFound),
        (Given(TICKETS, JULY.start, JULY.end, 1), Invalid),
        (Given(TICKETS, JULY.start, date(2025, 8, 12), 1, 2), Invalid),
        (Given(TICKETS, JULY.start, JULY.end, 1, 2, "x" * 501), Invalid),
    ],
)
def test_a_figure_that_is_refused_leaves_nothing(
    given: Given, error: type[Exception], kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    with pytest.raises(error):
        report(given, now)
    assert not outside.reported().exists()


def test_a_file_is_taken_whole_or_not_at_all_and_every_wrong_line_is_named(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    fine = f"{TICKETS},2025-07-01,2025-07-31,120,90,\noperationalCostReduction,2025-07-01,2025-07-31,100,80,\n".encode()
    wrong = b"errorRate,2025-07-01,2025-07-31,,90,\nsupportTicketReduction,2025-07-31,2025-08-01,nan,1,\n"
    with pytest.raises(Invalid) as refused:
        reporting.report_file(WHERE, HEAD + fine + wrong, actor=OLGA, now=now)
    assert "Nothing was taken. Line 4: Error rate is measured here" in str(refused.value)
    assert "Line 5: " in str(refused.value)
    assert not outside.reported().exists()
    assert not events.recent().filter(kind=reporting.REPORTED).exists()
    assert len(reporting.report_file(WHERE, HEAD + fine, actor=OLGA, now=now)) == 2
    reporting.report_file(WHERE, HEAD + fine, actor=OLGA, now=now)
    assert outside.reported().count() == 2


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_two_figures_for_one_period_at_once_one_holds(
    kpis: dict[str, Any], production: Environment, now: datetime
) -> None:
    others = [Given(TICKETS, JULY.start, JULY.end, number, 120) for number in range(4)]
    results = at_once(*[lambda given=given: report(given, now) for given in others])
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True, True, True]
    assert outside.reported().filter(superseded_at=None).count() == 1
