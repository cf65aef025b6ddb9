"""How long the list of flags takes on the server, and how many queries: `python -m benchmarks.flag_list [flags]`.

In a database of its own: that many flags in four environments, with a day of usage of each. The page is rendered by
the product's own views, 20 times, after one that warms up. CPU is the mean of the thread's own time, whatever else the
machine does.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from random import Random
from typing import Any

from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

PAGES = {
    "first page": "",
    "search": "q=flag05",
    "by percentage": "o=-3",
    "by last asked": "o=-7",
    "on only, staging": "state=on&environment=staging",
    "stale only": "stale=any",
    "page 15": "p=15",
}


def main(count: int) -> None:
    with place() as client:
        fill(count)
        rows = [row(client, name, f"/admin/flags/flagstate/?{query}") for name, query in PAGES.items()]
        show(f"The list of {count:,} flags × 4", ["page", "queries", "CPU ms", "p50 ms", "max ms", "KiB"], rows)


def row(client: Any, name: str, address: str) -> list[object]:
    queries, kilobytes = len(asked(client, address)), len(client.get(address).content) / 1024
    began = time.thread_time()
    times = spent(client, address)
    worked = 1000 * (time.thread_time() - began) / (len(times) + 1)
    return [name, queries, *(f"{figure:.0f}" for figure in (worked, percentile(times, 50), max(times), kilobytes))]


def fill(count: int) -> None:
    from django.utils import timezone

    from core.models import Environment
    from flags.models import Asked, Flag, FlagState, Usage

    now, dice = timezone.now(), Random(1)
    names = ("Development", "Staging", "Pre-production", "Production")
    environments = [
        Environment.objects.create(key=name.lower(), name=name, position=at, protected=at == 3)
        for at, name in enumerate(names)
    ]
    flags = Flag.objects.bulk_create(
        Flag(key=f"flag{n:04d}", name=f"Flag {n}", salt="x", created_at=now - timedelta(days=60)) for n in range(count)
    )
    states = FlagState.objects.bulk_create(
        FlagState(
            flag=flag,
            environment=environment,
            enabled=dice.random() < 0.7,
            percentage=dice.choice([0, 0, 5, 25, 50, 100, 100]),
            changed_at=now - timedelta(hours=dice.randrange(2000)),
        )
        for flag in flags
        for environment in environments
    )
    ages = ((state, timedelta(minutes=dice.randrange(30_000))) for state in states)
    Asked.objects.bulk_create(Asked(state=state, at=now - age) for state, age in ages)
    begin = now.replace(minute=0, second=0, microsecond=0)
    for environment in environments:
        Usage.objects.bulk_create(
            (
                Usage(
                    environment=environment,
                    flag_key=flag.key,
                    variant=variant,
                    reason="SPLIT",
                    source="client",
                    at=begin - timedelta(minutes=5 * step),
                    count=dice.randrange(1000),
                )
                for flag in flags
                for variant in ("on", "off")
                for step in range(0, 288, 4)
            ),
            batch_size=5000,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
