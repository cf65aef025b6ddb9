"""What happened in one environment between two moments, for the lanes below a chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.urls import reverse

from core import events, freezes
from core.looks import LOOK
from core.recent import QUIET
from reports.domain.lanes import Bar, Happened, Lane, lane_of, lanes, share

if TYPE_CHECKING:
    from core.models import Environment, Event

MOST = 500
KINDS = sorted(kind for kind in LOOK if kind not in QUIET and lane_of(kind))


@dataclass(frozen=True, slots=True)
class Timeline:
    """`happened` is newest first. `older`: there is more than the newest 500, before them."""

    lanes: list[Lane]
    happened: list[Happened]
    older: bool


def timeline(
    place: Environment, *, start: int, end: int, words: Callable[[Event], str], only: Sequence[str] = ()
) -> Timeline:
    """What happened there and everywhere: five queries.

    Args:
        start, end: unix seconds, end excluded.
        words: what an event says, in a few words.
        only: the keys of the lanes that are wanted; none: all.
    """
    kinds = [kind for kind in KINDS if not only or lane_of(kind) in only]
    found = events.recent().filter(
        kind__in=kinds, at__gte=datetime.fromtimestamp(start, UTC), at__lt=datetime.fromtimestamp(end, UTC)
    )
    parts = [found.filter(environment=where).order_by("-at", "-id") for where in (place, None)]
    rows = sorted((row for part in parts for row in part[: MOST + 1]), key=lambda row: (row.at, row.pk), reverse=True)
    happened = [_happened(row, words) for row in rows[:MOST]]
    bars = {"freezes": _frozen(place, start, end)} if not only or "freezes" in only else {}
    return Timeline(lanes(happened, start=start, end=end, bars=bars), happened, len(rows) > MOST)


def _happened(row: Event, words: Callable[[Event], str]) -> Happened:
    tone, icon = LOOK[row.kind]
    url = reverse("admin:core_event_change", args=[row.pk])
    return Happened(row.kind, row.subject, row.at.timestamp(), words(row), row.actor, row.reason[:400], url, tone, icon)


def _frozen(place: Environment, start: int, end: int) -> list[Bar]:
    """The freezes that held there: three queries. Those that were ended since are told by their events."""
    since, until = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
    found = []
    for span in freezes.spans(freezes.live(), since=since, until=until, most=100):
        if place in span.environments:
            left = share(span.occurrence.starts_at.timestamp(), start, end)
            width = share(span.occurrence.ends_at.timestamp(), start, end) - left
            url = reverse("admin:core_freeze_change", args=[span.freeze.pk])
            found.append(Bar(span.freeze.name, url, "info", left, width, span.occurrence.ends_at > until))
    return found
