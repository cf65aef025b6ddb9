"""Verifications that are kept: asked for by a person or the clock, done by a worker, told when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from audit.domain.findings import Result
from audit.models import State, Verification
from audit.selectors import walking
from core import events
from core.actors import CLOCK, Actor
from core.errors import Conflict

LEASE = timedelta(minutes=2)  # renewed while it reads; after it another worker begins anew
RENEW_EVERY = timedelta(seconds=20)
EVERY = timedelta(days=1)
SUBJECT = "audit:chain"
_NAMED = 20  # findings that the event names; the others stand in the verification
Clock = Callable[[], datetime]


def ask(*, actor: Actor, now: datetime) -> Verification:
    """Have everything verified by a worker. Raises Conflict while one is asked for or running."""
    try:
        with transaction.atomic():
            row = Verification.objects.create(asked_at=now, asked_by=actor.name)
            events.record("audit.verification_asked", subject=SUBJECT, actor=actor, now=now)
            return row
    except IntegrityError:
        raise Conflict("A verification is under way already: its result will be here.") from None


def ask_daily(*, now: datetime) -> bool:
    """Ask for one when the last is a day old; whether it was."""
    waiting = Q(state__in=[State.ASKED.value, State.RUNNING.value])
    if Verification.objects.filter(waiting | Q(asked_at__gt=now - EVERY)).exists():
        return False
    try:
        ask(actor=CLOCK, now=now)
    except Conflict:
        return False
    return True


def run(*, clock: Clock) -> Verification | None:
    """Do what is asked for; None: nothing is, or another worker is at it.

    One whose worker died is begun anew after its lease.
    """
    row = _claim(clock())
    if row is None:
        return None
    renewed = clock()

    def keep_lease(result: Result) -> None:
        nonlocal renewed
        now = clock()
        if now - renewed >= RENEW_EVERY:
            renewed = now
            _mine(row).update(claimed_until=now + LEASE, seals=result.seals)

    return _finish(row, walking.verify(progress=keep_lease), now=clock())


def _claim(now: datetime) -> Verification | None:
    free = Q(state=State.ASKED.value) | Q(state=State.RUNNING.value, claimed_until__lt=now)
    row = Verification.objects.filter(free).first()
    if row is None:
        return None
    taken = {"state": State.RUNNING.value, "claimed_until": now + LEASE, "started_at": now, "fence": F("fence") + 1}
    if Verification.objects.filter(free, pk=row.pk, fence=row.fence).update(**taken) != 1:
        return None
    row.refresh_from_db()
    return row


def _mine(row: Verification) -> QuerySet[Verification]:
    return Verification.objects.filter(pk=row.pk, fence=row.fence, state=State.RUNNING.value)


@transaction.atomic
def _finish(row: Verification, result: Result, *, now: datetime) -> Verification | None:
    """Store the result, and tell of what is wrong; None when another worker has taken it over meanwhile."""
    state = State.SOUND if result.sound else State.BROKEN
    figures = {name: getattr(result, name) for name in ("seals", "events", "forgotten", "waiting", "wrong", "heads")}
    named = [finding.to_dict() for finding in result.findings]
    if _mine(row).update(state=state.value, finished_at=now, claimed_until=None, findings=named, **figures) != 1:
        return None
    row.refresh_from_db()
    if not result.sound:
        first = result.findings[0]
        events.record(
            "audit.broken",
            subject=SUBJECT,
            actor=CLOCK,
            now=now,
            reason=f"{first.text}." + (f" And {result.wrong - 1:,} more." if result.wrong > 1 else ""),
            data={
                "title": "the event log is not as it was sealed",
                "severity": "critical",
                "verification": row.pk,
                "evidence": {"found": result.wrong, **dict(result.counts), "seals_read": result.seals},
                "findings": named[:_NAMED],
            },
        )
    return row
