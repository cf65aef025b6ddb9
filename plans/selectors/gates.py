"""The gates of the phases, as they stand now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import flags.selectors
import risk.selectors
import rollouts.selectors
from core import freezes, heartbeats
from core.requirements import Requirement
from monitoring import selectors as monitoring
from monitoring.domain.verdict import TriggerState, Verdict
from plans import selectors
from plans.domain import gate
from plans.domain.gate import ChecklistFact, Facts, Needs, TriggerFact, WaiverFact
from plans.domain.states import ChecklistKind, PhaseState, PlanState
from plans.models import Checklist, Phase, Plan
from risk.domain.levels import Level
from rollouts.domain.states import RampState
from rollouts.selectors.validation import validations

if TYPE_CHECKING:
    from monitoring.models import Trigger

LATCHED = TriggerState.LATCHED.value
JUDGED = (Verdict.PASS.value, Verdict.BREACH.value)


def needs_of(phase: Phase) -> Needs:
    given = dict(phase.needs)
    level = given.pop("risk", None)
    return Needs(risk=Level(level) if level else None, **given)


def facts_of(plan: Plan, *, now: datetime) -> Facts:
    """What holds for every gate of the plan: a fixed number of queries. Approval and waivers are of each phase."""
    environment = plan.environment.key
    frozen = freezes.holding(plan.environment_id, now=now)
    score = risk.selectors.latest(environment)
    run = validations(environment).exclude(finished_at=None).first()
    armed = list(monitoring.triggers(environment).filter(enabled=True))
    return Facts(
        plan=PlanState(plan.state),
        phases={each.key: (each.name, PhaseState(each.state)) for each in plan.phases.all()},
        checklists={each.key: _counted(each) for each in selectors.checklists(plan.pk)},
        risk=None if score is None else (Level(score.level) if score.level else None, score.at),
        validated=None if run is None or run.finished_at is None else (run.success is True, run.finished_at),
        guard_seen_at=heartbeats.last().get("guard"),
        triggers=[f"{row.name} {_alarm(row)}" for row in armed if not row.observe and _alarm(row)],
        judged={row.key: _judged(row) for row in armed if row.state == LATCHED or row.verdict in JUDGED},
        frozen="" if frozen is None else frozen.sentence,
        flags=_shares(environment),
    )


def start(phase: Phase, facts: Facts, *, now: datetime) -> list[Requirement]:
    """What must be true before it starts; from `facts_of` its plan."""
    return gate.before_start(needs_of(phase), _of_phase(phase, facts), now=now)


def completion(phase: Phase, facts: Facts, lists: Sequence[Checklist], *, now: datetime) -> list[Requirement]:
    """What must be true before it is completed. `lists` are the plan's checklists."""
    kinds = (ChecklistKind.ACTIVITIES.value, ChecklistKind.CRITERIA.value, ChecklistKind.VALIDATION.value)
    own = [each.key for each in lists if each.phase_id == phase.pk and each.kind in kinds]
    return gate.before_completion(own, _ramps(phase), phase.triggers, _of_phase(phase, facts), now=now)


def _of_phase(phase: Phase, facts: Facts) -> Facts:
    told: dict[str, WaiverFact] = {}
    for waiver in phase.waivers.all():  # newest first
        told.setdefault(waiver.requirement, WaiverFact(waiver.by, waiver.reason, waiver.expires_at))
    return Facts(
        **{name: getattr(facts, name) for name in facts.__slots__ if name not in ("approved_by", "waivers")},
        approved_by=phase.approved_by,
        waivers=told,
    )


def _counted(row: Any) -> ChecklistFact:
    return ChecklistFact(
        row.key, row.title, row.done, row.total, failed=row.failed, unknown=row.unknown, since=row.completed_at
    )


def _alarm(row: Trigger) -> str:
    return "has fired" if row.state == LATCHED else "is in breach" if row.verdict == Verdict.BREACH.value else ""


def _judged(row: Trigger) -> TriggerFact:
    alarm = _alarm(row)
    value = (
        "" if row.value is None else f" The last window has {row.value:,.4g}, the threshold is {row.threshold:,.4g}."
    )
    return TriggerFact(row.name, not alarm, f"It {alarm or 'passes'}.{value}")


def _shares(environment: str) -> Mapping[str, Decimal]:
    """How much of the traffic has each flag there: nobody, while it is off."""
    rows = flags.selectors.states().filter(environment__key=environment).order_by()
    found = rows.values_list("flag__key", "enabled", "percentage")
    return {key: share if enabled else Decimal(0) for key, enabled, share in found}


def _ramps(phase: Phase) -> Mapping[str, bool]:
    """Whether each ramp of the phase has reached its end here since the phase began."""
    if not phase.ramps:
        return {}
    done = rollouts.selectors.ramps().filter(
        environment=phase.plan.environment_id, template_key__in=phase.ramps, state=RampState.COMPLETED.value
    )
    if phase.started_at is not None:
        done = done.filter(ended_at__gte=phase.started_at)
    completed = set(done.values_list("template_key", flat=True))
    return {key: key in completed for key in phase.ramps}
