"""What the flags do by the clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from flags.services import replies


@shared_task
def forget_replies() -> int:
    """Forget the answers that no repeat of a request will ask for any more."""
    return replies.prune(now=timezone.now())
