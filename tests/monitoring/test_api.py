"""The doors for machines: who may, who may not, and what bad input is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import events
from core.actors import Actor
from flags.services import tokens
from monitoring.models import Bucket, Receipt, Series, Trigger
from tests.monitoring.conftest import latch

pytestmark = pytest.mark.usefixtures("flag")
METRICS = "/api/v1/metrics"


@pytest.fixture
def headers(operator_actor: Actor, now: datetime) -> Callable[..., dict[str, str]]:
    def headers(scope: str, environment: str = "production") -> dict[str, str]:
        _, text = tokens.create(f"{scope} token", environment, [scope], actor=operator_actor, now=now)
        return {"Authorization": f"Bearer {text}"}

    return headers


def sample(**over: Any) -> dict[str, Any]:
    return {"name": "melt_operations_total", "kind": "counter", "value": 1, "labels": {"flag": "a"}, **over}


def post(client: Client, body: Any, headers: dict[str, str], **extra: Any) -> Any:
    return client.post(METRICS, body, content_type="application/json", headers=headers, **extra)


def test_a_reporter_stores_its_batch_once(client: Client, headers: Any) -> None:
    body = {"id": "7", "metrics": [sample(), sample(kind="timing", name="melt_duration_ms", value=900, count=3)]}
    mine = headers("report")
    answers = [post(client, body, mine) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (202, {"stored": 2, "duplicate": False}),
        (202, {"stored": 0, "duplicate": True}),
    ]
    assert sorted(Bucket.objects.values_list("n", "sum")) == [(1, 1), (3, 900)]
    assert set(Series.objects.values_list("environment__key", flat=True)) == {"production"}


def test_the_token_decides_the_environment(client: Client, headers: Any) -> None:
    assert post(client, {"metrics": [sample()]}, headers("report", "staging")).status_code == 202
    assert Series.objects.get().environment.key == "staging"


@pytest.mark.parametrize(
    ("metrics", "field"),
    [
        ([sample(), sample(value="1")], "metrics.1.value"),
        ([sample(labels={"flag": 3})], "metrics.0.labels.flag"),
        ([sample(at="2099-01-01T00:00:00Z")], "metrics.0.at"),
        ([sample(lables={})], "metrics.0.lables"),
        ([], "metrics"),
        ("melt_operations_total 1", "metrics"),
    ],
)
def test_a_bad_sample_is_named_and_nothing_is_stored(client: Client, headers: Any, metrics: Any, field: str) -> None:
    answer = post(client, {"id": "7", "metrics": metrics}, headers("report"))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Bucket.objects.exists()
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b" ", "application/json", 400),
        (b'{"metrics": [{"name": "a", "kind": "counter", "value": NaN}]}', "application/json", 400),
        (b'{"metrics": [{"name": "a\xff"}]}', "application/json", 400),
        (b"3", "application/json", 422),
        (b"a 1", "text/plain", 415),
        (b" " * (2 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_what_is_no_batch_is_refused(client: Client, headers: Any, body: bytes, kind: str, status: int) -> None:
    answer = client.post(METRICS, body, content_type=kind, headers=headers("report"))
    assert (answer.status_code, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize("scope", ["evaluate", "operate"])
def test_only_a_reporter_reports(client: Client, headers: Any, scope: str) -> None:
    answer = post(client, {"metrics": [sample()]}, headers(scope))
    assert answer.status_code == 403
    assert "lacks the scope" in answer.json()["detail"]


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer nct_wrong"}, {"X-API-Key": "nct_wrong"}])
def test_nobody_reports_without_a_token(client: Client, given: dict[str, str]) -> None:
    assert post(client, {"metrics": [sample()]}, given).status_code == 401
    assert client.get("/api/v1/triggers", headers=given).status_code == 401


def test_triggers_are_read_by_the_environment_of_the_token(client: Client, headers: Any, error_rate: Trigger) -> None:
    mine = headers("operate")
    (row,) = client.get("/api/v1/triggers", headers=mine).json()
    assert (row["key"], row["threshold"], row["state"], row["verdict"]) == ("error-rate", 5.0, "armed", "NO_DATA")
    assert row["judged_until"] is None
    assert client.get("/api/v1/triggers/error-rate", headers=mine).json() == row
    assert client.get("/api/v1/triggers", headers=headers("operate", "staging")).json() == []
    assert client.get("/api/v1/triggers/error-rate", headers=headers("operate", "staging")).status_code == 404
    assert client.get("/api/v1/triggers", headers=headers("report")).status_code == 403


@pytest.mark.parametrize(
    ("scope", "environment", "body", "status"),
    [
        ("operate", "production", {"reason": "fixed in 2.0.1"}, 200),
        ("report", "production", {"reason": "r"}, 403),
        ("operate", "staging", {"reason": "r"}, 404),
        ("operate", "production", {"reason": " "}, 422),
        ("operate", "production", {}, 422),
        ("operate", "production", {"reason": "r", "force": True}, 422),
    ],
)
def test_re_arming_needs_the_scope_and_a_reason(
    client: Client,
    headers: Any,
    error_rate: Trigger,
    scope: str,
    environment: str,
    body: dict[str, Any],
    status: int,
) -> None:
    latch(error_rate, at=timezone.now())
    path = "/api/v1/triggers/error-rate/rearm"
    answer = client.post(path, body, content_type="application/json", headers=headers(scope, environment))
    assert answer.status_code == status
    error_rate.refresh_from_db()
    assert error_rate.state == ("armed" if status == 200 else "latched")
    told = events.recent().filter(kind="trigger.rearmed")
    assert [(event.actor, event.actor_kind) for event in told] == [("operate token", "token")] * (status == 200)


def test_what_has_not_fired_cannot_be_re_armed(client: Client, headers: Any, error_rate: Trigger) -> None:
    path = "/api/v1/triggers/error-rate/rearm"
    answer = client.post(path, {"reason": "r"}, content_type="application/json", headers=headers("operate"))
    assert answer.status_code == 409


def test_the_openapi_document_describes_the_batch_without_references_into_itself(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    schema = document["paths"]["/api/v1/metrics"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["metrics"]["items"]["required"] == ["name", "kind", "value"]
    assert "$ref" not in str(schema)
