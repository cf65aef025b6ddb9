"""Whom a flag is for in one environment: prerequisites, rules, and what they serve."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.asking import Change
from core.errors import Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.change import check_reason
from flags.domain.permit import Permit
from flags.domain.prerequisites import cycle
from flags.domain.targeting import check_targeting
from flags.domain.values import same, variants_of
from flags.models import Flag, FlagState, Segment
from flags.services import gate
from flags.services.locking import hold, picture, store

CHANGED = "flag.targeting_changed"


@transaction.atomic
def set_targeting(
    key: str,
    environment: str,
    targeting: object,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> FlagState:
    """Replace the flag's targeting in this environment; the same again writes nothing.

    Args:
        targeting: as `flags.domain.targeting` reads it, as data or as its JSON text; {} for none.
        version: the state's version that the caller saw; StaleVersion when it has moved on.

    Raises:
        Invalid: with the place that is wrong; also a variant, segment or flag that does not exist here, and
            prerequisites that lead back to this flag.
        ApprovalNeeded, FrozenError: what the gate says.
    """
    state = hold(key, environment, version=version)
    reason = check_reason(reason, protected=state.environment.protected)
    wanted = checked(state, targeting)
    if same(wanted, state.targeting):
        return state
    before = picture(state)
    state.targeting = wanted
    gate.admit(state, before, Change("flag.targeting", key, {"targeting": wanted}), permit=permit, now=now)
    store(state, CHANGED, before, actor=actor, reason=reason, now=now, permit=permit)
    return state


def checked(state: FlagState, targeting: object) -> dict[str, Any]:
    """The targeting as this state may have it, in an environment that is locked. Invalid as `set_targeting`."""
    flag = state.flag
    others = Flag.objects.filter(archived_at=None).exclude(pk=flag.pk).values_list("key", "variants")
    segments = Segment.objects.filter(environment_id=state.environment_id)
    found = check_targeting(
        targeting,
        variants=list(variants_of(flag.variants)),
        known_flags={key: list(variants_of(variants)) for key, variants in others},
        segments=list(segments.values_list("key", flat=True)),
        bucketing=Bucketing(flag.bucketing),
    )
    _check_circle(state, found)
    return found


def _check_circle(state: FlagState, targeting: dict[str, Any]) -> None:
    if "prerequisites" not in targeting:
        return
    rows = FlagState.objects.filter(environment_id=state.environment_id, flag__archived_at=None)
    wanted = {
        key: [item["flag"] for item in found.get("prerequisites", ())]
        for key, found in rows.exclude(targeting={}).values_list("flag__key", "targeting")
    }
    wanted[state.flag.key] = [item["flag"] for item in targeting["prerequisites"]]
    path = cycle(wanted)
    if path:
        raise Invalid(f"prerequisites: they go round in a circle: {' needs '.join(path)}.", field="targeting")
