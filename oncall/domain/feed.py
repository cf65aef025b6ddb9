"""An imported calendar (RFC 5545) as shifts: each of its events says who is on call from when to when."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar

from core.errors import Invalid
from oncall.domain.shifts import Shift, together

MOST_BYTES = 1_000_000
MOST_EVENTS = 5_000  # within the horizon
BACK, AHEAD = timedelta(days=2), timedelta(days=100)  # the horizon, from now
STALE = timedelta(hours=1)  # a copy that is older is told as such
_TOO_FINE = ("SECONDLY", "MINUTELY", "HOURLY")
_PARTS = re.compile(r"\s*(?:[,;|/:\[\]()]|\s[-–—]\s|\sand\s)\s*")


@dataclass(frozen=True, slots=True)
class Copy:
    """What a feed says: its shifts, and the texts of events in which nobody was found."""

    shifts: tuple[Shift, ...]
    unknown: tuple[str, ...]


def read(text: bytes, *, zone: ZoneInfo, known: Mapping[str, str], now: datetime) -> Copy:
    """The shifts from two days back to a hundred days ahead.

    Args:
        zone: of whole days, and of times without a zone.
        known: user name by what names a person in a calendar, in small letters: user name, mail address, full name.

    Raises:
        Invalid: it is no calendar, or has more events than a plan of people can have.
    """
    calendar = _calendar(text)
    try:
        return _copy(_events(calendar, now - BACK, now + AHEAD), zone, known)
    except Invalid:
        raise
    except Exception as error:
        raise Invalid(f"The events of this calendar cannot be read: {_shown(error)}", field="feed") from None


def told(shifts: Sequence[Shift]) -> list[list[Any]]:
    """As JSON keeps them."""
    return [[each.starts_at.isoformat(), each.ends_at.isoformat(), list(each.people)] for each in shifts]


def stored(values: Sequence[Sequence[Any]]) -> tuple[Shift, ...]:
    """The shifts that `told` made JSON of."""
    return tuple(
        Shift(datetime.fromisoformat(since), datetime.fromisoformat(until), tuple(people), "feed")
        for since, until, people in values
    )


def _calendar(text: bytes) -> Calendar:
    try:
        found = Calendar.from_ical(text)
        rules = [rule for event in found.walk("VEVENT") for rule in _listed(event.get("RRULE", []))]
        too_fine = any(set(rule.get("FREQ", [])) & set(_TOO_FINE) for rule in rules)
    except Exception as error:  # whatever the library raises of what strangers wrote
        raise Invalid(f"This is no calendar that can be read: {_shown(error)}", field="feed") from None
    if too_fine:
        raise Invalid("An event of this calendar recurs within a day: that is no plan of people.", field="feed")
    return found


def _events(calendar: Calendar, since: datetime, until: datetime) -> list[Any]:
    """The occurrences that touch the horizon, in their order, no more than there may be."""
    ahead = recurring_ical_events.of(calendar, skip_bad_series=True).after(since)
    near = takewhile(lambda event: _moment(event["DTSTART"].dt, ZoneInfo("UTC")) < until, ahead)
    found = list(islice(near, MOST_EVENTS + 1))
    if len(found) > MOST_EVENTS:
        raise Invalid(f"This calendar has more than {MOST_EVENTS} events in 100 days.", field="feed")
    return found


def _copy(events: Sequence[Any], zone: ZoneInfo, known: Mapping[str, str]) -> Copy:
    found: list[Shift] = []
    unknown: dict[str, None] = {}
    for event in events:
        starts_at, ends_at = _moment(event["DTSTART"].dt, zone), _moment(event["DTEND"].dt, zone)
        people = _people(event, known)
        if not people:
            unknown[_shown(event.get("SUMMARY", ""))[:120] or "(no title)"] = None
        elif starts_at < ends_at:
            found.append(Shift(starts_at, ends_at, people, "feed"))
    return Copy(tuple(together(found)), tuple(unknown))


def _people(event: Any, known: Mapping[str, str]) -> tuple[str, ...]:
    """Those whom the attendees name; else those whom the title names, whole or part by part."""
    attendees = event.get("ATTENDEE", [])
    mails = [str(each).lower().removeprefix("mailto:") for each in _listed(attendees)]
    summary = str(event.get("SUMMARY", "")).strip().lower()
    for names in (mails, [summary], _PARTS.split(summary)):
        found = dict.fromkeys(known[name.strip()] for name in names if name.strip() in known)
        if found:
            return tuple(found)
    return ()


def _listed(value: Any) -> Collection[Any]:
    return value if isinstance(value, list) else [value]


def _shown(text: object) -> str:
    """One line without what nobody can see, and a database may not take: 200 characters at most."""
    return " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())[:200]


def _moment(at: date | datetime, zone: ZoneInfo) -> datetime:
    """In UTC. A day begins at midnight in the zone."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
