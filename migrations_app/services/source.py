"""Runs of migrations for rollbacks, which are confirmed by two people and do not know this app."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.actors import Actor
from core.errors import Conflict
from core.migrated import Back, Run
from migrations_app import selectors
from migrations_app.domain.states import TO_TAKE_BACK, Direction, LogStatus, RunState
from migrations_app.models import MigrationRun
from migrations_app.selectors.shown import progress
from migrations_app.services import requesting


class Runs:
    """Implements core.migrated.Source."""

    def runs(self, environment: str) -> Sequence[Run]:
        rows = selectors.runs(environment).filter(
            direction=Direction.UP.value, state__in=sorted(state.value for state in TO_TAKE_BACK)
        )
        return [
            Run(row.uid, row.title, sum(row.result.get("changed", {}).values()))
            for row in rows.prefetch_related("logs")
            if not row.result.get("forgotten")
            and any(log.status != LogStatus.ROLLED_BACK.value for log in row.logs.all())
        ]

    def take_back(self, uid: str, *, actor: Actor, reason: str, now: datetime) -> Back:
        of = selectors.get(uid)
        if of.state == RunState.ROLLED_BACK:
            return Back(_told(of), done=True)
        down = of.undone_by.order_by("-id").first()
        if down is None or RunState(down.state) in (RunState.REFUSED, RunState.EXPIRED, RunState.ABANDONED):
            down = requesting.request_rollback(uid, reason=reason, actor=actor, now=now, approved_by=actor.name)
        if down.state in (RunState.FAILED, RunState.PAUSED):
            raise Conflict(f"Run {down.uid}, which takes it back, is {down.state}: {down.error} Resume it, then retry.")
        far = progress(down)
        waiting = f" {far['waiting']}" if far["waiting"] else ""
        return Back(f"{down.uid}: {far['documents']:,} of {far['planned']:,} documents.{waiting}", done=False)


def _told(of: MigrationRun) -> str:
    down = of.undone_by.order_by("-id").first()
    fates = (down or of).result
    counts = ", ".join(f"{count:,} {name}" for name, count in fates.items() if isinstance(count, int))
    return f"{of.title} is taken back: {counts or 'nothing was changed by it'}."
