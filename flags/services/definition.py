"""What a flag is, the same in every environment: made, and changed while nobody is surprised by it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from core import beside, environments, events
from core.actors import Actor
from core.asking import Change
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import check_text
from flags.domain.bucketing import Bucketing
from flags.domain.change import check_parameters, check_reason, read_percentage
from flags.domain.definition import MOVING, DefinitionChange, read, served, splits
from flags.domain.keys import KEY_HELP, is_key
from flags.domain.permit import Permit
from flags.domain.rebucketing import Draw
from flags.domain.rules import ChangeKind
from flags.domain.values import ValueType, off_by_default, same, served_by_default, variants_of
from flags.models import Flag, FlagState
from flags.services import gate
from flags.services.locking import bump, lock_configuration, picture

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = DefinitionChange.__slots__
NEW = {"name": "", "description": "", "group": "", "value_type": ValueType.BOOLEAN.value, "variants": []}
SCHEMAS: Mapping[str, Any] = {"value_schema": {}, "parameter_schema": {}}


@transaction.atomic
def create(key: str, wanted: DefinitionChange, *, actor: Actor, reason: str, now: datetime) -> Flag:
    """Make a flag, disabled at 0 percent in every environment.

    What `wanted` leaves out is: murmur3, boolean, no group, no variants but on and off, no schemas.
    Raises Invalid with the field that is wrong, and Conflict when there is such a flag, also an archived one.
    """
    if not is_key(key):
        raise Invalid(KEY_HELP, field="key")
    _lock_all()
    values = read(wanted, {**NEW, **SCHEMAS, "bucketing": Bucketing.MURMUR3.value})
    salt = secrets.token_hex(8) if values["bucketing"] == Bucketing.MURMUR3 else ""
    flag = Flag(key=key, salt=salt, created_at=now, **values)
    draw_of(flag)
    check_parameters({}, flag.parameter_schema)
    _save_new(flag)
    told = {field: value for field, value in values.items() if value}
    events.record("flag.created", subject=f"flag:{key}", actor=actor, now=now, reason=check_text(reason), after=told)
    complete_states(flag, now=now)
    return flag


@transaction.atomic
def change(
    key: str,
    wanted: DefinitionChange,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Flag:
    """Set the wanted fields with one event; a change that changes nothing writes nothing.

    Args:
        version: the flag's version that the caller saw; StaleVersion when it has moved on.
        permit: what this change is part of, where that was approved.

    Raises:
        Invalid: a field is wrong, also when a value or parameters in use do not fit a new schema.
        Conflict: another type while the flag is enabled somewhere, a variant that is in use is left out, other
            buckets while a ramp of the flag lives, or the flag is archived.
        ApprovalNeeded, FrozenError: what the gate of an environment says where people would notice.
    """
    flag, states = hold(key, version=version)
    if flag.archived_at is not None:
        raise Conflict(f"{key} is archived: restore it first.")
    reason = check_reason(reason, protected=any(state.environment.protected for state in states))
    before = as_dict(flag)
    after = read(wanted, before)
    if same(before, after):
        return flag
    for field, value in after.items():
        setattr(flag, field, value)
    _check_states(flag, states, before, after)
    _pass_gates(flag, states, before, Change("flag.definition", key, wanted.to_dict()), permit=permit, now=now)
    changed = {field for field in FIELDS if not same(before[field], after[field])}
    kind = "flag.renamed" if changed <= {"name", "description"} else "flag.definition_changed"
    store(flag, states, kind, before, after, actor=actor, reason=reason, now=now, permit=permit)
    return flag


def hold(key: str, *, version: int | None = None) -> tuple[Flag, list[FlagState]]:
    """The flag and its states in the order of environments, with every environment's configuration locked."""
    _lock_all()
    flag = Flag.objects.select_for_update().filter(key=key).first()
    if flag is None:
        raise NotFound(f"There is no flag {key!r}.")
    if version is not None and version != flag.version:
        raise StaleVersion(f"The definition of {key}", expected=version, actual=flag.version)
    states = FlagState.objects.select_related("environment").filter(flag=flag).order_by("environment__position")
    found = list(states)
    for state in found:
        state.flag = flag
    return flag, found


def store(
    flag: Flag,
    states: Iterable[FlagState],
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    permit: Permit | None = None,
) -> None:
    """Save the flag as its next version, tell every process of every environment, and record the event."""
    flag.version += 1
    flag.save()
    versions = {state.environment.key: _announce(state, now=now) for state in states}
    events.record(
        kind,
        subject=f"flag:{flag.key}",
        actor=actor,
        now=now,
        reason=reason,
        before=_differing(before, after),
        after=_differing(after, before),
        data={**(permit.mark if permit else {}), "configurations": versions},
    )


