"""The clock of the escalations and of the imported calendars."""

from __future__ import annotations

import logging
import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import heartbeats
from oncall import selectors
from oncall.adapters import calendars, outside, reading
from oncall.services import feeding, ticking

BUDGET = 30.0  # seconds of one round of fetching: a worker has other things to do

log = logging.getLogger(__name__)


@shared_task
def tick() -> None:
    """Take the steps that are due."""
    now = timezone.now()
    ticking.tick(now=now)
    heartbeats.beat("escalate", now=now)


@shared_task
def audit() -> None:
    """Tell what is overdue. Only when nothing is, and all parts give a sign, does the switch outside get its own."""
    now = timezone.now()
    sweep = ticking.audit(now=now)
    if not sweep.clean:
        log.warning("Escalations overdue: %s; silent: %s", sweep.overdue, ", ".join(sweep.silent) or "nothing")
    elif settings.HEARTBEAT_URL and outside.sign(settings.HEARTBEAT_URL):
        heartbeats.beat("outside", now=timezone.now())


@shared_task
def refresh() -> None:
    """Fetch the calendars that are due, one after the other."""
    end = time.monotonic() + BUDGET
    for feed_id in selectors.feeds_due(now=timezone.now()):
        if time.monotonic() > end:
            return
        feeding.refresh(feed_id, fetch=calendars.fetch, read=reading.read, now=timezone.now())
