"""What happened in an incident: its own events, and those of everything that is linked to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from django.db.models import Q

from core import events
from core.moments import span
from incidents import selectors
from incidents.domain.document import Moment, ToDo, exported
from incidents.models import Incident, Link

if TYPE_CHECKING:
    from core.models import Event

BEFORE = timedelta(minutes=10)  # what led to it, too
AFTER = timedelta(minutes=30)  # what came of it
NEWEST = 200  # events that are read for one look
MOST_MOMENTS = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an event, and how many more of its kind about the same came right before it."""

    event: Event
    more: int


def timeline(row: Incident, *, now: datetime) -> list[Entry]:
    """The newest first; events in a row that say the same are one line. Two queries, whatever their number."""
    until = (row.resolved_at or row.closed_at or now) + AFTER
    linked = Link.objects.filter(incident=row).values("subject")
    there = Q(subject__in=linked, environment_id=row.environment_id, at__gte=row.began_at - BEFORE, at__lte=until)
    found = events.recent().filter(there | Q(subject=f"incident:{row.pk}"))
    newest = list(found.order_by("-at", "-id")[:NEWEST])
    return [
        Entry(first, sum(1 for _ in same))
        for _, same in groupby(newest, key=_alike)
        if (first := next(same)) is not None
    ]


def moments(row: Incident, *, now: datetime) -> list[Moment]:
    """The same for a document: oldest first, and what only links is left out."""
    told = [entry for entry in timeline(row, now=now) if entry.event.kind != "incident.linked"]
    return [Moment(entry.event.at, _said(entry), entry.event.actor) for entry in reversed(told[:MOST_MOMENTS])]


def impact(row: Incident) -> list[tuple[str, str]]:
    """What is known of it in figures: names and values."""
    times = times_of(row)
    told = [
        ("Environment", row.environment.name),
        ("Worst level", str(row.highest)),
        ("Affected components", ", ".join(row.components)),
        *((name, span(took)) for name, took in times if took is not None),
    ]
    return [(name, value) for name, value in told if value]


def times_of(row: Incident) -> list[tuple[str, timedelta | None]]:
    """To detect and to recover from its begin, to acknowledge from its opening, to mitigate from its begin."""
    return [
        ("To detect", row.opened_at - row.began_at),
        ("To acknowledge", row.acknowledged_at - row.opened_at if row.acknowledged_at else None),
        ("To mitigate", row.mitigated_at - row.began_at if row.mitigated_at else None),
        ("To recover", row.resolved_at - row.began_at if row.resolved_at else None),
    ]


def document(row: Incident) -> str:
    """The post-mortem as a file of Markdown; empty: there is none."""
    found = selectors.post_mortem(row)
    if found is None:
        return ""
    items = [ToDo(each.text, each.owner, each.due, each.done_by) for each in selectors.follow_ups(row)]
    return exported(f"Incident {row.pk}: {row.title}", found.text, items)


def _alike(event: Event) -> tuple[str, str]:
    """What people say is never folded away."""
    own = event.kind.startswith("incident.")
    return (event.kind, str(event.pk)) if own else (event.kind, event.subject)


def _said(entry: Entry) -> str:
    event = entry.event
    words = event.kind.partition(".")[2].replace("_", " ")
    about = "" if event.kind.startswith("incident.") else f"{event.subject}: "
    more = f" ({entry.more + 1} times)" if entry.more else ""
    return f"{about}{words}{f'. {event.reason}' if event.reason else ''}"[:400] + more
