"""Points in time as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC, as it is stored: PostgreSQL takes no offset of 16 hours, which Python does.

    Raises ValueError at the ends of the calendar, where there is no such moment.
    """
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("A time of the years 1 to 9999, in UTC too.") from None


def span(length: timedelta) -> str:
    """A length of time in at most two units: `45 s`, `3 min 20 s`, `2 h 5 min`, `6 days 3 h`."""
    seconds = int(abs(length).total_seconds())
    for size, name, small, small_name in ((86400, "days", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            count, rest = divmod(seconds, size)
            unit = "day" if name == "days" and count == 1 else name
            fine = rest // small
            return f"{count} {unit} {fine} {small_name}" if fine and count < 10 else f"{count} {unit}"
    return f"{seconds} s"


def relative(at: datetime, *, now: datetime) -> str:
    """How far `at` is from `now`: `in 3 min`, `12 s ago`, `now`."""
    if abs(at - now) < timedelta(seconds=1):
        return "now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def clock(at: datetime, *, now: datetime) -> str:
    """The time of day; with its date when that is not today. Both in the zone of `now`."""
    local = at.astimezone(now.tzinfo)
    time = f"{local:%H:%M:%S} {local.tzname()}"
    if local.date() == now.date():
        return time
    year = f" {local.year}" if local.year != now.year else ""
    return f"{local:%a} {local.day} {local:%b}{year} {time}"
