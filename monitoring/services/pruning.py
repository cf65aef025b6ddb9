"""Forget what is old, a little at a time, so that nobody waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from monitoring.models import Bucket, Judgement, Receipt, Series

AT_ONCE = 5_000


def prune(*, now: datetime, buckets: timedelta, judgements: timedelta, receipts: timedelta) -> dict[str, int]:
    """Delete what is older than this; how many rows of each. A series goes when its last bucket has gone.

    What made a trigger fire stays with its event for ever.
    """
    oldest = int((now - buckets).timestamp())
    kept = Bucket.objects.filter(series=OuterRef("pk"))
    return {
        "buckets": _delete(Bucket.objects.filter(start__lt=oldest).order_by("start")),
        "judgements": _delete(Judgement.objects.filter(at__lt=now - judgements).order_by("at")),
        "receipts": _delete(Receipt.objects.filter(at__lt=now - receipts).order_by("at")),
        "series": _delete(Series.objects.filter(~Exists(kept), created_at__lt=now - buckets).order_by("pk")),
    }


def _delete(old: QuerySet) -> int:  # type: ignore[type-arg]  # of any model
    """Each statement commits by itself: the database is never held for long."""
    done = 0
    while some := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        done += old.model.objects.filter(pk__in=some).delete()[0]
    return done
