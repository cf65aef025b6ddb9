"""Hold a plan, and what of it is changed. Always the plan first: whoever has it has all of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from plans import selectors
from plans.domain.states import LIVE, PlanState
from plans.models import Item, Phase, Plan


def hold_plan(plan_id: int, *, version: int | None = None) -> Plan:
    """The locked plan with its environment. Raises NotFound, and StaleVersion when it has moved on."""
    row = Plan.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=plan_id).first()
    if row is None:
        raise NotFound(f"There is no plan {plan_id}.")
    _same(row.name, row.version, version)
    return row


def hold_phase(phase_id: int, *, version: int | None = None) -> Phase:
    """The phase of a locked plan."""
    found = selectors.phase(phase_id)
    plan = hold_plan(found.plan_id)
    row = Phase.objects.select_for_update().get(pk=phase_id)
    row.plan = plan
    _same(row.name, row.version, version)
    return row


def hold_item(item_id: int, *, version: int | None = None, ended: bool = False) -> Item:
    """The item of a locked plan that lives. Raises Conflict for one that has ended, unless `ended` allows it."""
    found = Item.objects.select_related("checklist").filter(pk=item_id).first()
    if found is None:
        raise NotFound(f"There is no item {item_id}.")
    plan = hold_plan(found.checklist.plan_id)
    if not ended and PlanState(plan.state) not in LIVE:
        raise Conflict(f"The plan is {plan.state}: its checklists stay as they are.")
    row = Item.objects.select_for_update(of=("self",)).select_related("checklist__phase").get(pk=item_id)
    row.checklist.plan = plan
    _same("The item", row.version, version)
    return row


def tell(
    kind: str,
    subject: str,
    plan: Plan,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """One event about a part of a plan."""
    events.record(
        kind,
        subject=subject,
        actor=actor,
        now=now,
        environment_id=plan.environment_id,
        reason=reason,
        before=before,
        after=after,
        data={"plan": plan.pk, **(data or {})},
    )


def _same(noun: str, actual: int, expected: int | None) -> None:
    if expected is not None and expected != actual:
        raise StaleVersion(noun, expected=expected, actual=actual)
