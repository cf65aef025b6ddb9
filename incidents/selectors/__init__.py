"""Reads of the incidents."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, IntegerField, Prefetch, Q, QuerySet, Value, When

import monitoring.selectors
from core import environments
from core.errors import NotFound
from incidents.domain import levels
from incidents.domain.levels import Policies
from incidents.domain.states import OPEN, IncidentState, Level
from incidents.models import Action, FollowUp, Incident, LevelPolicy, Link, PostMortem

if TYPE_CHECKING:
    from core.models import Environment

OPEN_STATES = [state.value for state in OPEN]
MOST_LINKS = 50
ORDER = ("is_over", "-worst", "-id")  # of the annotated rows


def incidents() -> QuerySet[Incident]:
    """All with their environment: open ones first, the worst of them, then the newest."""
    first = Case(When(state__in=OPEN_STATES, then=Value(0)), default=Value(1), output_field=IntegerField())
    worst = Case(When(state__in=OPEN_STATES, then="level"), default=Value(0), output_field=IntegerField())
    found = Incident.objects.select_related("environment", "merged_into").annotate(is_over=first, worst=worst)
    return found.order_by(*ORDER)


def listed(*, environment: str | None = None, state: IncidentState | None = None) -> QuerySet[Incident]:
    """Those that fit, in the same order."""
    found = incidents() if environment is None else incidents().filter(environment__key=environment)
    return found if state is None else found.filter(state=state.value)


def open_ones(environment: str | None = None) -> QuerySet[Incident]:
    """Those that somebody has to do something about, the worst first."""
    return listed(environment=environment).filter(state__in=OPEN_STATES)


def get(number: int, *, environment: str | None = None) -> Incident:
    """One incident, or NotFound; also when it is in another environment than the one that is asked for."""
    found = incidents().filter(pk=number).first()
    if found is None or environment not in (None, found.environment.key):
        raise NotFound(f"There is no incident {number}{f' in {environment}' if environment else ''}.")
    return found


def gathering(environment_id: int) -> Incident | None:
    """The open one to which everything there is linked."""
    found = Incident.objects.filter(environment_id=environment_id, gathers=True, state__in=OPEN_STATES)
    return found.select_related("environment").first()


def resolved_since(environment_id: int, since: datetime) -> Incident | None:
    """The newest that gathered there, and was resolved since then."""
    found = Incident.objects.filter(
        environment_id=environment_id, gathers=True, state=IncidentState.RESOLVED.value, resolved_at__gte=since
    )
    return found.select_related("environment").order_by("-resolved_at").first()


def policies() -> Policies:
    """What each level means now."""
    return levels.policies(kept())


def kept() -> dict[int, dict[str, Any]]:
    """The levels that a playbook has defined, by number."""
    return dict(LevelPolicy.objects.values_list("level", "values"))


def watched() -> list[Environment]:
    """Where incidents open by themselves: what is protected, and wherever triggers are."""
    guarded = set(monitoring.selectors.triggers().values_list("environment_id", flat=True))
    return [row for row in environments.ordered() if row.protected or row.pk in guarded]


def actions(incident: Incident) -> QuerySet[Action]:
    """Its checklist, the worst level first."""
    return incident.actions.all()


def links(incident: Incident) -> QuerySet[Link]:
    return incident.links.all()[:MOST_LINKS]


def linked(incident: Incident, noun: str) -> list[str]:
    """The keys of everything of this kind (`flag`) that is linked, in the order in which they came."""
    subjects = incident.links.filter(subject__startswith=f"{noun}:").values_list("subject", flat=True)[:MOST_LINKS]
    return [subject.partition(":")[2] for subject in subjects]


def about(subject: str) -> list[Incident]:
    """The incidents that this (`rollback:rb-…`) is linked to, the newest first."""
    return list(Incident.objects.filter(links__subject=subject).order_by("-pk")[:MOST_LINKS])


def flags_in_question() -> list[tuple[str, Incident]]:
    """Each flag that an open incident is about, with the worst of them first."""
    found = Link.objects.filter(subject__startswith="flag:", incident__state__in=OPEN_STATES)
    rows = found.select_related("incident__environment").order_by("-incident__level", "-incident_id")[:500]
    return [(link.subject.partition(":")[2], link.incident) for link in rows]


def post_mortem(incident: Incident) -> PostMortem | None:
    return PostMortem.objects.filter(incident=incident).first()


def follow_ups(incident: Incident) -> QuerySet[FollowUp]:
    """What is to be done, what is due first on top."""
    return incident.follow_ups.all()


def open_follow_ups() -> QuerySet[FollowUp]:
    """Of all post-mortems, what nobody has done yet, with the incident."""
    return FollowUp.objects.filter(done_at=None).select_related("incident")


def emergencies(environment: str, person: str) -> list[str]:
    """The critical incidents that are open there, in words: they open the emergency lane of the rollbacks.

    For `person` only those count that figures or events confirm, or that this person has neither opened nor raised.
    """
    worst = open_ones(environment).filter(level=Level.CRITICAL.value)[:50]
    found = [row for row in worst if row.confirmed or person not in row.vouchers]
    return [f"incident {row.pk} is open at level {row.level}" for row in found[:5]]


def to_escalate(*, now: datetime) -> list[int]:
    """Those whose time to be acknowledged is over."""
    due = Incident.objects.filter(escalate_at__lte=now, acknowledged_at=None, state__in=OPEN_STATES)
    return list(due.order_by("escalate_at").values_list("pk", flat=True)[:100])


def recovery_times(environment: str, since: datetime, until: datetime) -> list[timedelta]:
    """How long each incident took that was resolved from `since` to before `until`: from its begin to its recovery.

    One that was merged counts with the one that it was merged into, one that is open again does not count.
    """
    found = Incident.objects.filter(environment__key=environment, resolved_at__gte=since, resolved_at__lt=until)
    times = found.exclude(state=IncidentState.MERGED.value).order_by("resolved_at")
    return [ended - began for began, ended in times.values_list("began_at", "resolved_at") if ended is not None]


def by_level() -> dict[tuple[str, int], int]:
    """How many are open, by environment and level; 0 for every level of an environment that ever had one."""
    counted = Incident.objects.values("environment__key", "level").annotate(
        n=Count("pk", filter=Q(state__in=OPEN_STATES))
    )
    found = {(row["environment__key"], row["level"]): row["n"] for row in counted.order_by()}
    places = {environment for environment, _ in found}
    return {(place, level.value): found.get((place, level.value), 0) for place in sorted(places) for level in Level}


def for_list() -> QuerySet[Incident]:
    """For the list of the admin: with what is left to do, in one more query."""
    left = Prefetch("actions", Action.objects.filter(done_at=None), to_attr="left")
    return incidents().prefetch_related(left)
