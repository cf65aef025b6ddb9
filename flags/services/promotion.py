"""Promote flags: what they do in one environment becomes what they do in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

import flags.selectors
from core import beside, environments
from core.actors import Actor
from core.asking import ApprovalNeeded, Change, Need
from core.errors import Conflict, Invalid, NotFound
from core.texts import check_text
from flags.domain.change import StateChange, check_reason
from flags.domain.lists import NO_EDIT, ListEdit
from flags.domain.permit import Permit
from flags.domain.promotion import PARTS, Promotion, check_parts, digest, skipped, taken_over, waiver_needs
from flags.domain.rules import ChangeKind
from flags.models import AllowedUser, DeniedUser, FlagState
from flags.selectors.comparison import list_edit
from flags.services import gate, lists, targeting
from flags.services.lists import ALLOW, DENY
from flags.services.locking import hold, lock_configuration, picture, store
from flags.services.rollout import set_fields

PROMOTED = "flag.promoted"


def preview(
    keys: Collection[str], source: str, target: str, *, parts: Iterable[str] = PARTS, waiver: str = ""
) -> list[Promotion]:
    """What a promotion would do to each of these flags that differs. Reads only.

    Raises NotFound for an unknown flag or environment, Invalid for no flag, one environment twice or an unknown part.
    """
    passed_over(source, target)
    chosen = check_parts(parts)
    if not keys:
        raise Invalid("Choose at least one flag.", field="flags")
    sources, targets = states_of(keys, source), states_of(keys, target)
    found = (_promotion(sources[key], targets[key], chosen, waiver=waiver) for key in sorted(targets))
    return [promotion for promotion in found if promotion]


def states_of(keys: Collection[str], environment: str) -> dict[str, FlagState]:
    """These flags' states in the environment, by key, in one query. NotFound names one that there is not."""
    found = {state.flag.key: state for state in flags.selectors.states(environment).filter(flag__key__in=keys)}
    missing = sorted(set(keys) - set(found))
    if missing:
        raise NotFound(f"There is no flag {missing[0]!r} in environment {environment!r}.")
    return found


def passed_over(source: str, target: str) -> list[str]:
    """The names of the environments that this promotion leaves out; an approver has to waive them."""
    here = {environment.key: environment.name for environment in environments.ordered()}
    for key in (source, target):
        environments.get(key)
    return [here[key] for key in skipped(source, target, list(here))]


@transaction.atomic
def promote(
    keys: Collection[str],
    source: str,
    target: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    parts: Iterable[str] = PARTS,
    waiver: str = "",
    seen: str = "",
) -> list[FlagState]:
    """Bring these flags in `target` to what they are in `source`: all of them or none. The states that changed.

    Args:
        parts: which of PARTS are taken over; all of them when not given.
        waiver: why the order of promotion is left, where environments between the two are skipped.
        seen: the digest of the preview that the caller agreed to; empty: whatever there is now.

    Raises:
        ApprovalNeeded: rules of the target ask for it, or the order is left; with the changes of all flags.
        FrozenError: the target is frozen.
        Conflict: a flag is moved by a ramp in the target, was switched off there in an emergency, or differs
            from what `seen` showed.
        Invalid: no reason in a protected environment, no waiver where one is due.
    """
    for environment in environments.ordered().filter(key__in=[source, target]):  # the same order as everybody's
        lock_configuration(environment.key)
    promotions = preview(keys, source, target, parts=parts, waiver=check_text(waiver, field="waiver"))
    if seen and seen != digest(promotions):
        raise Conflict("One of these flags has changed since you looked. Look at what would change now, and try again.")
    return _all_or_none(promotions, target, actor=actor, reason=reason, now=now)


def _all_or_none(
    promotions: Sequence[Promotion], target: str, *, actor: Actor, reason: str, now: datetime
) -> list[FlagState]:
    """What is refused is told of all of them at once."""
    done: list[FlagState] = []
    refused: list[Need] = []
    for promotion in promotions:
        try:
            done.append(place(promotion, target, actor=actor, reason=reason, now=now))
        except ApprovalNeeded as needed:
            refused.extend(needed.needs)
    if refused:
        raise ApprovalNeeded(target, [as_change(promotion) for promotion in promotions], refused)
    return done


