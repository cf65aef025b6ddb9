"""Which flags have done their work, or are asked for by nobody: decided from plain facts.

Thresholds: a percentage at one end for 30 days and no question for 7 days, as the seed's operators asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SETTLED_AFTER = timedelta(days=30)
SILENT_AFTER = timedelta(days=7)


class Reach(StrEnum):
    """For whom a flag is on in one environment. SOME is anything that still tells npubs apart."""

    EVERYBODY = "everybody"
    NOBODY = "nobody"
    SOME = "some"


class Staleness(StrEnum):
    NEVER_ASKED = "never asked"
    SILENT = "not asked any more"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Place:
    """One flag in one environment. `since` is its last change; `asked_at` is None when nobody ever asked there."""

    environment: str
    reach: Reach
    since: datetime
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a flag is stale and what to do about it, in words."""

    kind: Staleness
    why: str
    todo: str


def stale(
    places: Sequence[Place], *, created_at: datetime, counting_since: datetime | None, now: datetime
) -> Stale | None:
    """Whether the flag can be cleaned up; None when it is in use, or when nobody can tell yet.

    Args:
        places: the flag in every environment.
        counting_since: since when questions are counted at all; None: not yet. What was not counted for 7 days
            says nothing about who asks.
    """
    if counting_since is None or now - counting_since < SILENT_AFTER:
        return None
    asked = [place.asked_at for place in places if place.asked_at is not None]
    if not asked:
        return _never(now - max(created_at, counting_since), age=now - created_at)
    if now - max(asked) >= SILENT_AFTER:
        return Stale(
            Staleness.SILENT,
            f"Nobody has asked for it for {(now - max(asked)).days} days, in no environment.",
            "The code that asked seems to be gone. Archive the flag.",
        )
    return _settled([place for place in places if _used(place, now)], now)


def _never(silence: timedelta, *, age: timedelta) -> Stale | None:
    if silence < SILENT_AFTER:
        return None
    return Stale(
        Staleness.NEVER_ASKED,
        f"It was made {age.days} days ago and nobody has asked for it in the {silence.days} days that were counted.",
        "Ship the code that asks for it, or archive the flag.",
    )


def _used(place: Place, now: datetime) -> bool:
    return place.asked_at is not None and now - place.asked_at < SILENT_AFTER


def _settled(used: Sequence[Place], now: datetime) -> Stale | None:
    """Stale when every environment that asks has had the same whole answer for 30 days."""
    reaches = {place.reach for place in used}
    days = min((now - place.since).days for place in used)
    if len(reaches) != 1 or Reach.SOME in reaches or days < SETTLED_AFTER.days:
        return None
    where = ", ".join(place.environment for place in used)
    if Reach.EVERYBODY in reaches:
        return Stale(
            Staleness.SETTLED,
            f"Everybody has had it for {days} days in {where}.",
            "Take the flag and the old path out of the code, then archive the flag.",
        )
    return Stale(
        Staleness.SETTLED,
        f"Nobody has had it for {days} days in {where}.",
        "Decide: roll it out, or take the flag and the new path out of the code and archive the flag.",
    )
