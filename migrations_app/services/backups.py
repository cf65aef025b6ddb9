"""Backups: a person asks for one; a worker takes it by a lease and a fence, and runs the command for it.

A worker that dies leaves its lease behind. The backup is then lost, and never begun again by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from core import environments, events
from core.actors import Actor, ActorKind
from core.commandline import MOST_OUTPUT, last_of
from core.errors import Conflict, DomainError, Refused
from core.masking import masked
from core.program import Child, ProgramError
from core.texts import need_reason, need_text
from migrations_app.adapters import backup_command, target
from migrations_app.domain.backup import BACKUP, LEASE, TIMEOUT, UNDER_WAY, BackupState, Outcome, ended
from migrations_app.models import Backup
from migrations_app.selectors import readiness as selectors

log = logging.getLogger(__name__)
WORKER = Actor("migrator", ActorKind.MACHINE)
LOOK = 1.0  # seconds between two looks at the command
GRACE, SHORT_GRACE = 10.0, 1.0  # seconds to clean up; the short one when the worker itself has to go
Clock = Callable[[], datetime]


@transaction.atomic
def request(environment: str, actor: Actor, reason: str, now: datetime) -> Backup:
    """Have a backup made; a worker takes it within seconds.

    Raises Invalid without a reason, Conflict when one is under way, and where no command or database is set up.
    """
    reason, row = need_reason(reason), environments.get(environment)
    backup_command.argv(environment)
    target.address(environment)
    if Backup.objects.filter(environment=row, state__in=[state.value for state in UNDER_WAY]).exists():
        raise Conflict(_under_way(environment))
    try:
        with transaction.atomic():
            made = Backup.objects.create(environment=row, requested_by=actor.name, requested_at=now)
    except IntegrityError as error:
        raise Conflict(_under_way(environment)) from error
    _tell("backup.requested", made, actor=actor, reason=reason, now=now)
    return made


@transaction.atomic
def tested(backup_id: int, note: str, actor: Actor, now: datetime) -> Backup:
    """A person has restored it elsewhere and found what had to be there: `note` says what was looked at.

    Raises NotFound, Refused for anybody but a person, Invalid without a note, Conflict for one that was not made.
    """
    if actor.kind is not ActorKind.PERSON:
        raise Refused("Only a person tests a restore.")
    note = need_text(note, "Say where it was restored and what was looked at.", field="note")
    selectors.backup(backup_id)
    row = _held(backup_id)
    if row.state != BackupState.MADE.value:
        raise Conflict(f"It is {row.state}: there is nothing to restore.")
    row.restored_at, row.restored_by, row.note = now, actor.name, note
    row.save(update_fields=["restored_at", "restored_by", "note"])
    _tell("backup.restore_tested", row, actor=actor, reason=row.note, now=now)
    return row


def run_next(
    *, clock: Clock, stopping: Callable[[], bool] = bool, look: float = LOOK, timeout: float = TIMEOUT
) -> bool:
    """End what was lost, then make the backup that waits longest, to its end; False when none waits.

    Args:
        stopping: True once the worker is to end; the command is then ended too. It is asked at every look: a worker
            can beat in it.
        look: seconds between two looks at the command.
        timeout: seconds that the command may take.
    """
    lose(now=clock())
    backup = claim(now=clock())
    if backup is None:
        return False
    begin = time.monotonic()
    try:
        child = backup_command.start(backup.environment.key)
    except (ProgramError, DomainError) as error:
        _settle(backup, Outcome(BackupState.FAILED, str(error)), "", now=clock())
        return True
    try:
        outcome = _watch(backup, child, begin=begin, clock=clock, look=look, timeout=timeout, stopping=stopping)
    except BaseException:
        child.end(grace=SHORT_GRACE)  # nobody would look at it any more
        raise
    if outcome is not None:
        _settle(backup, outcome, _said(backup, child), now=clock())
    return True


def claim(*, now: datetime) -> Backup | None:
    """Take the one that waits longest; of two workers one gets it."""
    for found in Backup.objects.filter(state=BackupState.WAITING.value).order_by("pk")[:5]:
        free = Backup.objects.filter(pk=found.pk, state=BackupState.WAITING.value, fence=found.fence)
        state = BACKUP.move(BackupState.WAITING, BackupState.RUNNING).value
        if free.update(state=state, started_at=now, lease_until=now + LEASE, fence=F("fence") + 1):
            return Backup.objects.select_related("environment").get(pk=found.pk)
    return None


def lose(*, now: datetime) -> int:
    """Give up those whose worker has died; how many."""
    gone = Backup.objects.filter(state=BackupState.RUNNING.value, lease_until__lte=now).select_related("environment")
    why = "Its worker died: whether it was made has to be seen by a person. Make another one."
    return sum(_settle(row, Outcome(BackupState.LOST, why), row.output, now=now) for row in gone)


def _watch(
    backup: Backup,
    child: Child,
    *,
    begin: float,
    clock: Clock,
    look: float,
    timeout: float,
    stopping: Callable[[], bool],
) -> Outcome | None:
    """Wait for the end of the command; None when the backup is not ours any more."""
    while True:
        code = child.wait(look)
        seconds = time.monotonic() - begin
        if code is not None:
            return ended(code, _said(backup, child), seconds=seconds)
        mine = _renew(backup, child, now=clock())
        stop = stopping()
        if mine and not stop and seconds < timeout:
            continue
        child.end(grace=SHORT_GRACE if stop else GRACE)
        why = "The worker was stopped." if stop else f"It did not end within {timeout:.0f} s."
        return Outcome(BackupState.FAILED, why) if mine else None


def _renew(backup: Backup, child: Child, *, now: datetime) -> bool:
    """Keep the lease, and show what the command has said; False when the backup is not ours any more."""
    mine = Backup.objects.filter(pk=backup.pk, fence=backup.fence, state=BackupState.RUNNING.value)
    return bool(mine.update(lease_until=now + LEASE, output=_said(backup, child)))


def _said(backup: Backup, child: Child) -> str:
    secrets = backup_command.secrets(backup.environment.key)
    return masked(last_of(child.output()), secrets=secrets, most=MOST_OUTPUT)


@transaction.atomic
def _settle(backup: Backup, outcome: Outcome, output: str, *, now: datetime) -> bool:
    """Write how it ended; False when it is not ours any more."""
    row = _held(backup.pk)
    if row.fence != backup.fence or row.state != BackupState.RUNNING.value:
        log.warning("%s: somebody else has it by now", row)
        return False
    row.state = BACKUP.move(BackupState.RUNNING, outcome.state).value
    row.ended_at, row.lease_until, row.why, row.output = now, None, outcome.why, output
    row.size, row.place = outcome.size, outcome.place
    row.save()
    _tell(f"backup.{row.state}", row, actor=WORKER, reason=outcome.why, now=now)
    return True


def _held(backup_id: int) -> Backup:
    return Backup.objects.select_for_update(of=("self",)).select_related("environment").get(pk=backup_id)


def _under_way(environment: str) -> str:
    return f"A backup of {environment} is under way already: wait until it has ended."


def _tell(kind: str, row: Backup, *, actor: Actor, reason: str, now: datetime) -> None:
    data: dict[str, Any] = {"backup": row.pk, "state": row.state, "size": row.size, "place": row.place}
    events.record(
        kind,
        subject=f"backup:{row.environment.key}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        data=data,
    )
