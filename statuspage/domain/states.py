"""The states of components, incidents and maintenances, in the words that readers of Statuspage know."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.machine import Machine


class ComponentState(StrEnum):
    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


class Impact(StrEnum):
    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class IncidentState(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"


class MaintenanceState(StrEnum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


SEVERITY = {state: rank for rank, state in enumerate(ComponentState)}  # the order above: from the best to the worst
OPEN = frozenset({IncidentState.INVESTIGATING, IncidentState.IDENTIFIED, IncidentState.MONITORING})
UNDER_WAY = frozenset({MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING})
AHEAD = frozenset({MaintenanceState.SCHEDULED, *UNDER_WAY})

# Between the open states in any direction: what was identified may turn out to be wrong. A resolved one may come back.
INCIDENT: Machine[IncidentState] = Machine(
    "public incident",
    {
        **{state: OPEN | {IncidentState.RESOLVED} for state in OPEN},
        IncidentState.RESOLVED: OPEN | {IncidentState.RESOLVED, IncidentState.POSTMORTEM},
        IncidentState.POSTMORTEM: frozenset({IncidentState.POSTMORTEM}),
    },
)
MAINTENANCE: Machine[MaintenanceState] = Machine(
    "maintenance",
    {
        MaintenanceState.SCHEDULED: frozenset(
            {MaintenanceState.IN_PROGRESS, MaintenanceState.COMPLETED, MaintenanceState.CANCELLED}
        ),
        MaintenanceState.IN_PROGRESS: frozenset({MaintenanceState.VERIFYING, MaintenanceState.COMPLETED}),
        MaintenanceState.VERIFYING: frozenset({MaintenanceState.COMPLETED}),
        MaintenanceState.COMPLETED: frozenset(),
        MaintenanceState.CANCELLED: frozenset(),
    },
)


def worst(states: Iterable[ComponentState]) -> ComponentState:
    """The worst of them; operational when there is none."""
    return max(states, key=SEVERITY.__getitem__, default=ComponentState.OPERATIONAL)
