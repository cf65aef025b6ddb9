"""Events become alerts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from communications import selectors
from communications.domain.alerts import ALERT_ON_SEVERITY, ANNOUNCED, ChannelName, severity, subject
from communications.models import Alert, Delivery
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


def announce(*, channels: Collection[ChannelName], now: datetime) -> int:
    """Make the alert of every announced event that has none, and a delivery for each channel; how many were made.

    An alert is made also when there is no channel: it is shown in the admin. Two callers at once make one.
    """
    fresh = events.without("alert", kinds=list(ANNOUNCED)).filter(_UNTOLD).select_related("environment")[:BATCH]
    return sum(_announce(event, channels, now=now) for event in fresh)


@transaction.atomic
def _announce(event: Event, channels: Collection[ChannelName], *, now: datetime) -> bool:
    """Alert and deliveries in one transaction, so that there is no alert that nobody sends."""
    alert, made = Alert.objects.get_or_create(
        event=event,
        defaults={
            "type": ANNOUNCED[event.kind].value,
            "severity": severity(ANNOUNCED[event.kind], event.data).value,
            "feature": subject(event.data, event.subject)[:100],
            "environment": event.environment,
            "at": event.at,
        },
    )
    if made:
        alert.text = selectors.message(alert).text
        alert.save(update_fields=["text"])
        wanted = event.data.get("tell", list(ChannelName))
        Delivery.objects.bulk_create(
            Delivery(alert=alert, channel=channel.value, next_try_at=now) for channel in channels if channel in wanted
        )
    return made
