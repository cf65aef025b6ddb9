"""The bell: somebody has read what was shown to them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from communications.models import Notification, Reading

MOST_READER = 150


def read(ids: Collection[int], *, reader: str, now: datetime) -> int:
    """Note that a person, or an npub, has read these; how many were new. What is for others is left out."""
    mine = Notification.objects.filter(pk__in=ids, person__in=["", reader]).values_list("pk", flat=True)
    rows = [Reading(notification_id=pk, reader=reader[:MOST_READER], at=now) for pk in mine]
    before = Reading.objects.filter(notification__in=mine, reader=reader).count()
    Reading.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows) - before
