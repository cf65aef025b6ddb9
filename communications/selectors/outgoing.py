"""An announcement as its channel hands it over."""

from __future__ import annotations

from communications import selectors
from communications.domain.alerts import Severity
from communications.domain.outgoing import Act, Outgoing
from communications.models import Announcement


def outgoing(row: Announcement) -> Outgoing:
    """The same each time it is asked for, but for the reference that an earlier one of its thread may have got."""
    message = selectors.message(row.alert) if row.alert else None
    return Outgoing(
        key=f"announcement-{row.pk}-{int(row.made_at.timestamp())}",
        target=row.recipient,
        subject=row.subject,
        text=row.text,
        html=row.html,
        severity=message.severity if message else Severity.INFO,
        at=message.at if message else row.made_at,
        link=message.link if message else "",
        fields=message.fields if message else {},
        act=Act(row.act),
        thread=row.thread,
        reference=_reference(row),
    )


def _reference(row: Announcement) -> str:
    """Of the first message of the thread to the same recipient; "" when there is none."""
    if not row.thread:
        return ""
    same = Announcement.objects.filter(channel=row.channel_id, recipient=row.recipient, thread=row.thread)
    first = same.filter(id__lt=row.pk).exclude(reference="").order_by("id")
    return first.values_list("reference", flat=True).first() or ""
