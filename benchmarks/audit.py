"""Seals of the event log: `python -m benchmarks.audit [events]`.

In a database of its own (SQLite). First that many events are
written and sealed; then two writers record events at 500 a second while the sealer looks once a second, and the
longest wait of an event for its seal is told; then everything is verified, in a process of its own, whose memory is
measured; at last the pages of the event log are shown.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

WRITERS, RATE, SECONDS = 2, 500, 20
PAGES = {
    "all, newest first": "",
    "one kind": "kind=flag.rollout_changed",
    "one person": "actor=olga",
    "one object": "subject=flag:flag7",
    "one environment": "environment__id__exact=1",
    "any time at all": "at_from_0=2020-01-01&at_from_1=00:00&at_to_0=2035-01-01&at_to_1=00:00",
}


def main(count: int) -> None:
    with place() as client:
        from benchmarks.recent import fill

        fill(count)
        sealed = seal_all(count)
        kept = under_load()
        verified = verify()
        show(f"Seals of {count:,} events", ["what", "figure"], [*sealed, *kept, *verified])
        rows = [row(client, name, f"/admin/core/event/?{query}") for name, query in PAGES.items()]
    show(f"The event log, of {count:,} events", ["page", "queries", "p50 ms", "p95 ms", "slowest query ms"], rows)


def seal_all(count: int) -> list[list[object]]:
    from django.utils import timezone

    from audit.services import sealing

    began = time.perf_counter()
    while sealing.seal(now=timezone.now()):
        pass
    took = time.perf_counter() - began
    return [["sealed in one go, events a second", f"{count / took:,.0f}"]]


def under_load() -> list[list[object]]:
    """Writers at a fixed rate beside the sealer; how long an event waits at most, and what a write takes."""
    from django.utils import timezone

    from audit import selectors
    from audit.services import sealing

    end = time.monotonic() + SECONDS
    times: list[float] = []
    threads = [threading.Thread(target=write, args=(end, times)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    lag = 0.0
    while time.monotonic() < end:
        lag = max(lag, selectors.sealing(now=timezone.now()).lag)
        while sealing.seal(now=timezone.now()):
            pass
        time.sleep(1)
    for thread in threads:
        thread.join()
    return [
        [f"written beside it by {WRITERS}, events a second", f"{len(times) / SECONDS:,.0f}"],
        ["a write, p50 / p95 ms", f"{percentile(times, 50):.1f} / {percentile(times, 95):.1f}"],
        ["longest wait for a seal, s", f"{lag:.1f}"],
    ]


def write(end: float, times: list[float]) -> None:
    from django.db import connection
    from django.utils import timezone

    from core import events
    from core.actors import Actor, ActorKind

    due, number = time.monotonic(), 0
    while time.monotonic() < end:
        due += WRITERS / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.perf_counter()
        who = Actor("olga", ActorKind.PERSON)
        events.record("flag.x", subject=f"flag:{number % 50}", actor=who, now=timezone.now(), after={"n": number})
        times.append(1000 * (time.perf_counter() - began))
        number += 1
    connection.close()


def verify() -> list[list[object]]:
    """By the command; its memory is looked up while it runs."""
    began, before, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN), 0
    command = [sys.executable, "manage.py", "audit", "verify", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.2)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(told)
    spent_on = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [
        ["verified by the command, s", f"{took:.1f}"],
        ["of it on the processor, s", f"{spent_on:.1f}"],
        ["its memory at most, MB", f"{peak / 1024:.0f}"],
        ["it says", told.strip().splitlines()[-1]],
    ]


def resident(pid: int) -> int:
    """The most memory the process has had so far, in kB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def row(client: Any, name: str, address: str) -> list[object]:
    queries, times = asked(client, address), spent(client, address)
    figures = (percentile(times, 50), percentile(times, 95), max(queries))
    return [name, len(queries), *(f"{figure:.0f}" for figure in figures)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
