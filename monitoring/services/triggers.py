"""Triggers: defined by the playbook, re-armed by people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

import flags.selectors
from core import environments, events
from core.actors import Actor, ActorKind
from core.errors import Conflict, NotFound, Refused
from core.texts import need_reason
from monitoring.domain.rule import DEFINED, Definition
from monitoring.domain.verdict import TriggerState, Verdict
from monitoring.domain.windows import next_bucket
from monitoring.models import Trigger

OF_MEASURE = ("denominator", "percentile", "clear_threshold", "alpha", "factor")

# Where a trigger stands when it starts to judge anew: nothing before `judged_until` says anything.
UNJUDGED: dict[str, Any] = {
    "verdict": Verdict.NO_DATA.value,
    "judged_at": None,
    "value": None,
    "samples": 0,
    "breaches": 0,
    "passing_since": None,
    "progress": {},
    "detail": {},
}


@transaction.atomic
def define(
    key: str, environment: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime
) -> Trigger:
    """Create the trigger, armed, or give it this rule. Nothing is written when nothing differs.

    Args:
        values: the fields of the rule (`monitoring.domain.rule.Definition`); those left out keep what they
            have, or get their default.

    A trigger with a new rule judges from now on, under the new rule alone: what passed under the old one is no
    longer a pass. One that has fired stays latched. Raises Invalid with the field, and NotFound for a flag
    that is not there.
    """
    where = environments.get(environment)
    row = Trigger.objects.select_for_update(of=("self",)).filter(environment=where, key=key).first()
    before = rule_of(row) if row else {}
    definition = Definition.read(key, _with_defaults(before, values))
    if definition.flag_key:
        flags.selectors.state(definition.flag_key, environment)
    after = definition.as_dict()
    if row is not None and before == after:
        return row
    row = row or Trigger(key=key, environment=where)
    start = next_bucket(now.timestamp())
    for field, value in {**after, **UNJUDGED, "judged_until": start, "armed_from": start}.items():
        setattr(row, field, value)
    row.save()
    kind = "trigger.changed" if before else "trigger.created"
    _tell(kind, row, actor=actor, reason=reason, now=now, before=before, after=after)
    return row


@transaction.atomic
def rearm(key: str, environment: str, *, actor: Actor, reason: str, now: datetime) -> Trigger:
    """Let a trigger that has fired guard again; it judges what happens from now on, never what made it fire.

    With a cool-down it judges at once and fires only once that is over.
    Raises Refused for a machine, Invalid without a reason, Conflict when the trigger has not fired.
    """
    if actor.kind is ActorKind.MACHINE:
        raise Refused("Only a person re-arms a trigger.")
    reason = need_reason(reason)
    row = hold(key, environment)
    if row.state != TriggerState.LATCHED:
        raise Conflict(f"{row.name} in {environment} is armed: it has not fired, so there is nothing to re-arm.")
    before = standing(row)
    start = next_bucket(now.timestamp())
    cooling = now + timedelta(seconds=row.cooldown) if row.cooldown else None
    fresh = {**UNJUDGED, "judged_until": start, "armed_from": start, "latched_at": None, "evidence": {}}
    for field, value in {**fresh, "state": TriggerState.ARMED.value, "cooling_until": cooling}.items():
        setattr(row, field, value)
    row.save()
    _tell("trigger.rearmed", row, actor=actor, reason=reason, now=now, before=before, after=standing(row))
    return row


def observe(key: str, environment: str, *, actor: Actor, reason: str, now: datetime) -> Trigger:
    """From now on it judges and tells, and does nothing. Raises Invalid without a reason, and NotFound."""
    return _set_observe(key, environment, on=True, actor=actor, reason=reason, now=now)


def enforce(key: str, environment: str, *, actor: Actor, reason: str, now: datetime) -> Trigger:
    """From now on it acts when it fires. Raises Invalid without a reason, and NotFound."""
    return _set_observe(key, environment, on=False, actor=actor, reason=reason, now=now)


@transaction.atomic
def _set_observe(key: str, environment: str, *, on: bool, actor: Actor, reason: str, now: datetime) -> Trigger:
    reason = need_reason(reason)
    hold(key, environment)
    return define(key, environment, {"observe": on}, actor=actor, reason=reason, now=now)


def hold(key: str, environment: str) -> Trigger:
    """The locked trigger, or NotFound."""
    found = (
        Trigger.objects.select_for_update(of=("self",))
        .select_related("environment")
        .filter(key=key, environment__key=environment)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no trigger {key!r} in environment {environment!r}.")
    return found


def _with_defaults(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What it has, changed; of another measure the settings that only the old one had are left behind."""
    if before and values.get("measure", before["measure"]) != before["measure"]:
        before = {name: value for name, value in before.items() if name not in OF_MEASURE}
    return {**before, **values}


def rule_of(row: Trigger) -> dict[str, Any]:
    """The rule of a trigger, as its events tell it."""
    return {field: getattr(row, field) for field in DEFINED}


def standing(row: Trigger) -> dict[str, Any]:
    """Where a trigger stands, as its events tell it."""
    return {
        "state": row.state,
        "verdict": row.verdict,
        "value": row.value,
        "samples": row.samples,
        "breaches": row.breaches,
        "latched_at": row.latched_at.isoformat() if row.latched_at else None,
        "evidence": row.evidence,
    }


def _tell(
    kind: str,
    row: Trigger,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    events.record(
        kind,
        subject=f"trigger:{row.key}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after=after,
    )
