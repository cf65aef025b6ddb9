"""The clock of the change requests."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from approvals.services import clock
from core import heartbeats


@shared_task
def tick() -> None:
    """Apply what is due, close what is over, void what changed underneath."""
    now = timezone.now()
    clock.tick(now)
    heartbeats.beat("requests", now=now)
