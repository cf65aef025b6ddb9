"""Change what a flag does: on, off, how many, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.asking import Change
from core.errors import Conflict
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange, check_parameters, check_reason, read_percentage
from flags.domain.permit import Permit
from flags.domain.values import same
from flags.models import FlagState
from flags.services import gate
from flags.services.locking import hold, picture, store


@transaction.atomic
def change(
    key: str,
    environment: str,
    wanted: StateChange,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    expected: StateChange | None = None,
    data: Mapping[str, Any] | None = None,
    permit: Permit | None = None,
    asked: Change | None = None,
) -> FlagState:
    """Set the wanted fields in one step, with one event; a change that changes nothing writes nothing.

    Args:
        version: the version the caller saw; StaleVersion when the row has moved on.
        expected: fields that must still hold (a ramp's last step); Conflict when one does not.
        data: kept with the event, for example which ramp step this is.
        permit: what this change is part of, where that was approved as a whole.
        asked: what to ask for when this needs approval: the whole of which this is a part.

    Raises:
        ApprovalNeeded, FrozenError: what the gate says.
        Invalid: a percentage out of range or between the flag's steps, parameters that are no JSON
            object or not as the flag's schema says, or no reason in a protected environment.
    """
    state = hold(key, environment, version=version)
    reason = check_reason(reason, protected=state.environment.protected)
    if expected is not None:
        _check_expected(state, expected)
    before = picture(state)
    fields = set_fields(state, wanted)
    if not fields:
        return state
    if wanted.enabled and before["enabled"] is False:
        _clear_halt(state)
    gate.admit(state, before, asked or Change("flag.state", key, wanted.to_dict()), permit=permit, now=now)
    store(state, _kind(fields, state), before, actor=actor, reason=reason, now=now, data=data, permit=permit)
    return state


def set_rollout(
    key: str,
    environment: str,
    percentage: Decimal | int | str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> FlagState:
    """Set the share of units, 0 to 100 percent, that have the feature while the flag is enabled."""
    return change(
        key, environment, StateChange(percentage=percentage), actor=actor, reason=reason, now=now, version=version
    )


def enable(
    key: str, environment: str, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> FlagState:
    """Switch the flag on; allow-list and percentage decide for whom. Ends an emergency disable."""
    return change(key, environment, StateChange(enabled=True), actor=actor, reason=reason, now=now, version=version)


def disable(
    key: str, environment: str, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> FlagState:
    """Switch the flag off for everybody, and keep its percentage."""
    return change(key, environment, StateChange(enabled=False), actor=actor, reason=reason, now=now, version=version)


def set_parameters(
    key: str,
    environment: str,
    parameters: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> FlagState:
    """Replace the flag's parameters by this JSON object."""
    return change(
        key, environment, StateChange(parameters=parameters), actor=actor, reason=reason, now=now, version=version
    )


def set_fields(state: FlagState, wanted: StateChange) -> list[str]:
    """Set the wanted fields of a state that the caller holds, and name those that differ from before.

    Raises Invalid as `change` does. Nothing is saved.
    """
    new: dict[str, Any] = {}
    schema = state.flag.parameter_schema
    if wanted.enabled is not None:
        new["enabled"] = wanted.enabled
    if wanted.percentage is not None:
        new["percentage"] = read_percentage(wanted.percentage, Bucketing(state.flag.bucketing))
    if wanted.parameters is not None:
        new["parameters"] = check_parameters(wanted.parameters, schema)
    if wanted.patch is not None:
        new["parameters"] = check_parameters({**new.get("parameters", state.parameters), **wanted.patch}, schema)
    fields = [field for field, value in new.items() if not _same(getattr(state, field), value)]
    for field in fields:
        setattr(state, field, new[field])
    return fields


def _check_expected(state: FlagState, expected: StateChange) -> None:
    if expected.enabled is not None and state.enabled != expected.enabled:
        raise Conflict(f"{state.flag.key} is {'enabled' if state.enabled else 'disabled'}, which was not expected.")
    if expected.percentage is not None and state.percentage != Decimal(expected.percentage):
        raise Conflict(f"{state.flag.key} stands at {state.percentage} %, not at {expected.percentage} %.")


def _clear_halt(state: FlagState) -> None:
    """A person has switched the flag on again: the emergency is over. The events keep its story."""
    state.disabled_at = state.rollback_at = None
    state.disabled_by = state.disabled_reason = state.rollback_id = state.rollback_reason = ""


def _kind(fields: list[str], state: FlagState) -> str:
    if "enabled" in fields:
        return "flag.enabled" if state.enabled else "flag.disabled"
    return {"percentage": "flag.rollout_changed", "parameters": "flag.parameters_changed"}[fields[0]]


def _same(old: Any, new: Any) -> bool:
    """true is not 1 in parameters, as Python has it."""
    return same(old, new) if isinstance(new, dict) else bool(old == new)
