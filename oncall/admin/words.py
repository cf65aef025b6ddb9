"""How on-call plans and escalations are told on the screens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from core.repeating import joined
from oncall import selectors
from oncall.domain import chain as chains
from oncall.domain.chain import Notify, sentence
from oncall.domain.running import EscalationState, Place, notified, upcoming, waited
from oncall.domain.schedule import Schedule as Plan
from oncall.domain.schedule import Standing, standing
from oncall.domain.shifts import Gap, Shift
from oncall.models import Escalation, Feed, Schedule
from oncall.services import feeding

LOOK = {
    EscalationState.RUNNING: ("calling", "bad", "campaign"),
    EscalationState.ACKNOWLEDGED: ("acknowledged", "ok", "check_circle"),
    EscalationState.EXHAUSTED: ("nobody answered", "bad", "notifications_off"),
    EscalationState.STOPPED: ("stopped", "mute", "stop_circle"),
}
LEVEL_TONE = {1: "info", 2: "warn", 3: "bad"}
DAYS = 14
NARROW = 3.4  # percent: a bar with room for one letter
HUES = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A shift or a gap on the strip of days: where it begins and how wide it is, in percent of the strip."""

    left: float
    width: float
    text: str
    title: str
    hue: int
    gap: bool


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Line:
    """A shift or a gap in the list, in the zone of the schedule."""

    when: str
    who: str
    gap: bool
    current: bool
    ends: str
    override: bool
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Card:
    """One schedule as it stands now."""

    row: Schedule
    now: Standing
    who: str
    until: str
    then: str
    gaps: list[str]
    feed: Feed | None
    stale: bool
    lanes: list[Lane]
    days: list[date]
    hue: int
    feed_host: str


def card(row: Schedule, *, now: datetime) -> Card:
    """`row` comes from `selectors.schedules`."""
    plan, zone = selectors.plan_of(row), ZoneInfo(row.zone)
    stands = standing(plan, now)
    first, last = strip(zone, now)
    feed = selectors.feed_of(row)
    final = plan.shifts(first, last)
    open_times = plan.gaps(max(now, first), last)
    return Card(
        row=row,
        now=stands,
        who=joined(list(stands.shift.people)) if stands.shift else "",
        until=clock(stands.until, zone, now) if stands.until else "",
        then=_then(stands, zone, now),
        gaps=[span(each.starts_at, each.ends_at, zone, now) for each in open_times],
        feed=feed,
        stale=feed is not None and feeding.is_stale(feed, now=now),
        lanes=[Lane("On call", bars(final, plan.gaps(first, last), zone, first, last))],
        hue=hue(stands.shift.people) if stands.shift else 0,
        feed_host=urlsplit(feed.url).hostname or "" if feed else "",
        days=[(first + timedelta(days=number, hours=12)).astimezone(zone).date() for number in range(DAYS)],
    )


def lanes(plan: Plan, zone: ZoneInfo, *, now: datetime) -> list[Lane]:
    """What lies over what: overrides, each layer and the feed, and at the end who is on call."""
    first, last = strip(zone, now)
    parts = [("Overrides", Plan(zone, overrides=plan.overrides))] if plan.overrides else []
    parts += [(each.name, Plan(zone, (each,))) for each in plan.layers]
    parts += [("Calendar", Plan(zone, fed=plan.fed))] if plan.fed else []
    found = [Lane(name, bars(part.shifts(first, last), [], zone, first, last)) for name, part in parts]
    final = Lane("On call", bars(plan.shifts(first, last), plan.gaps(first, last), zone, first, last))
    return [*found, final] if len(found) > 1 else [final]


def lines(plan: Plan, zone: ZoneInfo, *, now: datetime) -> list[Line]:
    """The shifts and gaps of the strip from now on, in their order."""
    _, last = strip(zone, now)
    found: list[Shift | Gap] = [*plan.shifts(now, last), *plan.gaps(now, last)]
    return [_line(each, zone, now) for each in sorted(found, key=lambda each: each.starts_at)]


