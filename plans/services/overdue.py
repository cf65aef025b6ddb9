"""Tell once of each item that should have been done, by the list it is in."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from django.db import transaction

from core.actors import Actor, ActorKind
from plans import selectors
from plans.models import Checklist, Item
from plans.services.locking import tell

CLOCK = Actor("plans", ActorKind.MACHINE)
NAMED = 5  # items in the sentence


@transaction.atomic
def tell_overdue(*, now: datetime) -> int:
    """How many items were told. Of two callers one tells."""
    rows = selectors.overdue(now=now).filter(overdue_told_at=None).select_for_update(of=("self",), skip_locked=True)
    found = list(rows)
    for row in found:
        row.overdue_told_at = now
    Item.objects.bulk_update(found, ["overdue_told_at"])
    for checklist, late in groupby(sorted(found, key=lambda row: row.checklist_id), key=lambda row: row.checklist):
        _tell(checklist, list(late), now=now)
    return len(found)


def _tell(checklist: Checklist, late: list[Item], *, now: datetime) -> None:
    named = "; ".join(row.text for row in late[:NAMED])
    more = f", and {len(late) - NAMED} more" if len(late) > NAMED else ""
    owners = sorted({row.assignee or row.owner for row in late} - {""})
    data = {
        "severity": "warning",
        "items": [row.pk for row in late],
        "to": sorted({row.assignee for row in late} - {""}),
        "evidence": {"checklist": checklist.title, "owners": ", ".join(owners)} if owners else {},
    }
    why = f"{checklist.title}: overdue are {named}{more}."
    tell("checklist.overdue", f"checklist:{checklist.pk}", checklist.plan, actor=CLOCK, reason=why, now=now, data=data)
