"""Requests per second of the public status page under wrk: `python -m benchmarks.status_page`. Needs `wrk`.

A page of eight components with 90 days of history, thirty incidents and two maintenances: packed, plain, as JSON, and
as JSON that the client has already (304); beside a bare WSGI callable under the same server that answers a fixed body
of the same size. Then the same with the database gone, in a process that was started after it went.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import Installation, granian, installation
from benchmarks.table import show

SECONDS = 3
ROUNDS = 3
CONNECTIONS = (16, 64)
OURS = "nctool_rollout.wsgi:application"
FILL = """
import random
from datetime import timedelta
from django.utils import timezone
from core.actors import Actor, ActorKind
from statuspage.services import components, maintenance, publishing
actor, now = Actor("benchmark", ActorKind.COMMAND), timezone.now()
told = {"actor": actor, "reason": "benchmark"}
for number in range(8):
    values = {"name": f"Component {number}", "group": "Payments" if number < 4 else "", "position": number}
    components.define(f"c{number}", values, **told, now=now - timedelta(days=90))
for number in range(30):
    began = now - timedelta(days=89 - 3 * number)
    for step, state in enumerate(("investigating", "identified", "monitoring", "resolved")):
        publishing.publish(
            f"incident:{number}", key=f"{number}:{step}", title=f"Payments fail {number}", impact="major", state=state,
            components={f"c{number % 8}": "partial_outage"} if step < 3 else {}, text="We look into it. " * 8,
            actor=actor, now=began + timedelta(minutes=20 * step),
        )
for number in range(2):
    at = [(now + timedelta(days=number + 1, hours=hours)).strftime("%Y-%m-%dT%H:%M") for hours in (0, 2)]
    maintenance.plan(maintenance.Plan({"en": "Upgrade"}, {}, ["c0"], "UTC", *at), actor=actor, now=now)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `size` is of the body, for the bare callable."""

    name: str
    path: str
    headers: tuple[str, ...] = ()
    module: str = OURS
    size: int = 0


@contextmanager
def serving(at: Installation, case: Case) -> Iterator[None]:
    with at.process(*granian(at.port, case.module), BARE_BODY_BYTES=str(case.size)):
        at.wait_until_ready(path="/healthz")
        yield


def wrk(at: Installation, case: Case, connections: int) -> tuple[int, int]:
    """Requests per second, and the 99th percentile in microseconds. Refused requests stop the benchmark."""
    report = Path(__file__).with_suffix(".lua")
    headers = [part for header in case.headers for part in ("-H", header)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(report), *headers, at.url + case.path]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+)", printed)
    if found is None or int(found[3]):
        raise RuntimeError(f"{case.name}: {printed}")
    return int(found[1]), int(found[2])


def fetch(at: Installation, path: str, *, packed: bool = False) -> tuple[int, str]:
    """The size of the body, and its ETag."""
    request = urllib.request.Request(at.url + path, headers={"Accept-Encoding": "gzip"} if packed else {})
    with urllib.request.urlopen(request) as answer:
        return len(answer.read()), answer.headers["ETag"]


def cases(at: Installation) -> list[Case]:
    page, summary, gzipped = "/status/?lang=en", "/status/api/v2/summary.json", "Accept-Encoding: gzip"
    with serving(at, Case("", "/")):
        plain, _ = fetch(at, page)
        packed, _ = fetch(at, page, packed=True)
        json, etag = fetch(at, summary)
    return [
        Case(f"bare WSGI callable, {packed:,} bytes", "/", module="benchmarks.bare:application", size=packed),
        Case(f"page, packed ({packed:,} bytes)", page, (gzipped,)),
        Case(f"page, plain ({plain:,} bytes)", page),
        Case(f"summary.json, plain ({json:,} bytes)", summary),
        Case("summary.json, already known (304)", summary, (f"If-None-Match: {etag}",)),
    ]


def measure(at: Installation, rows: list[Case]) -> list[tuple[str, ...]]:
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for _ in range(ROUNDS):
        for case in rows:
            with serving(at, case):
                wrk(at, case, CONNECTIONS[0])
                for connections in CONNECTIONS:
                    found.setdefault((case.name, connections), []).append(wrk(at, case, connections))
    return [(case.name, *(_cell(found[case.name, number]) for number in CONNECTIONS)) for case in rows]


def _cell(runs: list[tuple[int, int]]) -> str:
    rate = statistics.median(rate for rate, _ in runs)
    late = statistics.median(p99 for _, p99 in runs)
    return f"{rate:,.0f} ({late / 1000:.1f} ms)"


def main() -> None:
    with installation() as at:
        script = [sys.executable, "manage.py", "shell", "-c", FILL]
        subprocess.run(script, env=at.environment, cwd=Path(__file__).parent.parent, check=True, capture_output=True)
        rows = cases(at)
        found = measure(at, rows)
        (at.data_dir / "control.sqlite3").write_bytes(b"this is no database any more")
        away = Case("page, packed, database gone", rows[1].path, rows[1].headers)
        found += measure(at, [away])
    show(
        f"The status page over HTTP, 2 processes (median of {ROUNDS} runs of {SECONDS} s)",
        ("what", *(f"{number} connections: req/s (p99)" for number in CONNECTIONS)),
        found,
    )


if __name__ == "__main__":
    main()
