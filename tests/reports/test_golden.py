"""Golden reports of crafted weeks. Every figure is recomputed here from what was written, without the report's code."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from scipy.stats import t as student

from core import environments, events
from core.actors import CLOCK, Actor
from flags.models import Flag
from flags.services import emergency, rollout
from monitoring.models import Rollup
from reports.domain.document import build, digest
from reports.domain.periods import Period, by_hand
from reports.models import Report
from reports.services import making, setting
from tests.reports.weeks import BERLIN, FLAG, Store, hours, midnight

pytestmark = pytest.mark.django_db
MONDAY = date(2025, 8, 4)
WEEK = Period(midnight(MONDAY), midnight(MONDAY + timedelta(days=7)), "UTC")
NOW = datetime(2025, 8, 11, 7, 0, tzinfo=UTC)
NEVER = -1  # no error counter at all


def made(period: Period = WEEK, now: datetime = NOW) -> Report:
    return making.make("production", period, actor=CLOCK, now=now)


def figure(report: Report, name: str) -> dict[str, Any]:
    every = [each for section in report.document["metrics"].values() for each in section]
    return next(each for each in every if each["name"] == name)


def trend(report: Report, name: str, against: str = "before") -> dict[str, Any]:
    return next(each for each in report.document["analysis"]["trends"] if each["name"] == name)[against]


def ratio(days: list[tuple[float, float]]) -> tuple[float, float]:
    """The ratio of two sums over days, and the variance of it, by the book."""
    of = sum(day[1] for day in days)
    value = sum(day[0] for day in days) / of
    return value, len(days) / (len(days) - 1) * sum((p - value * o) ** 2 for p, o in days) / of**2


def welch(now: list[tuple[float, float]], then: list[tuple[float, float]], least: Any) -> tuple[float, float, float]:
    """The difference of two ratios with its 95 % interval; degrees of freedom are rounded down."""
    (one, v1), (two, v2) = ratio(now), ratio(then)
    v1, v2 = max(v1, least(now)), max(v2, least(then))
    freedom = (v1 + v2) ** 2 / (v1**2 / (len(now) - 1) + v2**2 / (len(then) - 1))
    reach = student.ppf(0.975, min(int(freedom), 30)) * sqrt(v1 + v2)
    return one - two, one - two - reach, one - two + reach


def binomial(days: list[tuple[float, float]]) -> float:
    part, of = sum(day[0] for day in days) + 1, sum(day[1] for day in days) + 2
    return float(part / of * (1 - part / of) / of)


@pytest.fixture
def store(all_environments: None) -> Store:
    return Store()


def a_quiet_fortnight(store: Store, start: date = MONDAY - timedelta(days=7)) -> dict[int, tuple[int, int]]:
    """Days that differ a little and mean nothing: melts and errors of each."""
    days = {}
    for number in range(14):
        n, errors = 100 + number % 7, (number * 3) % 2
        for at in hours(midnight(start + timedelta(days=number)), midnight(start + timedelta(days=number + 1))):
            store.melts(at, n, errors=errors, ms=250 + number % 3)
        days[number] = n * 24, errors * 24
    store.flush()
    return days


def test_a_quiet_week_says_that_nothing_changed_and_has_every_figure_right(store: Store) -> None:
    days = a_quiet_fortnight(store)
    report = made()
    now, before = [days[number] for number in range(7, 14)], [days[number] for number in range(7)]
    melts, errors = sum(n for n, _ in now), sum(e for _, e in now)
    assert report.headline == "Nothing changed clearly against the week before."
    assert figure(report, "melts")["total"] == melts
    assert figure(report, "errorRate")["value"] == pytest.approx(100 * errors / melts, rel=1e-5)
    assert figure(report, "operationSuccess")["value"] == pytest.approx(100 - 100 * errors / melts, rel=1e-5)
    on = sum(24 * round(n / 24 / 2) for n, _ in now)
    assert figure(report, f"adoption:{FLAG}")["value"] == pytest.approx(100 * on / melts, rel=1e-5)
    assert figure(report, f"success:{FLAG}")["value"] == pytest.approx(100 - 100 * errors / on, rel=1e-5)
    times = [250 + number % 3 for number in range(7, 14)]
    mean = sum(ms * n for ms, (n, _) in zip(times, now, strict=True)) / melts
    assert figure(report, "responseTime")["value"] == pytest.approx(mean, rel=1e-5)
    assert figure(report, "responseTimeP95")["value"] == pytest.approx(sum(times) / 7, rel=0.011)  # the sketch's 1 %
    assert figure(report, "throughput")["value"] == pytest.approx(melts / (7 * 86_400), rel=1e-5)
    assert figure(report, "errorRate")["daily"] == [pytest.approx(100 * e / n, rel=1e-5) for n, e in now]
    found = trend(report, "errorRate")
    by, low, high = welch([(e, n) for n, e in now], [(e, n) for n, e in before], binomial)
    assert (found["by"], found["low"], found["high"]) == pytest.approx((100 * by, 100 * low, 100 * high), rel=1e-3)
    assert found["direction"] == "same"
    assert report.document["analysis"]["changePoints"] == []
    missing = {each["what"] for each in report.document["unmeasured"]}
    assert {"Uptime", "Connection pool", "Replication lag", "Discrepancies"} <= missing


def test_a_bad_week_tells_what_got_worse_and_what_came_before_it(
    store: Store, flag: Flag, operator_actor: Actor
) -> None:
    rules = [
        {"key": "errors", "measure": "errorRate", "when": "above", "limit": 1.0, "text": "Find what fails."}
        | {"urgency": "now", "owner": "olga", "days": 2, "link": "errors"},
        {"key": "slow", "measure": "responseTime", "when": "above", "limit": 3000.0, "text": "Make it fast."},
        {
            "key": "turned",
            "measure": "errorRate",
            "when": "changed",
            "text": "Look at that change.",
            "urgency": "watch",
        },
    ]
    setting.define({"environments": ["production"], "recommendations": rules}, actor=CLOCK, reason="x", now=NOW)
    raised = midnight(MONDAY + timedelta(days=2)) + timedelta(hours=11, minutes=58)
    rollout.enable(FLAG, "production", actor=operator_actor, reason="x", now=raised)
    rollout.set_rollout(FLAG, "production", 15, actor=operator_actor, reason="Week 2", now=raised)
    back = raised + timedelta(days=3)
    emergency.emergency_disable(FLAG, "production", actor=operator_actor, reason="too many errors", now=back)
    start = midnight(MONDAY - timedelta(days=7))
    written: dict[date, list[int]] = {}
    for at in hours(start, WEEK.end):
        errors = 3 if at >= raised else (at.hour + at.day) % 2
        store.melts(at, 100, errors=errors)
        day = written.setdefault(at.date(), [0, 0])
        day[0], day[1] = day[0] + errors, day[1] + 100
    store.flush()
    report = made()
    now = [tuple(written[MONDAY + timedelta(days=number)]) for number in range(7)]
    before = [tuple(written[MONDAY - timedelta(days=7 - number)]) for number in range(7)]
    total = 100 * sum(e for e, _ in now) / sum(n for _, n in now)
    by, low, high = welch(now, before, binomial)
    found = trend(report, "errorRate")
    assert (found["by"], found["low"], found["high"]) == pytest.approx((100 * by, 100 * low, 100 * high), rel=1e-3)
    assert (found["direction"], found["then"]) == ("worse", pytest.approx(0.5, rel=1e-3))
    assert report.headline.startswith("Worse than the week before:")
    assert report.headline.endswith("1 thing has to be done now.")
    (turn,) = [each for each in report.document["analysis"]["changePoints"] if each["name"] == "errorRate"]
    assert datetime.fromisoformat(turn["start"]) == datetime(2025, 8, 6, 12, tzinfo=UTC)
    assert turn["sentence"] == (
        "Error rate went from 0.5 % to 3 % on Wednesday 6 August between 12:00 and 18:00, after: flag enabled "
        f"{FLAG} at 0 % (Wed 11:58); flag rollout changed {FLAG} at 15 % (Wed 11:58)."
    )
    assert "because" not in str(report.document)
    advice = {each["key"]: each for each in report.document["recommendations"]}
    assert list(advice) == ["errors", "turned"]
    assert advice["errors"]["figures"] == [
        f"Error rate: {total:.3g} %, and the limit is 1 %; n = {sum(n for _, n in now):,}"
    ]
    assert report.document["nextActions"] == [
        {"key": "errors", "title": "Find what fails.", "owner": "olga", "due": "2025-08-12", "urgency": "now"}
        | {"why": advice["errors"]["figures"][0]}
    ]
    assert figure(report, "rollbacks")["total"] == 1
    assert report.document["rollout"] == [{"flag": FLAG, "enabled": False, "percentage": 0.0, "before": None}]


def test_a_week_without_data_says_so_and_claims_nothing(store: Store) -> None:
    report = made()
    assert report.headline == "Nothing was reported in this time: nobody knows how the service was."
    assert figure(report, "errorRate")["value"] is None
    assert figure(report, "incidents")["total"] == 0
    unknown = {each["what"]: each["why"] for each in report.document["unmeasured"]}
    assert unknown["Error rate"] == "nctool has never reported an error counter, not even a zero"
    assert unknown["Melts"] == "nctool reported no melts in this time"
    assert report.document["recommendations"] == []


def test_melts_without_any_error_counter_are_not_taken_for_melts_without_errors(store: Store) -> None:
    for at in hours(WEEK.start, WEEK.end):
        store.melts(at, 50, errors=NEVER)
    store.flush()
    report = made()
    assert (figure(report, "melts")["total"], figure(report, "errorRate")["value"]) == (50 * 168, None)


def test_an_outage_is_a_gap_with_its_hours_and_no_error_rate_of_nothing(store: Store) -> None:
    a_quiet_fortnight(store)
    start, end = midnight(MONDAY + timedelta(days=1)) + timedelta(hours=6), midnight(MONDAY + timedelta(days=3))
    Rollup.objects.filter(start__gte=start.timestamp(), start__lt=end.timestamp()).delete()
    report = made()
    assert {"what": "Melts from Tue 5 Aug 06:00 to Thu 7 Aug 00:00", "why": "nctool reported none"} in (
        report.document["unmeasured"]
    )
    assert figure(report, "errorRate")["daily"][2] is None
    assert {"what": "Melts", "why": "1 of 7 days have no data"} in report.document["unmeasured"]


@pytest.mark.parametrize(
    ("monday", "length"), [(date(2025, 3, 24), 167), (date(2025, 10, 20), 169)], ids=["spring", "autumn"]
)
def test_the_week_of_a_change_of_the_clocks_has_all_its_hours(store: Store, monday: date, length: int) -> None:
    week = Period(midnight(monday, BERLIN), midnight(monday + timedelta(days=7), BERLIN), BERLIN)
    for at in hours(week.before().start, week.end):
        store.melts(at, 60, errors=1)
    store.flush()
    report = made(week, week.end + timedelta(hours=7))
    assert week.end - week.start == timedelta(hours=length)
    assert week.before().start == midnight(monday - timedelta(days=7), BERLIN)
    assert figure(report, "melts")["total"] == 60 * length
    assert figure(report, "melts")["value"] == 60 * length  # seven days are a week, whatever the clocks do
    assert figure(report, "errorRate")["daily"] == [pytest.approx(100 / 60, rel=1e-5)] * 7
    assert figure(report, "melts")["daily"][6] == 60 * (24 + length - 168)


def test_half_a_week_is_held_against_the_same_weekdays(store: Store) -> None:
    days = a_quiet_fortnight(store)
    period = by_hand(MONDAY, MONDAY + timedelta(days=2), zone="UTC", now=NOW)
    report = made(period)
    assert figure(report, "melts")["total"] == sum(days[number][0] for number in (7, 8, 9))
    assert trend(report, "melts")["then"] == pytest.approx(
        7 / 3 * sum(days[number][0] for number in range(3)), rel=1e-5
    )
    assert report.document["period"]["words"] == "4 to 6 August 2025"


def test_the_stored_inputs_make_the_same_report_again_and_the_same_data_the_same_digest(store: Store) -> None:
    a_quiet_fortnight(store)
    first = made()
    first.refresh_from_db()
    assert build(first.inputs) == first.document
    assert digest(first.inputs) == first.digest
    Report.objects.all().delete()
    again = made(now=NOW + timedelta(days=40))
    assert (again.digest, again.document) == (first.digest, first.document)
    Report.objects.all().delete()
    store.melts(WEEK.end - timedelta(minutes=30), 1)
    store.flush()
    assert made().digest != first.digest


def test_melts_that_every_flag_reports_count_once_and_other_environments_not_at_all(store: Store) -> None:
    elsewhere = Store("staging")
    for at in hours(WEEK.start, WEEK.start + timedelta(days=1)):
        store.melts(at, 10)
        store.hour(at, "melt_operations_total", 10, flag="preFlightReconciliation", variant="on")
        elsewhere.melts(at, 1000)
    store.flush()
    elsewhere.flush()
    report = made()
    assert figure(report, "melts")["total"] == 240
    assert figure(report, "adoption:preFlightReconciliation")["value"] == 100
    assert environments.get("production").pk == report.environment_id
    assert ZoneInfo(report.zone) is not None
    assert events.about(f"report:{report.pk}").get().kind == "report.made"
