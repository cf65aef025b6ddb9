"""The clock of the risk."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import heartbeats
from risk.services import scoring


@shared_task
def assess() -> None:
    """Assess the risk of every environment."""
    now = timezone.now()
    scoring.assess_all(now=now)
    heartbeats.beat("risk", now=now)


@shared_task
def forget() -> None:
    """Forget old assessments."""
    scoring.forget(now=timezone.now(), keep=timedelta(days=settings.RISK_RETENTION_DAYS))
