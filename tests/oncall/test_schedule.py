"""Who is on call at any time. Pure: no database, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from oncall.domain import layer, schedule
from oncall.domain.schedule import Override, Schedule, standing
from oncall.domain.shifts import Shift, together

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def a_layer(zone: str = "Europe/Berlin", **over: Any) -> layer.Layer:
    told = {"name": "Weekly", "people": ["ada", "bob"], "starts": "2025-08-04T09:00", "turn": "1w", **over}
    return layer.read(told, ZoneInfo(zone), "layers.0")


def berlin(*at: int) -> datetime:
    return datetime(*at, tzinfo=BERLIN)  # type: ignore[arg-type, misc]


layers = st.builds(
    a_layer,
    st.sampled_from(ZONES),
    name=st.just("Weekly"),
    people=st.lists(st.sampled_from(["ada", "bob", "carl", "dora"]), min_size=1, max_size=4),
    starts=st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31)).map(lambda at: at.isoformat("T", "minutes")),
    turn=st.sampled_from(["1h", "8h", "12h", "1d", "36h", "1w", "2w"]),
)
limited = st.builds(
    lambda days, opens, closes: {"days": days, "from": f"{opens:02}:30", "to": f"{closes:02}:00"},
    st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, max_size=7, unique=True),
    st.integers(0, 23),
    st.integers(0, 23),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(layers, moments)
def test_at_any_moment_from_its_start_on_exactly_one_person_of_a_layer_is_on_call(
    each: layer.Layer, at: datetime
) -> None:
    begins = next(iter(each.shifts(datetime(2024, 12, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)))).starts_at
    people = Schedule(each.zone, (each,)).who(at)
    assert len(people) == (1 if at >= begins else 0)


@given(st.lists(layers, min_size=1, max_size=3), moments, st.data())
def test_shifts_and_gaps_cover_every_moment_once_and_say_what_who_says(
    stack: list[layer.Layer], since: datetime, data: st.DataObject
) -> None:
    span = data.draw(st.timedeltas(HOUR, 20 * DAY))
    overs = tuple(
        Override("zoe", since + begin, since + begin + length)
        for begin, length in data.draw(
            st.lists(st.tuples(st.timedeltas(-2 * DAY, 20 * DAY), st.timedeltas(HOUR, 3 * DAY)), max_size=3)
        )
    )
    plan = Schedule(ZoneInfo("UTC"), tuple(stack), overs)
    shifts, gaps = plan.shifts(since, since + span), plan.gaps(since, since + span)
    edges = sorted([(each.starts_at, each.ends_at) for each in (*shifts, *gaps)])
    assert (edges[0][0], edges[-1][1]) == (since, since + span)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(edges))
    for shift in shifts:
        middle = shift.starts_at + (shift.ends_at - shift.starts_at) / 2
        assert plan.who(shift.starts_at) == plan.who(middle) == shift.people
    for gap in gaps:
        assert plan.who(gap.starts_at) == ()


@given(layers, limited, moments)
def test_restricted_hours_only_take_away(each: layer.Layer, hours: dict[str, Any], at: datetime) -> None:
    limits = layer.read({**each.to_dict(), "hours": hours}, each.zone, "layers.0")
    here = Schedule(each.zone, (limits,)).who(at)
    assert here in ((), Schedule(each.zone, (each,)).who(at))
    local = at.astimezone(each.zone)
    opens, closes = hours["from"], hours["to"]
    if opens < closes and local.utcoffset() == (local + 3 * HOUR).utcoffset() == (local - 3 * HOUR).utcoffset():
        inside = f"{local:%a}".lower() in hours["days"] and opens <= f"{local:%H:%M}" < closes
        assert bool(here) == (inside and bool(Schedule(each.zone, (each,)).who(at)))


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/Berlin", (2025, 10, 26)), ("America/New_York", (2026, 3, 8)), ("Australia/Lord_Howe", (2026, 4, 5))],
)
def test_the_hand_over_stays_at_its_time_of_the_day_when_the_clocks_change(
    zone: str, day: tuple[int, int, int]
) -> None:
    here = ZoneInfo(zone)
    each = a_layer(zone, starts="2025-01-01T09:00", turn="1d")
    changes = datetime(*day, tzinfo=here)
    found = Schedule(here, (each,)).shifts(changes - 2 * DAY, changes + 3 * DAY)
    local = [shift.starts_at.astimezone(here) for shift in found[1:]]
    assert {f"{at:%H:%M}" for at in local} == {"09:00"}
    lengths = {shift.ends_at - shift.starts_at for shift in found[1:-1]}
    assert len(lengths) == 2  # the turn over that night is longer or shorter, the others a day


def test_a_hand_over_that_the_clocks_skip_comes_as_much_later_and_one_shown_twice_the_first_time() -> None:
    each = a_layer(starts="2025-03-01T02:30", turn="1d")
    plan = Schedule(BERLIN, (each,))
    spring = [each.starts_at for each in plan.shifts(berlin(2025, 3, 29), berlin(2025, 3, 31))]
    assert datetime(2025, 3, 30, 1, 30, tzinfo=UTC) in spring  # 03:30 CEST
    autumn = [each.starts_at for each in plan.shifts(berlin(2025, 10, 25), berlin(2025, 10, 27))]
    assert datetime(2025, 10, 26, 0, 30, tzinfo=UTC) in autumn  # 02:30 CEST, the first


def test_the_upper_layer_wins_and_an_override_wins_over_all() -> None:
    days = a_layer(name="Office", people=["dora"], hours={"days": ["mon", "tue"], "from": "09:00", "to": "17:00"})
    plan = Schedule(BERLIN, (days, a_layer()))
    assert plan.who(berlin(2025, 8, 11, 10)) == ("dora",)
    assert plan.who(berlin(2025, 8, 11, 18)) == ("bob",)
    over = Override("zoe", berlin(2025, 8, 11, 9, 30), berlin(2025, 8, 11, 12))
    newer = Override("ada", berlin(2025, 8, 11, 11), berlin(2025, 8, 11, 12))
    plan = Schedule(BERLIN, (days, a_layer()), (newer, over))
    found = plan.shifts(berlin(2025, 8, 11, 9), berlin(2025, 8, 11, 18))
    assert [shift.people[0] for shift in found] == ["dora", "zoe", "ada", "dora", "bob"]


def test_it_tells_until_when_somebody_is_on_call_and_who_comes_then() -> None:
    now = berlin(2025, 8, 13, 12)
    stands = standing(Schedule(BERLIN, (a_layer(),)), now)
    assert stands.shift is not None
    assert stands.coming is not None
    assert (stands.shift.people, stands.until, stands.coming.people) == (("bob",), berlin(2025, 8, 18, 9), ("ada",))
    alone = standing(Schedule(BERLIN, (a_layer(people=["ada"]),)), now)
    assert (alone.until, alone.coming) == (None, None)
    gap = standing(Schedule(BERLIN, (a_layer(starts="2025-08-20T09:00"),)), now)
    assert (gap.shift, gap.until) == (None, berlin(2025, 8, 20, 9))


def test_people_whose_imported_shifts_meet_are_on_call_together() -> None:
    at = berlin(2025, 8, 11)
    found = together([Shift(at, at + 2 * DAY, ("ada",)), Shift(at + DAY, at + 3 * DAY, ("bob",))])
    assert [shift.people for shift in found] == [("ada",), ("ada", "bob"), ("bob",)]


@given(layers)
def test_a_layer_is_written_as_it_is_read(each: layer.Layer) -> None:
    assert layer.read(each.to_dict(), each.zone, "layers.0") == each


@pytest.mark.parametrize(
    ("over", "field", "words"),
    [
        ({"name": " "}, "name", "Give the schedule a name"),
        ({"zone": "Berlin"}, "zone", "There is no time zone 'Berlin'"),
        ({"layers": []}, "layers", "Nobody would ever be on call"),
        ({"feed": "file:///etc/passwd"}, "feed", "begins with https://"),
        ({"layers": [{"turn": "90m"}]}, "layers.0.turn", "Write 1w, 2d or 12h"),
        ({"layers": [{"turn": "53w"}]}, "layers.0.turn", "52 weeks"),
        ({"layers": [{"people": []}]}, "layers.0.people", "Name the people"),
        ({"layers": [{"people": ["two words"]}]}, "layers.0.people", "is no user name"),
        ({"layers": [{"starts": "Monday"}]}, "layers.0.starts", "is no date and time"),
        ({"layers": [{"hours": {"from": "9", "to": "17:00"}}]}, "layers.0.hours", "time of day like 09:00"),
        ({"layers": [{"nights": True}]}, "layers.0", "'nights' is not known"),
        ({"layers": [{}, {}]}, "layers.1.name", "Two layers are called Weekly"),
        ({"rotations": []}, "rotations", "is not known here"),
    ],
)
def test_bad_input_is_refused_with_its_field(over: dict[str, Any], field: str, words: str) -> None:
    whole = a_layer().to_dict()
    values: dict[str, Any] = {"name": "First line", "zone": "Europe/Berlin", "layers": [{}], **over}
    values["layers"] = [{**whole, **each} for each in values["layers"]]
    with pytest.raises(Invalid, match=words) as refused:
        schedule.read(values)
    assert refused.value.field == field
