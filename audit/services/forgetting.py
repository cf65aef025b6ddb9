"""Retention: the oldest events go, but for those that somebody holds, and the chain keeps account of each that went."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit.domain.ranges import ranges
from audit.domain.walk import TELLS
from audit.models import Chain, Hold, Seal, Sealer
from audit.selectors import walking
from core import events, retention
from core.actors import CLOCK

BATCH = 1_000  # events of one transaction; the event that tells of them names as many numbers at most
MOST = 20  # transactions of one run: the next one goes on
SUBJECT = "audit:retention"
KEPT = (TELLS, walking.SENT, "audit.broken")  # what later verifications stand on


def forget(*, now: datetime, keep: timedelta) -> int:
    """Forget events older than `keep`; how many went.

    Only sealed ones go, and none that a hold in force covers. Each batch goes in one transaction with the marks on its
    seals and one event that names their numbers, so that a verification can tell forgotten from removed.
    """
    gone = 0
    for chain in Chain.objects.order_by("name"):
        for _ in range(MOST):
            went = _batch(chain, before=now - keep, now=now)
            gone += went
            if went < BATCH:
                break
    return gone


@transaction.atomic
def _batch(chain: Chain, *, before: datetime, now: datetime) -> int:
    """The sealer stands still meanwhile, and so does another run."""
    Sealer.objects.select_for_update().filter(pk=1).first()
    sealed = Seal.objects.filter(event_id=OuterRef("pk"), chain=chain)
    found = retention.old(before).filter(Exists(sealed)).exclude(kind__in=KEPT)
    for hold in Hold.objects.filter(released_at=None):
        found = found.exclude(covered(hold))
    ids = list(found.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    seals = Seal.objects.filter(event_id__in=ids)
    numbers = sorted(seals.values_list("number", flat=True))
    event = _tell(chain, numbers, before=before, now=now)
    seals.update(forgotten_by=event)
    retention.forget(ids)
    return len(ids)


def covered(hold: Hold) -> Q:
    """The events that this hold is about."""
    found = Q(pk__isnull=False)
    if hold.subject:
        found &= Q(subject=hold.subject)
    if hold.environment_id:
        found &= Q(environment=hold.environment_id)
    if hold.since:
        found &= Q(at__gte=hold.since)
    if hold.until:
        found &= Q(at__lt=hold.until)
    return found


def _tell(chain: Chain, numbers: list[int], *, before: datetime, now: datetime) -> int:
    event = events.record(
        TELLS,
        subject=SUBJECT,
        actor=CLOCK,
        now=now,
        environment_id=chain.environment_id,
        reason=f"Older than the retention keeps: from before {before:%Y-%m-%d}.",
        data={"count": len(numbers), "first": numbers[0], "last": numbers[-1], "numbers": ranges(numbers)},
    )
    return event.pk
