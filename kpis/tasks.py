"""The clock of the KPIs."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from kpis.services import recording, standing


@shared_task
def record() -> None:
    """Record the days of the KPIs, then tell whose target was missed or reached."""
    now = timezone.now()
    recording.record_all(now=now)
    standing.look_all(now=now)


@shared_task
def forget() -> None:
    """Forget days that are too old."""
    recording.forget(now=timezone.now(), keep=timedelta(days=settings.KPI_RETENTION_DAYS))
