"""The picture as templates show it, in one language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from statuspage.domain.history import Day, days, uptime
from statuspage.domain.languages import language_of, said
from statuspage.domain.picture import Component, Incident, Maintenance, Picture
from statuspage.domain.states import ComponentState, worst
from statuspage.templatetags import status_times
from statuspage.templatetags import status_words as words

RECENT = 7  # days of which the page tells each
_STEP, _WIDTH, _FLOOR = 10, 8, 40  # of the bars, in units of the drawing
HEIGHT = {  # the worse, the taller: the colour alone says nothing
    ComponentState.OPERATIONAL: 26,
    ComponentState.UNDER_MAINTENANCE: 26,
    ComponentState.DEGRADED: 30,
    ComponentState.PARTIAL: 35,
    ComponentState.MAJOR: 40,
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its language, which a page in another one has to say."""

    text: str
    lang: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where and how it is drawn, and what its tip says."""

    x: int
    y: int
    height: int
    width: int
    state: str
    tip: str


@dataclass(frozen=True, slots=True)
class ComponentView:
    name: Text
    description: Text
    state: ComponentState
    word: str
    uptime: str
    bars: list[Bar]
    troubled: list[tuple[date, str]]


@dataclass(frozen=True, slots=True)
class GroupView:
    """Components that stand together; `name` is empty for one that stands alone."""

    name: str
    state: ComponentState
    word: str
    components: list[ComponentView]


@dataclass(frozen=True, slots=True)
class UpdateView:
    word: str
    text: Text
    at: datetime


@dataclass(frozen=True, slots=True)
class IncidentView:
    id: str
    title: Text
    impact: str
    impact_word: str
    state: str
    word: str
    started_at: datetime
    resolved_at: datetime | None
    lasted: str
    components: str
    updates: list[UpdateView]


@dataclass(frozen=True, slots=True)
class MaintenanceView:
    """`local` is its time in the zone it was planned in; empty when that is UTC."""

    id: str
    title: Text
    text: Text
    state: str
    word: str
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    local: str
    components: str


def page(picture: Picture, language: str, *, now: datetime) -> dict[str, Any]:
    """What the page itself shows."""
    incidents = [incident(each, picture, language) for each in picture.incidents]
    work = [each for each in picture.maintenances if each.ahead]
    ahead = sorted((each for each in work if not each.under_way), key=lambda each: each.starts_at)
    open_now = {each.id for each in picture.incidents if each.open}
    return {
        "indicator": picture.indicator,
        "overall": words.OVERALL[picture.indicator],
        "groups": groups(picture, language, now=now),
        "open": [each for each in incidents if each.id in open_now],
        "under_way": [maintenance(each, picture, language) for each in work if each.under_way],
        "ahead": [maintenance(each, picture, language) for each in ahead],
        "past": past(incidents, now=now),
    }


def months(picture: Picture, language: str) -> list[tuple[date, list[IncidentView | MaintenanceView]]]:
    """Incidents and ended maintenances by month, the newest first."""
    found: dict[date, list[tuple[datetime, IncidentView | MaintenanceView]]] = {}
    for each in picture.incidents:
        found.setdefault(_month(each.started_at), []).append((each.started_at, incident(each, picture, language)))
    for work in picture.maintenances:
        if not work.ahead:
            found.setdefault(_month(work.starts_at), []).append((work.starts_at, maintenance(work, picture, language)))
    ordered = sorted(found.items(), reverse=True)
    return [
        (month, [view for _, view in sorted(rows, key=lambda row: row[0], reverse=True)]) for month, rows in ordered
    ]


def past(incidents: Iterable[IncidentView], *, now: datetime) -> list[tuple[date, list[IncidentView]]]:
    """The last days, each with the incidents that began on it; those that still go on stand there as well."""
    today = now.astimezone(UTC).date()
    found: dict[date, list[IncidentView]] = {today - timedelta(days=number): [] for number in range(RECENT)}
    for each in incidents:
        found.get(each.started_at.astimezone(UTC).date(), []).append(each)
    return list(found.items())


def groups(picture: Picture, language: str, *, now: datetime) -> list[GroupView]:
    """In the order of the page; components of one group stand together where the first of them stands."""
    found: dict[str, list[Component]] = {}
    for each in picture.components:
        found.setdefault(said(each.groups, language) or f"/{each.key}", []).append(each)
    return [_group("" if name.startswith("/") else name, rows, language, now) for name, rows in found.items()]


def component(row: Component, language: str, *, now: datetime) -> ComponentView:
    found = days(row.changes, now=now)
    return ComponentView(
        name=text(row.names, language),
        description=text(row.descriptions, language),
        state=row.state,
        word=str(words.COMPONENT[row.state]),
        uptime=words.uptime(uptime(found)),
        bars=[_bar(number, day) for number, day in enumerate(found)],
        troubled=[(day.date, words.day(day)) for day in reversed(found) if _is_troubled(day)],
    )


def incident(row: Incident, picture: Picture, language: str) -> IncidentView:
    return IncidentView(
        id=row.id,
        title=text(row.titles, language),
        impact=row.impact.value,
        impact_word=str(words.IMPACT[row.impact]),
        state=row.state.value,
        word=str(words.INCIDENT[row.state]),
        started_at=row.started_at,
        resolved_at=row.resolved_at,
        lasted=words.lasted(row.resolved_at - row.started_at) if row.resolved_at else "",
        components=_names(picture, row.components, language),
        updates=[
            UpdateView(str(words.INCIDENT[each.state]), text(each.texts, language), each.at) for each in row.updates
        ],
    )


def maintenance(row: Maintenance, picture: Picture, language: str) -> MaintenanceView:
    return MaintenanceView(
        id=row.id,
        title=text(row.titles, language),
        text=text(row.texts, language),
        state=row.state.value,
        word=str(words.MAINTENANCE[row.state]),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        local="" if row.zone == "UTC" else _local(row),
        components=_names(picture, row.components, language),
    )


def text(texts: dict[str, str], language: str) -> Text:
    return Text(said(texts, language), language_of(texts, language))


def _group(name: str, rows: list[Component], language: str, now: datetime) -> GroupView:
    state = worst(row.state for row in rows)
    return GroupView(name, state, str(words.COMPONENT[state]), [component(row, language, now=now) for row in rows])


def _bar(number: int, day: Day) -> Bar:
    height = HEIGHT[day.worst] if day.worst else 8
    state = day.worst.value if day.worst else "none"
    tip = f"{status_times.day(day.date)}: {words.day(day)}"
    return Bar(number * _STEP, _FLOOR - height, height, _WIDTH, state, tip)


def _is_troubled(day: Day) -> bool:
    return day.worst not in (None, ComponentState.OPERATIONAL)


def _names(picture: Picture, keys: Iterable[str], language: str) -> str:
    wanted = set(keys)
    return ", ".join(said(each.names, language) for each in picture.components if each.key in wanted)


def _local(row: Maintenance) -> str:
    zone = ZoneInfo(row.zone)
    starts, ends = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    end = f"{ends:%H:%M}" if starts.date() == ends.date() else f"{status_times.day(ends)} {ends:%H:%M}"
    return f"{status_times.day(starts)} {starts:%H:%M} – {end} {ends.tzname()} ({row.zone})"


def _month(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)
