"""Events become alerts, and alerts announcements: one for each audience, channel and recipient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from communications import selectors
from communications.domain.alerts import ALERT_ON_SEVERITY, ANNOUNCED, severity, subject
from communications.models import Alert
from communications.selectors.plan import Planned, plan
from communications.services import addressing, writing
from core import events

if TYPE_CHECKING:
    from core.models import Event

BATCH = 200
# A trigger that fired and rolled back is told by the rollback; a confirmation by a second person is as it should be.
_UNTOLD = (
    (~Q(kind="trigger.fired") | Q(data__rollback_id=""))
    & (~Q(kind="error.opened") | Q(data__severity__in=ALERT_ON_SEVERITY))
    & (~Q(kind="rollback.confirmed") | Q(data__emergency=True))
    & (~Q(kind="migration.requested") | Q(data__at_once=False))
    & (~Q(kind="ramp.advanced") | Q(data__has_key="tell"))
    & (~Q(kind="ramp.completed") | Q(data__has_key="rolled_out"))
)


def announce(*, now: datetime) -> int:
    """Make the alert of every announced event that has none, and what each audience gets of it; how many were made.

    An alert is made also when nobody hears of it: it is shown in the admin. Two callers at once make one.
    """
    fresh = events.without("alert", kinds=list(ANNOUNCED)).filter(_UNTOLD).select_related("environment")[:BATCH]
    found = list(fresh)
    audiences = plan() if found else []
    return sum(_announce(event, audiences, now=now) for event in found)


@transaction.atomic
def _announce(event: Event, audiences: Sequence[Planned], *, now: datetime) -> bool:
    """Alert and announcements in one transaction, so that there is no alert that nobody sends."""
    type_ = ANNOUNCED[event.kind]
    alert, made = Alert.objects.get_or_create(
        event=event,
        defaults={
            "type": type_.value,
            "severity": severity(type_, event.data).value,
            "feature": subject(event.data, event.subject)[:100],
            "environment": event.environment,
            "at": event.at,
        },
    )
    if made:
        alert.text = selectors.message(alert).text
        alert.save(update_fields=["text"])
        writing.write(alert, addressing.letters(alert, audiences), now=now)
    return made
