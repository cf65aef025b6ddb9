"""What was held is let go when its time has come: one by itself, several to the same recipient as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction

from communications.domain import merging
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.states import AnnouncementState
from communications.models import Announcement

BATCH = 1000


@transaction.atomic
def release(*, now: datetime) -> int:
    """Let go what is due; how many messages that made. Rows that another sender is releasing are left to it."""
    held = Announcement.objects.select_for_update(of=("self",), skip_locked=True).select_related("channel", "alert")
    due = held.filter(state=AnnouncementState.HELD.value, due_at__lte=now)
    rows = list(due.order_by("audience", "channel", "recipient", "id")[:BATCH])
    made = 0
    for _, group in groupby(rows, key=lambda row: (row.audience, row.channel_id, row.recipient)):
        _let_go(list(group), now=now)
        made += 1
    return made


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
