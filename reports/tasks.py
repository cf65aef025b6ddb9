"""The clock of the reports."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reports.services import making


@shared_task
def make_due() -> None:
    """Make the oldest weekly report that is due."""
    making.make_due(now=timezone.now())
