"""Where a worker tells how far a run is: rows that are written only while the run is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events, heartbeats
from core.actors import Actor, ActorKind
from migrations_app.adapters.lease import LeaseLost
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import LogStatus, RunState, Wish
from migrations_app.models import MigrationLog, MigrationRun

MIGRATOR = Actor("migrator", ActorKind.MACHINE)
GONE = "Somebody else has this run by now."


class RowDesk:
    """The rows of one run, for the holder of `fence`. Phases are logged of the run itself, or of the one it undoes."""

    def __init__(self, run: MigrationRun, fence: int, clock: Callable[[], datetime]) -> None:
        self._run, self._of, self._fence, self._clock = run, run.of or run, fence, clock

    def look(self) -> tuple[Wish, int]:
        """An automatic rollback is not steered, but for its speed. Whoever looks, lives."""
        heartbeats.beat("migrator", now=self._clock())
        found = self._mine().values_list("wish", "speed", "state").first()
        if found is None:
            raise LeaseLost(GONE)
        wish, speed, state = found
        return (Wish.NONE if state == RunState.ROLLING_BACK else Wish(wish)), speed

    def progress(self, picture: Mapping[str, Any]) -> None:
        if not self._mine().update(progress={**picture, "at": self._clock().isoformat()}):
            raise LeaseLost(GONE)

    def found(self, field_: str, results: Mapping[str, Any]) -> None:
        if not self._mine().update(**{field_: dict(results)}):
            raise LeaseLost(GONE)

    @transaction.atomic
    def phase(self, name: PhaseName, status: LogStatus, *, result: Mapping[str, Any], error: str = "") -> None:
        """Write the log of one phase; said twice, it is there once."""
        if not self._mine().select_for_update().exists():
            raise LeaseLost(GONE)
        now, row = self._clock(), self._log(name)
        if row.status == status.value:
            return
        before, row.status, row.error = row.status if row.pk else "", status.value, error
        if status is LogStatus.ROLLED_BACK:
            row.rollback_at = now
        elif status is LogStatus.STARTED:
            row.end_time = row.duration = None
        else:
            row.end_time = now
            row.duration = max(0, round((now - row.start_time).total_seconds() * 1000))
            row.result = dict(result)
        row.save()
        events.record(
            "migration.phase",
            subject=f"migration:{self._run.uid}",
            actor=MIGRATOR,
            now=now,
            environment_id=self._run.environment_id,
            reason=error,
            before={"status": before},
            after={"phase": name.value, "status": status.value},
            data={"migration_id": self._of.uid, "phase": name.value},
        )

    def _log(self, name: PhaseName) -> MigrationLog:
        found = MigrationLog.objects.filter(run=self._of, phase=name.value).first()
        now = self._clock()
        return found or MigrationLog(
            run=self._of, migration_id=self._of.uid, phase=name.value, status="", start_time=now
        )

    def _mine(self) -> Any:
        return MigrationRun.objects.filter(pk=self._run.pk, fence=self._fence)