def strip(zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Two weeks from today's midnight in the zone."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return midnight.replace(tzinfo=zone), (midnight + timedelta(days=DAYS)).replace(tzinfo=zone)


def bars(shifts: list[Shift], gaps: list[Gap], zone: ZoneInfo, first: datetime, last: datetime) -> list[Bar]:
    length = (last - first) / 100
    found = []
    parts: list[Shift | Gap] = [*shifts, *gaps]
    for each in parts:
        people = each.people if isinstance(each, Shift) else ()
        who = joined(list(people)) or "nobody"
        title = (
            f"{who}, {each.starts_at.astimezone(zone):%a %d %b %H:%M} to {each.ends_at.astimezone(zone):%a %d %b %H:%M}"
        )
        left, width = (each.starts_at - first) / length, (each.ends_at - each.starts_at) / length
        found.append(
            Bar(
                round(left, 3),
                round(width, 3),
                who if width > NARROW else who[:1].upper(),
                title,
                hue(people),
                not people,
            )
        )
    return sorted(found, key=lambda bar: bar.left)


def hue(people: tuple[str, ...]) -> int:
    """The same colour for the same people, on every page."""
    return sum(map(ord, "".join(people))) % HUES + 1


def clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`Mon 09:00` within six days, else with the date; in the zone of the schedule."""
    local = at.astimezone(zone)
    near = abs(local.date() - now.astimezone(zone).date()) < timedelta(days=6)
    return f"{local:%a %H:%M}" if near else f"{local:%a} {local.day} {local:%b %H:%M}"


def span(since: datetime, until: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`Mon 09:00 to 17:00`; the end with its day where that is another one."""
    same_day = since.astimezone(zone).date() == until.astimezone(zone).date()
    end = f"{until.astimezone(zone):%H:%M}" if same_day else clock(until, zone, now)
    return f"{clock(since, zone, now)} to {end}"


def steps(values: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each step of a chain as its icon and its sentence."""
    icons = {"Notify": "notifications_active", "Wait": "hourglass_top", "Repeat": "repeat"}
    return [(icons[type(step).__name__], sentence(step)) for step in chains.stored(values)]


def timetable(values: list[dict[str, Any]], level: int) -> list[tuple[str, str]]:
    """When a chain tells whom, if everybody can be reached and nobody answers: the first 12 lines."""
    steps, start = chains.stored(values), datetime(2000, 1, 1, tzinfo=UTC)
    due = waited(steps, Place(), level, now=start)
    found: list[tuple[str, str]] = []
    while len(found) < 12:
        place, step = upcoming(steps, due.place, level)
        after = f"{round((due.at - start).total_seconds() / 60)}\u00a0min"
        if step is None:
            return [*found, (after, "Nobody is left to tell: it says so, and ends.")]
        if isinstance(step, Notify):
            found.append((after, f"{step}."))
            due = notified(steps, place, level, reached=True, now=due.at)
        else:
            due = waited(steps, place, level, now=due.at)
    return [*found, ("…", "And so on.")]


def timetables(values: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The timetable of each level, those that are the same together: `level 1 and 2`."""
    found: list[tuple[list[str], list[tuple[str, str]]]] = []
    for level in chains.LEVELS:
        table = timetable(values, level)
        if found and found[-1][1] == table:
            found[-1][0].append(str(level))
        else:
            found.append(([str(level)], table))
    return [(f"level {joined(levels)}", table) for levels, table in found]


def progress(row: Escalation) -> list[tuple[str, str, str]]:
    """The steps of a running one: icon, sentence, and whether it is done, next or later."""
    place, _ = upcoming(chains.stored(row.steps), Place(row.position, row.round, row.heard), row.level)
    live = row.state == EscalationState.RUNNING
    return [
        (icon, text, "done" if number < place.position else "next" if live and number == place.position else "later")
        for number, (icon, text) in enumerate(steps(row.steps))
    ]


def _then(stands: Standing, zone: ZoneInfo, now: datetime) -> str:
    coming = stands.coming
    return f"{joined(list(coming.people))} from {clock(coming.starts_at, zone, now)}" if coming else ""


def _line(each: Shift | Gap, zone: ZoneInfo, now: datetime) -> Line:
    shift = each if isinstance(each, Shift) else None
    return Line(
        when=span(each.starts_at, each.ends_at, zone, now),
        who=joined(list(shift.people)) if shift else "Nobody",
        gap=shift is None,
        current=each.starts_at <= now,
        ends=clock(each.ends_at, zone, now),
        override=shift is not None and shift.source == "override",
        since=f"{each.starts_at.astimezone(zone):%Y-%m-%dT%H:%M}",
        until=f"{each.ends_at.astimezone(zone):%Y-%m-%dT%H:%M}",
    )
