"""A weekly report over a million measurements, and the most memory it takes. Target: 30 s and 150 MB.

The reported week has a million ten-second buckets, as 16 series leave them; the five weeks before it are kept as hours,
as the clock keeps them. The report is made by `manage.py report weekly` in a process of its own, first while nothing of
the week was rolled up, then as it is on a Monday morning. The database is thrown away:

    python -m benchmarks.report
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import product

from benchmarks.place import place
from benchmarks.table import show

MONDAY = date(2025, 8, 4)
START = int(datetime(2025, 8, 4, tzinfo=UTC).timestamp())
WEEK, HOUR, BUCKET = 7 * 86_400, 3_600, 10
AT_ONCE = 20_000
FLAGS = ("atomicMeltOperations", "preFlightReconciliation", "enhancedErrorHandling")
# Kilobytes of a process. It is started by a small one: what its parent had when it split off counts as its own peak.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
SERIES = [
    *(("melt_operations_total", {"flag": flag, "variant": variant}) for flag, variant in product(FLAGS, ("on", "off"))),
    *(("melt_errors_total", {"flag": flag, "variant": "on", "severity": "HIGH"}) for flag in FLAGS),
    *(("melt_duration_ms", {"flag": flag}) for flag in FLAGS),
    *(("discrepancies_found_total", {"severity": severity}) for severity in ("LOW", "HIGH")),
    ("up", {}),
    ("connection_pool", {}),
]


def main() -> None:
    with place():
        from monitoring.models import Bucket
        from monitoring.services import rollup

        fill()
        count, rows = Bucket.objects.count(), [("nothing rolled up yet", *made("2025-08-10"))]
        rollup.roll_up(now=datetime(2025, 8, 11, 7, tzinfo=UTC))
        rows += [("rolled up, as on a Monday", *made("2025-08-09"))]
        rows += [("the bare command: reports are listed", *cost("list", "--environment", "production"))]
        show(f"A weekly report over {count:,} measurements", ["the week", "s", "peak MB"], rows)


def made(last: str) -> tuple[str, str]:
    """Seconds and megabytes of a process that makes the report of the days up to the last one."""
    first = (date.fromisoformat(last) - timedelta(days=6)).isoformat()
    return cost("weekly", "--environment", "production", "--json", "--from", first, "--to", last)


def cost(*verb: str) -> tuple[str, str]:
    """Seconds and megabytes of `manage.py report` with these arguments."""
    command = [sys.executable, "-c", MEASURED, sys.executable, "manage.py", "report", *verb]
    began = time.perf_counter()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ).stdout
    return f"{time.perf_counter() - began:.1f}", f"{int(told) / 1024:.0f}"


def fill() -> None:
    from core.models import Environment
    from monitoring.domain.sketch import LogSketch
    from monitoring.models import Bucket, Rollup, Series, Sketch

    where = Environment.objects.create(key="production", name="Production", protected=True)
    kinds = {"up": "gauge", "connection_pool": "gauge", "melt_duration_ms": "timing"}
    sketch = LogSketch()
    for value in (150, 180, 200, 220, 250, 280, 320, 900):  # the eight of a bucket
        sketch.add(value)
    for number, (name, labels) in enumerate(SERIES):
        row = Series.objects.create(
            environment=where,
            name=name,
            kind=kinds.get(name, "counter"),
            labels=labels,
            digest=f"{number}",
            created_at=datetime(2025, 1, 1, tzinfo=UTC),
        )
        value = 250.0 * 8 if name == "melt_duration_ms" else 8.0
        told = {"series": row, "n": 8, "sum": value, "min": 1, "max": value, "last": value}
        buckets = (Bucket(start=at, **told) for at in range(START, START + WEEK, BUCKET))
        Bucket.objects.bulk_create(buckets, batch_size=AT_ONCE)
        hours = range(START - 5 * WEEK, START, HOUR)
        Rollup.objects.bulk_create((Rollup(span=HOUR, start=at, **told) for at in hours), batch_size=AT_ONCE)
        if name == "melt_duration_ms":
            every = [(HOUR, at) for at in hours] + [(BUCKET, at) for at in range(START, START + WEEK, BUCKET)]
            cells = sketch.to_bytes()
            rows = (Sketch(series=row, span=span, start=at, writer=1, cells=cells) for span, at in every)
            Sketch.objects.bulk_create(rows, batch_size=AT_ONCE)


if __name__ == "__main__":
    main()
