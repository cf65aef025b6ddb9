"""When a maintenance is: local times of a zone, kept as moments in UTC with that zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.calendar import on_the_clock, read_zone
from core.errors import Invalid

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=31)
FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Window:
    """From `starts_at` to just before `ends_at`, both in UTC; `zone` is the one it was planned in."""

    starts_at: datetime
    ends_at: datetime
    zone: str

    @classmethod
    def read(cls, starts: str, ends: str, zone: str, *, now: datetime) -> Window:
        """Of local times (ISO 8601 without an offset). Invalid with the field that is wrong, also for one in the past.

        A time that the clocks show twice is the first one; one that they skip moves forward by what they skip.
        """
        window = cls(_moment(starts, zone, "starts_at"), _moment(ends, zone, "ends_at"), zone)
        length = window.ends_at - window.starts_at
        if not SHORTEST <= length <= LONGEST:
            raise Invalid(f"It must end after its start, and within {LONGEST.days} days.", field="ends_at")
        if window.ends_at <= now:
            raise Invalid("This would be over already. Plan a time that is ahead.", field="ends_at")
        if window.starts_at > now + FARTHEST:
            raise Invalid("Plan at most a year ahead.", field="starts_at")
        return window


def _moment(text: str, zone: str, field: str) -> datetime:
    found = read_zone(zone)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date and time. Write it like 2025-08-29T18:00.", field=field) from None
    if local.tzinfo is not None:
        raise Invalid("Give a local time, without an offset: the zone is a field of its own.", field=field)
    if not 2000 <= local.year < 2200:
        raise Invalid("This year cannot be meant.", field=field)
    return on_the_clock(local.replace(second=0, microsecond=0), found).astimezone(UTC)
