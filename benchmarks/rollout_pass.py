"""How long the clock takes with many ramps, and a board with many items: `python -m benchmarks.rollout_pass [ramps]`.

In a database of its own: that many flags in production, each with a trigger that passes and a live ramp at 5 %. A pass
looks at every ramp, in a transaction each: when none is due, when all wait for their soak, and when all take a step.
And the board of nctool's own plan, its checklists filled up to 100 items, rendered by the product's own views.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

PASSES, ROUNDS, ITEMS = 5, 20, 100
DAY = timedelta(days=1)


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "SECRET_KEY": "benchmark"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "nctool_rollout.settings"
        import django

        django.setup()
        from django.core.management import call_command
        from django.utils import timezone

        from benchmarks.table import show

        call_command("migrate", verbosity=0)
        load(timezone.now())
        show("The board of a plan", ["", "queries", "p50 ms", "p95 ms"], board())
        now = timezone.now()
        fill(count, now)
        rows = [*passes("none is due", now, due=DAY), *passes("all soak", now, due=-DAY)]
        show(f"A pass of the clock, {count:,} live ramps", ["", "queries a ramp", "p50 s", "p95 s"], [*rows, take(now)])


def load(now: datetime) -> None:
    """nctool's playbook, and a plan in production with 100 items."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from nctool_rollout.playbook import loading
    from nctool_rollout.playbook.validation import load_text
    from nctool_rollout.roles import setup_roles
    from plans.models import Checklist, Item
    from plans.services import plans

    setup_roles()
    user = get_user_model().objects.create_user("operator", password="operator", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    path = Path(__file__).parents[1] / "playbooks" / "nctool-v2.yaml"
    playbook, source = load_text(path.read_text(), file=path.name)
    loading.load(playbook.model_copy(update={"approvals": {}}), source, actor=_actor(), now=now, file=path.name)
    plan = plans.start("nctool-2", "production", actor=_actor(), reason="r", now=now)
    first = Checklist.objects.filter(plan=plan).first()
    more = ITEMS - Item.objects.count()
    Item.objects.bulk_create(
        Item(checklist=first, position=50 + number, text=f"item {number}") for number in range(more)
    )


def board() -> list[tuple[object, ...]]:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from benchmarks.table import percentile
    from plans.models import Item, Plan

    client = Client(HTTP_HOST="localhost")
    client.force_login(get_user_model().objects.get(), "django.contrib.auth.backends.ModelBackend")
    url = f"/admin/plans/plan/{Plan.objects.get().pk}/change/"
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
        asked = len(queries)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        client.get(url)
        times.append(1000 * (time.perf_counter() - began))
    return [
        (
            f"five phases, {Item.objects.count()} items",
            asked,
            f"{percentile(times, 50):.0f}",
            f"{percentile(times, 95):.0f}",
        )
    ]


def fill(count: int, now: datetime) -> None:
    """Flags at 5 %, each with a live ramp whose second step is 25 %, and a trigger that has passed for two hours."""
    from core import environments
    from flags.models import Flag, FlagState
    from monitoring.models import Trigger
    from rollouts.models import Ramp, RampStep

    where, since = environments.get("production"), now - timedelta(hours=2)
    Trigger.objects.all().delete()  # those of the playbook watch every flag, and have no data here
    Flag.objects.bulk_create(Flag(key=f"flag{n}", name=f"Flag {n}", created_at=now) for n in range(count))
    for flag in Flag.objects.filter(key__startswith="flag"):
        FlagState.objects.create(flag=flag, environment=where, enabled=True, percentage=5, changed_at=since)
        Trigger.objects.create(
            key=f"t-{flag.key}",
            environment=where,
            name=f"T {flag.key}",
            measure="ratio",
            numerator={"metric": "melt_errors_total"},
            denominator={"metric": "melt_operations_total"},
            threshold=5,
            window=10,
            max_window=300,
            min_samples=40,
            consecutive=3,
            target="flag",
            flag_key=flag.key,
            verdict="PASS",
        )
        ramp = Ramp.objects.create(
            template_key="bench",
            name="Bench",
            flag=flag,
            environment=where,
            state="running",
            position=1,
            starts_at=since,
            started_by="bench",
            soaking_since=since,
        )
        for position, percentage in ((1, 5), (2, 25), (3, 100)):
            RampStep.objects.create(
                ramp=ramp,
                position=position,
                label=str(position),
                due_at=since,
                percentage=percentage,
                monitoring="standard",
                soak=3600,
                taken_at=since if position == 1 else None,
            )


def passes(name: str, now: datetime, *, due: timedelta) -> list[tuple[object, ...]]:
    """Passes that take no step: not due yet, or not soaked."""
    from rollouts.models import Ramp, RampStep

    RampStep.objects.filter(taken_at=None).update(due_at=now + due)
    Ramp.objects.update(soaking_since=now)
    _judged(now)
    return [_row(name, [_pass(now) for _ in range(PASSES)])]


def take(now: datetime) -> tuple[object, ...]:
    from rollouts.models import Ramp

    Ramp.objects.update(soaking_since=now - timedelta(hours=2))
    _judged(now)
    row = _row("all take a step", [_pass(now)])
    waiting = Ramp.objects.filter(position=1).first()
    assert waiting is None, waiting.waiting_for or waiting.hold_reason
    return row


def _judged(now: datetime) -> None:
    from core import heartbeats
    from monitoring.models import Trigger

    Trigger.objects.update(judged_at=now, judged_until=int(now.timestamp()), passing_since=now - timedelta(hours=2))
    heartbeats.beat("guard", now=now)


def _pass(now: datetime) -> tuple[float, float]:
    """Queries a ramp, and seconds."""
    from django.db import connection

    from rollouts.models import Ramp
    from rollouts.services import clock

    asked = []

    def count(execute, sql, params, many, context):
        asked.append(1)
        return execute(sql, params, many, context)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        clock.advance_due(now=now)
    return len(asked) / Ramp.objects.count(), time.perf_counter() - began


def _row(name: str, found: list[tuple[float, float]]) -> tuple[object, ...]:
    from benchmarks.table import percentile

    times = [took for _, took in found]
    return name, f"{found[-1][0]:.1f}", f"{percentile(times, 50):.2f}", f"{percentile(times, 95):.2f}"


def _actor():
    from core.actors import Actor, ActorKind

    return Actor("benchmark", ActorKind.COMMAND)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
