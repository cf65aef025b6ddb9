"""The clock of the alerts."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from alerting.services import evaluating, receiving
from core import heartbeats


@shared_task
def evaluate() -> None:
    """Evaluate the alert rules, and resolve what came from outside and was not renewed."""
    now = timezone.now()
    evaluating.evaluate_all(now=now)
    receiving.follow(now=now)
    heartbeats.beat("alerts", now=now)


@shared_task
def forget_received() -> None:
    """Forget what Alertmanagers sent long ago."""
    receiving.forget(now=timezone.now(), keep=timedelta(days=settings.JUDGEMENTS_RETENTION_DAYS))
