"""When a request is applied: a time as a person sets it, in a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import Invalid

FURTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` is in UTC, `zone` an IANA name, `told` how people read it there."""

    at: datetime
    zone: str
    told: str


def resolve(wanted: datetime, zone: str, *, now: datetime) -> Moment:
    """The moment that is meant.

    Args:
        wanted: local time in `zone` when it has no offset; otherwise the moment itself, and `zone` is for showing it.
        zone: an IANA name, for example Europe/Berlin; empty: UTC.

    A local time that comes twice (the clocks go back) is the first of the two, and `told` says so.
    Raises Invalid for an unknown zone, for a local time that the clocks skip, and for one that is not within the
    next 366 days.
    """
    place = read_zone(zone or "UTC")
    local = wanted.replace(tzinfo=place, fold=0) if wanted.tzinfo is None else wanted
    at = local.astimezone(UTC)
    if wanted.tzinfo is None and at.astimezone(place).replace(tzinfo=None) != wanted.replace(fold=0):
        after = at.astimezone(place)
        raise Invalid(
            f"{wanted:%Y-%m-%d %H:%M} does not exist in {place.key}: the clocks go forward over it. "
            f"Choose a time before it, or {after:%H:%M}.",
            field="apply_at",
        )
    if not now < at <= now + FURTHEST:
        raise Invalid("A request is scheduled for a time to come, at most 366 days ahead.", field="apply_at")
    return Moment(at, place.key, told(at, place.key))


def told(at: datetime, zone: str) -> str:
    """`2025-10-26 02:30 CEST (Europe/Berlin)`; with a remark where the clocks show this time twice."""
    place = ZoneInfo(zone or "UTC")
    local = at.astimezone(place)
    text = f"{local:%Y-%m-%d %H:%M} {local.tzname()} ({place.key})"
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return text
    return f"{text}, the {'second' if local.fold else 'first'} of the two times of that name: the clocks go back then"


def read_zone(name: str) -> ZoneInfo:
    """The zone of this IANA name, or Invalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"There is no time zone {name!r}: write an IANA name, for example Europe/Berlin."
        raise Invalid(message, field="zone") from None
