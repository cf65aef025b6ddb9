"""Pushes as to a Pushgateway, by the stock client and by hand; and what is asked as of a Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, push_to_gateway
from prometheus_client.exposition import basic_auth_handler

from core import environments
from core.actors import Actor
from flags.services import tokens
from monitoring.selectors import store

pytestmark = pytest.mark.usefixtures("all_environments")


@pytest.fixture
def token(all_environments: None, operator_actor: Actor, now: datetime) -> Callable[[str], str]:
    return lambda scope: tokens.create("t", "production", [scope], actor=operator_actor, now=now)[1]


def stored(name: str) -> list[tuple[dict[str, str], list[float], float]]:
    reads = store.read(environments.get("production").pk, name, start=0, end=2**40)
    return [(dict(read.labels), [row.sum for row in read.rows], read.rows[-1].last) for read in reads if read.rows]


@pytest.mark.django_db(transaction=True)
def test_the_stock_client_pushes_with_the_token_as_its_password(live_server: Any, token: Callable[[str], str]) -> None:
    text = token("report")
    registry = CollectorRegistry()
    done = Counter("rows", "", ["table"], registry=registry)
    left, took = Gauge("left", "", registry=registry), Histogram("took", "", buckets=(1, 5), registry=registry)

    def handler(url: str, method: str, timeout: float | None, headers: list[Any], data: bytes) -> Any:
        return basic_auth_handler(url, method, timeout, headers, data, "any", text)

    for moment in range(2):
        done.labels("tokens").inc(5)
        left.set(7 - moment)
        took.observe(3)
        push_to_gateway(live_server.url, "nightly/x", registry, {"shard": "a/1"}, handler=handler)
    labels = {"job": "nightly/x", "shard": "a/1"}
    assert stored("left")[0][::2] == (labels, 6)
    assert stored("rows_total")[0][:2] == (labels | {"table": "tokens"}, [5])
    assert {labels["le"]: sums for labels, sums, _ in stored("took_bucket")} == {"1.0": [0], "5.0": [1], "+Inf": [1]}


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("job/a", "x 1\n", 202, ""),
        ("job/a", "", 202, ""),
        ("job/a", "x NaN\n", 202, ""),
        ("job/a", "x 1\ny = = 2\n", 400, "line 2"),
        ("job/a", "x 1 1000\n", 400, "too old"),
        ("job/a", "# TYPE x counter\nx -1\n", 400, "not negative"),
        ("job/a", 'x{a="' + "v" * 101 + '"} 1\n', 400, "at most 100"),
        ("job/a", "".join(f"x{n} 1\n" for n in range(20_001)), 400, "At most 20,000"),
        ("job/a/b", "x 1\n", 400, "pairs"),
        ("job/a/job/b", "x 1\n", 400, "twice"),
        ("job/a/b-c/d", "x 1\n", 400, "no label"),
        ("job/a/b@base64/_", "x 1\n", 400, "base64"),
    ],
)
def test_a_push_is_taken_or_refused_with_what_is_wrong(
    path: str, body: str, status: int, words: str, client: Client, token: Callable[[str], str]
) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token('report')}"}
    answer = client.put(f"/metrics/{path}", body, content_type="text/plain; version=0.0.4", **headers)
    assert answer.status_code == status
    assert words in answer.content.decode()


def test_a_push_needs_a_token_and_a_delete_undoes_nothing(client: Client, token: Callable[[str], str]) -> None:
    assert client.put("/metrics/job/a", "x 1\n", content_type="text/plain").status_code == 401
    wrong = {"HTTP_AUTHORIZATION": f"Bearer {token('operate')}"}
    assert client.put("/metrics/job/a", "x 1\n", content_type="text/plain", **wrong).status_code == 403
    right = {"HTTP_X_API_KEY": token("report")}
    assert client.post("/metrics/job/a", "x 1\n", content_type="text/plain", **right).status_code == 202
    assert client.delete("/metrics/job/a", **right).status_code == 202
    assert len(stored("x")) == 1
    assert client.get("/metrics/job/a", **right).status_code == 405


def test_it_is_asked_as_a_prometheus_is_asked(client: Client, token: Callable[[str], str], now: datetime) -> None:
    right = {"HTTP_AUTHORIZATION": f"Bearer {token('report')}"}
    for seconds in (0, 10, 20):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            client.put("/metrics/job/a", f"level {seconds}\n", content_type="text/plain", **right)
    asks = {"HTTP_AUTHORIZATION": f"Bearer {token('operate')}"}
    at = now.timestamp() + 30
    answer = client.get("/api/v1/query", {"query": "2 * level", "time": at}, **asks).json()
    metric = {"job": "a", "source": "pushgateway"}
    assert answer["data"] == {"resultType": "vector", "result": [{"metric": metric, "value": [at, "40.0"]}]}
    asked = {"query": "level", "start": at - 20, "end": at, "step": "10s"}
    with time_machine.travel(at, tick=False):
        ranged = client.get("/api/v1/query_range", asked, **asks).json()
    assert [value for _, value in ranged["data"]["result"][0]["values"]] == ["0.0", "10.0", "20.0"]
    bad = client.get("/api/v1/query", {"query": "sum("}, **asks)
    assert (bad.status_code, bad.json()["errorType"]) == (400, "bad_data")
    assert client.get("/api/v1/query", {"query": "level"}, **right).status_code == 403
