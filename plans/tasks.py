"""The clock of the plans."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import heartbeats
from plans.services import measuring, overdue


@shared_task
def look() -> None:
    """Measure what ticks itself, and tell what is overdue."""
    now = timezone.now()
    measuring.measure_all(now=now)
    overdue.tell_overdue(now=now)
    heartbeats.beat("plans", now=now)
