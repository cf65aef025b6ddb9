"""How long the clock takes with many ramps, and a board with many items: `python -m benchmarks.rollout_pass [ramps]`.

In a database of its own: that many flags in production, each with a trigger that passes and a live ramp at 5 %. A pass
looks at every ramp, in a transaction each: when none is due, when all wait for their soak, and when all take a step.
And the board of nctool's own plan, its checklists filled up to 100 items, rendered by the product's own views.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.place import asked, place, spent
from benchmarks.table import percentile, show

PASSES, ITEMS = 5, 100
DAY = timedelta(days=1)


def main(count: int) -> None:
    with place() as client:
        from django.utils import timezone

        load(timezone.now())
        show("The board of a plan", ["", "queries", "p50 ms", "p95 ms"], [board(client)])
        now = timezone.now()
        fill(count, now)
        rows = [waits("none is due", now, due=DAY), waits("all soak", now, due=-DAY), take(now)]
        show(f"A pass of the clock, {count:,} live ramps", ["", "queries a ramp", "p50 s", "p95 s"], rows)


def load(now: datetime) -> None:
    """nctool's playbook, and a plan in production with 100 items."""
    from nctool_rollout.playbook import loading
    from nctool_rollout.playbook.validation import load_text
    from plans.models import Checklist, Item
    from plans.services import plans

    path = Path(__file__).parents[1] / "playbooks" / "nctool-v2.yaml"
    playbook, source = load_text(path.read_text(), file=path.name)
    loading.load(playbook.model_copy(update={"approvals": {}}), source, actor=_actor(), now=now, file=path.name)
    plan = plans.start("nctool-2", "production", actor=_actor(), reason="r", now=now)
    first = Checklist.objects.filter(plan=plan).first()
    more = ITEMS - Item.objects.count()
    Item.objects.bulk_create(
        Item(checklist=first, position=50 + number, text=f"item {number}") for number in range(more)
    )


def board(client: Any) -> list[object]:
    from plans.models import Item, Plan

    address = f"/admin/plans/plan/{Plan.objects.get().pk}/change/"
    queries, times = len(asked(client, address)), spent(client, address)
    name = f"five phases, {Item.objects.count()} items"
    return [name, queries, f"{percentile(times, 50):.0f}", f"{percentile(times, 95):.0f}"]


def fill(count: int, now: datetime) -> None:
    """Flags at 5 %, each with a live ramp whose second step is 25 %, and a trigger that has passed for two hours."""
    from core import environments
    from flags.models import Flag, FlagState
    from monitoring.models import Trigger

    where, since = environments.get("production"), now - timedelta(hours=2)
    Trigger.objects.all().delete()  # those of the playbook watch every flag, and have no data here
    Flag.objects.bulk_create(Flag(key=f"flag{n}", name=f"Flag {n}", created_at=now) for n in range(count))
    for flag in Flag.objects.filter(key__startswith="flag"):
        FlagState.objects.create(flag=flag, environment=where, enabled=True, percentage=5, changed_at=since)
        guard(flag, where)
        ramp_of(flag, where, since)


def guard(flag: Any, where: Any) -> None:
    from monitoring.models import Trigger

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


def ramp_of(flag: Any, where: Any, since: datetime) -> None:
    from rollouts.models import Ramp, RampStep

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


def waits(name: str, now: datetime, *, due: timedelta) -> list[object]:
    """Passes that take no step: not due yet, or not soaked. Before the first is one that says so of every ramp."""
    from rollouts.models import Ramp, RampStep

    RampStep.objects.filter(taken_at=None).update(due_at=now + due)
    Ramp.objects.update(soaking_since=now)
    _judged(now)
    _pass(now)
    return _row(name, [_pass(now) for _ in range(PASSES)])


def take(now: datetime) -> list[object]:
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

    queries = []

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        queries.append(sql)
        return execute(sql, params, many, context)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        clock.advance_due(now=now)
    return len(queries) / Ramp.objects.count(), time.perf_counter() - began


def _row(name: str, found: list[tuple[float, float]]) -> list[object]:
    times = [took for _, took in found]
    return [name, f"{found[-1][0]:.1f}", f"{percentile(times, 50):.2f}", f"{percentile(times, 95):.2f}"]


def _actor() -> Any:
    from core.actors import Actor, ActorKind

    return Actor("benchmark", ActorKind.COMMAND)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
