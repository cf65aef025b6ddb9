"""The Celery app: a clock and workers. Rows are the queue."""

from __future__ import annotations

import os

from celery import Celery

from nctool_rollout.beat import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
app = Celery("nctool_rollout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()
