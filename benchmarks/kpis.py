"""How long the KPIs take: `python -m benchmarks.kpis`.

In a SQLite database of its own: the eighteen of the strategy; seventeen series, measured every ten seconds for seven
days and rolled up by the product (1,028,160 measurements); 100,000 events of 92 days, one in a hundred of them a raise;
and a year of recorded days. The clock's tick is that of a running system, with four days that are not settled; it is
made five times after one that warms up. Each page is rendered by the product's own views, 20 times after one that warms
up.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

DAYS, EVENTS, TICKS = 7, 100_000, 5
FLAG = "atomicMeltOperations"
SERIES = (  # name, kind, how many series of it
    ("melt_operations_total", "counter", 6),
    ("melt_errors_total", "counter", 6),
    ("melt_duration_ms", "timing", 2),
    ("up", "gauge", 1),
    ("probe_ms", "gauge", 1),
    ("system_load", "gauge", 1),
)
IN = "/admin/kpis/kpi/in/production/"
PAGES = {
    "the board": IN,
    "one KPI over a year": f"{IN}of/errorRate/?range=366d",
    "the four delivery metrics over 92 days": "/admin/kpis/kpi/delivery/production/?days=92",
}


def main() -> None:
    with place() as client:
        environment = fill()
        ticks = recorded(environment)
        rows = [["a tick of the clock", "", f"{percentile(ticks, 50):.0f}", f"{max(ticks):.0f}"]]
        rows += [row(client, name, address) for name, address in PAGES.items()]
        show(f"KPIs over {EVENTS:,} events", ["what", "queries", "p50 ms", "p95 ms"], rows)


def row(client: Any, name: str, address: str) -> list[str]:
    queries, times = asked(client, address), spent(client, address)
    return [name, str(len(queries)), f"{percentile(times, 50):.0f}", f"{percentile(times, 95):.0f}"]


def recorded(environment: Any) -> list[float]:
    """Milliseconds of each tick."""
    from django.utils import timezone

    from kpis.services import recording

    times = []
    for _ in range(TICKS + 1):
        begin = time.perf_counter()
        recording.record(environment, now=timezone.now())
        times.append(1_000 * (time.perf_counter() - begin))
    return times[1:]


def fill() -> Any:
    """Everything there is; the environment."""
    from django.utils import timezone

    from core.models import Environment
    from monitoring.services import rollup

    now = timezone.now()
    environment = Environment.objects.create(key="production", name="Production", position=1)
    _define(now)
    _measure(environment, now)
    rollup.roll_up(now=now)
    _raise(environment, now)
    _record(environment, now)
    return environment


def _define(now: datetime) -> None:
    from core.actors import Actor, ActorKind
    from kpis.services import registry
    from nctool_rollout.playbook.kpis import items_of
    from nctool_rollout.playbook.validation import load_text

    file = Path(__file__).parents[1] / "playbooks" / "nctool-v2.yaml"
    playbook, _ = load_text(file.read_text(), file=file.name)
    for item, values in items_of(playbook.kpis).items():
        registry.define(item[1], values, actor=Actor("benchmark", ActorKind.COMMAND), reason="r", now=now)


def _measure(environment: Any, now: datetime) -> None:
    from monitoring.models import Bucket, Series

    end = int(now.timestamp()) // 10 * 10
    times = range(end - DAYS * 86_400, end, 10)
    for name, kind, count in SERIES:
        for number in range(count):
            series = Series.objects.create(
                environment=environment,
                name=name,
                kind=kind,
                source="json",
                labels={"flag": FLAG, "n": str(number)},
                digest=f"{name}{number}",
                created_at=now - timedelta(days=DAYS),
            )
            Bucket.objects.bulk_create(
                (Bucket(series=series, start=at, n=20, sum=20.0, min=0.5, max=2.0, last=1.0) for at in times),
                batch_size=5_000,
            )


def _raise(environment: Any, now: datetime) -> None:
    from core.models import Event

    def state(share: float) -> dict[str, Any]:
        return {"enabled": True, "percentage": share, "allow_count": 0}

    Event.objects.bulk_create(
        (
            Event(
                at=now - timedelta(days=92) * (1 - number / EVENTS),
                kind="flag.rollout_changed" if number % 100 == 0 else "item.assigned",
                subject=f"flag:flag{number % 500}",
                environment=environment,
                actor="olga",
                actor_kind="person",
                before=state(number % 90),
                after=state(number % 90 + 5),
            )
            for number in range(EVENTS)
        ),
        batch_size=5_000,
    )


def _record(environment: Any, now: datetime) -> None:
    from kpis.models import Day, Kpi

    Day.objects.bulk_create(
        (
            Day(
                kpi=kpi,
                environment=environment,
                day=(now - timedelta(days=days)).date(),
                part=99.0,
                of=100.0,
                n=100_000,
                measured_at=now - timedelta(hours=1),
                settled=days > 3,
            )
            for kpi in Kpi.objects.all()
            for days in range(366)
        ),
        batch_size=1_000,
    )


if __name__ == "__main__":
    main()
