"""Reads of the on-call plans and of the escalations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Prefetch, Q, QuerySet

from core import heartbeats
from core.errors import NotFound
from oncall.domain import chain as chains_
from oncall.domain import feed, schedule
from oncall.domain.running import EscalationState
from oncall.domain.schedule import LOOK
from oncall.domain.schedule import Schedule as Plan
from oncall.models import Chain, Escalation, Feed, Override, Schedule

NEEDED_BEATS = ("guard", "announce", "escalate")
FRESH = timedelta(seconds=60)  # of those heartbeats


def schedules(*, now: datetime) -> QuerySet[Schedule]:
    """All, with their feeds (without the text) and the overrides that still count within `LOOK`. 2 queries."""
    counted = Override.objects.filter(cancelled_at=None, until__gt=now - LOOK).order_by("-id")
    found = Schedule.objects.select_related("feed").defer("feed__text")
    return found.prefetch_related(Prefetch("overrides", queryset=counted, to_attr="counted")).order_by("name", "id")


def all_schedules() -> QuerySet[Schedule]:
    """All as they are defined, with their feeds and without overrides: one query."""
    return Schedule.objects.select_related("feed").defer("feed__text").order_by("id")


def schedule_of(key: str, *, now: datetime) -> Schedule:
    """One schedule by its key; NotFound names the ones there are."""
    found = schedules(now=now).filter(key=key).first()
    if found is None:
        known = ", ".join(Schedule.objects.values_list("key", flat=True)) or "none yet"
        raise NotFound(f"There is no schedule {key!r}. Known: {known}.")
    return found


def plan_of(row: Schedule) -> Plan:
    """The schedule as a value that tells who is on call. `row` comes from `schedules`."""
    layers = schedule.stored_layers(row.layers, row.zone)
    overrides = tuple(schedule.Override(each.person, each.since, each.until) for each in row.counted)  # type: ignore[attr-defined]
    fed = feed_of(row)
    return Plan(ZoneInfo(row.zone), layers, overrides, feed.stored(fed.shifts) if fed else ())


def feed_of(row: Schedule) -> Feed | None:
    """The calendar that it imports."""
    return getattr(row, "feed", None)


def overrides_ahead(row: Schedule, *, now: datetime) -> list[Override]:
    """Those that are not over, in the order of time."""
    return sorted((each for each in row.counted if each.until > now), key=lambda each: each.since)  # type: ignore[attr-defined]


def override(pk: int, *, schedule_id: int) -> Override:
    """One override of a schedule, or NotFound."""
    found = Override.objects.select_related("schedule").filter(pk=pk, schedule_id=schedule_id).first()
    if found is None:
        raise NotFound(f"This schedule has no override {pk}.")
    return found


def feeds_due(*, now: datetime) -> list[int]:
    """The calendars that are to be fetched, the longest overdue first."""
    return list(Feed.objects.filter(next_at__lte=now).order_by("next_at", "id").values_list("pk", flat=True)[:20])


def on_call(found: Iterable[Schedule], *, now: datetime) -> list[tuple[Schedule, schedule.Standing]]:
    """Each of these rows of `schedules` with how it stands now."""
    return [(row, schedule.standing(plan_of(row), now)) for row in found]


def chains() -> QuerySet[Chain]:
    return Chain.objects.order_by("name", "id")


def chain_of(key: str) -> Chain:
    """One chain by its key; NotFound names the ones there are."""
    found = Chain.objects.filter(key=key).first()
    if found is None:
        known = ", ".join(Chain.objects.values_list("key", flat=True)) or "none yet"
        raise NotFound(f"There is no chain {key!r}. Known: {known}.")
    return found


def chains_with(schedule_key: str) -> list[str]:
    """The keys of the chains that ask this schedule."""
    return [row.key for row in chains() if schedule_key in chains_.schedules(chains_.stored(row.steps))]


def escalations() -> QuerySet[Escalation]:
    """All, newest first, with their environment."""
    return Escalation.objects.select_related("environment").order_by("-id")


def listed(*, environment: str | None = None, live: bool | None = None) -> QuerySet[Escalation]:
    """Escalations that fit, newest first. `live`: those that are not stopped, or only those that are."""
    found = escalations() if environment is None else escalations().filter(environment__key=environment)
    return found if live is None else found.filter(ended_at__isnull=live)


def escalation(pk: int, *, environment: str | None = None) -> Escalation:
    """One escalation, or NotFound; also when it is in another environment than the one that is asked for."""
    found = listed(environment=environment).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no escalation {pk}{f' in {environment}' if environment else ''}.")
    return found


def live(subject: str) -> Escalation | None:
    """The one escalation about the subject that is not stopped."""
    return escalations().filter(subject=subject, ended_at=None).first()


def running() -> QuerySet[Escalation]:
    """Those that nobody has acknowledged, the next due first."""
    return escalations().filter(state=EscalationState.RUNNING.value).order_by("due_at", "id")


def due_ids(*, now: datetime, most: int) -> list[int]:
    """At most so many of those that go on now, the longest overdue first: by the index of what is due."""
    found = Escalation.objects.filter(due_at__lte=now).order_by("due_at", "id")
    return list(found.values_list("pk", flat=True)[:most])


def waiting(*, now: datetime) -> QuerySet[Escalation]:
    """Those whose next step is still to come."""
    return Escalation.objects.filter(due_at__gt=now)


def overdue(*, now: datetime, by: timedelta) -> QuerySet[Escalation]:
    """Those that should have gone on earlier by more than this, the longest overdue first."""
    return Escalation.objects.filter(due_at__lt=now - by).order_by("due_at", "id")


def unheard(*, environment: str | None = None) -> QuerySet[Escalation]:
    """Those that wait for a person: running, or gone through without an answer."""
    waiting = (EscalationState.RUNNING.value, EscalationState.EXHAUSTED.value)
    return listed(environment=environment).filter(state__in=waiting)


def silent_parts(*, now: datetime) -> list[str]:
    """The parts without which nobody would be called, and whose heartbeat is old or was never there."""
    beats = heartbeats.last()
    return [name for name in NEEDED_BEATS if name not in beats or now - beats[name] > FRESH]


def figures() -> Iterable[tuple[str, int, datetime | None]]:
    """For each environment (its key; empty: none): how many wait for a person, and the earliest due time."""
    waiting = Q(state__in=(EscalationState.RUNNING.value, EscalationState.EXHAUSTED.value))
    rows = Escalation.objects.filter(ended_at=None).values_list("environment__key")
    counted = rows.annotate(count=Count("pk", filter=waiting), due=Min("due_at")).order_by("environment__key")
    return [(key or "", count, due) for key, count, due in counted]
