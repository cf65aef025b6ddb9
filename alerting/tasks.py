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
    """Resolve what came from outside and was not renewed, evaluate the alert rules, and tell people what is news."""
    now = timezone.now()
    receiving.expire(now=now)
    evaluating.evaluate_all(now=now)
    heartbeats.beat("alerts", now=now)


@shared_task
def evaluate_elsewhere() -> None:
    """Ask the Prometheus servers for the rules that they evaluate."""
    evaluating.evaluate_elsewhere(now=timezone.now(), clock=timezone.now)


@shared_task
def forget_received() -> None:
    """Forget what Alertmanagers sent long ago."""
    receiving.forget(now=timezone.now(), keep=timedelta(days=settings.JUDGEMENTS_RETENTION_DAYS))
