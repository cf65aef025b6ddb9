"""What was held is let go when its time has come: one by itself, several to the same recipient as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet

from communications.domain import merging
from communications.domain.channels import LIMITS, ChannelKind
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
    groups = [list(group) for _, group in groupby(rows, key=lambda row: (row.audience, row.recipient))]
    for group in groups:
        _let_go(group, now=now)
    return len(groups)


def _let_go(rows: Sequence[Announcement], *, now: datetime) -> None:
    if len(rows) == 1:
        Announcement.objects.filter(pk=rows[0].pk).update(state=AnnouncementState.QUEUED.value, due_at=now)
        return
    first, limits = rows[0], LIMITS[ChannelKind(rows[0].channel.kind)]
    parts = [merging.Part(row.subject, row.made_at) for row in rows]
    whole = Announcement.objects.create(
        alert=_gravest(rows).alert,
        audience=first.audience,
        channel=first.channel,
        recipient=first.recipient,
        occasion=f"held:{first.pk}",
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
