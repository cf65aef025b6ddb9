"""What the ground does by the clock."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import retention


@shared_task
def forget_events() -> None:
    """Forget the oldest history, where the settings say so."""
    if settings.EVENTS_RETENTION_DAYS:
        retention.prune(now=timezone.now(), keep=timedelta(days=settings.EVENTS_RETENTION_DAYS))
