"""How long "What changed in the last hour" takes: `python -m benchmarks.recent [events]`.

In a database of its own: that many events, all within the last 24 hours, one in a thousand of them in staging and the
others in production, with twenty alerts that fire. The page is rendered by the product's own views, 20 times, after one
that warms up. With few events that fit (the last line) the database has to pass over nearly all of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

ALERTS = 20
DAY = timedelta(days=1)
PAGES = {
    "the last hour, everywhere": "last=1h",
    "the last 24 h, everywhere": "last=24h",
    "the last 24 h, production": "last=24h&environment=production",
    "the last 24 h, staging": "last=24h&environment=staging",
}


def main(count: int) -> None:
    with place() as client:
        fill(count)
        rows = [row(client, name, f"/admin/core/event/recent/?{query}") for name, query in PAGES.items()]
        show(f"What changed, of {count:,} events", ["page", "queries", "p50 ms", "p95 ms", "slowest query ms"], rows)


def row(client: Any, name: str, address: str) -> list[object]:
    queries, times = asked(client, address), spent(client, address)
    figures = (percentile(times, 50), percentile(times, 95), max(queries))
    return [name, len(queries), *(f"{figure:.0f}" for figure in figures)]


def fill(count: int) -> None:
    from django.utils import timezone

    from alerting.models import Alert
    from core.models import Environment, Event

    now = timezone.now()
    places = [
        Environment.objects.create(key=key, name=key, position=at) for at, key in enumerate(("staging", "production"))
    ]
    Event.objects.bulk_create((event(Event, number, count, places, now) for number in range(count)), batch_size=5_000)
    for number in range(ALERTS):
        Alert.objects.create(
            environment=places[1],
            fingerprint=str(number),
            name=f"Alert{number}",
            severity="critical",
            state="firing",
            starts_at=now - timedelta(minutes=number),
        )


def event(make: Any, number: int, count: int, places: Sequence[Any], now: datetime) -> Any:
    return make(
        at=now - DAY + DAY * number / count,
        kind="flag.rollout_changed",
        subject=f"flag:flag{number % 500}",
        environment=places[bool(number % 1000)],
        actor="olga",
        actor_kind="person",
        reason="the next step of the plan",
        before={"enabled": True, "percentage": number % 90},
        after={"enabled": True, "percentage": number % 90 + 5},
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
