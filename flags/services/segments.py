"""Segments: conditions with a name, shared by the targeting rules of one environment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core import environments, events, freezes
from core.actors import Actor
from core.asking import Change, Need
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import check_text, need_text
from flags.domain.change import check_reason
from flags.domain.permit import Permit
from flags.domain.rules import ChangeKind
from flags.domain.targeting import MAX_SEGMENTS, check_conditions
from flags.domain.values import same
from flags.models import FlagState, Segment
from flags.services import gate
from flags.services.locking import bump, lock_configuration

if TYPE_CHECKING:
    from core.models import Environment

_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
MAX_NAME = 120
MAX_DESCRIPTION = 2_000


@transaction.atomic
def define(
    key: str,
    environment: str,
    *,
    name: str,
    conditions: object,
    description: str = "",
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Segment:
    """Create the segment in this environment, or change it; the same again writes nothing.

    Args:
        conditions: as `flags.domain.targeting` reads them, as data or as their JSON text; all must hold.
        version: the segment's version that the caller saw, 0 for a new one; StaleVersion when it is another.

    Raises:
        Invalid: with the field that is wrong; also when the environment has 200 segments.
        ApprovalNeeded, FrozenError: an enabled flag uses the segment, and the environment has a rule about targeting,
            or is frozen.
    """
    where, segment = _hold(key, environment, version=version)
    reason = check_reason(reason, protected=where.protected)
    wanted = _read(key, name=name, description=description, conditions=conditions)
    before = {} if segment is None else _picture(segment)
    if segment is not None and same(wanted, before):
        return segment
    if segment is None:
        _check_room(where)
        segment = Segment(environment=where, key=key, version=0)
    if before and not same(before["conditions"], wanted["conditions"]):
        _pass_gate(segment, Change("segment", "", {"key": key, **wanted}), permit=permit, now=now)
    _store(segment, wanted, now=now)
    kind = "segment.changed" if before else "segment.created"
    _tell(kind, segment, before, wanted, actor=actor, reason=reason, now=now, permit=permit)
    return segment


@transaction.atomic
def delete(
    key: str,
    environment: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> None:
    """Delete a segment that no flag uses. Raises Conflict with who uses it, NotFound when there is none."""
    where, segment = _hold(key, environment, version=version)
    reason = check_reason(reason, protected=where.protected)
    if segment is None:
        raise NotFound(f"There is no segment {key!r} in {where.name}.")
    used = [state.flag.key for state in users(segment)]
    if used:
        raise Conflict(f"{key} is used by {', '.join(used[:5])}{' and others' if used[5:] else ''}: change that first.")
    _tell("segment.deleted", segment, _picture(segment), {}, actor=actor, reason=reason, now=now, permit=permit)
    segment.delete()


def users(segment: Segment) -> list[FlagState]:
    """The states whose rules name the segment, in the order of their keys."""
    rows = FlagState.objects.filter(environment_id=segment.environment_id, flag__archived_at=None)
    states = rows.exclude(targeting={}).select_related("flag", "environment").order_by("flag__key")
    return [state for state in states if segment.key in named(state.targeting)]


def named(targeting: Mapping[str, Any]) -> set[str]:
    """The segments that the rules of this targeting name."""
    conditions = [condition for rule in targeting.get("rules", ()) for condition in rule["when"]]
    found = {condition.get("segment", condition.get("not_segment")) for condition in conditions}
    return {key for key in found if key is not None}


def _store(segment: Segment, wanted: Mapping[str, Any], *, now: datetime) -> None:
    for field, value in wanted.items():
        setattr(segment, field, value)
    segment.version += 1
    segment.changed_at = now
    segment.save()


def _hold(key: str, environment: str, *, version: int | None) -> tuple[Environment, Segment | None]:
    where = environments.get(environment)
    lock_configuration(environment)
    segment = Segment.objects.filter(environment=where, key=key).first()
    actual = segment.version if segment else 0
    if version is not None and version != actual:
        raise StaleVersion(f"Segment {key} in {where.name}", expected=version, actual=actual)
    return where, segment


def _read(key: str, *, name: str, description: str, conditions: object) -> dict[str, Any]:
    if not _KEY.fullmatch(key):
        raise Invalid("A segment's key has 1 to 60 letters, digits, hyphens or underscores.", field="key")
    return {
        "name": need_text(name, "A segment needs a name that tells who is in it.", field="name", longest=MAX_NAME),
        "description": check_text(description, field="description", longest=MAX_DESCRIPTION),
        "conditions": check_conditions(conditions),
    }


def _check_room(where: Environment) -> None:
    if Segment.objects.filter(environment=where).count() >= MAX_SEGMENTS:
        raise Invalid(f"{where.name} has {MAX_SEGMENTS} segments, which is as many as fit.", field="key")


def _picture(segment: Segment) -> dict[str, Any]:
    return {field: getattr(segment, field) for field in ("name", "description", "conditions")}


def _pass_gate(segment: Segment, change: Change, *, permit: Permit | None, now: datetime) -> None:
    """A segment that an enabled flag uses is a part of its targeting."""
    where = segment.environment
    enabled: Sequence[FlagState] = [state for state in users(segment) if state.enabled]
    if not enabled:
        return
    if permit is None or not permit.rehearsal:
        freezes.require_none(where.pk, where.key, now=now)
    rule = gate.rules(where.pk).get(ChangeKind.TARGETING)
    if rule is not None:
        keys = ", ".join(state.flag.key for state in enabled[:5])
        why = f"In {where.name}, segment {segment.key} changes, by which {keys} is targeted."
        gate.require([Need(why, rule.approvals, rule.expires_after)], where, change, permit=permit)


def _tell(
    kind: str,
    segment: Segment,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    permit: Permit | None,
) -> None:
    """Record the event under the environment's next configuration version."""
    version = bump(segment.environment_id, segment.environment.key, now=now)
    events.record(
        kind,
        subject=f"segment:{segment.key}",
        actor=actor,
        now=now,
        environment_id=segment.environment_id,
        reason=reason,
        before=before,
        after=after,
        data={**(permit.mark if permit else {}), "configuration": version},
    )
