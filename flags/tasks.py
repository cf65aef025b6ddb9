"""What the flags do by the clock."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from flags.services import replies, upkeep


@shared_task
def forget_replies() -> int:
    """Forget the answers that no repeat of a request will ask for any more."""
    return replies.prune(now=timezone.now())


@shared_task
def tidy_usage() -> None:
    """Join old usage to hours and days; forget what is older than the settings keep."""
    now = timezone.now()
    upkeep.roll_up(now=now)
    upkeep.prune(now=now, usage=timedelta(days=settings.USAGE_RETENTION_DAYS), units=settings.SEEN_UNITS)
