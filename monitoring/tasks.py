"""The clock of the guard."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import heartbeats
from monitoring.services import complaints as complaints_service
from monitoring.services import errors as errors_service
from monitoring.services import pruning, pulling, recording, rollup
from monitoring.services.guard import judge_all


@shared_task
def guard() -> None:
    """Judge every trigger; roll back what does harm."""
    now = timezone.now()
    judge_all(now=now)
    heartbeats.beat("guard", now=now)


@shared_task
def record() -> None:
    """Compute the catalogue's metrics."""
    now = timezone.now()
    recording.record_all(now=now)
    heartbeats.beat("record", now=now)


@shared_task
def pull() -> None:
    """Ask the data sources that are due."""
    pulling.pull_due(now=timezone.now(), clock=timezone.now)
    heartbeats.beat("pull", now=timezone.now())


@shared_task
def roll_up() -> None:
    """Put what was measured together into five minutes and hours."""
    now = timezone.now()
    rollup.roll_up(now=now)
    heartbeats.beat("roll_up", now=now)


@shared_task
def prune() -> None:
    """Forget old measurements and judgements."""
    now = timezone.now()
    pruning.prune(
        now=now,
        buckets=timedelta(days=settings.METRICS_RETENTION_DAYS),
        rollups={
            300: timedelta(days=settings.METRICS_5M_RETENTION_DAYS),
            3600: timedelta(days=settings.METRICS_1H_RETENTION_DAYS),
        },
        judgements=timedelta(days=settings.JUDGEMENTS_RETENTION_DAYS),
        receipts=timedelta(days=settings.RECEIPTS_RETENTION_DAYS),
    )
    heartbeats.beat("prune", now=now)


@shared_task
def count_complaints() -> None:
    """Record how many users complained in the last ten minutes."""
    complaints_service.record(now=timezone.now())


@shared_task
def forget_complaints() -> None:
    """Forget old complaints."""
    complaints_service.forget(now=timezone.now(), keep=timedelta(days=settings.COMPLAINTS_RETENTION_DAYS))


@shared_task
def follow_errors() -> None:
    """Open, count and end the episodes of errors."""
    now = timezone.now()
    errors_service.follow(now=now)
    errors_service.record(now=now)
    heartbeats.beat("errors", now=now)
