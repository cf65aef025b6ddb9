"""An announcement as its channel hands it over."""

from __future__ import annotations

from typing import Any

import statuspage.selectors
from communications import selectors
from communications.domain.alerts import AlertType, Severity
from communications.domain.audiences import PUBLIC
from communications.domain.channels import ChannelKind
from communications.domain.outgoing import Act, Outgoing
from communications.models import Announcement, Audience
from communications.selectors.plan import SUBSCRIBERS
from core.errors import NotFound
from statuspage.domain.addresses import SubscriberKind


def outgoing(row: Announcement) -> Outgoing:
    """The same each time it is asked for, but for the reference that an earlier one of its thread may have got.

    People outside get nothing but the words that were written: neither the facts for programs nor a link to a page of
    the admin. So does an audience that is not there any more.
    """
    message = selectors.message(row.alert) if row.alert else None
    inside = _is_inside(row)
    subscriber = _subscriber(row) if row.audience == SUBSCRIBERS else {}
    return Outgoing(
        key=f"announcement-{row.pk}-{int(row.made_at.timestamp())}",
        target=row.recipient,
        subject=row.subject,
        text=f"{row.text}{subscriber.get('more', '')}",
        html="" if subscriber.get("more") else row.html,
        severity=message.severity if message else Severity.INFO,
        at=message.at if message else row.made_at,
        link=message.link if message and inside else selectors.address("/status/"),
        fields=message.fields if message and inside else subscriber.get("fields", {}),
        act=Act(row.act),
        thread=row.thread,
        reference=_reference(row),
    )


def _is_inside(row: Announcement) -> bool:
    """Whoever is called by name, and audiences that are not for people outside."""
    known = Audience.objects.filter(key=row.audience).exclude(content__in=[content.value for content in PUBLIC])
    return row.audience == "" or known.exists()


def _subscriber(row: Announcement) -> dict[str, Any]:
    """The links of a subscriber, which are made when a message goes out and kept nowhere."""
    kind = SubscriberKind.EMAIL if row.channel.kind == ChannelKind.EMAIL else SubscriberKind.WEBHOOK
    try:
        found = statuspage.selectors.subscription_of(kind, row.recipient)
    except NotFound:
        return {}
    if row.alert and row.alert.type == AlertType.SUBSCRIPTION_ASKED:
        return {"more": f"\n{statuspage.selectors.confirmation_link(found.pk)}"}
    return {"fields": {"unsubscribe": statuspage.selectors.unsubscribe_link(found.pk)}}


def _reference(row: Announcement) -> str:
    """Of the first message of the thread to the same recipient; "" when there is none."""
    if not row.thread:
        return ""
    same = Announcement.objects.filter(channel=row.channel_id, recipient=row.recipient, thread=row.thread)
    first = same.filter(id__lt=row.pk).exclude(reference="").order_by("id")
    return first.values_list("reference", flat=True).first() or ""
