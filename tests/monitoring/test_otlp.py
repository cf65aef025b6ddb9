"""OTLP as stock senders send it, and as nobody should."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from core import environments
from core.actors import Actor
from flags.services import tokens
from monitoring.selectors import store

PROTOBUF = "application/x-protobuf"
pytestmark = pytest.mark.usefixtures("all_environments")


@pytest.fixture
def token(all_environments: None, operator_actor: Actor, now: datetime) -> str:
    return tokens.create("otel", "production", ["report"], actor=operator_actor, now=now)[1]


@pytest.fixture
def send(client: Client, token: str) -> Callable[..., Any]:
    def sent(body: dict[str, Any], *, path: str = "/v1/metrics", **headers: str) -> Any:
        given = {"content_type": "application/json", "HTTP_AUTHORIZATION": f"Bearer {token}"} | headers
        return client.post(path, json.dumps(body), **given)

    return sent


def request(*metrics: dict[str, Any]) -> dict[str, Any]:
    attributes = [
        {"key": "service.name", "value": {"stringValue": "nctool"}},
        {"key": "service.instance.id", "value": {"stringValue": "a-1"}},
        {"key": "host.name", "value": {"stringValue": "not taken"}},
    ]
    return {"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": list(metrics)}]}]}


def point(now: datetime, seconds: float = 0, start: float | None = None, **more: Any) -> dict[str, Any]:
    at = {"timeUnixNano": str(int((now.timestamp() + seconds) * 1e9))}
    if start is not None:
        at["startTimeUnixNano"] = str(int((now.timestamp() + start) * 1e9))
    return at | more


def counter(
    *points: dict[str, Any], temporality: int = 2, name: str = "melts", monotonic: bool = True
) -> dict[str, Any]:
    data = {"aggregationTemporality": temporality, "isMonotonic": monotonic, "dataPoints": list(points)}
    return {"name": name, "sum": data}


def stored(name: str) -> list[tuple[dict[str, str], list[float]]]:
    reads = store.read(environments.get("production").pk, name, start=0, end=2**40)
    return [(dict(read.labels), [row.sum for row in read.rows]) for read in reads]


def test_cumulative_and_delta_sums_gauges_and_histograms_are_what_they_say(
    send: Callable[..., Any], now: datetime
) -> None:
    on = [{"key": "feature.on", "value": {"boolValue": True}}]
    with time_machine.travel(now + timedelta(seconds=40), tick=False):
        for seconds, value in ((0, "100"), (10, "130"), (20, "5")):
            answer = send(request(counter(point(now, seconds, start=-3600, asInt=value, attributes=on))))
            assert (answer.status_code, answer.json()) == (200, {})
        send(request(counter(point(now, 0, asDouble=2.5), point(now, 1, asInt="3"), temporality=1, name="deltas")))
        send(request(counter(point(now, 0, asInt="-7"), name="open.connections", monotonic=False)))
        shape = {"count": "4", "sum": 1.3, "explicitBounds": [0.1, 0.5], "bucketCounts": ["1", "2", "1"]}
        send(
            request(
                {
                    "name": "took",
                    "unit": "s",
                    "histogram": {"aggregationTemporality": 1, "dataPoints": [point(now, **shape)]},
                }
            )
        )
    labels = {"job": "nctool", "instance": "a-1"}
    assert stored("melts") == [(labels | {"feature_on": "true"}, [30, 5])]
    assert stored("deltas") == [(labels, [5.5])]
    assert stored("open_connections") == [(labels, [-7])]
    assert stored("took") == [(labels, [1300])]
    (read,) = store.read(environments.get("production").pk, "took", start=0, end=2**40)
    (sketch,) = store.sketches([read.series_id], start=0, end=2**40)[read.series_id].values()
    assert sketch.count == 4
    assert sketch.quantile(0.5) == pytest.approx(224, rel=0.02)  # between 100 and 500 ms


def test_a_running_histogram_is_counted_by_what_was_added_and_anew_after_a_reset(
    send: Callable[..., Any], now: datetime
) -> None:
    def report(seconds: int, counts: list[int], total: float) -> None:
        shape = {"count": sum(counts), "sum": total, "explicitBounds": [100, 500], "bucketCounts": counts}
        data = {"aggregationTemporality": 2, "dataPoints": [point(now, seconds, start=-3600, **shape)]}
        assert send(request({"name": "took", "unit": "ms", "histogram": data})).status_code == 200

    with time_machine.travel(now + timedelta(seconds=60), tick=False):
        for seconds, counts, total in (
            (0, [5, 5, 0], 900),
            (10, [6, 5, 2], 2000),
            (10, [6, 5, 2], 2000),
            (20, [1, 0, 0], 40),
        ):
            report(seconds, counts, total)
    (read,) = store.read(environments.get("production").pk, "took", start=0, end=2**40)
    assert [(row.n, row.sum) for row in read.rows] == [(3, 1100), (1, 40)]


def test_what_cannot_be_used_is_left_out_and_told_while_the_rest_is_kept(
    send: Callable[..., Any], now: datetime
) -> None:
    long = [{"key": "a", "value": {"stringValue": "x" * 101}}]
    nested = [{"key": "a", "value": {"arrayValue": {}}}]
    with time_machine.travel(now, tick=False):
        points = [
            point(now, 0, asInt="1"),
            point(now, -4000, asInt="1"),
            point(now, 120, asInt="1"),
            point(now, 0, asDouble="NaN"),
            point(now, 0, asInt="-1"),
            point(now, 0, asInt="1", flags=1),
            point(now, 0, asInt="1", attributes=long),
            point(now, 0, asInt="1", attributes=nested),
        ]
        summary = {"name": "s", "summary": {"dataPoints": [point(now)]}}
        odd = {"aggregationTemporality": 1, "dataPoints": [point(now, explicitBounds=[1], bucketCounts=["1"])]}
        body = request(counter(*points, temporality=1), summary, {"name": "h", "histogram": odd}, {"name": "none"})
        partial = send(body).json()["partialSuccess"]
    assert int(partial["rejectedDataPoints"]) == 9
    for words in ("in the future", "minutes old", "summaries", "no recorded value"):
        assert words in partial["errorMessage"] or len(partial["errorMessage"]) > 150
    assert [rows for _, rows in stored("melts")] == [[1]]


def test_the_same_request_twice_is_counted_once(send: Callable[..., Any], now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            assert send(request(counter(point(now, 0, asInt="3"), temporality=1))).status_code == 200
    assert [rows for _, rows in stored("melts")] == [[3]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"data": b"", "CONTENT_TYPE": PROTOBUF}, 400),
        ({"data": b"\xff\xff\xff"}, 400),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"null", "content_type": "application/json"}, 400),
        ({"data": b"x", "HTTP_CONTENT_ENCODING": "gzip"}, 400),
        ({"data": b"x", "HTTP_CONTENT_ENCODING": "br"}, 415),
        ({"data": b"x", "content_type": "text/plain"}, 415),
        ({"data": gzip.compress(b"\0" * (11 * 1024 * 1024)), "HTTP_CONTENT_ENCODING": "gzip"}, 413),
        ({"data": b"x", "HTTP_AUTHORIZATION": ""}, 401),
        ({"data": b"x", "HTTP_AUTHORIZATION": "Bearer nct_wrong"}, 401),
    ],
)
def test_a_request_that_is_none_is_refused_with_a_status_that_senders_read(
    client: Client, token: str, change: dict[str, Any], status: int
) -> None:
    given = {"content_type": PROTOBUF, "HTTP_AUTHORIZATION": f"Bearer {token}"} | change
    answer = client.post("/otlp/v1/metrics", **given)
    assert answer.status_code == status
    assert answer.content
    assert answer["Content-Type"] in (PROTOBUF, "application/json")


def test_another_kind_than_before_is_refused_as_a_whole(send: Callable[..., Any], now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        send(request(counter(point(now, 0, asInt="3"), temporality=1)))
        answer = send(request({"name": "melts", "gauge": {"dataPoints": [point(now, 5, asInt="3")]}}))
    assert answer.status_code == 400
    assert "melts is a counter already" in answer.json()["message"]


def test_protobuf_is_answered_in_protobuf(client: Client, token: str, now: datetime) -> None:
    message = ExportMetricsServiceRequest()
    message.resource_metrics.add().scope_metrics.add().metrics.add(name="nothing")
    answer = client.post("/v1/metrics", message.SerializeToString(), PROTOBUF, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200
    assert ExportMetricsServiceResponse.FromString(answer.content) == ExportMetricsServiceResponse()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_the_stock_python_sdk_is_understood(live_server: Any, token: str, temporality: AggregationTemporality) -> None:
    exporter = OTLPMetricExporter(
        endpoint=f"{live_server.url}/v1/metrics",
        headers={"Authorization": f"Bearer {token}"},
        compression=Compression.Gzip,
        preferred_temporality={Counter: temporality, Histogram: temporality},
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "nctool"}))
    meter = provider.get_meter("tests")
    melts, took = meter.create_counter("melt_operations_total"), meter.create_histogram("melt_duration", unit="ms")
    for _ in range(3):
        melts.add(4, {"flag": "atomicMeltOperations", "variant": "on"})
        took.record(250)
        assert provider.force_flush()
    provider.shutdown()
    ((labels, sums),) = stored("melt_operations_total")
    assert (labels["flag"], labels["job"], sum(sums)) == ("atomicMeltOperations", "nctool", 12)
    assert sum(sum(rows) for _, rows in stored("melt_duration")) == 750
