"""Each part of the system: whether it answers, and whether it beats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from reports.adapters import probes
from reports.domain.health import Condition, Part, duties

SERVERS = {
    "redis": ("Redis", "News of changes takes up to 5 s longer, and nothing runs by the clock."),
    "mongodb": ("nctool's MongoDB", "Tokens and wallets cannot be shown; flags and ramps are not affected."),
}


def health(beats: Mapping[str, datetime], *, now: datetime) -> list[Part]:
    """Each part of the system. The page is there, so the database answers: it has just been asked.

    Args:
        beats: of `heartbeats.last`.
    """
    servers = [_server(name, answer) for name, answer in probes.answers().items()]
    return [
        Part("Database", Condition.OK, ""),
        *servers,
        *duties(beats, now=now, runner=bool(settings.RUNNER_PROGRAMS), outside=bool(settings.HEARTBEAT_URL)),
    ]


def _server(name: str, answer: probes.Answer) -> Part:
    title, without = SERVERS[name]
    condition = {True: Condition.OK, False: Condition.DOWN, None: Condition.UNKNOWN}[answer.ok]
    return Part(title, condition, "" if answer.ok else without)
