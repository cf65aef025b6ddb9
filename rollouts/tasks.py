"""The clock of the ramps and of the validations."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import heartbeats
from rollouts.services import clock, migration_errors, validation


@shared_task
def advance() -> None:
    """Take the steps that are due, soaked and passing."""
    now = timezone.now()
    clock.advance_due(now=now)
    heartbeats.beat("ramps", now=now)


@shared_task
def follow() -> None:
    """Hold the ramps whose flag somebody else switched or changed."""
    now = timezone.now()
    clock.follow(now=now)
    heartbeats.beat("follow", now=now)


@shared_task
def report_migration_errors() -> None:
    """Measure how many migrations have failed."""
    migration_errors.report(now=timezone.now())


@shared_task
def validate() -> None:
    """Run the validation that waits, or is due."""
    validation.run_due(now=timezone.now(), every=timedelta(hours=settings.VALIDATION_EVERY_HOURS))
