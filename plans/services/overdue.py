"""Tell once of each checklist that should have been done."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor, ActorKind
from plans import selectors
from plans.models import Checklist
from plans.services.locking import tell

CLOCK = Actor("plans", ActorKind.MACHINE)


@transaction.atomic
def tell_overdue(*, now: datetime) -> int:
    """How many were told."""
    rows = selectors.overdue(now=now).filter(overdue_told_at=None).select_for_update(of=("self",))
    found: list[Checklist] = list(rows)
    for row in found:
        row.overdue_told_at = now
        row.save(update_fields=["overdue_told_at"])
        why = f"{row.title} should have been done by {row.due_at:%Y-%m-%d %H:%M} UTC."
        tell("checklist.overdue", f"checklist:{row.pk}", row.plan, actor=CLOCK, reason=why, now=now)
    return len(found)
