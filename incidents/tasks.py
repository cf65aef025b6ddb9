"""The clock of the incidents."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import heartbeats
from incidents.services import following, watching


@shared_task
def follow() -> None:
    """Open incidents by what happened, and link what belongs to them."""
    following.follow(now=timezone.now())


@shared_task
def watch() -> None:
    """Follow what is measured, and escalate what nobody acknowledges."""
    now = timezone.now()
    watching.watch(now=now)
    heartbeats.beat("incidents", now=now)
