"""The migrations as the head of the list of runs shows them: each in each environment, and how far it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from migrations_app.adapters import modules, target
from migrations_app.admin import words
from migrations_app.domain.migration import Phase, PhaseName
from migrations_app.domain.states import LogStatus, RunState
from migrations_app.selectors import runs_shown

if TYPE_CHECKING:
    from core.models import Environment
    from migrations_app.models import MigrationLog, MigrationRun

NOT_APPLIED: words.Look = ("not applied", "mute", "radio_button_unchecked")
APPLIED: words.Look = ("applied", "ok", "check_circle")
IN_PART: words.Look = ("applied in part", "warn", "incomplete_circle")
BACK: words.Look = ("not applied: rolled back", "mute", "undo")
BUSY: words.Look = ("under way", "info", "sync")
DONE: words.Look = ("done, its run goes on", "info", "sync")


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """One phase in one environment; `since` when it came to stand so, by the run `run`."""

    phase: Phase
    look: words.Look
    since: datetime | None
    run: MigrationRun | None

    @property
    def estimate(self) -> float:
        return self.phase.estimate.total_seconds()


@dataclass(frozen=True, slots=True)
class Card:
    """One migration in one environment. `changed`: the run that applied another version of its file."""

    loaded: modules.Loaded
    lines: Sequence[PhaseLine]
    plan_url: str
    changed: MigrationRun | None

    @property
    def applied(self) -> bool:
        return any(line.phase.name is PhaseName.DATA and line.look is APPLIED for line in self.lines)


@dataclass(frozen=True, slots=True)
class Section:
    """One environment with its migrations. `missing`: why nothing can be run there; `busy`: what is under way."""

    environment: Environment
    cards: Sequence[Card]
    missing: str
    busy: MigrationRun | None
    readiness_url: str


def sections(environments: Sequence[Environment], *, may_request: bool) -> list[Section]:
    """All of them in two queries, however many they are."""
    keys = [row.pk for row in environments]
    logs, busy = runs_shown.newest_logs(keys), runs_shown.busy(keys)
    found = []
    for row in environments:
        set_up = target.is_set_up(row.key)
        name = row.key.upper().replace("-", "_")
        cards = [_card(row, loaded, logs, offers=may_request and set_up) for loaded in modules.load().values()]
        missing = "" if set_up else f"No database of nctool is set up here: NCTOOL_MONGODB_URL_{name} names it."
        url = reverse("admin:migrations_app_readiness_in", args=[row.key])
        found.append(Section(row, cards, missing, busy.get(row.pk), url))
    return found


def _card(
    row: Environment, loaded: modules.Loaded, logs: dict[tuple[int, str, str], MigrationLog], *, offers: bool
) -> Card:
    migration = loaded.migration
    lines = [_line(phase, logs.get((row.pk, migration.number, phase.name.value))) for phase in migration.phases]
    others = (line.run for line in lines if line.look is APPLIED and line.run is not None)
    changed = next((run for run in others if run.checksum != loaded.checksum), None)
    about = {"environment": row.key, "number": migration.number}
    applied = any(line.phase.name is PhaseName.DATA and line.look is APPLIED for line in lines)
    if applied and any(phase.name is PhaseName.CLEANUP for phase in migration.phases):
        about["phases"] = PhaseName.CLEANUP.value
    url = f"{reverse('admin:migrations_app_plan')}?{urlencode(about)}"
    return Card(loaded, lines, url if offers and not loaded.problems else "", changed)


def _line(phase: Phase, log: MigrationLog | None) -> PhaseLine:
    if log is None:
        return PhaseLine(phase, NOT_APPLIED, None, None)
    status = LogStatus(log.status)
    if status is LogStatus.ROLLED_BACK:
        return PhaseLine(phase, BACK, log.rollback_at, log.run)
    if status is LogStatus.COMPLETED and log.run.state == RunState.COMPLETED:
        return PhaseLine(phase, APPLIED, log.end_time, log.run)
    if RunState(log.run.state) in (RunState.RUNNING, RunState.PAUSED, RunState.HELD, RunState.ROLLING_BACK):
        done = status is LogStatus.COMPLETED
        return PhaseLine(phase, DONE if done else BUSY, log.start_time, log.run)
    if status is LogStatus.COMPLETED:
        return PhaseLine(phase, APPLIED, log.end_time, log.run)
    return PhaseLine(phase, IN_PART, log.end_time or log.start_time, log.run)


def took(run: MigrationRun) -> timedelta | None:
    """From its beginning to its end."""
    if run.started_at is None or run.ended_at is None:
        return None
    return max(run.ended_at - run.started_at, timedelta())
