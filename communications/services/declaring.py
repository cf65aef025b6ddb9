"""A channel is named by a playbook; how to get in is set by people, or by a variable."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from communications.domain.channels import ChannelKind
from communications.domain.setups import read
from communications.models import Channel
from core import events
from core.actors import Actor

AT_ONCE = (ChannelKind.IN_APP, ChannelKind.STATUS_PAGE)  # there is nothing to set up


@transaction.atomic
def declare(key: str, *, name: str, kind: ChannelKind, actor: Actor, reason: str, now: datetime) -> Channel:
    """Make the channel, off until it is set up, or give one that is there this name.

    The kind of one that is there stays: Slack may have been set up by a webhook, where the strategy says a bot.
    """
    row = Channel.objects.select_for_update().filter(key=key).first()
    before = {"name": row.name, "kind": row.kind} if row else {}
    if row is None:
        row = Channel(key=key, kind=kind.value, enabled=kind in AT_ONCE, settings=read(kind, {}), version=0)
    elif row.name == name:
        return row
    row.name, row.version = name, row.version + 1
    row.save()
    events.record(
        "channel.changed" if before else "channel.created",
        subject=f"channel:{key}",
        actor=actor,
        reason=reason,
        before=before,
        after={"name": row.name, "kind": row.kind},
        now=now,
    )
    return row
