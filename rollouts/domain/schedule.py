"""When the steps of a ramp are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.errors import Invalid

LONGEST = 366 * 24 * 3600
FORGIVEN = timedelta(seconds=60)  # the clock looks every 30 s; that moves no plan


def due_times(offsets: Sequence[int], *, starts_at: datetime, pace: int | None = None) -> list[datetime]:
    """One time for each step: the first at `starts_at`.

    Args:
        offsets: seconds of each step from the start of the playbook; only the differences count.
        pace: seconds from one step to the next, in place of the offsets (rehearsals, demonstrations).
    """
    gaps = [offset - offsets[0] for offset in offsets] if pace is None else [n * pace for n in range(len(offsets))]
    return [starts_at + timedelta(seconds=gap) for gap in gaps]


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
