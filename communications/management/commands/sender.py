"""`manage.py sender`: calls people, makes announcements of events and sends them (docs/communications.md)."""

from __future__ import annotations

import logging
import random
import signal
import time
from threading import Event
from types import FrameType
from typing import Any

from django.core.management import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from communications.selectors import open_channels
from communications.services import announcing, digests, releasing, sending
from communications.services.connecting import connect
from communications.services.lanes import PAUSE, ROUND, Lane
from core import heartbeats
from oncall.services import ticking

log = logging.getLogger(__name__)
CALLS = 10  # escalations whose steps are taken before what came of them is announced
GRACE = 15.0  # seconds for what is under way at the end


class Command(BaseCommand):
    help = "Call people, make announcements of what happens, and send them. Until SIGTERM; several share the work."

    requires_system_checks = ["rollout"]  # not all: people who are to be called do not wait for them

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        lanes: dict[int, Lane] = {}
        looked = -ROUND
        while not stopping.is_set():
            seldom = time.monotonic() - looked >= ROUND
            looked = time.monotonic() if seldom else looked
            close_old_connections()
            called = call(seldom=seldom)
            if not (_round(lanes, seldom=seldom) or called):
                stopping.wait(PAUSE)
        for lane in lanes.values():
            lane.stop(seconds=GRACE)


def call(*, seldom: bool) -> bool:
    """Take the steps of escalations that are due; whether there were any.

    Here and not only in the worker: a call waits neither for Redis, nor for a worker to start, nor behind other tasks.
    """
    try:
        taken = ticking.tick(now=timezone.now(), most=CALLS)
        if seldom:
            heartbeats.beat("escalate", now=timezone.now())
    except Exception:
        log.exception("the steps that are due could not be taken; they are tried again")
        return False
    return taken > 0


def _round(lanes: dict[int, Lane], *, seldom: bool) -> bool:
    """Announce what is new, and let go what was held; whether there was anything."""
    try:
        made = announcing.announce(now=timezone.now())
        if seldom:
            digests.make(now=timezone.now())  # before what was held for the hour is let go
            releasing.release(now=timezone.now())
            sending.give_up_the_dead(now=timezone.now())
            _keep(lanes)
            heartbeats.beat("announce", now=timezone.now())
    except Exception:
        log.exception("a round of announcements has failed; it is begun again")
        return False
    return made > 0


def _keep(lanes: dict[int, Lane]) -> None:
    """A lane for each channel that is on, and none for any other."""
    wanted = {channel.pk: channel for channel in open_channels()}
    for pk in lanes.keys() - wanted.keys():
        lanes.pop(pk).stop(seconds=0)
    for pk in wanted.keys() - lanes.keys():
        lanes[pk] = Lane(wanted[pk], connect, clock=timezone.now, jitter=random.random)
