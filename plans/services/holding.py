"""A plan that lives keeps the ramps of phases that have not begun where they are."""

from __future__ import annotations

from plans.domain.states import LIVE, PhaseState, PlanState
from plans.models import Phase, Plan
from rollouts.services import blocks

BEGUN = (PhaseState.ACTIVE, PhaseState.COMPLETED)


def hold_ramps(plan: Plan) -> None:
    """After a move of the plan or of a phase, in its transaction. A flag of two phases is free once one has begun."""
    wanted: dict[str, str] = {}
    if PlanState(plan.state) in LIVE:
        phases = list(Phase.objects.filter(plan=plan).order_by("position"))
        free = {flag for phase in phases if PhaseState(phase.state) in BEGUN for flag in phase.features}
        for phase in phases:
            for flag in phase.features:
                if flag not in free:
                    wanted.setdefault(flag, f"Phase {phase.name} of the plan {plan.name} has not begun.")
    blocks.replace(f"plan:{plan.pk}", plan.environment_id, wanted)
