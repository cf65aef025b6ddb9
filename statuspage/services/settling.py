"""What state a component is in: the worst of what was set by hand, of what open incidents say, and of a maintenance.

So the end of one trouble does not hide another: each says its own, and takes back only that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from statuspage.domain.states import OPEN, UNDER_WAY, ComponentState, worst
from statuspage.models import Component, ComponentChange, IncidentComponent, Maintenance


@dataclass(frozen=True, slots=True)
class Settled:
    """A component that is in another state now."""

    key: str
    before: ComponentState
    after: ComponentState


def settle(component_ids: Collection[int], *, now: datetime) -> list[Settled]:
    """Bring these components to the state they must be in. Call it in the transaction that holds the page."""
    found = []
    said = _said(component_ids)
    for row in Component.objects.filter(pk__in=component_ids):
        before, after = ComponentState(row.state), worst([ComponentState(row.by_hand), *said.get(row.pk, ())])
        if before is after:
            continue
        row.state, row.since, row.version = after.value, max(now, row.since), row.version + 1
        row.save(update_fields=["state", "since", "version"])
        ComponentChange.objects.create(component=row, at=row.since, state=row.state)
        found.append(Settled(row.key, before, after))
    return found


def told(changes: Collection[Settled]) -> dict[str, dict[str, str]]:
    """The changes as an event tells them."""
    return {each.key: {"from": each.before.value, "to": each.after.value} for each in changes}


def speakers(component_id: int) -> list[str]:
    """Who says something of this component, besides what was set by hand: titles of incidents and maintenances."""
    incidents = IncidentComponent.objects.filter(component=component_id, incident__state__in=OPEN)
    working = Maintenance.objects.filter(components=component_id, state__in=UNDER_WAY)
    named = [each.incident.title for each in incidents.select_related("incident")]
    return [*named, *(each.title for each in working)]


def _said(component_ids: Collection[int]) -> dict[int, list[ComponentState]]:
    found: dict[int, list[ComponentState]] = {}
    open_now = IncidentComponent.objects.filter(component__in=component_ids, incident__state__in=OPEN)
    for pk, state in open_now.values_list("component_id", "state"):
        found.setdefault(pk, []).append(ComponentState(state))
    working = Maintenance.objects.filter(state__in=UNDER_WAY, components__in=component_ids)
    for pk in working.values_list("components", flat=True):
        found.setdefault(pk, []).append(ComponentState.UNDER_MAINTENANCE)
    return found
