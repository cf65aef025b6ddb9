"""Forget what is old, a little at a time, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.models import Bucket, Judgement, Receipt, Rollup, Series, Sketch

AT_ONCE = 5_000


def prune(
    *,
    now: datetime,
    buckets: timedelta,
    rollups: Mapping[int, timedelta],
    judgements: timedelta,
    receipts: timedelta,
) -> dict[str, int]:
    """Delete what is older than this; how many rows of each. A series goes when nothing of it is left.

    `rollups` is by the span of the step, in seconds. What made a trigger fire stays with its event for ever.
    """

    def second(kept: timedelta) -> int:
        return int((now - kept).timestamp())

    done = {
        "buckets": _delete(Bucket.objects.filter(start__lt=second(buckets)).order_by("start")),
        "judgements": _delete(Judgement.objects.filter(at__lt=now - judgements).order_by("at")),
        "receipts": _delete(Receipt.objects.filter(at__lt=now - receipts).order_by("at")),
        "rollups": sum(
            _delete(Rollup.objects.filter(span=span, start__lt=second(kept)).order_by("start"))
            for span, kept in rollups.items()
        ),
        "sketches": sum(
            _delete(Sketch.objects.filter(span=span, start__lt=second(kept)).order_by("start"))
            for span, kept in {BUCKET_SECONDS: buckets, **rollups}.items()
        ),
    }
    left = [Exists(model.objects.filter(series=OuterRef("pk"))) for model in (Bucket, Rollup)]
    dead = Series.objects.filter(~left[0], ~left[1], created_at__lt=now - buckets).order_by("pk")
    return {**done, "series": _delete(dead)}


def _delete(old: QuerySet) -> int:  # type: ignore[type-arg]  # of any model
    """Each statement commits by itself: the database is never held for long."""
    done = 0
    while some := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        done += old.model.objects.filter(pk__in=some).delete()[0]
    return done
