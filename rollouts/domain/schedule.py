"""When the steps of a ramp are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from core.errors import Invalid
from rollouts.domain.hours import Hours

LONGEST = 366 * 24 * 3600
FORGIVEN = timedelta(seconds=60)  # the clock looks every 30 s; that moves no plan


def gaps_of(offsets: Sequence[int], *, pace: int | None = None) -> list[int]:
    """The planned seconds before each step; the first has none before it.

    Args:
        offsets: seconds of each step from the start of the playbook; only the differences count.
        pace: seconds from one step to the next, in place of the offsets (rehearsals, demonstrations).
    """
    between = [later - earlier if pace is None else pace for earlier, later in pairwise(offsets)]
    return [0, *between]


def due_times(gaps: Sequence[int], *, first: datetime, hours: Hours | None) -> list[datetime]:
    """One time for each step: the first at `first`, each as soon after its gap as it may be taken.

    A step that the hours move takes the later ones with it: each percentage keeps the time the plan gives it.
    """
    times: list[datetime] = []
    for gap in gaps:
        at = times[-1] + timedelta(seconds=gap) if times else first
        times.append(hours.next(at) if hours else at)
    return times


def delay(due_at: datetime, *, stands_since: datetime, gap: timedelta) -> timedelta:
    """How much later a step becomes so that the flag first stands for the planned time where it stands now.

    Without it a ramp that was late by weeks (held, no data, no clock) would take its steps hours apart.
    """
    late = stands_since + gap - due_at
    return late if late > FORGIVEN else timedelta(0)


def check_seconds(seconds: int | None, *, field: str, least: int) -> int | None:
    """A pace or soak from a door: None, or `least` seconds up to a year."""
    if seconds is not None and not least <= seconds <= LONGEST:
        raise Invalid(f"The {field} is {least} to {LONGEST:,} seconds, not {seconds:,}.", field=field)
    return seconds


def check_moved(to: datetime, *, now: datetime) -> None:
    """Raises Invalid unless a step can be moved there: ahead, within a year."""
    if not timedelta(0) < to - now <= timedelta(seconds=LONGEST):
        raise Invalid("A step is moved to a time that is ahead, within a year.", field="to")
