"""`manage.py runner`: runs the commands of checklists that people ask for, one at a time (docs/plans.md)."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from core import heartbeats
from plans.adapters.programs import LocalPrograms
from plans.services import runner

log = logging.getLogger(__name__)
PAUSE = 2.0  # seconds between two looks while nothing waits


class Command(BaseCommand):
    help = "Run the commands of checklists that people ask for. Until SIGTERM; several runners share the work."
    requires_system_checks = ["rollout"]

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.RUNNER_PROGRAMS:
            raise CommandError("RUNNER_PROGRAMS is empty: name the programs that may be run, separated by commas.")
        if not Path(settings.RUNNER_DIRECTORY).is_dir() or not settings.RUNNER_DIRECTORY:
            raise CommandError("RUNNER_DIRECTORY names no directory here: give the checkout of what is deployed.")
        stopping, programs = Event(), LocalPrograms()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        while not stopping.is_set():
            if not _round(programs, stopping):
                stopping.wait(PAUSE)


def _round(programs: LocalPrograms, stopping: Event) -> bool:
    """One command, if one waits. A database that is away is waited for."""
    close_old_connections()
    try:
        ran = runner.run_next(programs, clock=timezone.now, stopping=stopping.is_set)
        heartbeats.beat("runner", now=timezone.now())
    except DatabaseError:
        log.exception("the database cannot be used")
        return False
    return ran
