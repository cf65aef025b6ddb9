"""The product in a database of its own, and a person who is signed in: what the benchmarks of pages stand on."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROUNDS = 20


@contextmanager
def place(**settings: str) -> Iterator[Any]:
    """The test client of an operator; `settings` are environment variables. Nothing of Django is imported before."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "SECRET_KEY": "benchmark", "PRODUCTION": "off", **settings}
        os.environ |= {"DATABASE_URL": f"sqlite:///{Path(folder) / 'benchmark.sqlite3'}"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "nctool_rollout.settings"
        import django

        django.setup()
        from django.contrib.auth import get_user_model
        from django.contrib.auth.models import Group
        from django.core.management import call_command
        from django.test import Client

        from nctool_rollout.roles import setup_roles

        call_command("migrate", verbosity=0)
        setup_roles()
        user = get_user_model().objects.create_user("operator", password="operator", is_staff=True)
        user.groups.add(Group.objects.get(name="operator"))
        client = Client(HTTP_HOST="localhost")
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        yield client


def asked(client: Any, address: str) -> list[float]:
    """The milliseconds of each query of a page, rendered for the second time."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
        found = [1000 * float(each["time"]) for each in queries]
    if answer.status_code != 200:
        raise SystemExit(f"{address}: {answer.status_code}")
    return found


def spent(client: Any, address: str) -> list[float]:
    """The milliseconds of 20 renderings of a page, after one that warms up."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        if client.get(address).status_code != 200:
            raise SystemExit(f"{address}: it cannot be shown")
        times.append(1000 * (time.perf_counter() - began))
    return times[1:]
