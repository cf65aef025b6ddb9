"""Seconds that one look of the guard takes: `python -m benchmarks.guard_pass`.

50 triggers of five measures over 1,000 series that each have an hour of buckets, on SQLite, every trigger with one
window due. The same rows are judged with every pass, ten seconds further on.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.table import show

SERIES, NAMES, TRIGGERS, PASSES = 1_000, 50, 50, 20
NOW = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def fill() -> None:
    """The series and their buckets, and the triggers over them."""
    from core.models import Environment
    from monitoring.models import Bucket, Series

    environment = Environment.objects.create(key="production", name="Production", position=1)
    begin = int(NOW.timestamp())
    Series.objects.bulk_create(
        Series(
            environment=environment,
            name=f"metric{n % NAMES}",
            kind="counter",
            labels={"n": str(n)},
            digest=str(n),
            created_at=NOW,
        )
        for n in range(SERIES)
    )
    for series_id in Series.objects.values_list("pk", flat=True):
        Bucket.objects.bulk_create(
            Bucket(series_id=series_id, start=at, n=10, sum=10, min=1, max=1)
            for at in range(begin - 3600, begin + PASSES * 10 + 60, 10)
        )


def define() -> None:
    from core.actors import Actor, ActorKind
    from monitoring.services import triggers

    for n in range(TRIGGERS):
        measure = ("ratio", "mean", "count", "drop", "distinct")[n % 5]
        values = {
            "measure": measure,
            "numerator": {"metric": "user_complaints" if measure == "distinct" else f"metric{n}"},
            "threshold": 200,
            "window": 600 if measure == "count" else 10,
            "min_samples": 10,
            "target": "last_raised",
        }
        if measure == "ratio":
            values["denominator"] = {"metric": f"metric{(n + 1) % NAMES}"}
        actor = Actor("benchmark", ActorKind.COMMAND)
        triggers.define(f"t{n}", "production", values, actor=actor, reason="r", now=NOW - timedelta(seconds=30))


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {"DATA_DIR": directory, "DATABASE_URL": f"sqlite:///{Path(directory) / 'guard.sqlite3'}"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        fill()
        define()
        spent = sorted(look(number) for number in range(1, PASSES + 1))
    middle = spent[len(spent) // 2]
    show(
        f"One look of the guard: {TRIGGERS} triggers, {SERIES:,} series, {PASSES} looks",
        ["", "median", "slowest"],
        [["seconds", f"{middle:.2f}", f"{spent[-1]:.2f}"]],
    )


def look(number: int) -> float:
    from monitoring.services import guard

    began = time.perf_counter()
    guard.judge_all(now=NOW + timedelta(seconds=10 * number + 4))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
