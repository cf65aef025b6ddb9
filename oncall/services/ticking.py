"""The clock of the escalations: each step is taken once, in order, however many tickers there are.

A step is one transaction: a conditional UPDATE of the version that was read, and the event. Whoever changes no row was
slower, and looks again. A ticker that dies in between leaves the step as it was, due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import CLOCK
from oncall import selectors
from oncall.domain import chain as chains
from oncall.domain.chain import MOST_REPEATS, MOST_STEPS, Notify, Wait, sentence
from oncall.domain.running import LATE, ON_TIME, Due, EscalationState, Place, notified, upcoming, waited
from oncall.models import Escalation
from oncall.services.escalating import tell
from oncall.services.reaching import reach

log = logging.getLogger(__name__)
MOST = 1_000
MOST_AT_ONCE = MOST_STEPS * (MOST_REPEATS + 1)


def tick(*, now: datetime, most: int = MOST) -> int:
    """Take the steps that are due of at most so many escalations; how many notifications were recorded.

    After a stop all overdue steps are taken in their order; a wait begins when the notification before it was taken.
    One whose step cannot be taken keeps no other waiting.
    """
    told = 0
    for pk in selectors.due_ids(now=now, most=most):
        try:
            told += _go_on(pk, now=now)
        except Exception:
            log.exception("the step of escalation %s could not be taken; it is tried again", pk)
    return told


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the auditor saw: `overdue` steps by more than 5 s, and the parts of the system that give no sign."""

    overdue: int
    silent: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.overdue and not self.silent


def audit(*, now: datetime) -> Sweep:
    """Tell every step that is overdue by more than a minute, once; whether all is well.

    A clock that was set back leaves steps in a future that no wait of their chain leads to: those wait once more.
    """
    for pk in selectors.overdue(now=now, by=LATE).filter(told_late=False).values_list("pk", flat=True):
        _tell_late(pk, now=now)
    for row in selectors.waiting(now=now):
        _pull_in(row, now=now)
    overdue = selectors.overdue(now=now, by=ON_TIME).count()
    return Sweep(overdue, tuple(selectors.silent_parts(now=now)))


def _go_on(pk: int, *, now: datetime) -> int:
    """Take the due steps of one escalation; how many notifications."""
    told = 0
    for _ in range(MOST_AT_ONCE):
        taken = _take(pk, now=now)
        if taken is None:
            break
        told += taken
    return told


@transaction.atomic
def _take(pk: int, *, now: datetime) -> int | None:
    """Take the next step: 1 for a notification, 0 for another or when somebody was faster, None when none is due."""
    row = Escalation.objects.select_related("environment").get(pk=pk)
    if row.due_at is None or row.due_at > now:
        return None
    steps = chains.stored(row.steps)
    place, step = upcoming(steps, Place(row.position, row.round, row.heard), row.level)
    if step is None:
        return _exhaust(row, now=now)
    if not isinstance(step, Notify):
        _put(row, waited(steps, place, row.level, now=now), now=now)
        return 0
    reached = reach(step, now=now)
    due = notified(steps, place, row.level, reached=reached.anybody, now=now)
    late = round((now - row.due_at).total_seconds())
    if not _put(row, due, now=now, notifications=row.notifications + 1):
        return 0
    tell(
        "escalation.notified",
        row,
        actor=CLOCK,
        now=now,
        reason=f"{sentence(step)} {reached.sentence}",
        to=list(reached.to),
        audience=reached.audience,
        missing=list(reached.missing),
        step=place.position + 1,
        round=place.round + 1,
        late=late,
    )
    return 1


def _put(row: Escalation, due: Due, *, now: datetime, **fields: Any) -> bool:
    """Move the row on, if nobody else has."""
    place = due.place
    where = {"position": place.position, "round": place.round, "heard": place.heard}
    return _change(row, now=now, due_at=due.at, **where, **fields)


def _exhaust(row: Escalation, *, now: datetime) -> int:
    if _change(row, now=now, state=EscalationState.EXHAUSTED.value, due_at=None):
        reason = f"{row.chain_name} has no step left, and nobody has acknowledged."
        tell("escalation.exhausted", row, actor=CLOCK, now=now, reason=reason, notifications=row.notifications)
    return 0


def _change(row: Escalation, *, now: datetime, **fields: Any) -> bool:
    """Change the version that was read, and tell before when the step was taken late and nobody said so yet."""
    untold = not row.told_late and row.due_at is not None and now - row.due_at > LATE
    mine = Escalation.objects.filter(pk=row.pk, version=row.version, state=EscalationState.RUNNING.value)
    if not mine.update(version=row.version + 1, told_late=False, **fields):
        return False
    if untold:
        _late(row, now=now)
    return True


def _pull_in(row: Escalation, *, now: datetime) -> None:
    minutes = max((step.minutes for step in chains.stored(row.steps) if isinstance(step, Wait)), default=0)
    latest = now + timedelta(minutes=minutes)
    if row.due_at is not None and row.due_at > latest + LATE:
        log.warning("the clock was set back: escalation %s waits until %s, not %s", row.pk, latest, row.due_at)
        mine = Escalation.objects.filter(pk=row.pk, version=row.version, state=EscalationState.RUNNING.value)
        mine.update(version=row.version + 1, due_at=latest)


@transaction.atomic
def _tell_late(pk: int, *, now: datetime) -> None:
    row = Escalation.objects.select_related("environment").get(pk=pk)
    if row.told_late or row.due_at is None:
        return
    mine = Escalation.objects.filter(pk=pk, version=row.version, state=EscalationState.RUNNING.value)
    if mine.update(version=row.version + 1, told_late=True):
        _late(row, now=now)


def _late(row: Escalation, *, now: datetime) -> None:
    assert row.due_at is not None  # noqa: S101 - a running one has it
    seconds = round((now - row.due_at).total_seconds())
    due_at = row.due_at.isoformat()
    reason = f"The next step was due {row.due_at:%Y-%m-%d %H:%M:%S} UTC and is {seconds} s late."
    step = row.position + 1
    tell("escalation.late", row, actor=CLOCK, now=now, reason=reason, seconds=seconds, due_at=due_at, step=step)
