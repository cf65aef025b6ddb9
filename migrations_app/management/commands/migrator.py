"""`manage.py migrator`: runs migrations of nctool's database, and backups of it, one at a time (docs/migrations.md)."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from threading import Event
from types import FrameType
from typing import Any

from django.core.management import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from core import heartbeats
from migrations_app.services import backups, keeping, migrator, requesting

log = logging.getLogger(__name__)
PAUSE = 2.0  # seconds between two looks while nothing waits
TIDY_EVERY = 600.0  # seconds between two looks for journals whose time is over


class Command(BaseCommand):
    help = "Run migrations of nctool's database and backups that people ask for. Until SIGTERM; several share the work."
    requires_system_checks = ["rollout"]

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        name = f"{socket.gethostname()}:{os.getpid()}"
        tidied = -TIDY_EVERY
        while not stopping.is_set():
            worked = _round(name, stopping)
            if not worked and time.monotonic() - tidied >= TIDY_EVERY:
                _tidy()
                tidied = time.monotonic()
            if not worked:
                stopping.wait(PAUSE)


def _tidy() -> None:
    """Whatever goes wrong here, runs go on."""
    try:
        keeping.forget_due(now=timezone.now())
    except Exception:
        log.exception("journals whose time is over could not be dropped")


def _round(name: str, stopping: Event) -> bool:
    """One run or one backup, if one waits. A database that is away is waited for."""
    close_old_connections()
    try:
        requesting.expire(now=timezone.now())
        worked = migrator.run_next(worker=name, clock=timezone.now, stopping=stopping.is_set)
        worked = backups.run_next(clock=timezone.now, stopping=stopping.is_set) or worked
        heartbeats.beat("migrator", now=timezone.now())
    except DatabaseError:
        log.exception("the database cannot be used")
        return False
    except Exception:
        log.exception("a round has failed; the run stays at its checkpoint")
        return False
    return worked
