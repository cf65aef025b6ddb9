"""`manage.py migrator`: runs migrations of nctool's database, and backups of it, one at a time (docs/migrations.md)."""

from __future__ import annotations

import logging
import os
import signal
import socket
from threading import Event
from types import FrameType
from typing import Any

from django.core.management import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from core import heartbeats
from migrations_app.services import backups, migrator, requesting

log = logging.getLogger(__name__)
PAUSE = 2.0  # seconds between two looks while nothing waits


class Command(BaseCommand):
    help = "Run migrations of nctool's database and backups that people ask for. Until SIGTERM; several share the work."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        name = f"{socket.gethostname()}:{os.getpid()}"
        while not stopping.is_set():
            if not _round(name, stopping):
                stopping.wait(PAUSE)


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
