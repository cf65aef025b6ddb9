"""The heads of all chains go out once a day, as an event that is announced: by mail, by webhook, as the plan says."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from audit.models import Chain, Sealer
from audit.selectors import walking
from core import events
from core.actors import CLOCK

SUBJECT = "audit:heads"


@transaction.atomic
def send_heads(*, now: datetime) -> bool:
    """Record the heads of today (UTC), where they have not gone out yet; whether they were."""
    today = now.date()
    due = Sealer.objects.filter(Q(heads_on=None) | Q(heads_on__lt=today), pk=1)
    heads = [walking.head(row) for row in Chain.objects.filter(number__gt=0)]
    if not heads or due.update(heads_on=today) != 1:
        return False
    told = {head.chain or "no environment": f"{head.number} {head.digest} {head.signature}".strip() for head in heads}
    events.record(
        walking.SENT,
        subject=SUBJECT,
        actor=CLOCK,
        now=now,
        reason="Keep this where nobody who can write to this database can write: docs/audit.md says how to compare it.",
        data={
            "title": f"the heads of the event log of {today:%Y-%m-%d}",
            "severity": "info",
            "heads": [head.to_dict() for head in heads],
            "for_programs": ["heads"],
            "evidence": told,
        },
    )
    return True
