"""The clock of the status page."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from statuspage.services import maintenance, subscribing


@shared_task
def tick() -> None:
    """Begin and end the maintenances that are due."""
    maintenance.tick(now=timezone.now())


@shared_task
def forget_subscriptions() -> None:
    """Delete what was never confirmed."""
    subscribing.forget(now=timezone.now())
