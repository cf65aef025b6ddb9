"""Hold a flag's state, and store what became of it under the next configuration version, with its event.

The environment's Configuration row is always locked first: changes of one environment queue up behind it, so
two commands that each touch several flags cannot wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from flags.adapters import bus
from flags.domain.permit import Permit
from flags.models import Configuration, FlagState


def hold(key: str, environment: str, *, version: int | None = None) -> FlagState:
    """The locked state of a flag in an environment.

    `version` is what the caller last saw; when the row has moved on, StaleVersion is raised.
    Raises NotFound for an unknown flag or environment, Conflict for an archived flag.
    """
    lock_configuration(environment)
    found = (
        FlagState.objects.select_for_update(of=("self",))
        .select_related("flag", "environment")
        .filter(flag__key=key, environment__key=environment)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no flag {key!r} in environment {environment!r}.")
    if found.flag.archived_at is not None:
        raise Conflict(f"{key} is archived: restore it first.")
    if version is not None and version != found.version:
        raise StaleVersion(f"{key} in {environment}", expected=version, actual=found.version)
    return found


def lock_configuration(environment: str) -> None:
    """Wait for every other change of this environment to end, and keep the next ones waiting."""
    list(Configuration.objects.select_for_update(of=("self",)).filter(environment__key=environment))


def bump(environment_id: int, environment: str, *, now: datetime) -> int:
    """Raise the environment's configuration version and tell all processes once this is committed."""
    row, _ = Configuration.objects.select_for_update().get_or_create(
        environment_id=environment_id, defaults={"changed_at": now}
    )
    Configuration.objects.filter(pk=row.pk).update(version=F("version") + 1, changed_at=now)
    transaction.on_commit(partial(bus.announce, environment, row.version + 1))
    return row.version + 1


def store(
    state: FlagState,
    kind: str,
    before: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    permit: Permit | None = None,
) -> None:
    """Save the changed state as the next version, and record the event of this kind.

    `before` is the picture of the state as it was. The event's data also hold the configuration version that
    tells the processes of this change, and what the change was part of.
    """
    state.version += 1
    state.changed_at = now
    state.configuration = bump(state.environment_id, state.environment.key, now=now)
    state.save()
    events.record(
        kind,
        subject=f"flag:{state.flag.key}",
        actor=actor,
        now=now,
        environment_id=state.environment_id,
        reason=reason,
        before=before,
        after=picture(state),
        data={
            **(data or {}),
            **(permit.mark if permit else {}),
            "configuration": state.configuration,
        },
    )


def picture(state: FlagState) -> dict[str, Any]:
    """The state as an event tells it: what `before` and `after` hold."""
    return {
        "enabled": state.enabled,
        "percentage": float(state.percentage),
        "parameters": state.parameters,
        "allow_count": state.allow_count,
        "deny_count": state.deny_count,
        "targeting": state.targeting,
        "disabled_reason": state.disabled_reason,
        "rollback_id": state.rollback_id,
    }
