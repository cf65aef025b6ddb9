"""From a channel's row to what takes a message: outside by an adapter, inside by a row."""

from __future__ import annotations

from collections.abc import Callable

from communications.adapters import configured
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.models import Announcement, Channel, Notification

Send = Callable[[Announcement, Outgoing], Receipt | Failure]
Connect = Callable[[Channel], Send]


def connect(channel: Channel) -> Send:
    """What hands a message over. It never raises, and is called outside any transaction."""
    if channel.kind == ChannelKind.IN_APP:
        return _notify
    sender = configured.connect(ChannelKind(channel.kind), channel.settings, channel.secret)
    return lambda _, message: sender.send(message)


def _notify(announcement: Announcement, message: Outgoing) -> Receipt | Failure:
    """Into the bell of a person, or (no recipient) to all users of nctool. A repeat finds the row there."""
    alert = announcement.alert
    row, _ = Notification.objects.get_or_create(
        announcement=announcement,
        defaults={
            "person": message.target,
            "environment": alert.environment if alert else None,
            "subject": message.subject,
            "text": message.text,
            "severity": message.severity.value,
            "link": message.link[:300],
            "at": message.at,
        },
    )
    return Receipt(reference=str(row.pk))
