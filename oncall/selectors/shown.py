"""Schedules and escalations for a machine, and a schedule as an iCalendar file."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from icalendar import Calendar, Event

from core.repeating import joined
from oncall import selectors
from oncall.domain.schedule import standing
from oncall.models import Escalation, Schedule

_STORED = (
    *("id", "subject", "title", "level", "chain", "chain_name", "steps", "state", "position", "round", "due_at"),
    *("notifications", "started_by", "started_at", "reason", "acknowledged_by", "acknowledged_at"),
    *("ended_by", "ended_at", "ended_reason", "version"),
)
PAST, AHEAD = timedelta(days=31), timedelta(days=92)


def on_call(row: Schedule, *, now: datetime) -> dict[str, Any]:
    """Who is on call now, until when, and who comes then."""
    stands = standing(selectors.plan_of(row), now)
    coming = stands.coming
    return {
        "schedule": row.key,
        "name": row.name,
        "zone": row.zone,
        "people": list(stands.shift.people) if stands.shift else [],
        "until": stands.until,
        "next": {"people": list(coming.people), "from": coming.starts_at} if coming else None,
    }


def shifts(row: Schedule, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The shifts of a time, clipped to it; a gap has nobody."""
    plan = selectors.plan_of(row)
    found = [(each.starts_at, each.ends_at, list(each.people), each.source) for each in plan.shifts(since, until)]
    found += [(each.starts_at, each.ends_at, [], "gap") for each in plan.gaps(since, until)]
    names = ("starts_at", "ends_at", "people", "source")
    return [dict(zip(names, each, strict=True)) for each in sorted(found, key=lambda each: each[0])]


def escalation(row: Escalation) -> dict[str, Any]:
    """The escalation as JSON values and times."""
    environment = row.environment.key if row.environment else ""
    return {**{field: getattr(row, field) for field in _STORED}, "environment": environment}


def as_icalendar(row: Schedule, *, host: str, now: datetime) -> bytes:
    """The past month and the coming three. Within a day it only changes when the schedule does."""
    stamp = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    calendar = Calendar()
    calendar.add("prodid", "-//nctool rollout//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"On call: {row.name}")
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for shift in selectors.plan_of(row).shifts(stamp - PAST, stamp + AHEAD):
        event = Event()
        event.add("uid", f"oncall-{row.key}-{shift.starts_at:%Y%m%dT%H%M%SZ}@{host}")
        event.add("dtstamp", stamp)
        event.add("summary", joined(list(shift.people)))
        event.add("description", f"On call in {row.name}.")
        event.add("dtstart", shift.starts_at)
        event.add("dtend", shift.ends_at)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
