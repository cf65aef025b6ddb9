"""By the clock: the level of an incident follows what is measured, and what nobody acknowledges escalates."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from flags.services.locking import lock_configuration
from incidents import selectors
from incidents.domain.causes import BACK_WITHIN
from incidents.domain.levels import level_of, title_of
from incidents.domain.states import Cause, IncidentState, Level
from incidents.models import Incident
from incidents.services import levelling, measuring, opening, steering, vouching
from incidents.services.following import INCIDENTS
from incidents.services.locking import hold, save
from incidents.services.measuring import Looked

if TYPE_CHECKING:
    from core.models import Environment

log = logging.getLogger(__name__)


def watch(*, now: datetime) -> None:
    """Look at every environment once, then at every deadline. What fails is logged, and keeps nothing else from it."""
    for where in selectors.watched():
        try:
            _look(where, now=now)
        except Exception:
            log.exception("looking at %s", where.key)
    for number in selectors.to_escalate(now=now):
        try:
            _escalate(number, now=now)
        except Exception:
            log.exception("escalating incident %s", number)


def _look(where: Environment, *, now: datetime) -> None:
    """Measure before anything is locked; most of the time there is nothing to do."""
    looked = measuring.look(where.pk, where.key, now=now)
    level, why = level_of(looked.measured, selectors.policies())
    why = f"{why} {looked.words}.".strip() if level and looked.words else why
    known = selectors.gathering(where.pk)
    if level is not None or (known is not None and known.accepted):
        _follow(where, looked, level, why, now=now)


@transaction.atomic
def _follow(where: Environment, looked: Looked, level: Level | None, why: str, *, now: datetime) -> None:
    lock_configuration(where.key)
    known = selectors.gathering(where.pk)
    if known is not None:
        _of_open(hold(known.pk), looked, level, why, now=now)
    elif level is not None:
        _open(where, looked, level, why, now=now)


def _of_open(row: Incident, looked: Looked, level: Level | None, why: str, *, now: datetime) -> None:
    """Up where it is worse than a person has accepted; what was accepted and is over is not accepted for ever."""
    measured = level.value if level else 0
    if measured < row.accepted:
        row.accepted = measured
        row.save(update_fields=["accepted"])
    if level is None or measured <= row.accepted:
        return
    if row.state == IncidentState.MONITORING:
        steering.change_state(row, IncidentState.INVESTIGATING, why=f"It is back. {why}", actor=INCIDENTS, now=now)
    told: dict[str, Any] = {"why": why, "actor": INCIDENTS, "now": now, "data": {"measured": looked.as_dict()}}
    if measured > row.level:
        levelling.lift(row, level, confirmed=True, **told)
    else:
        vouching.confirm(row, level, **told)


def _open(where: Environment, looked: Looked, level: Level, why: str, *, now: datetime) -> None:
    """Nothing is open there: what was resolved a moment ago is opened again, else it is a new one."""
    recent = selectors.resolved_since(where.pk, now - BACK_WITHIN)
    if recent is not None:
        row = hold(recent.pk)
        steering.reopen(row, why=f"It is not over. {why}", actor=INCIDENTS, now=now)
        _of_open(row, looked, level, why, now=now)
        return
    title = title_of(looked.measured, selectors.policies()[level])
    data = {"measured": looked.as_dict()}
    opening.open_by_itself(
        where, Cause.MEASURED, level, title, (), why=why, began_at=now, actor=INCIDENTS, now=now, data=data
    )


@transaction.atomic
def _escalate(number: int, *, now: datetime) -> None:
    """Nobody has acknowledged it in time: the next level; one that is critical already is told again, once."""
    row = hold(number)
    if row.escalate_at is None or row.escalate_at > now or not row.is_open:
        return
    if row.level < Level.CRITICAL:
        minutes = selectors.policies()[Level(row.level)].escalation_minutes
        why = f"Nobody has acknowledged it within {minutes} minutes."
        levelling.lift(row, Level(row.level + 1), why=why, actor=INCIDENTS, now=now, data={"overdue": True})
        return
    row.escalate_at, row.overdue_at = None, now
    why = f"Nobody has acknowledged it since {row.opened_at:%H:%M} UTC."
    save(row, "overdue", {}, actor=INCIDENTS, reason=why, now=now)
