"""When a report is due, and that each week gets exactly one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import events
from core.actors import CLOCK, Actor
from core.errors import Conflict, Invalid, StaleVersion
from improvement.selectors import actions as improving
from improvement.services import actions
from monitoring.models import Sketch
from reports.domain.document import digest
from reports.domain.periods import Period, Schedule, by_hand
from reports.models import Report
from reports.services import making, releasing, setting
from tests.racing import at_once
from tests.reports.weeks import BERLIN, Store, midnight

SET_UP = datetime(2025, 8, 6, 12, tzinfo=UTC)
DUE = datetime(2025, 8, 11, 5, tzinfo=UTC)  # Monday 07:00 in Berlin
ZONES = st.sampled_from(["UTC", BERLIN, "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"])
DAYS = st.dates(date(2009, 1, 1), date(2035, 1, 1))


def set_up(release: str = "draft", now: datetime = SET_UP, **more: object) -> None:
    values = {"environments": ["production"], "zone": BERLIN, "release": release, **more}
    setting.define(values, actor=CLOCK, reason="tests", now=now)


@pytest.mark.django_db
def test_a_report_is_due_on_monday_at_seven_of_its_zone_and_is_made_once(all_environments: None) -> None:
    set_up()
    assert making.make_due(now=DUE - timedelta(seconds=1)) is None
    made = making.make_due(now=DUE)
    assert made is not None
    assert (made.start, made.end) == (midnight(date(2025, 8, 4), BERLIN), midnight(date(2025, 8, 11), BERLIN))
    assert making.make_due(now=DUE) is None


@pytest.mark.django_db
def test_a_report_that_cannot_be_made_is_logged_and_holds_up_no_other(
    all_environments: None, caplog: pytest.LogCaptureFixture
) -> None:
    set_up(environments=["staging", "production"])
    store = Store("staging")
    store.melts(DUE - timedelta(days=2), 100)
    store.flush()
    good = bytes(Sketch.objects.get().cells)
    Sketch.objects.update(cells=b"spoilt")
    made = making.make_due(now=DUE)
    assert made is not None
    assert made.environment.key == "production"
    assert "4 to 10 August 2025 in staging cannot be made" in caplog.text
    assert making.make_due(now=DUE) is None
    Sketch.objects.update(cells=good)
    mended = making.make_due(now=DUE)
    assert mended is not None
    assert mended.environment.key == "staging"


@pytest.mark.django_db
def test_a_clock_that_jumps_over_mondays_and_back_misses_and_doubles_no_week(all_environments: None) -> None:
    set_up(catch_up=4)
    assert making.make_due(now=DUE) is not None
    later = DUE + timedelta(days=17)  # over two more Mondays
    assert [each.end for each in iter(lambda: making.make_due(now=later), None)] == [
        midnight(date(2025, 8, 18), BERLIN),
        midnight(date(2025, 8, 25), BERLIN),
    ]
    assert making.make_due(now=DUE - timedelta(days=30)) is None
    assert making.make_due(now=DUE + timedelta(days=17)) is None
    assert Report.objects.count() == 3


@pytest.mark.django_db
def test_what_a_clock_made_that_ran_ahead_of_its_week_is_made_again_once_that_is_over(all_environments: None) -> None:
    set_up()
    early = making.make_due(now=DUE + timedelta(days=1))  # by a clock that is wrong
    assert early is not None
    assert making.make_due(now=DUE - timedelta(days=3)) is None
    store = Store()
    store.melts(early.end - timedelta(days=2), 10)
    store.flush()
    made = making.make_due(now=DUE)
    assert made is not None
    assert (made.pk, made.digest != early.digest, made.made_at) == (early.pk, True, DUE)
    assert making.make_due(now=DUE) is None
    Report.objects.update(made_at=DUE + timedelta(days=1))
    assert [making.make_due(now=DUE) is None for _ in range(2)] == [False, True]


@pytest.mark.django_db
def test_after_a_long_pause_only_the_newest_weeks_are_made_up_for(all_environments: None) -> None:
    set_up(catch_up=2)
    months = DUE + timedelta(days=7 * 20, hours=1)  # it is winter then
    made = [each.end for each in iter(lambda: making.make_due(now=months), None)]
    assert made == [midnight(date(2025, 12, 15) + timedelta(days=7 * number), BERLIN) for number in range(3)]


@given(zone=ZONES, day=DAYS, weekday=st.integers(0, 6), hour=st.integers(0, 23), pauses=st.lists(st.integers(1, 400)))
def test_however_long_the_clock_pauses_the_weeks_follow_each_other_without_a_gap(
    zone: str, day: date, weekday: int, hour: int, pauses: list[int]
) -> None:
    schedule, now = Schedule(zone, weekday, time(hour)), midnight(day)
    made: list[Period] = []
    since = now
    for pause in pauses[:12]:
        now += timedelta(hours=pause)
        made += [week for week in schedule.due(since=since, now=now, most=9) if week not in made]
    assert all(earlier.end == later.start for earlier, later in pairwise(made))
    assert all(timedelta(days=5) < week.end - week.start < timedelta(days=9) for week in made)


@given(zone=ZONES, day=DAYS, length=st.integers(0, 92))
def test_the_days_of_any_period_lie_side_by_side_and_what_it_is_held_against_comes_before_it(
    zone: str, day: date, length: int
) -> None:
    now = midnight(day + timedelta(days=length + 3))
    period = by_hand(day, day + timedelta(days=length), zone=zone, now=now)
    for edges in (period.edges(), period.edges(quarters=True)):
        assert edges == sorted(set(edges))
        assert (edges[0], edges[-1]) == (period.start.timestamp(), period.end.timestamp())
    before = period.before()
    assert before.end <= period.start
    assert (period.start.astimezone(period.clock).weekday()) == before.start.astimezone(period.clock).weekday()


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2025, 8, 10), date(2025, 8, 4), "Swap them"),
        (date(2025, 8, 4), date(2025, 8, 12), "Nothing is known of the future"),
        (date(2015, 8, 4), date(2025, 8, 4), "at most 93"),
        (date(2025, 8, 11), date(2025, 8, 11), "Nothing is known of the future"),
    ],
    ids=["reversed", "future", "ten years", "an hour that is not over"],
)
def test_a_period_that_cannot_be_is_refused_with_what_to_do(first: date, last: date, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        by_hand(first, last, zone="UTC", now=datetime(2025, 8, 11, 0, 30, tzinfo=UTC))


@pytest.mark.django_db
def test_a_draft_is_made_again_until_it_is_released_and_then_stays(
    all_environments: None, operator_actor: Actor
) -> None:
    who = {"actor": operator_actor, "now": DUE}
    set_up()
    made = making.make_due(now=DUE)
    assert made is not None
    assert making.make_again(made.pk, **who).digest == made.digest
    store = Store()
    store.melts(made.start, 10)
    store.flush()
    again = making.make_again(made.pk, version=1, **who)
    assert (again.digest != made.digest, again.version) == (True, 2)
    with pytest.raises(StaleVersion):
        releasing.release(made.pk, reason="x", version=1, **who)
    with pytest.raises(Conflict, match="can be signed off once it is released"):
        releasing.sign_off(made.pk, **who)
    released = releasing.release(made.pk, reason="read it", version=2, **who)
    with pytest.raises(Conflict, match="it stays what people have read"):
        making.make_again(made.pk, **who)
    with pytest.raises(Conflict):
        releasing.release(made.pk, reason="twice", **who)
    with pytest.raises(Conflict, match="not the report that you saw"):
        releasing.sign_off(made.pk, digest=made.digest, **who)
    releasing.sign_off(made.pk, digest=released.digest, **who)
    with pytest.raises(Conflict, match="signed off"):
        releasing.sign_off(made.pk, **who)
    kinds = [event.kind for event in reversed(events.about(f"report:{made.pk}"))]
    assert kinds == ["report.made", "report.made_again", "report.released", "report.signed_off"]
    released.refresh_from_db()
    assert digest(released.inputs) == released.digest


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_six_workers_at_the_same_week_one_makes_it_and_tells_of_it(all_environments: None) -> None:
    set_up("at_once")
    made = at_once(*[lambda: making.make_due(now=DUE)] * 6)
    row = Report.objects.get()
    assert all(each is None or each.pk == row.pk for each in made)
    told = [event.kind for event in reversed(events.about(f"report:{row.pk}"))]
    assert (row.state, told) == ("released", ["report.made", "report.released"])


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_a_person_who_releases_and_one_who_makes_it_again_the_release_is_of_what_was_read(
    all_environments: None, operator_actor: Actor
) -> None:
    set_up()
    row = making.make_due(now=DUE)
    assert row is not None
    store = Store()
    store.melts(row.start, 10)
    store.flush()
    calls: list[Callable[[], object]] = [
        lambda: making.make_again(row.pk, version=1, actor=operator_actor, now=DUE),
        lambda: releasing.release(row.pk, reason="x", version=1, actor=operator_actor, now=DUE),
    ]
    results = at_once(*calls)
    assert sum(isinstance(each, Conflict) for each in results) == 1
    after = Report.objects.get()
    assert (after.state == "released") is (after.digest == row.digest)


@pytest.mark.django_db
def test_what_a_report_asks_for_is_done_by_somebody_and_followed_up_in_the_next_ones(
    all_environments: None, person: Callable[[str], object], operator_actor: Actor
) -> None:
    person("operator")
    rules = [
        {"key": name, "measure": "melts", "when": "missing", "text": f"Ask {name}.", "owner": owner, "days": days}
        for name, owner, days in (("a", "operator", 2), ("b", "operator", 30), ("c", "nobody", 2), ("d", "operator", 9))
    ]
    set_up(recommendations=[*rules, {"key": "late", "measure": "actions", "when": "overdue", "text": "Do it."}])
    who = {"actor": operator_actor, "now": DUE}
    first = making.make_due(now=DUE)
    assert first is not None
    assert first.document["followUp"] == []
    releasing.release(first.pk, reason="x", **who)
    released = events.about(f"report:{first.pk}").first()
    assert released is not None
    assert released.data["without_owner"] == ["Ask c. (nobody)"]
    items = {row.title: row for row in improving.of_origin(f"report:{first.pk}")}
    assert sorted(items) == ["Ask a.", "Ask b.", "Ask d."]
    assert items["Ask a."].due == date(2025, 8, 12)
    actions.close_item(items["Ask d."].pk, outcome="They said Friday.", actor=operator_actor, now=DUE)
    second = making.make_due(now=DUE + timedelta(days=7))
    assert second is not None
    assert {each["title"]: each["state"] for each in second.document["followUp"]} == {
        "Ask a.": "overdue",
        "Ask b.": "open",
        "Ask d.": "done",
    }
    (late,) = [each for each in second.document["recommendations"] if each["key"] == "late"]
    assert late["figures"] == ["Ask a."]
    third = making.make_due(now=DUE + timedelta(days=14))
    assert third is not None
    assert {each["title"] for each in third.document["followUp"]} == {"Ask a.", "Ask b."}
