"""From a channel's row to what takes a message: outside by an adapter, inside by a row."""

from __future__ import annotations

from collections.abc import Callable

import statuspage.selectors
from communications.adapters import configured
from communications.domain import published
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.models import Announcement, Channel, Notification
from core.actors import Actor, ActorKind
from core.errors import DomainError
from statuspage.services import publishing

Send = Callable[[Announcement, Outgoing], Receipt | Failure]
Connect = Callable[[Channel], Send]
SENDER = Actor("announcements", ActorKind.MACHINE)


def connect(channel: Channel) -> Send:
    """What hands a message over. It is called outside any transaction."""
    if channel.kind == ChannelKind.IN_APP:
        return _notify
    if channel.kind == ChannelKind.STATUS_PAGE:
        return _publish
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
            "subject": message.subject[:300],
            "text": message.text,
            "severity": message.severity.value,
            "link": message.link[:300],
            "at": message.at,
        },
    )
    return Receipt(reference=str(row.pk))


def _publish(announcement: Announcement, message: Outgoing) -> Receipt | Failure:
    """Onto the status page, under the key of the announcement: a repeat changes nothing."""
    data = announcement.alert.event.data if announcement.alert else {}
    if announcement.components is not None:
        data = {**data, "components": announcement.components}
    known = set(statuspage.selectors.components().values_list("key", flat=True))
    said = published.said(data, components=known)
    try:
        update = publishing.publish(
            announcement.thread or message.key,
            key=message.key,
            title=message.subject,
            impact=said.impact,
            state=said.state,
            components=said.components,
            text=message.text,
            actor=Actor(announcement.decided_by, ActorKind.PERSON) if announcement.decided_by else SENDER,
            now=message.at,
        )
    except DomainError as error:
        return Failure(f"The status page did not take it: {error}", permanent=True)
    return Receipt(reference=update.public_id)
