"""A plan that lives keeps ramps where they are, of phases that have not begun, and while a criterion fails."""

from __future__ import annotations

from collections.abc import Mapping

from plans.domain.check import AIMS
from plans.domain.states import LIVE, ChecklistKind, ItemState, PhaseState, PlanState
from plans.models import Item, Phase, Plan
from rollouts.services import blocks

BEGUN = (PhaseState.ACTIVE, PhaseState.COMPLETED)


def hold_ramps(plan: Plan) -> None:
    """After a move of the plan, of a phase or of a criterion, in its transaction.

    A flag of two phases is free once one has begun, and held while a criterion of one that is active fails.
    """
    wanted: dict[str, str] = {}
    if PlanState(plan.state) in LIVE:
        phases = list(Phase.objects.filter(plan=plan).order_by("position"))
        free = {flag for phase in phases if PhaseState(phase.state) in BEGUN for flag in phase.features}
        failing = _failing(plan)
        for phase in phases:
            for flag in phase.features:
                if phase.pk in failing:
                    wanted[flag] = failing[phase.pk]
                elif flag not in free:
                    wanted.setdefault(flag, f"Phase {phase.name} of the plan {plan.name} has not begun.")
    blocks.replace(f"plan:{plan.pk}", plan.environment_id, wanted)


def _failing(plan: Plan) -> Mapping[int, str]:
    """By the id of an active phase, the first of its criteria that fails; its aims are none of them."""
    found: dict[int, str] = {}
    rows = Item.objects.filter(checklist__plan=plan, checklist__kind=ChecklistKind.CRITERIA.value)
    rows = rows.filter(checklist__phase__state=PhaseState.ACTIVE.value, state=ItemState.FAILED.value)
    for row in rows.select_related("checklist__phase").order_by("position"):
        phase = row.checklist.phase
        if phase is not None and not set(row.check_of) & set(AIMS):
            found.setdefault(phase.pk, f"{phase.name} of the plan {plan.name}: {row.text} fails. {row.why}")
    return found
