"""The clock of the alerts."""

from __future__ import annotations

import random

from celery import shared_task
from django.utils import timezone

from communications.adapters import configured
from communications.services import announcing, sending
from core import heartbeats


@shared_task
def announce() -> None:
    """Make the alerts of new events, then send what is due."""
    channels = configured.channels()
    announcing.announce(channels=channels.keys(), now=timezone.now())
    sending.send_due(channels, clock=timezone.now, jitter=random.random)
    heartbeats.beat("announce", now=timezone.now())
