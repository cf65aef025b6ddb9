"""How long home, the dashboard and the timeline take on the server: `python -m benchmarks.home [measurements]`.

In a SQLite database of its own: 1,000 flags in four environments with a day of usage, 100,000 events, and a million
measurements (figures of the catalogue and others, every ten seconds, rolled up by the product). Each page is rendered
by the product's own views, 20 times after one that warms up. `anew`: what all people see alike is read each time;
`kept`: as it runs, once in five seconds. CPU is the mean of the thread's own time, whatever else the machine does.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from random import Random
from typing import Any

from benchmarks.flag_list import fill
from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

FLAGS, EVENTS, SERIES = 1_000, 100_000, 58
METRICS = ("uptime", "avg_response_time", "error_rate", "connection_pool", "replication_lag", "query_time")
KINDS = ("flag.rollout_changed", "flag.enabled", "item.marked", "alert.firing", "alert.resolved", "announcement.sent")
PAGES = {
    "home": "/admin/?environment=production",
    "dashboard": "/admin/dashboard/?environment=production",
    "timeline, 24 h": "/admin/timeline/?environment=production&range=24h",
}


def main(measurements: int) -> None:
    with place() as client:
        fill(FLAGS)
        happen()
        measure(measurements)
        rows = [row(client, name, address, seconds=0) for name, address in PAGES.items()]
        rows.append(row(client, "home", PAGES["home"], seconds=5))
        title = f"Pages over {measurements:,} measurements, {EVENTS:,} events, {FLAGS:,} flags × 4"
        show(title, ["page", "shared part", "queries", "CPU ms", "p50 ms", "max ms"], rows)


def row(client: Any, name: str, address: str, *, seconds: int) -> list[object]:
    from django.conf import settings

    settings.HOME_SECONDS = seconds
    queries = len(asked(client, address))
    began = time.thread_time()
    times = spent(client, address)
    worked = 1000 * (time.thread_time() - began) / (len(times) + 1)
    shared = "kept" if seconds else "anew"
    return [name, shared, queries, *(f"{figure:.0f}" for figure in (worked, percentile(times, 50), max(times)))]


def happen() -> None:
    """A hundred days of events, a hundredth of them in each hour."""
    from django.utils import timezone

    from core.models import Environment, Event

    now, dice, places = timezone.now(), Random(2), list(Environment.objects.all())
    Event.objects.bulk_create(
        (
            Event(
                at=now - timedelta(seconds=86.4 * (EVENTS - number)),
                kind=dice.choice(KINDS),
                subject=f"flag:flag{dice.randrange(FLAGS):04d}",
                environment=dice.choice(places),
                actor="olga",
                actor_kind="person",
                reason="a reason of some words",
                before={"percentage": 5},
                after={"percentage": 25},
            )
            for number in range(EVENTS)
        ),
        batch_size=5_000,
    )


def measure(measurements: int) -> None:
    """The catalogue's figures and those of 20 features, and other series, as many as it takes, up to now."""
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from core.models import Environment
    from monitoring.models import Bucket, Series
    from monitoring.services import catalogue, rollup

    now, production = timezone.now(), Environment.objects.get(key="production")
    actor = Actor("benchmark", ActorKind.COMMAND)
    for position, key in enumerate((*METRICS, "adoption_rate", "success_rate")):
        told = {"title": key, "unit": "%", "meaning": "m", "group": "g", "owner": "o", "better": "lower"}
        values = {**told, "warning": 90, "critical": 95, "position": position}
        catalogue.define(key, values, actor=actor, reason="r", now=now)
    names: list[tuple[str, str, dict[str, str]]] = [(key, "recorded", {}) for key in METRICS]
    for number in range(20):
        labels = {"feature": f"flag{number:04d}"}
        names += [("adoption_rate", "recorded", labels), ("success_rate", "recorded", labels)]
    names += [("melts_total", "json", {"shard": str(number)}) for number in range(SERIES - len(names))]
    rows = [
        Series.objects.create(
            environment=production,
            source=source,
            name=name,
            kind="gauge" if source == "recorded" else "counter",
            labels=labels,
            digest=str(at),
            created_at=now,
        )
        for at, (name, source, labels) in enumerate(names)
    ]
    end, steps = int(now.timestamp()) // 10 * 10, measurements // SERIES
    for series in rows:
        Bucket.objects.bulk_create(
            (
                Bucket(series=series, start=end - 10 * back, n=1, sum=50, min=50, max=50, last=50)
                for back in range(1, steps + 1)
            ),
            batch_size=10_000,
        )
    rollup.roll_up(now=now)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
