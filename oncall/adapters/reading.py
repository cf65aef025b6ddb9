"""Calendars are read in a process of their own: what repeats every second since the year 1, or nests in itself, ends
that process and nothing else. As a program: pickled arguments on stdin, JSON on stdout."""

from __future__ import annotations

import json
import pickle
import resource
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import Invalid
from oncall.adapters.ports import FeedFailed
from oncall.domain import feed
from oncall.domain.feed import Copy

ROOT = Path(__file__).parents[2]
SECONDS = 10  # of a processor; a rotation of ten years takes one
PATIENCE = 60.0  # seconds by the clock, on a machine that has other things to do
MEMORY = 1 << 30  # bytes of address space


def read(text: bytes, *, zone: ZoneInfo, known: Mapping[str, str], now: datetime, seconds: int = SECONDS) -> Copy:
    """As `feed.read`. Raises FeedFailed when there is no end to it, and Invalid as that does."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the text is its input
            [sys.executable, "-m", "oncall.adapters.reading", str(seconds)],
            input=pickle.dumps((text, zone.key, dict(known), now)),
            capture_output=True,
            timeout=PATIENCE,
            cwd=ROOT,
        )
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise FeedFailed("It takes too much time or memory to read: it repeats too often, or for too long.") from None
    if "wrong" in answer:
        raise Invalid(answer["wrong"], field="feed")
    return Copy(feed.stored(answer["shifts"]), tuple(answer["unknown"]))


def main() -> None:
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    text, zone, known, now = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    try:
        copy = feed.read(text, zone=ZoneInfo(zone), known=known, now=now)
        answer: dict[str, object] = {"shifts": feed.told(copy.shifts), "unknown": copy.unknown}
    except Invalid as error:
        answer = {"wrong": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
