"""The way out: emergency disable, rollback, step back. None needs an approval or a version, none stops at a freeze."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.actors import EMERGENCY_SYSTEM, Actor, ActorKind
from core.texts import need_reason
from flags.domain.values import same
from flags.models import FlagState
from flags.services.locking import hold, picture, store

DISABLED = "flag.emergency_disabled"
ROLLED_BACK = "flag.rolled_back"
ANNOUNCED = "Say why: an emergency disable or rollback is announced with its reason."


@transaction.atomic
def emergency_disable(key: str, environment: str, *, actor: Actor, reason: str, now: datetime) -> FlagState:
    """Switch the flag off at once and set it to 0 percent (seed: Emergency Feature Disable).

    Doing it again changes nothing and announces nothing. A reason is always required.
    """
    reason = need_reason(reason, ANNOUNCED)
    state = hold(key, environment)
    if not state.enabled and state.percentage == 0 and state.disabled_at:
        return state
    before = picture(state)
    _switch_off(state, actor=actor, reason=reason, now=now)
    store(state, DISABLED, before, actor=actor, reason=reason, now=now)
    return state


@transaction.atomic
def roll_back(
    key: str,
    environment: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
    rollback_id: str = "",
) -> str:
    """Switch the flag off because it does harm, and return the rollback id (seed: Feature Flag Rollback).

    Args:
        evidence: what was measured: kept with the event, so that it can be read again later.
        rollback_id: of the rollback that this is a part of; empty: a new one.

    A flag that is rolled back already keeps its first rollback id, which is returned.
    """
    reason = need_reason(reason, ANNOUNCED)
    state = hold(key, environment)
    if state.rollback_id and not state.enabled:
        return state.rollback_id
    before = picture(state)
    _switch_off(state, actor=actor, reason=reason, now=now)
    state.rollback_id = rollback_id or new_id(now)
    state.rollback_at = now
    state.rollback_reason = reason
    data = {"rollback_id": state.rollback_id, "evidence": dict(evidence or {})}
    store(state, ROLLED_BACK, before, actor=actor, reason=reason, now=now, data=data)
    return state.rollback_id


@transaction.atomic
def step_back(
    key: str,
    environment: str,
    earlier: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any],
) -> FlagState:
    """Set the flag back to what it was. Nobody gains it by this: one that is off stays off, and no percentage rises.

    Args:
        earlier: its `enabled`, `percentage` and all its `parameters` of then.
        data: kept with the event: what is taken back.
    """
    reason = need_reason(reason, ANNOUNCED)
    state = hold(key, environment)
    before, percentage = picture(state), Decimal(earlier["percentage"])
    if state.enabled:
        state.enabled = earlier["enabled"]
        state.percentage = min(state.percentage, percentage) if state.enabled else percentage
    state.parameters = dict(earlier["parameters"])
    kind = "flag.parameters_changed"
    if state.enabled is not before["enabled"]:
        kind = "flag.disabled"
    elif state.percentage != Decimal(str(before["percentage"])):
        kind = "flag.rollout_changed"
    if not same(picture(state), before):
        store(state, kind, before, actor=actor, reason=reason, now=now, data=data)
    return state


def new_id(now: datetime) -> str:
    """A rollback id: `rb-20250811-090000-1f2e3d4c`."""
    return f"rb-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def _switch_off(state: FlagState, *, actor: Actor, reason: str, now: datetime) -> None:
    state.enabled = False
    state.percentage = Decimal(0)
    state.disabled_at = now
    state.disabled_by = EMERGENCY_SYSTEM if actor.kind is ActorKind.MACHINE else actor.name
    state.disabled_reason = reason
