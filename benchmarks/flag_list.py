"""How long the list of flags takes on the server, and how many queries: `python benchmarks/flag_list.py [flags]`.

In a database of its own: that many flags in four environments, with a day of usage of each. The page is rendered by
the product's own views, 20 times, after one that warms up. CPU is the
thread's own time, whatever else the machine does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))
ROUNDS = 20
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

    from core.models import Environment
    from flags.models import Asked, Flag, FlagState, Usage
    from nctool_rollout.roles import setup_roles

    setup_roles()
    user = get_user_model().objects.create_user("operator", password="operator", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
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
        times: list[float] = []
        worked: list[float] = []
        client.get(f"/admin/flags/flagstate/?{query}")
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"/admin/flags/flagstate/?{query}")
        assert answer.status_code == 200, answer
        count_of_queries = len(queries)
        for _ in range(ROUNDS):
            started, began = time.perf_counter(), time.thread_time()
            client.get(f"/admin/flags/flagstate/?{query}")
            times.append(1000 * (time.perf_counter() - started))
            worked.append(1000 * (time.thread_time() - began))
        kilobytes = len(answer.content) / 1024
        figures = (percentile(worked, 50), percentile(times, 50), max(times))
        rows.append((name, count_of_queries, *(f"{figure:.0f}" for figure in figures), f"{kilobytes:.0f}"))
    show(f"The list of {count:,} flags × 4", ["page", "queries", "CPU ms", "p50 ms", "max ms", "KiB"], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
