"""When people are told that a KPI falls below its target, or is back: after several days in a row, never to and fro."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from kpis.domain.figure import Status

IN_A_ROW = 3  # days


@dataclass(frozen=True, slots=True)
class Standing:
    """`told` is what people know: met, missed, or None when nobody was told anything yet.

    `seen` is what the last days said, for `days` days in a row; `until` is the newest of them.
    """

    told: Status | None = None
    seen: Status | None = None
    days: int = 0
    until: date | None = None


def after(before: Standing, status: Status, day: date) -> Standing:
    """The standing after this day. A day that was looked at says nothing again.

    Days without data, or with too few, begin anew: they neither confirm nor deny.
    """
    if before.until is not None and day <= before.until:
        return before
    if not status.judged:
        return replace(before, seen=None, days=0, until=day)
    days = before.days + 1 if before.seen is status else 1
    return Standing(before.told if days < IN_A_ROW else status, status, days, day)


def is_news(before: Standing, now: Standing) -> bool:
    """Whether people are to be told. That a KPI is met from the start is no news."""
    return now.told is not before.told and not (before.told is None and now.told is Status.MET)
