"""The clock and the worker of the rollbacks."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import heartbeats
from rollbacks.services import deciding, running


@shared_task
def tick() -> None:
    """Go on with what is confirmed; close and plan anew what waits."""
    running.advance(clock=timezone.now)
    now = timezone.now()
    deciding.watch(now=now)
    heartbeats.beat("rollbacks", now=now)
