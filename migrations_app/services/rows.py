"""Hold a run, save it, and tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from migrations_app.domain.states import RUN, RunState
from migrations_app.models import MigrationRun

LOUD = {
    "requested": "high",
    "held": "high",
    "failed": "critical",
    "rolled_back": "high",
    "rollback_failed": "critical",
    "completed": "info",
}


def hold(uid: str, *, version: int | None = None) -> MigrationRun:
    """The locked run. Raises NotFound, StaleVersion."""
    rows = MigrationRun.objects.select_for_update(of=("self",)).select_related("environment", "of")
    found = rows.filter(uid=uid).first()
    if found is None:
        raise NotFound(f"There is no migration run {uid}.")
    if version is not None and version != found.version:
        raise StaleVersion(f"Migration run {uid}", expected=version, actual=found.version)
    return found


def need_state(row: MigrationRun, states: frozenset[RunState] | set[RunState], verb: str) -> None:
    """Raise Conflict when the run is in none of these states."""
    if RunState(row.state) not in states:
        raise Conflict(f"Migration run {row.uid} is {row.state.replace('_', ' ')} and cannot be {verb}.")


def move(row: MigrationRun, target: RunState) -> None:
    """Set the state along the table of moves; IllegalMove when there is none."""
    row.state = RUN.move(RunState(row.state), target).value


def save(
    row: MigrationRun,
    kind: str,
    before: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Store the run as its next version, with one event that tells before and after."""
    row.version = row.version + 1 if row.pk else 1
    row.save()
    events.record(
        f"migration.{kind}",
        subject=f"migration:{row.uid}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after=picture(row),
        data={
            "migration_id": row.uid,
            "number": row.number,
            "rule": row.title,  # what an alert of it is about
            "direction": row.direction,
            **({"severity": LOUD[kind]} if kind in LOUD else {}),
            **(data or {}),
        },
    )


def picture(row: MigrationRun) -> dict[str, Any]:
    """The run as an event tells it."""
    return {
        "migration": row.title,
        "phases": ", ".join(row.phases),
        "state": row.state,
        "approved_by": row.approved_by,
        "speed": row.speed,
        "error": row.error[:300],
    }
