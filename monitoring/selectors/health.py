"""Whether anybody reports, and which health addresses are asked."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import Max, QuerySet

from monitoring.domain.metrics import Push
from monitoring.models import Bucket, Source


def probes(environment_id: int) -> QuerySet[Source]:
    """The health addresses that are asked in the environment."""
    return Source.objects.filter(environment_id=environment_id, kind="probe", enabled=True).order_by("key")


def last_report(environment_id: int) -> datetime | None:
    """The end of the newest bucket that something reported, other than what is asked or computed here."""
    told = Bucket.objects.filter(series__environment_id=environment_id).exclude(
        series__source__in=(Push.PROBED, Push.RECORDED)
    )
    newest = told.aggregate(at=Max("start"))["at"]
    return None if newest is None else datetime.fromtimestamp(newest + 10, UTC)
