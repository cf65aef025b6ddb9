"""The clock of the reports."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reports.services import databases, making


@shared_task
def measure_databases() -> None:
    """Ask nctool's databases how they do."""
    databases.measure_all(clock=timezone.now)


@shared_task
def make_due() -> None:
    """Make the oldest weekly report that is due."""
    making.make_due(now=timezone.now())
