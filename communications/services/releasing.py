"""What was held is let go when its time has come: one by itself, several to the same recipient as one.

What is of an incident is told in its thread, so each incident is a message of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet

from communications.domain import acts, merging
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.outgoing import Act
from communications.domain.states import AnnouncementState
from communications.models import Announcement, Channel

BATCH = 1000


@transaction.atomic
def release(*, now: datetime) -> int:
    """Let go what is due; how many messages that made. A channel that another sender is at is left to it, whole: with
    half of what waits for a recipient in each hand, two messages would come of it.
    """
    due = Announcement.objects.filter(state=AnnouncementState.HELD.value, due_at__lte=now).order_by()
    channels = Channel.objects.filter(pk__in=due.values("channel").distinct()).order_by("pk")
    return sum(_release(channel, due, now=now) for channel in channels.select_for_update(skip_locked=True))


def _release(channel: Channel, due: QuerySet[Announcement], *, now: datetime) -> int:
    mine = due.filter(channel=channel).select_for_update(of=("self",)).select_related("channel", "alert")
    rows = list(mine.order_by("audience", "recipient", "id")[:BATCH])
    groups = [list(group) for _, group in groupby(sorted(rows, key=_together), key=_together)]
    for group in groups:
        _let_go(group, now=now)
    return len(groups)


def _together(row: Announcement) -> tuple[str, str, str]:
    """What is told as one: all of it that one recipient gets, but each incident by itself."""
    return row.audience, row.recipient, row.thread if row.thread.startswith("incident:") else ""


def _let_go(rows: Sequence[Announcement], *, now: datetime) -> None:
    if len(rows) == 1:
        Announcement.objects.filter(pk=rows[0].pk).update(state=AnnouncementState.QUEUED.value, due_at=now)
        return
    first, limits = rows[0], LIMITS[ChannelKind(rows[0].channel.kind)]
    parts = [merging.Part(row.subject, row.made_at) for row in rows]
    threads = {row.thread for row in rows}
    thread = threads.pop() if len(threads) == 1 else ""
    whole = Announcement.objects.create(
        alert=_gravest(rows).alert,
        audience=first.audience,
        channel=first.channel,
        recipient=first.recipient,
        occasion=f"held:{first.pk}",
        thread=thread,
        act=(acts.whole([Act(row.act) for row in rows]) if thread else Act.NOTE).value,
        subject=merging.subject(parts, limits.subject),
        text=merging.text(parts, limits.text),
        made_at=now,
        due_at=now,
        why=first.why,
    )
    Announcement.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=AnnouncementState.MERGED.value, merged_into=whole, due_at=now
    )


def _gravest(rows: Sequence[Announcement]) -> Announcement:
    order = ("critical", "high", "warning", "info")
    return min(rows, key=lambda row: (order.index(row.alert.severity) if row.alert else len(order), row.pk))
