"""When somebody is told: at once, after quiet hours, at the full hour, or together with what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from communications.domain.audiences import Frequency

HOUR = timedelta(hours=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
MEMORY = timedelta(hours=2)  # how long a group is remembered
BURST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Habits:
    """How an audience wants to be told.

    Attributes:
        quiet: local times between which it is left alone; None: never. Over midnight when the first is the later one.
        burst: how many messages a minute one recipient gets before the rest of that minute comes as one; 0: no limit.
    """

    frequency: Frequency
    zone: str = "UTC"
    quiet: tuple[time, time] | None = None
    burst: int = 5


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `until`, because of `why`."""

    until: datetime
    why: str


def wait(
    habits: Habits,
    *,
    urgent: bool,
    single: bool,
    same: Sequence[datetime],
    lately: int,
    held: datetime | None,
    now: datetime,
) -> Wait | None:
    """How long a message is held; None: not at all. What is held for the same recipient is told as one.

    Args:
        urgent: level 3, or people who are called: no quiet hours and no full hour for them.
        single: told on its own, however many there are: incidents and calls.
        same: when this recipient was told of the same thing before, in the last two hours.
        lately: how many messages this recipient got within the last minute.
        held: until when others are held for this recipient; what follows joins them.
    """
    if habits.frequency is Frequency.HOURLY and not urgent:
        return Wait(next_hour(now), "told at the full hour")
    if habits.quiet and not urgent:
        until = quiet_until(*habits.quiet, zone=habits.zone, now=now)
        if until is not None:
            return Wait(until, "quiet hours")
    if single:
        return None
    if same:
        until = max(same) + pause(len(same))
        if until > now:
            return Wait(until, "comes and goes")
    if habits.burst and lately >= habits.burst:
        return Wait(held or now + BURST, f"more than {habits.burst} a minute")
    return None


def pause(told: int) -> timedelta:
    """Between two messages about one thing, after it was told so often: 1 minute, doubled up to 15."""
    return min(FIRST_PAUSE * (1 << min(told - 1, 10)), LONGEST_PAUSE)


def next_hour(now: datetime) -> datetime:
    """The next full hour; of a full hour the one after it."""
    return now.replace(minute=0, second=0, microsecond=0) + HOUR


def quiet_until(begins: time, ends: time, *, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours that hold now are over, in UTC; None when none do. The end is not part of them.

    Local times: 07:00 is 07:00 over a change of the clocks. A time that the change leaves out is read as
    `zoneinfo` does, by the offset before it.
    """
    if begins == ends:
        return None
    local = now.astimezone(ZoneInfo(zone))
    clock = local.time()
    over_midnight = begins > ends
    inside = (clock >= begins or clock < ends) if over_midnight else begins <= clock < ends
    if not inside:
        return None
    day = local.date() + timedelta(days=int(over_midnight and clock >= begins))
    return datetime.combine(day, ends, ZoneInfo(zone)).astimezone(UTC)
