"""What every app stands on, by the clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import visits


@shared_task
def forget_visits() -> None:
    visits.forget(now=timezone.now())
