"""The end of a flag: archived once nobody asks for it, with all its history, and brought back if that was wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from core import beside
from core.actors import Actor
from core.errors import Conflict
from core.texts import check_text, need_reason
from flags.models import Flag, FlagState, Usage
from flags.services.definition import hold, store

QUIET = timedelta(days=7)  # as long as nobody must have asked


@transaction.atomic
def archive(
    key: str, *, actor: Actor, reason: str, now: datetime, version: int | None = None, force: bool = False
) -> Flag:
    """Take the flag out of lists and answers in every environment; it is disabled, and its history stays.

    Args:
        force: also while somebody still asks for it; who asks then gets its own default, as for an unknown flag.

    Raises Invalid without a reason, and Conflict with what stands against it.
    """
    reason = need_reason(reason, "Say why: whoever misses the flag will look here.")
    flag, states = hold(key, version=version)
    if flag.archived_at is not None:
        raise Conflict(f"{key} is archived already.")
    against = [*obstacles(flag, states), *([] if force else asked(flag, now=now))]
    if against:
        raise Conflict(f"{key} cannot be archived: {' '.join(against)}")
    for state in states:
        if state.enabled:
            state.enabled = False
            state.version += 1
            state.changed_at = now
            state.save()
    flag.archived_at, flag.archived_by = now, actor.name
    _store(flag, states, "flag.archived", actor=actor, reason=reason, now=now, archived=True)
    return flag


@transaction.atomic
def restore(key: str, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Flag:
    """Bring an archived flag back, disabled in every environment, with the rest of its state as it was."""
    flag, states = hold(key, version=version)
    if flag.archived_at is None:
        raise Conflict(f"{key} is not archived.")
    flag.archived_at, flag.archived_by = None, ""
    _store(flag, states, "flag.restored", actor=actor, reason=check_text(reason), now=now, archived=False)
    return flag


def obstacles(flag: Flag, states: Sequence[FlagState]) -> Iterator[str]:
    """What forbids archiving, one sentence each."""
    for state in states:
        where = state.environment.name
        moving = beside.movers([flag.key], state.environment.key).get(flag.key)
        if moving:
            yield f"{moving} moves it in {where}."
        if state.enabled and (state.percentage > Decimal(0) or state.allow_count or state.targeting.get("rules")):
            yield f"It is on in {where}: disable it there first."
    others = FlagState.objects.select_related("flag", "environment").exclude(targeting={}).exclude(flag=flag)
    for state in others.filter(flag__archived_at=None):
        if any(needed["flag"] == flag.key for needed in state.targeting.get("prerequisites", ())):
            yield f"{state.flag.key} needs it in {state.environment.name}."


def asked(flag: Flag, *, now: datetime) -> list[str]:
    """Where somebody asked for it in the last seven days, and how often."""
    recent = Usage.objects.filter(flag_key=flag.key, at__gte=now - QUIET).order_by("environment__position")
    counts = recent.values_list("environment__name").annotate(total=Sum("count"))
    return [f"It was asked for {total:,} times in {where} in the last 7 days." for where, total in counts if total]


def _store(
    flag: Flag, states: list[FlagState], kind: str, *, actor: Actor, reason: str, now: datetime, archived: bool
) -> None:
    before, after = {"archived": not archived}, {"archived": archived}
    store(flag, states, kind, before, after, actor=actor, reason=reason, now=now)