def as_change(promotion: Promotion) -> Change:
    """The promotion as something that can be asked for."""
    return Change("flag.promotion", promotion.flag, promotion.to_payload())


def place_payload(
    key: str,
    environment: str,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    permit: Permit | None = None,
) -> FlagState:
    """Do what a change of the kind `flag.promotion` says: the values of its payload, whatever the source has by now."""
    promotion = Promotion.from_payload(key, payload)
    return place(promotion, environment, actor=actor, reason=reason, now=now, permit=permit)


@transaction.atomic
def place(
    promotion: Promotion, target: str, *, actor: Actor, reason: str, now: datetime, permit: Permit | None = None
) -> FlagState:
    """Set one flag to what the promotion says. Raises as `promote` does."""
    state = hold(promotion.flag, target)
    reason = check_reason(reason, protected=state.environment.protected)
    before = picture(state)
    allow = lists.effective(ALLOW, state, promotion.allow)
    deny = lists.effective(DENY, state, promotion.deny)
    _set(state, promotion, allow, deny)
    if picture(state) == before and not allow and not deny:
        return state
    _check_hands_off(state, promotion)
    passed = passed_over(promotion.source, target)
    gate.admit(
        state,
        before,
        as_change(promotion),
        permit=permit,
        now=now,
        kind=ChangeKind.PROMOTION,
        gains=bool(allow.add or deny.remove),
        more=waiver_needs(promotion, passed, where=state.environment.name),
    )
    lists.write(ALLOW, state, allow)
    lists.write(DENY, state, deny)
    store(
        state,
        PROMOTED,
        before,
        actor=actor,
        reason=reason,
        now=now,
        data=_told(promotion, allow, deny, passed),
        permit=permit,
    )
    return state


def _promotion(source: FlagState, target: FlagState, parts: Collection[str], *, waiver: str) -> Promotion:
    with_lists = "lists" in parts
    return Promotion(
        flag=source.flag.key,
        source=source.environment.key,
        fields=taken_over(source, target, parts),
        allow=list_edit(AllowedUser, source, target) if with_lists else NO_EDIT,
        deny=list_edit(DeniedUser, source, target) if with_lists else NO_EDIT,
        waiver=waiver,
    )


def _set(state: FlagState, promotion: Promotion, allow: ListEdit, deny: ListEdit) -> None:
    fields = promotion.fields
    wanted = StateChange(
        enabled=fields.get("enabled"), percentage=fields.get("percentage"), parameters=fields.get("parameters")
    )
    set_fields(state, wanted)
    if "targeting" in fields:
        state.targeting = targeting.checked(state, fields["targeting"])
    lists.count(ALLOW, state, allow)
    lists.count(DENY, state, deny)


def _check_hands_off(state: FlagState, promotion: Promotion) -> None:
    """A ramp that is not over moves the flag itself; what was stopped in an emergency is started by hand."""
    key, where = state.flag.key, state.environment.name
    mover = beside.movers([key], state.environment.key).get(key)
    if mover:
        raise Conflict(f"{mover} moves {key} in {where}: roll it back or let it end, then promote.")
    if state.disabled_at is not None and {"enabled", "percentage"} & set(promotion.fields):
        raise Conflict(
            f"{key} in {where} was switched off in an emergency ({state.disabled_reason}). Enable it there by hand "
            "first, so that somebody has said that it may be used again; then promote."
        )


def _told(promotion: Promotion, allow: ListEdit, deny: ListEdit, passed: Collection[str]) -> dict[str, Any]:
    """What the event tells beside before and after."""
    return {
        "source": promotion.source,
        "added": list(allow.add),
        "removed": list(allow.remove),
        "deny_added": list(deny.add),
        "deny_removed": list(deny.remove),
        **({"skipped": list(passed), "waiver": promotion.waiver} if passed else {}),
    }
