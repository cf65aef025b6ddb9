"""Backups of nctool's database, made by a command of the team: how one ends, and what that says of a migration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core import moments
from core.machine import Machine

FRESH = timedelta(hours=24)
TIMEOUT = 6 * 3600  # seconds
LEASE = timedelta(seconds=30)
LAST_LINES = 10  # among which the command tells what it made
SET_COMMAND = (
    "Set BACKUP_COMMAND to a script that makes one, for example by "
    'mongodump --uri "$MONGODB_URL" --gzip --archive=<file>; docs/readiness.md shows one.'
)
_SIZE = re.compile(r"(?:^|\s)size=(\d{1,18})(?=\s|$)")
_PLACE = re.compile(r"(?:^|\s)place=(.+)$")
MOST_PLACE = 500  # characters


class BackupState(StrEnum):
    """Lost: who ran it died, and nobody knows whether it was made."""

    WAITING = "waiting"
    RUNNING = "running"
    MADE = "made"
    FAILED = "failed"
    LOST = "lost"


UNDER_WAY = (BackupState.WAITING, BackupState.RUNNING)
_OVER: frozenset[BackupState] = frozenset()
BACKUP: Machine[BackupState] = Machine(
    "backup",
    {
        BackupState.WAITING: frozenset({BackupState.RUNNING}),
        BackupState.RUNNING: frozenset({BackupState.MADE, BackupState.FAILED, BackupState.LOST}),
        BackupState.MADE: _OVER,
        BackupState.FAILED: _OVER,
        BackupState.LOST: _OVER,
    },
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a backup ended, and what its command told of it."""

    state: BackupState
    why: str
    size: int | None = None
    place: str = ""


def ended(code: int, output: str, *, seconds: float) -> Outcome:
    """What an exit code and the last lines of the output mean; a negative code is the number of a signal."""
    size, place = told(output)
    took = moments.span(timedelta(seconds=seconds))
    if code != 0:
        how = f"It was ended by signal {-code}" if code < 0 else f"It ended with code {code}"
        return Outcome(BackupState.FAILED, f"{how} after {took}.", size, place)
    if size == 0:
        return Outcome(BackupState.FAILED, f"It ended well after {took}, and told a size of 0 bytes.", size, place)
    return Outcome(BackupState.MADE, f"It ended well after {took}.", size, place)


def told(output: str) -> tuple[int | None, str]:
    """Size and place, as `size=<bytes>` and `place=<text>` among the last lines tell them; the last of each counts."""
    size, place = None, ""
    for line in output.splitlines()[-LAST_LINES:]:
        if found := _SIZE.search(line):
            size = int(found.group(1))
        if found := _PLACE.search(line.rstrip()):
            place = found.group(1)[:MOST_PLACE]
    return size, place


@dataclass(frozen=True, slots=True)
class LastBackup:
    """Of one environment. It holds what there was when it was begun, so that is its age.

    Args:
        begun_at: of the newest that ended well; None: there is none.
        failed_at: when a later one ended badly.
        tested_at: when a restore was last tested, of any of them.
        under_way: one waits or runs.
        command: whether there is a command that makes one.
    """

    begun_at: datetime | None = None
    failed_at: datetime | None = None
    tested_at: datetime | None = None
    under_way: bool = False
    command: bool = True

    def is_fresh(self, *, now: datetime) -> bool:
        return self.begun_at is not None and now - self.begun_at <= FRESH

    def value(self, *, now: datetime) -> str:
        return "none" if self.begun_at is None else moments.relative(self.begun_at, now=now)

    def why(self, *, now: datetime) -> str:
        if self.begun_at is None:
            found = "No backup of this environment was made from here."
        elif self.is_fresh(now=now):
            found = "It ended well."
        else:
            found = "The newest that ended well is too old: what was written since could not be brought back."
        if self.failed_at is not None:
            found += f" A later one failed {moments.relative(self.failed_at, now=now)}."
        if self.tested_at is None:
            return f"{found} That one can be restored was never tested."
        return f"{found} A restore was last tested {moments.relative(self.tested_at, now=now)}."

    def remedy(self, *, now: datetime, protected: bool) -> str:
        found = []
        if not self.is_fresh(now=now):
            found.append(self._make())
        if protected and self.tested_at is None:
            found.append("Restore one elsewhere, look at it, and record here that it was tested.")
        return " ".join(found)

    def _make(self) -> str:
        if self.under_way:
            return "One is being made: look again when it has ended."
        return "Make one here." if self.command else SET_COMMAND
