"""What happened in a time: what was done to flags, incidents, complaints, and the events worth a name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, QuerySet

import incidents.selectors
from core import events
from incidents.domain.states import IncidentState
from monitoring.selectors import complaints
from reports.domain.comparison import Day
from reports.domain.measures import Measured
from reports.domain.periods import Period
from reports.domain.turning import NEAR

if TYPE_CHECKING:
    from core.models import Environment, Event
    from incidents.models import Incident

SETTING = (  # these say what a flag stands at afterwards
    "flag.enabled",
    "flag.disabled",
    "flag.rollout_changed",
    "flag.promoted",
    "flag.emergency_disabled",
    "flag.rolled_back",
)
TAKEN_BACK = ("flag.rolled_back", "flag.emergency_disabled")
LANDMARKS = (
    *SETTING,
    "flag.parameters_changed",
    "flag.targeting_changed",
    "ramp.started",
    "ramp.advanced",
    "ramp.held",
    "ramp.resumed",
    "ramp.rolled_back",
    "ramp.completed",
    "rollback.completed",
    "migration.started",
    "migration.completed",
    "migration.failed",
    "migration.rolled_back",
    "incident.opened",
    "incident.resolved",
    "trigger.fired",
    "alert.firing",
    "application.changed",
    "phase.started",
    "phase.completed",
)
MOST_EVENTS = 200
SEVERE = 2  # level of an incident from which its minutes count
LONG_REASON = 120


def measured(environment: Environment, spans: Sequence[Period]) -> list[Measured]:
    """Rollbacks, complaints and incidents over each of the spans: the period, the week before, the baseline."""
    own = [_incidents(environment.pk, span) for span in spans]
    both = list(zip(own, spans, strict=True))
    began = [[row.began_at for row in rows if _in(row.began_at, span)] for rows, span in both]
    return [
        _counted("rollbacks", spans, [_taken_back(environment.pk, span) for span in spans]),
        _counted("complaints", spans, [_complaints(environment.pk, span) for span in spans]),
        _counted("incidents", spans, began),
        Measured.daily("incidentMinutes", (_minutes(rows, span) for rows, span in both)),
        _restored(spans, own),
    ]


def rollout(environment_id: int, period: Period) -> list[dict[str, Any]]:
    """What each flag stood at when the period began and when it ended, by its events. Four queries."""
    first, last = (_standing(environment_id, at) for at in (period.start, period.end))
    return [
        {"flag": flag, "enabled": after["enabled"], "percentage": after["percentage"], "before": first.get(flag)}
        for flag, after in sorted(last.items())
    ]


def landmarks(environment_id: int, period: Period) -> tuple[list[dict[str, Any]], int]:
    """The events that a change may have come after, oldest first, and how many more there were."""
    found = _events(environment_id, period.start - NEAR, period.end, LANDMARKS)
    newest = list(found.order_by("-at", "-id")[:MOST_EVENTS])
    left_out = found.count() - len(newest) if len(newest) == MOST_EVENTS else 0
    return [_told(event) for event in reversed(newest)], left_out


def counts(environment_id: int, period: Period) -> dict[str, int]:
    """How many events of each kind there were, of those that matter here."""
    found = _events(environment_id, period.start, period.end, LANDMARKS).order_by()
    return dict(found.values("kind").annotate(times=Count("pk")).order_by("kind").values_list("kind", "times"))


def _told(event: Event) -> dict[str, Any]:
    what = f"{event.kind.replace('.', ' ').replace('_', ' ')} {event.subject.partition(':')[2]}"
    if event.kind in SETTING and "percentage" in event.after:
        what += f" at {event.after['percentage']:g} %" if event.after.get("enabled") else " off"
    reason = " ".join(event.reason.split())[:LONG_REASON]
    return {"id": event.pk, "at": event.at.isoformat(), "kind": event.kind, "what": what, "reason": reason}


def _events(environment_id: int, start: datetime, end: datetime, kinds: Sequence[str]) -> QuerySet[Event]:
    return events.recent().filter(environment_id=environment_id, at__gte=start, at__lt=end, kind__in=kinds)


def _standing(environment_id: int, at: datetime) -> dict[str, dict[str, Any]]:
    every = events.recent().filter(environment_id=environment_id, at__lt=at, kind__in=SETTING)
    newest = every.order_by().values("subject").annotate(last=Max("pk")).values_list("last", flat=True)
    rows = events.recent().filter(pk__in=list(newest)).order_by("subject")
    return {
        event.subject.partition(":")[2]: {
            "enabled": bool(event.after.get("enabled")),
            "percentage": float(event.after.get("percentage", 0)),
        }
        for event in rows
    }


def _taken_back(environment_id: int, span: Period) -> list[datetime]:
    return list(_events(environment_id, span.start, span.end, TAKEN_BACK).order_by("at").values_list("at", flat=True))


def _complaints(environment_id: int, span: Period) -> list[datetime]:
    found = complaints.made(environment_id, span.start.timestamp(), span.end.timestamp())
    return [datetime.fromtimestamp(each.at, span.clock) for each in found]


def _incidents(environment_id: int, span: Period) -> list[Incident]:
    """Those that were open at some time in it."""
    found = incidents.selectors.incidents().filter(environment_id=environment_id, began_at__lt=span.end)
    found = found.exclude(state=IncidentState.MERGED.value).exclude(resolved_at__lt=span.start)
    return list(found.order_by("pk"))


def _in(at: datetime | None, span: Period) -> bool:
    return at is not None and span.start <= at < span.end


def _counted(key: str, spans: Sequence[Period], moments: Sequence[Iterable[datetime]]) -> Measured:
    return Measured.daily(key, (_per_day(span, at) for span, at in zip(spans, moments, strict=True)))


def _per_day(span: Period, moments: Iterable[datetime]) -> tuple[Day, ...]:
    edges = span.edges()
    found = [0] * (len(edges) - 1)
    for at in moments:
        found[bisect_right(edges, at.timestamp()) - 1] += 1
    return tuple(Day(count, length, count) for count, length in zip(found, span.lengths(edges), strict=True))


def _minutes(rows: Iterable[Incident], span: Period) -> tuple[Day, ...]:
    """Minutes of each day with an open incident of level 2 or 3; two at once count once."""
    edges = span.edges()
    open_ = _joined(
        (row.began_at.timestamp(), row.resolved_at.timestamp() if row.resolved_at else edges[-1])
        for row in rows
        if row.highest >= SEVERE
    )
    found = []
    for start, end, length in zip(edges, edges[1:], span.lengths(edges), strict=False):
        seconds = sum(max(0.0, min(until, end) - max(since, start)) for since, until in open_)
        found.append(Day(seconds / 60, length, seconds / 60))
    return tuple(found)


def _joined(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _restored(spans: Sequence[Period], own: Sequence[Sequence[Incident]]) -> Measured:
    """How long incidents took that recovered in each day; a day without one was not measured."""
    days: list[list[Day | None]] = []
    for span, rows in zip(spans, own, strict=True):
        edges = span.edges()
        took: list[list[float]] = [[] for _ in edges[1:]]
        for row in rows:
            if row.resolved_at is not None and _in(row.resolved_at, span):
                place = bisect_right(edges, row.resolved_at.timestamp()) - 1
                took[place].append((row.resolved_at - row.began_at) / timedelta(minutes=1))
        days.append([Day(sum(each), len(each), len(each)) if each else None for each in took])
    return Measured.daily("timeToRestore", days, why="" if any(days[0]) else "no incident recovered")
