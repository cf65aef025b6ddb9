"""Hold an incident, save it, and tell of it.

The order of locks: the configuration of the environment (whoever opens, reopens or merges), then incidents by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from flags.services.locking import lock_configuration
from incidents.domain.states import MACHINE, OVER, IncidentState, Level
from incidents.models import Incident

if TYPE_CHECKING:
    from core.models import Event

SEVERITY = {Level.MINOR: "warning", Level.MAJOR: "high", Level.CRITICAL: "critical"}


def hold(number: int, *, version: int | None = None) -> Incident:
    """The locked incident with its environment. NotFound, StaleVersion."""
    rows = Incident.objects.select_for_update(of=("self",)).select_related("environment")
    found = rows.filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no incident {number}.")
    if version is not None and version != found.version:
        raise StaleVersion(f"Incident {number}", expected=version, actual=found.version)
    return found


def hold_in_place(number: int, *, version: int | None = None) -> Incident:
    """The same, while no other incident is opened or reopened in its environment."""
    key = Incident.objects.filter(pk=number).values_list("environment__key", flat=True).first()
    if key is not None:
        lock_configuration(key)
    return hold(number, version=version)


def need_live(row: Incident, verb: str) -> None:
    """Raise Conflict for one that is closed or merged."""
    if row.state in OVER:
        into = f" into incident {row.merged_into_id}" if row.merged_into_id else ""
        raise Conflict(f"Incident {row.pk} is {row.state}{into} and cannot be {verb}.")


def need_open(row: Incident, verb: str) -> None:
    """Raise Conflict for one that is resolved, or over."""
    if not row.is_open:
        raise Conflict(f"Incident {row.pk} is {row.state.replace('_', ' ')} and cannot be {verb}.")


def move(row: Incident, target: IncidentState) -> None:
    """Set the state along the table of moves; IllegalMove when there is none."""
    row.state = MACHINE.move(IncidentState(row.state), target).value


def save(
    row: Incident,
    kind: str,
    before: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Store the incident as its next version, with one event that tells before and after."""
    row.version = row.version + 1 if row.pk else 1
    row.save()
    return tell(row, kind, before=before, after=picture(row), actor=actor, reason=reason, now=now, data=data)


def tell(
    row: Incident,
    kind: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """An event about the incident; its data always say which one it is, and how bad."""
    return events.record(
        f"incident.{kind}",
        subject=f"incident:{row.pk}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after=after,
        data={
            "incident": row.pk,
            "title": row.title,
            "level": row.level,
            "state": row.state,
            "environment": row.environment.key,
            "components": row.components,
            "severity": SEVERITY[Level(row.level)],
            "rule": row.title,  # what an alert of it is about
            **(data or {}),
        },
    )


def picture(row: Incident) -> dict[str, Any]:
    """The incident as an event tells it."""
    return {
        "state": row.state,
        "level": row.level,
        "acknowledged_by": row.acknowledged_by,
        "commander": row.commander,
        "communications": row.communications,
        "scribe": row.scribe,
        "components": row.components,
    }
