"""What a figure is made of, and what it may never be made of."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.intervals import wilson
from kpis.domain import table
from kpis.domain.confirm import IN_A_ROW, Standing, after, is_news
from kpis.domain.days import between, period_of, within
from kpis.domain.definition import Definition
from kpis.domain.figure import NEVER, Parts, Period, Status, added, figure
from kpis.domain.outside import Reported
from kpis.domain.target import Better, Target
from kpis.domain.trend import Direction, trend
from kpis.domain.words import amount, told

WEEK = Period(datetime(2025, 8, 4, tzinfo=UTC), datetime(2025, 8, 11, tzinfo=UTC))
COMMON = {
    "name": "Error rate",
    "group": "Reliability",
    "owner": "development-team",
    "meaning": "Melts that failed.",
    "counted": "melts",
    "unit": "%",
    "min_samples": 100,
}
SHARE = {
    **COMMON,
    "target": "<1%",
    "better": "lower",
    "measure": "share",
    "part": {"metric": "bad"},
    "of": {"metric": "all"},
}
ANY = st.floats(allow_nan=True, allow_infinity=True)


def kpi(**values: Any) -> Definition:
    return Definition.read("errorRate", {**SHARE, **values})


REDUCTION = kpi(
    measure="reduction", part=None, of=None, target=">20%", better="higher", counted="periods", min_samples=1
)


@pytest.mark.parametrize(
    ("text", "unit", "better", "misses", "meets"),
    [
        ("99.9", "%", "higher", 99.89, 99.9),
        ("<1%", "%", "lower", 1.0, 0.999),
        ("<3s", "s", "lower", 3.0, 2.99),
        (">10 TPS", "TPS", "higher", 10.0, 10.01),
        ("<500ms", "ms", "lower", 500.0, 499.0),
        ("100%", "%", "higher", 99.9999, 100.0),
        (">4.5/5", "/5", "higher", 4.5, 4.51),
        ("Weekly", "a week", "higher", 0.99, 1.0),
        ("<15min", "min", "lower", 15.0, 14.9),
    ],
)
def test_a_target_of_the_strategy_is_read_as_it_is_written(
    text: str, unit: str, better: str, misses: float, meets: float
) -> None:
    target = Target.read(text, unit=unit, better=Better(better))
    assert target.text == text
    assert not target.met(misses)
    assert target.met(meets)


@pytest.mark.parametrize(
    ("text", "unit", "better"),
    [
        ("<1%", "%", "higher"),
        ("<3s", "ms", "lower"),
        ("soon", "s", "lower"),
        ("Weekly", "%", "higher"),
        ("-1", "", "lower"),
    ],
)
def test_a_target_that_says_two_things_is_refused(text: str, unit: str, better: str) -> None:
    with pytest.raises(Invalid) as refused:
        Target.read(text, unit=unit, better=Better(better))
    assert refused.value.field == "target"


@given(ANY, ANY, st.integers(0, 10**9))
def test_no_number_whatever_makes_a_figure_that_cannot_be_true(part: float, of: float, n: int) -> None:
    found = figure(kpi(), Parts(part, of, n), WEEK)
    if found.value is None:
        assert found.status is Status.NO_DATA
        assert found.why
        return
    assert math.isfinite(found.value)
    assert 0 <= found.value <= 100
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9 <= 100 + 1e-6
    assert (found.status is Status.TOO_FEW) == (n < 100)


@given(ANY, ANY)
def test_a_mean_of_nonsense_is_no_figure_either(part: float, of: float) -> None:
    mean = kpi(measure="mean", part=None, unit="s", target="<3s", scale=0.001)
    found = figure(mean, Parts(part, of, 1_000), WEEK)
    good = math.isfinite(part) and math.isfinite(of) and part >= 0 and of > 0 and math.isfinite(0.001 * (part / of))
    assert (found.value is not None) == good
    assert found.status.judged == good


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (Parts(), NEVER),
        (Parts(1.0, 0.0, 5), NEVER),
        (Parts(math.nan, 10.0, 10), "what was measured is not a number"),
        (Parts(1.0, math.inf, 10), "what was measured is not a number"),
        (Parts(-1.0, 10.0, 10), "what was measured is negative, which cannot be"),
        (Parts(11.0, 10.0, 10), "more melts were counted than there were, so it is no share"),
        (Parts.none("all was not reported"), "all was not reported"),
    ],
)
def test_a_figure_that_cannot_be_says_why_and_is_never_met(parts: Parts, why: str) -> None:
    found = figure(kpi(), parts, WEEK)
    assert (found.value, found.status, found.why, found.n) == (None, Status.NO_DATA, why, 0)
    assert "no data" in told(found)


def test_too_few_samples_are_shown_and_not_judged() -> None:
    found = figure(kpi(), Parts(0.0, 99.0, 99), WEEK)
    assert (found.value, found.status, found.why) == (0.0, Status.TOO_FEW, "only 99 of at least 100")
    assert figure(kpi(), Parts(0.0, 100.0, 100), WEEK).status is Status.MET


def test_a_figure_whose_interval_crosses_the_target_is_not_sure() -> None:
    near, far = figure(kpi(), Parts(9.0, 1_000.0, 1_000), WEEK), figure(kpi(), Parts(900.0, 1e6, 10**6), WEEK)
    assert (near.status, near.sure) == (Status.MET, False)
    assert (far.status, far.sure) == (Status.MET, True)
    assert told(near).endswith("met, though chance alone can make the difference.")


def test_the_interval_is_the_one_that_wilson_published() -> None:
    """Newcombe 1998, table I: 81 of 263 and 0 of 20, method 3."""
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson(0, 20)
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(500, 1_000)), min_size=1, max_size=40))
def test_days_add_up_to_what_the_whole_time_would_have_been(days: list[tuple[int, int]]) -> None:
    parts = [Parts(float(bad), float(all_), all_) for bad, all_ in days]
    whole = figure(kpi(), added([*parts, Parts.none("the probe was away")]), WEEK)
    bad, all_ = sum(day[0] for day in days), sum(day[1] for day in days)
    assert whole.value == pytest.approx(100 * bad / all_)
    assert whole.n == all_


@given(st.floats(0.01, 1e12), st.floats(0, 1e12))
def test_a_reduction_is_what_was_saved_of_what_it_was(baseline: float, current: float) -> None:
    reported = Reported.read(
        REDUCTION,
        start=date(2025, 8, 1),
        end=date(2025, 8, 7),
        current=current,
        baseline=baseline,
        today=date(2025, 8, 8),
    )
    found = figure(REDUCTION, reported.parts(), WEEK)
    assert found.value == pytest.approx(100 * (1 - current / baseline), rel=1e-6, abs=1e-6)
    assert (found.status is Status.MET) == (round(found.value or 0, 9) > 20)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"baseline": None}, "baseline"),
        ({"baseline": 0.0}, "baseline"),
        ({"baseline": math.nan}, "baseline"),
        ({"baseline": math.inf}, "baseline"),
        ({"current": -1.0}, "current"),
        ({"current": math.nan}, "current"),
        ({"end": date(2025, 7, 31)}, "end"),
        ({"end": date(2025, 8, 9)}, "end"),
        ({"start": date(2024, 8, 1)}, "end"),
    ],
)
def test_a_figure_from_outside_that_cannot_be_is_refused_with_its_field(values: dict[str, Any], field: str) -> None:
    fine: dict[str, Any] = {"start": date(2025, 8, 1), "end": date(2025, 8, 7), "current": 90.0, "baseline": 120.0}
    with pytest.raises(Invalid) as refused:
        Reported.read(REDUCTION, **{**fine, **values}, today=date(2025, 8, 8))
    assert refused.value.field == field


def test_the_trend_tells_better_worse_and_what_nobody_can_say() -> None:
    def of(bad: int, all_: int) -> Any:
        return figure(kpi(), Parts(float(bad), float(all_), all_), WEEK)

    assert trend(of(5, 10_000), of(100, 10_000)).direction is Direction.BETTER
    assert trend(of(100, 10_000), of(5, 10_000)).direction is Direction.WORSE
    assert trend(of(11, 1_000), of(9, 1_000)).sentence.startswith("No clear change")
    assert trend(of(0, 1_000), of(0, 1_000)).direction is Direction.SAME
    assert trend(of(1, 1_000), figure(kpi(), Parts(), WEEK)).direction is Direction.UNKNOWN


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (99.9999, "%", "99.9999 %"),
        (99.99999999999, "%", "99.999999 %"),
        (100.0, "%", "100 %"),
        (99.9, "%", "99.9 %"),
        (4.6, "/5", "4.6/5"),
        (1234.5, "ms", "1,234 ms"),
        (0.3, "%", "0.3 %"),
        (-12.0, "%", "-12 %"),
        (0.0, "%", "0 %"),
    ],
)
def test_a_value_is_written_so_that_it_says_neither_more_nor_less(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@given(
    st.sampled_from(["Europe/Berlin", "America/Havana", "Asia/Kolkata", "Pacific/Apia", "UTC"]), st.integers(0, 4_000)
)
def test_days_of_a_zone_follow_each_other_without_a_gap(zone: str, number: int) -> None:
    day, here = date(2024, 1, 1) + timedelta(days=number), ZoneInfo(zone)
    this, following = period_of(day, here), period_of(day + timedelta(days=1), here)
    assert this.end == following.start
    assert timedelta(hours=23) <= this.end - this.start <= timedelta(hours=25)
    assert within(this.start, this.end, here) == (day, day + timedelta(days=1))


def test_days_on_which_the_clocks_change_have_23_and_25_hours() -> None:
    days = [period_of(day, ZoneInfo("Europe/Berlin")) for day in (date(2025, 3, 30), date(2025, 10, 26))]
    assert [day.end - day.start for day in days] == [timedelta(hours=23), timedelta(hours=25)]


@given(st.lists(st.sampled_from(Status), max_size=60))
def test_people_are_told_only_after_days_in_a_row_and_never_twice_the_same(statuses: list[Status]) -> None:
    standing, heard = Standing(), []
    for day, status in zip(between(date(2025, 1, 1), date(2025, 12, 31)), statuses, strict=False):
        before, standing = standing, after(standing, status, day)
        assert after(standing, Status.MISSED, day) == standing  # the same day again
        if is_news(before, standing):
            heard.append(standing.told)
            assert statuses[: (day - date(2025, 1, 1)).days + 1][-IN_A_ROW:] == [standing.told] * IN_A_ROW
    assert all(one is not other for one, other in pairwise(heard))
    assert heard[:1] in ([], [Status.MISSED])


def test_a_file_with_wrong_columns_says_which_and_what_they_should_be() -> None:
    with pytest.raises(Invalid, match=r"Line 1 .*lacks current.*has value.*kpi,start,end,baseline,current,note"):
        table.read(b"kpi,start,end,value\nx,2025-08-01,2025-08-31,9\n")
    with pytest.raises(Invalid, match="Separate the columns by commas"):
        table.read(b"kpi;start;end;current\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no|lacks"),
        (b"\xff\xfe", "not UTF-8"),
        (b"kpi,start,end,current\n", "has no figures"),
        (b"kpi,start,end,current\na,2025-08-01,31.8.2025,9\n", r"Line 2: end '31.8.2025' is no date"),
        (b"kpi,start,end,current\na,2025-08-01,2025-08-31,1_0\n", "Line 2: current '1_0' is no number"),
        (b'kpi,start,end,current\na,2025-08-01,2025-08-31,"9,5"\n', "Line 2: current '9,5' is no number"),
        (b"kpi,start,end,current\na,2025-08-01,2025-08-31,9,5\n", "Line 2 has 5 cells"),
        (b"kpi,start,end,current\na,2025-08-01,2025-08-31\n", "Line 2 has 3 cells"),
        (b'kpi,start,end,current\na,2025-08-01,2025-08-31,"9\n', "no CSV"),
        (b"kpi,start,end,current\na,2025-08-01,2025-08-31,9\na,2025-08-01,2025-08-31,8\n", "Line 3: line 2 is about"),
    ],
)
def test_a_file_that_is_wrong_names_the_line(content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        table.read(content)


def test_the_example_of_the_form_is_a_file_that_can_be_read() -> None:
    (line,) = table.read(("\ufeff" + table.EXAMPLE).encode())
    assert (line.kpi, line.baseline, line.current, line.end) == ("supportTicketReduction", 120, 90, date(2025, 8, 31))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        lines = table.read(content)
    except Invalid:
        return
    assert lines
