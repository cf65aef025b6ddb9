"""The journal of a run goes: when its time is over, or when an approver drops it. There is no way back from then on.

First the run says that it is given up, so that nobody asks for a rollback any more; then it goes from nctool's
database. A crash in between leaves entries that nobody uses, and the next round takes them away.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from core.actors import CLOCK, Actor
from core.errors import Conflict, DomainError
from core.texts import need_reason
from migrations_app import selectors
from migrations_app.adapters import journal, target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.domain import retention
from migrations_app.domain.states import Direction
from migrations_app.models import MigrationRun
from migrations_app.selectors import keeping
from migrations_app.services.rows import hold, need_state, picture, save

log = logging.getLogger(__name__)
DROPPING = 600.0  # seconds; a journal that takes longer goes on in the next round


def forget(uid: str, *, reason: str, actor: Actor, now: datetime) -> int:
    """Drop the journal of a run that is over; how many entries it had.

    Raises Conflict while the run is not over or is taken back, and when its database does not answer.
    """
    reason = need_reason(reason)
    place = target.connect(selectors.get(uid).environment.key)
    try:
        target.need_answer(place)
        row = _give_up(uid, reason, actor=actor, now=now)
        return _drop(row, now=now)
    except Unreachable as error:
        raise Conflict(f"The database of {place.environment} cannot be asked: {error}") from error


def forget_due(*, now: datetime) -> int:
    """Drop the journals whose retention is over, and what earlier rounds have left; how many went.

    A database that is away keeps its own until the next round, and a run that somebody asks back meanwhile its journal.
    """
    done = 0
    for row in keeping.due(now=now):
        try:
            _give_up(row.uid, _why(row), actor=CLOCK, now=now)
        except DomainError as error:
            log.warning("%s: its journal stays: %s", row.uid, error)
    for row in keeping.left_behind():
        try:
            _drop(row, now=now)
            done += 1
        except (DomainError, Unreachable) as error:
            log.warning("%s: its journal could not be dropped: %s", row.uid, error)
    return done


def need_journal(of: MigrationRun) -> None:
    """Raises Conflict when there is nothing left that a rollback could restore from."""
    if of.result.get("forgotten"):
        raise Conflict(
            f"The journal of {of.uid} was dropped on {of.result['forgotten'][:16].replace('T', ' ')} UTC: what its "
            "documents were before is not known any more, and there is no way back. A backup of before the run has it."
        )


@transaction.atomic
def _give_up(uid: str, reason: str, *, actor: Actor, now: datetime) -> MigrationRun:
    row = hold(uid)
    if row.direction == Direction.DOWN:
        raise Conflict(f"{row.uid} takes a run back and has no journal of its own: name the run that it takes back.")
    need_state(row, retention.OVER, "forgotten")
    need_journal(row)
    down = keeping.taken_back_by(row)
    if down is not None:
        raise Conflict(f"{down.uid} takes this run back and needs its journal: end that first.")
    before = picture(row)
    row.result = {**row.result, "forgotten": now.isoformat()}
    save(row, "forgotten", before, actor=actor, reason=reason, now=now)
    return row


def _drop(row: MigrationRun, *, now: datetime) -> int:
    """Twice does no harm. Raises Unreachable."""
    with target.told(DROPPING):
        count = journal.forget(target.connect(row.environment.key).database, row.uid)
    _note(row.uid, now=now)
    return count


@transaction.atomic
def _note(uid: str, *, now: datetime) -> None:
    """That the entries are gone ends what the event of giving them up has told: it is no change of its own."""
    row = hold(uid)
    row.result = {**row.result, "dropped": now.isoformat()}
    row.save(update_fields=["result"])


def _why(row: MigrationRun) -> str:
    until = keeping.kept_until(row)
    day = f"until {until:%Y-%m-%d}" if until else ""
    return f"Its retention is over: it was kept {day}."
