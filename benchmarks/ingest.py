"""Samples per second through `POST /api/v1/metrics` on SQLite: `python -m benchmarks.ingest`.

Two senders at once, each in a process of its own, send batches as a service does: 40 series, counters and
timings of the last seconds, an idempotency id for each batch.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor

from benchmarks.installation import granian, installation
from benchmarks.table import percentile, show

WEB = "nctool_rollout.wsgi:application"
SENDERS = 2
BATCHES = 60
ROUNDS = 3


def batch(sender: int, number: int, size: int) -> bytes:
    now = time.time()
    metrics = [
        {
            "name": "melt_duration_ms" if n % 2 else "melt_operations_total",
            "kind": "timing" if n % 2 else "counter",
            "value": 100 + n if n % 2 else 1,
            "labels": {"flag": f"feature{n % 10}", "variant": "on" if n % 4 < 2 else "off"},
            "at": now - n % 20,
        }
        for n in range(size)
    ]
    return json.dumps({"id": f"{sender}-{size}-{now}-{number}", "metrics": metrics}).encode()


def send(url: str, token: str, sender: int, size: int) -> list[float]:
    """The seconds that each batch took."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    spent = []
    for number in range(BATCHES):
        body = batch(sender, number, size)
        began = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers)) as answer:
            answer.read()
        spent.append(time.monotonic() - began)
    return spent


def main() -> None:
    rows = []
    with installation() as at:
        token = at.token("sender", "report")
        url = f"{at.url}/api/v1/metrics"
        with at.process(*granian(at.port, WEB)), ProcessPoolExecutor(SENDERS) as pool:
            at.wait_until_ready(path="/healthz")
            for size in (100, 500, 2000):
                rates, spent = [], []
                for _ in range(ROUNDS):
                    began = time.monotonic()
                    jobs = [pool.submit(send, url, token, sender, size) for sender in range(SENDERS)]
                    spent += [seconds for job in jobs for seconds in job.result()]
                    rates.append(SENDERS * BATCHES * size / (time.monotonic() - began))
                rows.append((f"{size} samples", f"{statistics.median(rates):,.0f}", f"{percentile(spent, 99):.3f} s"))
    show(f"Ingest on SQLite, {SENDERS} senders at once", ("batch", "samples/s", "p99 of a batch"), rows)


if __name__ == "__main__":
    main()
