"""Samples per second on SQLite, as JSON and as OTLP in protobuf: `python -m benchmarks.ingest`.

Two senders at once, each in a process of its own, send batches as a service does: JSON with 40 series, counters and
timings of the last seconds, an idempotency id for each batch; OTLP with running totals and gauges of 500 series.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from benchmarks.installation import granian, installation
from benchmarks.table import percentile, show

WEB = "nctool_rollout.wsgi:application"
SENDERS = 2
BATCHES = 40
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


def otlp(sender: int, number: int, size: int) -> bytes:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    now = time.time_ns()
    counters, gauges = metrics.add(name="requests"), metrics.add(name="level")
    counters.sum.is_monotonic, counters.sum.aggregation_temporality = True, 2
    for n in range(size):
        point = (counters.sum if n % 2 else gauges.gauge).data_points.add()
        point.time_unix_nano, point.start_time_unix_nano = now + n, 1
        point.as_int = number * 100 + n
        for name, value in (("sender", str(sender)), ("route", f"r{n % 250}"), ("code", "200")):
            point.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


FORMS = {
    "JSON": ("/api/v1/metrics", "application/json", batch, (100, 500, 2000)),
    "OTLP": ("/v1/metrics", "application/x-protobuf", otlp, (500, 5000)),
}


def send(form: str, url: str, token: str, sender: int, size: int) -> list[float]:
    """The seconds that each batch took."""
    _, content_type, made, _ = FORMS[form]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
    bodies = [made(sender, number, size) for number in range(BATCHES)]
    spent = []
    for body in bodies:
        began = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers)) as answer:
            answer.read()
        spent.append(time.monotonic() - began)
    return spent


def main() -> None:
    rows = []
    with installation() as at:
        token = at.token("sender", "report")
        with at.process(*granian(at.port, WEB)), ProcessPoolExecutor(SENDERS) as pool:
            at.wait_until_ready(path="/healthz")
            for form, (path, _, _, sizes) in FORMS.items():
                for size in sizes:
                    rates, spent = [], []
                    for _ in range(ROUNDS):
                        jobs = [pool.submit(send, form, at.url + path, token, n, size) for n in range(SENDERS)]
                        took = [job.result() for job in jobs]
                        spent += [seconds for one in took for seconds in one]
                        rates.append(SENDERS * BATCHES * size / max(map(sum, took)))
                    rate = f"{statistics.median(rates):,.0f}"
                    rows.append((f"{form}, {size} samples", rate, f"{percentile(spent, 99):.3f} s"))
    show(f"Ingest on SQLite, {SENDERS} senders at once", ("batch", "samples/s", "p99 of a batch"), rows)


if __name__ == "__main__":
    main()
