"""The monitoring levels of the playbook, and the attention that a ramp asks the guard for by them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import NotFound
from monitoring.services import attention
from rollouts import selectors
from rollouts.domain import levels as domain
from rollouts.domain.states import LIVE, MonitoringLevel
from rollouts.models import Level, Ramp


@transaction.atomic
def define(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> None:
    """Create the level or bring it to these values; nothing is written when nothing differs. Ramps keep what they have.

    Raises NotFound for a key that is no level, Invalid as `Level.read` does.
    """
    if key not in list(MonitoringLevel):
        raise NotFound(f"There is no monitoring level {key!r}: {', '.join(MonitoringLevel)}.")
    row = Level.objects.select_for_update().filter(key=key).first() or Level(key=key)
    before, after = (row.values or {}) if row.pk else {}, domain.Level.read(values).to_dict()
    if before == after:
        return
    row.values = after
    row.save()
    events.record(
        "monitoring_level.changed" if before else "monitoring_level.created",
        subject=f"monitoring_level:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )


def ask_attention(ramp: Ramp, *, now: datetime) -> None:
    """Have the flag looked at as often as the step asks at which the ramp stands; part of the ramp's own change."""
    last = ramp.steps.exclude(taken_at=None).order_by("-position").first() if ramp.state in LIVE else None
    every = selectors.level_of(ramp, last).every if last else None
    attention.pay(ramp.environment_id, ramp.flag.key, every, now=now)


def watch_closely(environment_id: int, flag_keys: Collection[str], *, by: str, now: datetime) -> None:
    """Have these flags looked at as at the level intensive, whatever their ramps ask for, until `watch_as_usual`."""
    every = domain.level_of(selectors.levels(), MonitoringLevel.INTENSIVE.value).every or domain.OFTEN
    for key in flag_keys:
        attention.pay(environment_id, key, every, holder=by, now=now)


def watch_as_usual(environment_id: int, *, by: str) -> None:
    """What `by` asked for is over."""
    attention.release(environment_id, holder=by)
