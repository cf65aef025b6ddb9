"""The clock of the seals."""

from __future__ import annotations

import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from audit.services import forgetting, sealing, sending, verifying
from core import heartbeats

BUDGET = 4.0  # seconds of one round of sealing: a worker has other things to do
AN_HOUR = 3600  # seconds; a log of many millions of events takes minutes


@shared_task
def seal() -> None:
    """Seal what has come."""
    end = time.monotonic() + BUDGET
    while sealing.seal(now=timezone.now()) and time.monotonic() < end:
        pass
    heartbeats.beat("seal", now=timezone.now())


@shared_task(time_limit=AN_HOUR)
def verify() -> None:
    """Do the verification that is asked for, and ask for the one of the day."""
    verifying.ask_daily(now=timezone.now())
    verifying.run(clock=timezone.now)


@shared_task
def send_heads() -> None:
    """Once a day, the heads go out."""
    sending.send_heads(now=timezone.now())


@shared_task
def forget() -> None:
    """Forget the oldest history, where the settings say so."""
    if settings.EVENTS_RETENTION_DAYS:
        forgetting.forget(now=timezone.now(), keep=timedelta(days=settings.EVENTS_RETENTION_DAYS))