def as_dict(flag: Flag) -> dict[str, Any]:
    """The definition as DefinitionChange has it."""
    return {field: getattr(flag, field) for field in FIELDS}


def draw_of(flag: Flag) -> Draw:
    """How the flag finds buckets."""
    return Draw.of(Bucketing(flag.bucketing), key=flag.key, salt=flag.salt, group=flag.group)


def complete_states(flag: Flag, *, now: datetime) -> None:
    """Give the flag a state in every environment that has none of it yet."""
    have = set(flag.states.values_list("environment_id", flat=True))
    for environment in environments.ordered():
        if environment.pk not in have:
            version = bump(environment.pk, environment.key, now=now)
            FlagState.objects.create(flag=flag, environment=environment, changed_at=now, configuration=version)


def _announce(state: FlagState, *, now: datetime) -> int:
    """Raise the configuration version, and let the state say so: processes read only states that do."""
    state.configuration = bump(state.environment_id, state.environment.key, now=now)
    FlagState.objects.filter(pk=state.pk).update(configuration=state.configuration)
    return state.configuration


def _save_new(flag: Flag) -> None:
    """The unique key decides between two who make the same flag: where there is none yet, nothing is locked."""
    try:
        with transaction.atomic():
            flag.save()
    except IntegrityError:
        raise Conflict(f"There is a flag {flag.key} already; it may be archived.") from None


def _lock_all() -> None:
    for environment in environments.ordered():
        lock_configuration(environment.key)


def _differing(picture: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in picture.items() if not same(value, other.get(field))}


def _check_states(flag: Flag, states: Sequence[FlagState], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What the flag does in each environment must go on to be possible."""
    enabled = [state.environment.name for state in states if state.enabled]
    if before["value_type"] != after["value_type"] and enabled:
        raise Conflict(f"{flag.key} is enabled in {', '.join(enabled)}: disable it there before its type changes.")
    if any(before[field] != after[field] for field in MOVING):
        _check_draw(flag, states)
    for state in states:
        _check_parameters(flag, state)
    gone = set(variants_of(before["variants"])) - set(variants_of(after["variants"]))
    for user, where in _users(flag, states) if gone else ():
        used = gone & set(user)
        if used:
            raise Conflict(f"Variant {min(used)!r} is in use {where}: change that first.")


def _check_draw(flag: Flag, states: Sequence[FlagState]) -> None:
    draw_of(flag)
    for state in states:
        moving = beside.movers([flag.key], state.environment.key).get(flag.key)
        if moving:
            raise Conflict(
                f"{moving} moves {flag.key} in {state.environment.name}: while it lives, its buckets stay as they are."
            )
        try:
            read_percentage(state.percentage, Bucketing(flag.bucketing))
        except Invalid as error:
            raise Conflict(f"In {state.environment.name}: {error}") from error


def _check_parameters(flag: Flag, state: FlagState) -> None:
    try:
        check_parameters(state.parameters, flag.parameter_schema)
    except Invalid as error:
        raise Invalid(
            f"The parameters in {state.environment.name} do not fit: {error}", field="parameter_schema"
        ) from error


def _users(flag: Flag, states: Sequence[FlagState]) -> Iterable[tuple[set[str], str]]:
    """Who names variants of this flag: its own targeting, and flags that need it."""
    for state in states:
        yield served(state.targeting), f"in {state.environment.name}"
    others = FlagState.objects.select_related("flag", "environment").exclude(targeting={}).exclude(flag=flag)
    for state in others:
        for needed in state.targeting.get("prerequisites", ()):
            if needed["flag"] == flag.key:
                yield set(needed["variants"]), f"by {state.flag.key} in {state.environment.name}, which needs it"


def _pass_gates(
    flag: Flag,
    states: Sequence[FlagState],
    before: Mapping[str, Any],
    change: Change,
    *,
    permit: Permit | None,
    now: datetime,
) -> None:
    """Ask where people would notice, the last environment first: its rules are the strictest.

    Other values are asked about also where the flag is off: they would be there when it is enabled, which may need
    nobody's approval. Not where nothing was ever done with it: there it is as good as new.
    """
    drawn = any(before[field] != getattr(flag, field) for field in MOVING)
    other_values = _serves_otherwise(variants_of(before["variants"]), variants_of(flag.variants))
    for state in reversed(states):
        redrawn = state.enabled and drawn and splits(state.percentage, state.targeting)
        if redrawn or (other_values and (state.enabled or state.version > 1)):
            gate.admit(state, picture(state), change, permit=permit, now=now, kind=ChangeKind.TARGETING, gains=True)


def _serves_otherwise(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether somebody may get another value by these variants; one that is added is nobody's yet."""
    by_default = any(pick(old) != pick(new) for pick in (served_by_default, off_by_default))
    return by_default or any(key not in new or not same(new[key], value) for key, value in old.items())
