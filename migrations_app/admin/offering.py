"""Which commands a run offers to whom: those that would not be refused as things stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from migrations_app.admin import steering
from migrations_app.admin.steering import RunCommand
from migrations_app.domain.retention import OVER
from migrations_app.domain.states import AT_WORK, UNDER_WAY, Direction, RunState, Wish
from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.selectors.runs_shown import may_be_taken_back

ENDS = frozenset({RunState.APPROVED, RunState.RUNNING, RunState.PAUSED, RunState.HELD})


@dataclass(frozen=True, slots=True)
class Rights:
    """Of the person who looks."""

    name: str
    requests: bool
    approves: bool


@dataclass(frozen=True, slots=True)
class Button:
    """A command as the page offers it."""

    label: str
    icon: str
    tone: str
    url: str


def buttons(row: MigrationRun, logs: Collection[MigrationLog], rights: Rights, *, now: datetime) -> list[Button]:
    possible: dict[type[RunCommand], bool] = {
        **_deciding(row, rights, now=now),
        **(_steering(row) if rights.requests else {}),
        steering.RollBack: rights.requests and may_be_taken_back(row, logs),
        **(_cleaning(row) if rights.approves else {}),
    }
    return [_button(each, row) for each in steering.COMMANDS if possible.get(each)]


def why_not(row: MigrationRun, rights: Rights, *, now: datetime) -> str:
    """Why this person cannot approve what waits for it; "" when it is possible, or nothing waits."""
    if not _waits(row, now):
        return ""
    if rights.name in row.contributors:
        return "You asked for this: another person has to approve it."
    return "" if rights.approves else "An approver decides on it."


def _waits(row: MigrationRun, now: datetime) -> bool:
    return row.state == RunState.REQUESTED and now < row.expires_at


def _deciding(row: MigrationRun, rights: Rights, *, now: datetime) -> dict[type[RunCommand], bool]:
    waits, own = _waits(row, now), rights.name in row.contributors
    return {
        steering.Approve: waits and rights.approves and not own,
        steering.Refuse: waits and (rights.approves or (own and rights.requests)),
    }


def _steering(row: MigrationRun) -> dict[type[RunCommand], bool]:
    state, wish, down = RunState(row.state), Wish(row.wish), row.direction == Direction.DOWN
    ends = state in ENDS and wish not in (Wish.ABORT, Wish.LEAVE)
    stands = state is RunState.PAUSED or (state in AT_WORK and wish is Wish.PAUSE)
    return {
        steering.Pause: state in (RunState.APPROVED, RunState.RUNNING) and wish is Wish.NONE,
        steering.Resume: stands,
        steering.GoOn: state is RunState.HELD,
        steering.Again: state is RunState.ROLLBACK_FAILED or (down and state is RunState.FAILED),
        steering.Speed: state in UNDER_WAY,
        steering.Abort: ends and not down,
        steering.Leave: ends and row.started_at is not None,
    }


def _cleaning(row: MigrationRun) -> dict[type[RunCommand], bool]:
    state = RunState(row.state)
    over = state in OVER and row.direction == Direction.UP and row.started_at is not None
    return {
        steering.Unlock: state in AT_WORK,
        steering.Forget: over and not row.result.get("forgotten"),
    }


def _button(command: type[RunCommand], row: MigrationRun) -> Button:
    url = reverse(f"admin:migrations_app_{command.name}", args=[row.pk])
    return Button(command.label, command.icon, command.tone, url)
