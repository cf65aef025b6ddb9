"""Events become alerts, and alerts announcements: one for each audience, channel and recipient."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from communications import selectors
from communications.domain.alerts import ALERT_ON_SEVERITY, ANNOUNCED, severity, subject
from communications.models import Alert
from communications.selectors.plan import plan
from communications.services import addressing, writing
from core import events

if TYPE_CHECKING:
    from core.models import Event

BATCH = 50
# A trigger that fired and rolled back is told by the rollback; a confirmation by a second person is as it should be.
_UNTOLD = (
    (~Q(kind="trigger.fired") | Q(data__rollback_id=""))
    & (~Q(kind="error.opened") | Q(data__severity__in=ALERT_ON_SEVERITY))
    & (~Q(kind="rollback.confirmed") | Q(data__emergency=True))
    & (~Q(kind="migration.requested") | Q(data__at_once=False))
    & (~Q(kind="ramp.advanced") | Q(data__has_key="tell"))
    & (~Q(kind="ramp.completed") | Q(data__has_key="rolled_out"))
)


@transaction.atomic
def announce(*, now: datetime) -> int:
    """Make the alert of every announced event that has none, and what each audience gets of it; how many were made.

    All in one transaction, so that there is no alert that nobody sends. An alert is made also when nobody hears of it:
    it is shown in the admin. Events that another announcer is at are left to it.
    """
    fresh = events.without("alert", kinds=list(ANNOUNCED)).filter(_UNTOLD).select_related("environment")
    found = list(fresh.select_for_update(of=("self",), skip_locked=True)[:BATCH])
    if not found:
        return 0
    alerts = Alert.objects.bulk_create(_alert(event) for event in found)
    for alert in alerts:
        alert.text = selectors.message(alert).text  # with its own address, so it has to be there first
    Alert.objects.bulk_update(alerts, ["text"])
    audiences = plan()
    writing.write([(alert, addressing.letters(alert, audiences)) for alert in alerts], now=now)
    return len(alerts)


def _alert(event: Event) -> Alert:
    type_ = ANNOUNCED[event.kind]
    return Alert(
        event=event,
        type=type_.value,
        severity=severity(type_, event.data).value,
        feature=subject(event.data, event.subject)[:100],
        environment=event.environment,
        at=event.at,
    )
