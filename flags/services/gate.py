"""What every change of a flag passes before it is stored: freezes, and the rules for approvals.

The gate looks at what a change does, not at the door it came by. An emergency disable and a rollback do not
pass here: nothing may hold them up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core import events, freezes, interlocks
from core.asking import ApprovalNeeded, Change, Need
from flags.domain.permit import Permit
from flags.domain.rules import ChangeKind, Effect, Rule, needs, only_eases, reach
from flags.models import ApprovalRule
from flags.services.locking import picture

if TYPE_CHECKING:
    from core.models import Environment
    from flags.models import FlagState

WINDOW = timedelta(days=1)  # raises within it count as one


def admit(
    state: FlagState,
    before: Mapping[str, Any],
    change: Change,
    *,
    permit: Permit | None,
    now: datetime,
    kind: ChangeKind | None = None,
    gains: bool = False,
    more: Sequence[Need] = (),
) -> None:
    """Let the change of `state` (already as it shall be) through, or raise and leave it to the caller to roll back.

    Args:
        change: the same change as data, to be asked for.
        permit: what this change is part of; its `needs` then tell which rules it fell under.
        kind: set where the change itself is what a rule is about (a promotion).
        gains: somebody may gain the feature although the counts of the state do not tell: one npub of a list was
            put in another's place, or buckets are drawn anew.
        more: what the change needs beside the environment's rules.

    Raises:
        FrozenError: a freeze holds, and somebody could gain the feature by this change.
        Conflict: the same, and an interlock forbids it: a migration that the flag needs is not applied.
        ApprovalNeeded: a rule asks for other people's approval, and there is no permit.
    """
    after = picture(state)
    rehearsal = permit is not None and permit.rehearsal
    if (gains or not only_eases(before, after)) and not rehearsal:
        freezes.require_none(state.environment_id, state.environment.key, now=now)
        interlocks.require_none(state.flag.key, state.environment.key)
    judge(state, before, after, change, permit=permit, now=now, kind=kind, gains=gains, more=more)


def judge(
    state: FlagState,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    change: Change,
    *,
    permit: Permit | None,
    now: datetime,
    kind: ChangeKind | None = None,
    gains: bool = False,
    more: Sequence[Need] = (),
) -> None:
    """Only what the rules for approvals say of a change that leads to `after`, now or later; as `admit` does."""
    here = rules(state.environment_id)
    floor = _floor(state, reach(before), now=now) if ChangeKind.RAISE in here else Decimal(0)
    effect = Effect(state.flag.key, state.environment.name, before, after, floor, kind, gains)
    require([*more, *needs(effect, here)], state.environment, change, permit=permit)


def require(found: list[Need], environment: Environment, change: Change, *, permit: Permit | None) -> None:
    """Raise ApprovalNeeded when rules were met and there is no permit."""
    if permit is not None:
        permit.take(found)
    elif found:
        raise ApprovalNeeded(environment.key, [change], found)


def rules(environment_id: int) -> dict[ChangeKind, Rule]:
    """The environment's rules by what they are about."""
    found = ApprovalRule.objects.filter(environment_id=environment_id)
    return {ChangeKind(rule.kind): rule for rule in found}


def _floor(state: FlagState, current: Decimal, *, now: datetime) -> Decimal:
    """The lowest reach since a day ago, or since the last approved change if that is later.

    Only these few values of the events are read: an event may hold a list of 100,000 npubs.
    """
    lowest = current
    told = events.about(f"flag:{state.flag.key}", environment_id=state.environment_id).filter(at__gt=now - WINDOW)
    pictures = [f"{side}__{name}" for side in ("before", "after") for name in ("enabled", "percentage")]
    for approved, was_on, was, is_on, became in told.values_list("data__approved", *pictures):
        if was is None or became is None:
            continue
        if approved:
            return min(lowest, reach({"enabled": is_on, "percentage": became}))
        lowest = min(lowest, reach({"enabled": was_on, "percentage": was}))
    return lowest
