"""A change among 10,000 flags: how soon it is served, and how long evaluation waits: `python -m benchmarks.snapshot`.

One process on SQLite, with a thread that evaluates all the time. Every tenth flag has rules, one an allow-list of
100,000 npubs. A machine that does other things adds waits of its own: those while nothing is loaded are shown beside,
and how much the loading thread worked during one wait, which is what an idle machine would come to.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Any

from benchmarks.installation import installation
from benchmarks.table import percentile, show

FLAGS = 10_000
LISTED = 100_000
CHANGES = int(os.environ.get("N", 60))
RULES = {"rules": [{"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR", "IT"]}]}]}


def make_flags() -> None:
    """Written as rows: ten thousand commands would take minutes and end in the same."""
    from django.utils import timezone

    from core import environments
    from flags.models import AllowedUser, Flag, FlagState

    now, where = timezone.now(), environments.get("production")
    flags = [Flag(key=f"benchmark{number:05d}", name="x", salt="s", created_at=now) for number in range(FLAGS)]
    Flag.objects.bulk_create(flags)
    states = [
        FlagState(
            flag=flag,
            environment=where,
            enabled=True,
            percentage=number % 101,
            parameters={"transactionTimeout": 30000},
            targeting=RULES if number % 10 == 0 else {},
            changed_at=now,
        )
        for number, flag in enumerate(flags)
    ]
    states[1].allow_count, states[1].allow_version = LISTED, 1
    FlagState.objects.bulk_create(states)
    npubs = (AllowedUser(state=states[1], npub=f"npub1{number:058d}") for number in range(LISTED))
    AllowedUser.objects.bulk_create(npubs, batch_size=5_000)


@contextmanager
def evaluating(holder: Any) -> Iterator[Callable[[], tuple[float, float]]]:
    """A thread that asks all the time. It tells, since the last call, its longest wait, and the most that this thread
    worked within one: milliseconds."""
    stopping, longest, most = Event(), [0.0], [0.0]
    context, clock = {"country": "DE"}, time.pthread_getcpuclockid(get_ident())

    def ask() -> None:
        last, worked = time.perf_counter(), time.clock_gettime(clock)
        while not stopping.is_set():
            holder.held.snapshots["production"].decide("benchmark00010", "npub1x", context)
            now, work = time.perf_counter(), time.clock_gettime(clock)
            longest[0], most[0] = max(longest[0], now - last), max(most[0], work - worked)
            last, worked = now, work

    def since() -> tuple[float, float]:
        found, longest[0], most[0] = (longest[0] * 1000, most[0] * 1000), 0.0, 0.0
        return found

    thread = Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield since
    finally:
        stopping.set()
        thread.join()


def main() -> None:
    with installation() as at:
        os.environ.update(at.environment, LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="nctool_rollout.settings")
        import django

        django.setup()
        make_flags()
        measure(at.data_dir)


def measure(data_dir: Path) -> None:
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from flags.adapters.disk import DiskCopy
    from flags.services import lists, rollout
    from flags.services.holding import Holder

    told = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark", "now": timezone.now()}
    changes: dict[str, Callable[[int], object]] = {
        "a percentage": lambda number: rollout.set_rollout("benchmark00500", "production", 1 + number % 50, **told),
        "one npub on a list of 100,000": lambda number: lists.edit_allow_list(
            "benchmark00001", "production", add=[f"npub1new{number}"], remove=[f"npub1{number:058d}"], **told
        ),
    }
    holder = Holder(DiskCopy(data_dir / "benchmark"), poll_seconds=3600)
    swapped = [0.0]
    holder.listeners.append(lambda _: swapped.append(time.perf_counter()))

    def taken() -> float:
        """Milliseconds until the new picture is served; the copy on disk is written after that."""
        began = time.perf_counter()
        holder.refresh()
        return (swapped[-1] - began) * 1000

    rows: list[tuple[str, ...]] = [("everything, at the start", f"{taken():,.0f} ms", "", "", "", "")]
    for name, change in changes.items():
        alone: list[float] = []
        for number in range(CHANGES):
            change(number)
            alone.append(taken())
        idle: list[float] = []
        busy: list[float] = []
        work: list[float] = []
        with evaluating(holder) as longest:
            for number in range(CHANGES):
                change(CHANGES + number)
                longest()
                time.sleep(0.05)
                idle.append(longest()[0])
                taken()
                wait, worked = longest()
                busy.append(wait)
                work.append(worked)
        waits = (f"{statistics.median(found):.1f} / {max(found):.1f} ms" for found in (idle, busy, work))
        rows.append((name, f"{statistics.median(alone):,.1f} ms", f"{percentile(alone, 95):,.1f} ms", *waits))
    head = (
        "change",
        "served after: median",
        "p95",
        "longest wait, idle (median / worst)",
        "while it is taken",
        "work in it",
    )
    show(f"One change among {FLAGS:,} flags", head, rows)


if __name__ == "__main__":
    main()
