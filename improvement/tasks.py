"""What is learnt, by the clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from improvement.services import actions


@shared_task
def tell_late() -> None:
    actions.tell_late(today=timezone.localdate(), now=timezone.now())
