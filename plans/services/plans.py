"""Start a plan, and steer it as a whole. Every command writes one event with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from core import environments
from core.actors import Actor
from core.errors import Conflict
from core.texts import need_reason
from plans import selectors
from plans.domain.states import LIVE, PLAN, PhaseState, PlanState
from plans.domain.template import ChecklistSpec, PhaseSpec, PlanSpec
from plans.models import Checklist, Item, Phase, Plan
from plans.services import commands, phases
from plans.services.holding import BEGUN, hold_ramps
from plans.services.locking import hold_plan, tell

if TYPE_CHECKING:
    from core.models import Environment


@transaction.atomic
def start(key: str, environment: str, *, actor: Actor, reason: str, now: datetime) -> Plan:
    """Start the playbook's plan in an environment; it keeps a copy of its own.

    Raises NotFound, Invalid without a reason, and Conflict while another plan lives there.
    """
    reason = need_reason(reason)
    where = environments.get(environment)
    template = selectors.template(key)
    spec = PlanSpec.read(template.document)
    try:
        with transaction.atomic():
            plan = Plan.objects.create(
                environment=where, key=key, name=spec.name, started_at=now, started_by=actor.name
            )
    except IntegrityError:
        raise Conflict(_taken(where)) from None
    rows = {each.key: _phase(plan, position, each) for position, each in enumerate(spec.phases)}
    for position, each in enumerate(spec.checklists):
        _checklist(plan, rows.get(each.phase), position, each, now=now)
    hold_ramps(plan)
    tell("plan.started", f"plan:{plan.pk}", plan, actor=actor, reason=reason, now=now, after={"state": plan.state})
    return plan


@transaction.atomic
def pause(plan_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Plan:
    """Nothing of it is started or completed until it is resumed; ramps that run go on."""
    return _move(plan_id, PlanState.PAUSED, "plan.paused", actor=actor, reason=reason, now=now, version=version)


@transaction.atomic
def resume(plan_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Plan:
    return _move(plan_id, PlanState.RUNNING, "plan.resumed", actor=actor, reason=reason, now=now, version=version)


@transaction.atomic
def abort(plan_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Plan:
    """End it before its time. Flags and ramps stay as they are: roll back the phases first, if they must go."""
    return _move(plan_id, PlanState.ABORTED, "plan.aborted", actor=actor, reason=reason, now=now, version=version)


@transaction.atomic
def complete(plan_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Plan:
    """End it when every phase is completed. Raises Conflict that names those that are not."""
    open_ = Phase.objects.filter(plan=plan_id).exclude(state=PhaseState.COMPLETED.value)
    missing = list(open_.order_by("position").values_list("name", flat=True))
    if missing:
        raise Conflict(f"Not completed yet: {', '.join(missing)}.")
    return _move(plan_id, PlanState.COMPLETED, "plan.completed", actor=actor, reason=reason, now=now, version=version)


@transaction.atomic
def roll_back(
    plan_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> tuple[Plan, list[str]]:
    """Switch the features of every phase that has begun off, the newest first, and end the plan; with the rollback ids.

    No gate, approval, freeze or pause holds it up. What has no features stays: an application or a migration goes back
    by a rollback that two people confirm.
    """
    hold_plan(plan_id, version=version)
    begun = Phase.objects.filter(plan=plan_id, state__in=[state.value for state in BEGUN]).exclude(features=[])
    told: dict[str, Any] = {"actor": actor, "reason": reason, "now": now}
    ids = [found for row in begun.order_by("-position") for found in phases.roll_back(row.pk, **told)]
    data = {"rollback_ids": ids}
    plan = _move(plan_id, PlanState.ROLLED_BACK, "plan.rolled_back", **told, version=None, data=data)
    return plan, ids


def _move(
    plan_id: int,
    target: PlanState,
    kind: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None,
    data: Mapping[str, Any] | None = None,
) -> Plan:
    reason = need_reason(reason)
    plan = hold_plan(plan_id, version=version)
    before = plan.state
    plan.state = PLAN.move(PlanState(before), target).value
    plan.version += 1
    plan.ended_at = None if target in LIVE else now
    plan.save(update_fields=["state", "version", "ended_at"])
    if target not in LIVE:
        commands.drop(plan.pk, now=now)
    hold_ramps(plan)
    tell(
        kind,
        f"plan:{plan.pk}",
        plan,
        actor=actor,
        reason=reason,
        now=now,
        before={"state": before},
        after={"state": plan.state},
        data=data,
    )
    return plan


def _phase(plan: Plan, position: int, spec: PhaseSpec) -> Phase:
    needs = asdict(spec.needs)
    needs["risk"] = spec.needs.risk.value if spec.needs.risk else None
    return Phase.objects.create(
        plan=plan,
        key=spec.key,
        position=position,
        name=spec.name,
        first_week=spec.first,
        last_week=spec.last,
        objectives=list(spec.objectives),
        ramps=list(spec.ramps),
        triggers=list(spec.triggers),
        features=list(spec.features),
        needs={name: list(value) if isinstance(value, tuple) else value for name, value in needs.items()},
    )


def _checklist(plan: Plan, phase: Phase | None, position: int, spec: ChecklistSpec, *, now: datetime) -> None:
    row = Checklist.objects.create(
        plan=plan,
        phase=phase,
        key=spec.key,
        position=position,
        title=spec.title,
        kind=spec.kind.value,
        ordered=spec.ordered,
        after=spec.after,
        opens_hours=spec.opens,
        due_hours=spec.due,
        opens_at=None if spec.after else now,
    )
    Item.objects.bulk_create(
        Item(
            checklist=row,
            position=number,
            text=item.text,
            check_of=item.check.as_dict() if item.check else {},
            command=item.commands.get(plan.environment.key, item.command),
            runs_here=item.run,
            timeout=item.timeout,
            link=item.link,
            owner=item.owner,
            priority=item.priority.value,
        )
        for number, item in enumerate(spec.items)
    )


def _taken(environment: Environment) -> str:
    return f"A plan lives in {environment} already: complete or abort that one first."
