"""Start, complete, approve and roll back a phase, and waive a requirement of its gate.

The gate is looked at in the transaction that takes the step, whatever the page showed before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

import flags.selectors
from core.actors import Actor
from core.errors import Conflict, Invalid, Refused
from core.requirements import Requirement, Standing
from core.texts import need_reason
from flags.services import emergency
from plans import selectors
from plans.domain import gate
from plans.domain.states import LIVE, PHASE, PhaseState, PlanState
from plans.models import Phase, Waiver
from plans.services.holding import hold_ramps
from plans.services.locking import hold_phase, tell

LONGEST_WAIVER = timedelta(days=7)
SAVED = ["state", "version", "started_at", "started_by", "ended_at", "approved_by", "approved_at"]


@transaction.atomic
def start(phase_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Phase:
    """Start the phase when its gate is open. Raises Conflict that names everything that is not met, and Refused for the
    one who approved it: that takes two.
    """
    reason = need_reason(reason)
    phase = hold_phase(phase_id, version=version)
    found = selectors.start(phase, selectors.facts_of(phase.plan, now=now), now=now)
    gate.require(found, f"To start {phase.name}")
    if phase.approved_by and phase.approved_by in flags.selectors.people_behind(actor, phase.plan.environment.key):
        raise Refused("You approved this phase: another person starts it.")
    data = {"approved_by": phase.approved_by, "gate": [_picture(each) for each in found]}
    phase.started_at, phase.started_by, phase.ended_at = now, actor.name, None
    return _move(phase, PhaseState.ACTIVE, "phase.started", actor=actor, reason=reason, now=now, data=data)


@transaction.atomic
def complete(phase_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Phase:
    """Complete it when its criteria are met, its lists are done and its ramps are at their end. Conflict otherwise."""
    reason = need_reason(reason)
    phase = hold_phase(phase_id, version=version)
    facts = selectors.facts_of(phase.plan, now=now)
    found = selectors.completion(phase, facts, list(selectors.checklists(phase.plan_id)), now=now)
    gate.require(found, f"To complete {phase.name}")
    phase.ended_at = now
    data = {"gate": [_picture(each) for each in found]}
    return _move(phase, PhaseState.COMPLETED, "phase.completed", actor=actor, reason=reason, now=now, data=data)


@transaction.atomic
def approve(phase_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Phase:
    """Say that it may start, as it is now. Raises Conflict when it is not waiting."""
    reason = need_reason(reason)
    phase = hold_phase(phase_id, version=version)
    _need_live(phase)
    if PhaseState(phase.state) not in (PhaseState.WAITING, PhaseState.ROLLED_BACK):
        raise Conflict(f"{phase.name} is {phase.state}: there is nothing to approve.")
    phase.approved_by, phase.approved_at = actor.name, now
    phase.version += 1
    phase.save(update_fields=SAVED)
    tell("phase.approved", f"phase:{phase.pk}", phase.plan, actor=actor, reason=reason, now=now, after=_said(phase))
    return phase


@transaction.atomic
def roll_back(phase_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> list[str]:
    """Switch its features off, which holds their ramps; the rollback ids. Never waits for a gate or a paused plan."""
    reason = need_reason(reason)
    phase = hold_phase(phase_id, version=version)
    where = phase.plan.environment.key
    ids = [
        emergency.roll_back(flag, where, actor=actor, reason=reason, now=now)
        for flag in phase.features
        if flags.selectors.state(flag, where).enabled
    ]
    phase.ended_at, phase.approved_by, phase.approved_at = now, "", None
    data = {"rollback_ids": ids, "features": phase.features}
    _move(phase, PhaseState.ROLLED_BACK, "phase.rolled_back", actor=actor, reason=reason, now=now, data=data)
    return ids


@transaction.atomic
def waive(phase_id: int, requirement: str, *, expires_at: datetime, actor: Actor, reason: str, now: datetime) -> Waiver:
    """Let it pass although a requirement is not met, for at most seven days.

    Raises Invalid for a requirement that the phase has not, or a time that is not ahead; Conflict for one that is met,
    and for one of which nothing is known: what nobody measured cannot be waived.
    """
    reason = need_reason(reason)
    phase = hold_phase(phase_id)
    _need_live(phase)
    if PhaseState(phase.state) is PhaseState.COMPLETED:
        raise Conflict(f"{phase.name} is completed: there is no gate in front of it.")
    if not now < expires_at <= now + LONGEST_WAIVER:
        raise Invalid("A waiver ends in the next seven days.", field="expires_at")
    found = next((each for each in gate_of(phase, now=now) if each.key == requirement), None)
    if found is None:
        raise Invalid(f"{phase.name} has no requirement {requirement!r}.", field="requirement")
    if found.standing is Standing.UNKNOWN:
        raise Conflict(f"{found.title}: {found.why} What is not known cannot be waived.")
    if found.standing is Standing.UNMET and not gate.waivable(found):
        raise Conflict(f"{found.title}: {found.why} This is never waived. {found.remedy}")
    if found.open:
        raise Conflict(f"{found.title}: {found.why} There is nothing to waive.")
    waiver = Waiver.objects.create(
        phase=phase, requirement=requirement, reason=reason, by=actor.name, at=now, expires_at=expires_at
    )
    after = {"requirement": requirement, "expires_at": expires_at.isoformat()}
    tell("phase.waived", f"phase:{phase.pk}", phase.plan, actor=actor, reason=reason, now=now, after=after)
    return waiver


def gate_of(phase: Phase, *, now: datetime) -> list[Requirement]:
    """The gate in front of the phase: that of its completion while it is active, else that of its start."""
    facts = selectors.facts_of(phase.plan, now=now)
    if PhaseState(phase.state) is PhaseState.ACTIVE:
        return selectors.completion(phase, facts, list(selectors.checklists(phase.plan_id)), now=now)
    return selectors.start(phase, facts, now=now)


def _need_live(phase: Phase) -> None:
    if PlanState(phase.plan.state) not in LIVE:
        raise Conflict(f"The plan is {phase.plan.state}.")


def _move(
    phase: Phase, target: PhaseState, kind: str, *, actor: Actor, reason: str, now: datetime, data: Mapping[str, object]
) -> Phase:
    before = _said(phase)
    phase.state = PHASE.move(PhaseState(phase.state), target).value
    phase.version += 1
    phase.save(update_fields=SAVED)
    hold_ramps(phase.plan)
    tell(
        kind,
        f"phase:{phase.pk}",
        phase.plan,
        actor=actor,
        reason=reason,
        now=now,
        before=before,
        after=_said(phase),
        data={"phase": phase.key, **data},
    )
    return phase


def _said(phase: Phase) -> dict[str, object]:
    return {"state": phase.state, "approved_by": phase.approved_by}


def _picture(requirement: Requirement) -> dict[str, str]:
    return {"key": requirement.key, "standing": requirement.standing.value, "why": requirement.why}
