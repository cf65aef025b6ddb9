"""How long "What changed in the last hour" takes: `python -m benchmarks.recent [events]`.

In a database of its own: that many events, all within the last 24 hours, one in a thousand of them in staging and the
others in production, with twenty alerts that fire. The page is rendered by the product's own views, 20 times, after one
that warms up. With few events that fit (the last line) the database has to pass over nearly all of the others.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import timedelta

ROUNDS, ALERTS = 20, 20
DAY = timedelta(days=1)
PAGES = {
    "the last hour, everywhere": "last=1h",
    "the last 24 h, everywhere": "last=24h",
    "the last 24 h, production": "last=24h&environment=production",
    "the last 24 h, staging": "last=24h&environment=staging",
}


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "SECRET_KEY": "benchmark"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "nctool_rollout.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        fill(count)
        measure(count)


def fill(count: int) -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from alerting.models import Alert
    from core.models import Environment, Event
    from nctool_rollout.roles import setup_roles

    setup_roles()
    user = get_user_model().objects.create_user("operator", password="operator", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    now = timezone.now()
    places = [
        Environment.objects.create(key=key, name=key, position=at) for at, key in enumerate(("staging", "production"))
    ]
    Event.objects.bulk_create(
        (
            Event(
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
            for number in range(count)
        ),
        batch_size=5_000,
    )
    for number in range(ALERTS):
        Alert.objects.create(
            environment=places[1],
            fingerprint=str(number),
            name=f"Alert{number}",
            severity="critical",
            state="firing",
            starts_at=now - timedelta(minutes=number),
        )


def measure(count: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from benchmarks.table import percentile, show

    client = Client(HTTP_HOST="localhost")
    client.force_login(get_user_model().objects.get(), "django.contrib.auth.backends.ModelBackend")
    rows = []
    for name, query in PAGES.items():
        client.get(f"/admin/core/event/recent/?{query}")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/admin/core/event/recent/?{query}").status_code == 200
            asked = [float(each["time"]) for each in queries]
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            client.get(f"/admin/core/event/recent/?{query}")
            times.append(1000 * (time.perf_counter() - began))
        rows.append(
            (
                name,
                len(asked),
                f"{percentile(times, 50):.0f}",
                f"{percentile(times, 95):.0f}",
                f"{1000 * max(asked):.0f}",
            )
        )
    show(f"What changed, of {count:,} events", ["page", "queries", "p50 ms", "p95 ms", "slowest query ms"], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
