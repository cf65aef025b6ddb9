"""The Celery app: a clock and workers. Rows are the queue."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init

from nctool_rollout.beat import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
app = Celery("nctool_rollout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()


@beat_init.connect
def look_at_once(**_: Any) -> None:
    """Beat waits one interval before its first tick; nobody should be unguarded for that long after a start."""
    for entry in SCHEDULE.values():
        app.send_task(entry["task"], **entry["options"])
