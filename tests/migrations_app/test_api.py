"""Migrations over HTTP: a token asks, follows and steers in its environment; it never approves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from communications.domain.alerts import AlertType
from communications.models import Alert
from communications.services import announcing
from core.actors import Actor, ActorKind
from flags.models import Flag
from flags.services import tokens
from flags.services.tokens import Scope
from migrations_app.services import migrator, planning, readiness
from tests.migrations_app.test_flow import STAGING

PAUL = Actor("paul", ActorKind.PERSON)


@pytest.fixture
def call(flag: Flag, now: datetime) -> Callable[..., Any]:
    _, text = tokens.create(
        "ci", STAGING, scopes=[Scope.OPERATE, Scope.REPORT], actor=Actor("olga", ActorKind.PERSON), now=now
    )
    client = Client(headers={"Authorization": f"Bearer {text}"})

    def call_(method: str, path: str, body: Any = None) -> Any:
        given = {"data": body, "content_type": "application/json"} if method == "post" else {}
        return getattr(client, method)(f"/api/v1/{path}", **given)

    return call_


@pytest.fixture
def ready(staging: Any, flag: Flag) -> None:
    now = datetime.now(UTC)
    wanted = planning.wanted(STAGING, "002")
    for check in readiness.look(STAGING, wanted.loaded.migration, wanted.phases, now=now).blocking:
        readiness.waive(STAGING, check.name, "tests", 4, PAUL, now)


def work() -> None:
    while migrator.run_next(worker="w1", clock=lambda: datetime.now(UTC)):
        pass


def test_a_token_plans_asks_follows_and_takes_back(ready: None, call: Callable[..., Any]) -> None:
    (migration,) = call("get", "migrations").json()
    assert (migration["number"], migration["applied"], migration["problems"]) == ("002", None, [])
    plan = call("get", "migrations/002/plan?samples=true").json()
    assert [each.get("documents") for each in plan["operations"]] == [None, None, 60, 12]
    assert "s1" not in str(plan["operations"][2]["samples"]), "whoever knows a secret can spend it"
    assert call("get", "migrations/002/readiness").json()["ready"] is True

    asked = call("post", "migration-runs", {"migration": "002", "reason": "week 2"})
    assert asked.status_code == 201, asked.content
    uid = asked.json()["id"]
    again = call("post", "migration-runs", {"migration": "002", "reason": "twice"})
    assert (again.status_code, "is approved in" in again.json()["detail"]) == (409, True)
    work()

    run = call("get", f"migration-runs/{uid}").json()
    assert (run["state"], run["progress"]["percent"]) == ("completed", 100.0)
    assert run["logs"][1]["migrationId"] == uid
    assert run["after"]["ok"] is True
    assert call("get", "migrations").json()[0]["applied"] == uid
    assert call("post", "migrations/002/verify").json()["journal"] == {"as_changed": 72}
    back = call("post", f"migration-runs/{uid}/rollback", {"reason": "drill", "phases": []})
    assert back.status_code == 201, back.content
    work()
    assert call("get", f"migration-runs/{uid}").json()["state"] == "rolled_back"
    assert [each["direction"] for each in call("get", "migration-runs").json()] == ["down", "up"]


def test_a_token_steers_but_approves_nothing_and_sees_no_other_environment(
    ready: None, call: Callable[..., Any], settings: Settings
) -> None:
    uid = call("post", "migration-runs", {"migration": "002", "reason": "week 2", "canary": 10}).json()["id"]
    work()
    assert call("get", f"migration-runs/{uid}").json()["state"] == "held"
    assert call("post", f"migration-runs/{uid}/speed", {"percent": 50}).json()["speed"] == 50
    assert call("post", f"migration-runs/{uid}/speed", {"percent": 0}).status_code == 422
    assert call("post", f"migration-runs/{uid}/approve", {"digest": "x"}).status_code == 403
    assert call("post", f"migration-runs/{uid}/pause", {}).status_code == 409
    assert call("post", f"migration-runs/{uid}/abort", {"reason": ""}).status_code == 422
    aborted = call("post", f"migration-runs/{uid}/abort", {"reason": "not today"}).json()
    assert aborted["state"] == "rolling_back"
    work()
    assert call("get", f"migration-runs/{uid}").json()["state"] == "rolled_back"
    assert call("get", "migration-runs/mr-none").status_code == 404
    assert call("post", "migration-runs", {"migration": "001", "reason": "x"}).status_code == 404
    assert Client().get("/api/v1/migrations").status_code == 401


def test_prometheus_sees_how_far_it_is_and_operations_hear_of_it(
    ready: None, call: Callable[..., Any], settings: Settings
) -> None:
    settings.METRICS_PUBLIC = True
    uid = call("post", "migration-runs", {"migration": "002", "reason": "week 2", "canary": 10}).json()["id"]
    work()
    text = Client().get("/metrics").content.decode()
    labels = f'{{direction="up",environment="staging",migration="002",run="{uid}"}}'
    assert f"nctool_rollout_migration_documents_planned{labels} 72.0" in text
    assert f"nctool_rollout_migration_documents_done{labels} 8.0" in text

    announcing.announce(now=datetime.now(UTC))
    types = list(Alert.objects.order_by("id").values_list("type", "severity", "feature"))
    assert types == [(AlertType.MIGRATION_HELD.value, "high", "002 atomic melt support")]
