"""What happened in an incident: its own events, and those of everything that is linked to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from core import events
from core.moments import span
from incidents import selectors
from incidents.domain.document import Moment, ToDo, exported
from incidents.models import Incident, Link

if TYPE_CHECKING:
    from core.models import Event

BEFORE = timedelta(minutes=10)  # what led to it, too
AFTER = timedelta(minutes=30)  # what came of it
NEWEST = 100  # of its own events, and as many of its links, are read for one look
MOST_MOMENTS = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an event, and how many more of its kind about the same came right before it."""

    event: Event
    more: int


def own(row: Incident) -> list[Event]:
    """What people and the clock did to it, the newest first; not what was linked, which tells of itself."""
    return list(events.about(f"incident:{row.pk}").exclude(kind="incident.linked")[:NEWEST])


def timeline(row: Incident, *, now: datetime, said: Sequence[Event] | None = None) -> list[Entry]:
    """The newest first; events in a row that say the same are one line. Two queries, whatever their number.

    `said` is what `own` has found, where the caller has asked already: a flood of alerts never hides it.
    """
    until = (row.resolved_at or row.closed_at or now) + AFTER
    linked = Link.objects.filter(incident=row).values("subject")
    there = events.recent().filter(subject__in=linked, at__gte=row.began_at - BEFORE, at__lte=until)
    of_links = there.filter(environment_id=row.environment_id).order_by("-at", "-id")[:NEWEST]
    found = [*(own(row) if said is None else said), *of_links]
    found.sort(key=lambda event: (event.at, event.pk), reverse=True)
    return [Entry(next(same), sum(1 for _ in same)) for _, same in groupby(found, key=_alike)]


def moments(row: Incident, *, now: datetime) -> list[Moment]:
    """The same for a document, the oldest first."""
    told = timeline(row, now=now)[:MOST_MOMENTS]
    return [Moment(entry.event.at, _said(entry), entry.event.actor) for entry in reversed(told)]


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
