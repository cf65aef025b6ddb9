"""The API, the doors for Alertmanager and Prometheus, and the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from alerting.domain.states import Via
from alerting.models import Alert, AlertRule, Received
from alerting.services import alerts, evaluating, receiving
from core import events
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from flags.services import registry, tokens
from monitoring.services import catalogue, triggers
from tests.monitoring.conftest import CRITICAL_ERRORS, ERROR_RATE, OTHER, RESPONSE_TIME, THROUGHPUT_DROP
from tests.monitoring.test_recording import PLAYBOOK

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
RECORDED = Path(__file__).parents[1] / "data" / "alertmanager"
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")


@pytest.fixture
def token(all_environments: None, operator_actor: Actor, now: datetime) -> Callable[..., dict[str, str]]:
    def made(scope: str, environment: str = "production") -> dict[str, str]:
        _, text = tokens.create("tests", environment, [scope], actor=operator_actor, now=now)
        return {"HTTP_AUTHORIZATION": f"Bearer {text}"}

    return made


def webhook(status: str = "firing", starts: str = "2026-03-09T09:00:00.513Z", name: str = "FastFire") -> dict[str, Any]:
    """As a real Alertmanager 0.25 sent it (shortened)."""
    ends = "0001-01-01T00:00:00Z" if status == "firing" else "2026-03-09T09:05:00Z"
    labels = {"alertname": name, "feature": "atomicMeltOperations", "severity": "critical"}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": "Feature atomicMeltOperations error rate 5.5"},
        "startsAt": starts,
        "endsAt": ends,
        "generatorURL": "http://vm:19090/graph?g0.expr=x",
        "fingerprint": "b289e21900f7250b",
    }
    return {
        "receiver": "hook",
        "status": status,
        "alerts": [alert],
        "groupLabels": {"alertname": name},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://vm:19093",
        "version": "4",
        "groupKey": '{}:{alertname="FastFire"}',
        "truncatedAlerts": 0,
        "notification_reason": "a key of later versions",
    }


def post(client: Client, path: str, body: Any, headers: dict[str, str]) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json", **headers)


def told() -> list[str]:
    kinds = events.recent().filter(kind__startswith="alert.").order_by("id").values_list("kind", flat=True)
    return [kind.removeprefix("alert.") for kind in kinds]


def test_a_webhook_is_kept_and_applied_once_however_often_it_comes(client: Client, token: Callable[..., Any]) -> None:
    headers = token("report")
    answers = [post(client, "/api/v1/alertmanager", webhook(), headers).json() for _ in range(3)]
    assert [answer["changed"] for answer in answers] == [1, 0, 0]
    alert = Alert.objects.get()
    assert (alert.state, alert.via, alert.severity, alert.ends_at) == ("firing", "alertmanager", "critical", None)
    assert Received.objects.filter(done_at__isnull=False).count() == 3
    for _ in range(2):
        assert post(client, "/api/v1/alertmanager", webhook("resolved"), headers).status_code == 200
    post(client, "/api/v1/alertmanager", webhook(), headers)  # a replica that is late
    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert told() == ["firing", "resolved"]
    post(client, "/api/v1/alertmanager", webhook(starts="2026-03-09T10:00:00Z"), headers)
    assert sorted(Alert.objects.values_list("state", flat=True)) == ["firing", "resolved"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "3"}, "version"),
        ({"alerts": "none"}, "alerts"),
        ({"alerts": [{"status": "odd"}]}, "alerts.0.status"),
        ({"alerts": [{"status": "firing", "labels": {}}]}, "alerts.0.labels.alertname"),
        ({"alerts": [{"status": "firing", "labels": {"alertname": "A"}, "startsAt": "soon"}]}, "alerts.0.startsAt"),
    ],
)
def test_what_is_no_webhook_is_refused_by_its_field_and_kept_with_what_was_wrong(
    client: Client, token: Callable[..., Any], change: dict[str, Any], field: str
) -> None:
    answer = post(client, "/api/v1/alertmanager", webhook() | change, token("report"))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert Received.objects.get().error
    assert not Alert.objects.exists()


def test_prometheus_may_take_us_for_an_alertmanager(client: Client, token: Callable[..., Any], now: datetime) -> None:
    headers = token("report")
    one = {
        "labels": {"alertname": "Up"},
        "annotations": {},
        "startsAt": now.isoformat(),
        "generatorURL": "javascript:x",
    }
    with time_machine.travel(now, tick=False):
        posted = [one | {"endsAt": (now + timedelta(minutes=4)).isoformat()}]
        assert post(client, "/api/v2/alerts", posted, headers).status_code == 200
    alert = Alert.objects.get()
    assert (alert.state, alert.via, alert.generator_url) == ("firing", "prometheus", "")
    assert receiving.expire(now=now + timedelta(minutes=3)) == 0
    assert receiving.expire(now=now + timedelta(minutes=4)) == 1
    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert post(client, "/api/v2/alerts", posted, {}).status_code == 401
    assert post(client, "/api/v2/alerts", posted, token("operate")).status_code == 403
    assert client.get("/api/v2/alerts", **headers).status_code == 405
    assert post(client, "/api/v2/alerts", {"a": 1}, headers).status_code == 422
    assert post(client, "/api/v2/alerts", None, headers).status_code == 400
    assert post(client, "/api/v2/alerts", [one | {"labels": {"alertname": "a\0"}}], headers).status_code == 422
    assert post(client, "/api/v2/alerts", [one | {"startsAt": "9999-12-31T23:59:59-12:00"}], headers).status_code == 422


def recorded(name: str) -> Any:
    """As Prometheus 2.42 and Alertmanager 0.25 sent it: two alerts of one rule, and both of them over 30 s later."""
    return json.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize(("path", "body"), [("/api/v1/alertmanager", "webhook"), ("/api/v2/alerts", "posted")])
def test_a_group_of_alerts_as_the_real_senders_send_it_fires_once_and_is_resolved(
    client: Client, token: Callable[..., Any], path: str, body: str
) -> None:
    headers = token("report")
    with time_machine.travel(datetime(2026, 11, 26, 22, 30, 40, tzinfo=UTC), tick=False):
        for name, state in (
            ("firing", "firing"),
            ("firing", "firing"),
            ("resolved", "resolved"),
            ("firing", "resolved"),
        ):
            assert post(client, path, recorded(f"{body}-{name}"), headers).status_code == 200
            assert list(Alert.objects.values_list("state", flat=True)) == [state, state]
    assert told() == ["firing", "resolved"]  # one message for both
    assert Received.objects.filter(done_at__isnull=False).count() == 4
    alert = Alert.objects.get(labels__feature=OTHER)
    assert alert.annotations == {"summary": f"{OTHER} fails at 9.5 %"}
    assert (alert.resolved_at - alert.starts_at).total_seconds() == 30
    assert alert.generator_url.startswith("http://prometheus.example.org:9090/graph?")


def test_an_alert_posted_without_times_begins_now_goes_on_with_what_fires_and_ends_unless_renewed(
    client: Client, token: Callable[..., Any], now: datetime
) -> None:
    headers = token("report")
    zero = "0001-01-01T00:00:00.000Z"  # as amtool writes it
    for minutes in (0, 4):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            body = [{"labels": {"alertname": "Byhand"}, "startsAt": zero, "endsAt": zero}]
            assert post(client, "/api/v2/alerts", body, headers).status_code == 200
    assert Alert.objects.get().starts_at == now
    assert receiving.expire(now=now + timedelta(minutes=8)) == 0
    assert receiving.expire(now=now + timedelta(minutes=9)) == 1
    with time_machine.travel(now + timedelta(minutes=10), tick=False):
        over = [{"labels": {"alertname": "Byhand"}, "endsAt": now.isoformat()}]
        assert post(client, "/api/v2/alerts", over, headers).status_code == 200
    assert Alert.objects.get().state == "resolved"


def test_an_alert_that_came_silenced_is_told_when_the_silence_ends(operator_actor: Actor, flag: Flag) -> None:
    at = datetime(2026, 3, 9, 9, 1, tzinfo=UTC)
    matchers = [{"name": "alertname", "op": "=", "value": "FastFire"}]
    who = {"actor": operator_actor, "now": at}
    alerts.silence("production", matchers, reason="r", starts_at=at, ends_at=at + timedelta(hours=1), **who)
    receiving.receive("production", Via.ALERTMANAGER, webhook(), **who)
    evaluating.evaluate_all(now=at + timedelta(minutes=59))
    assert told() == []
    for minutes in (60, 61):
        evaluating.evaluate_all(now=at + timedelta(minutes=minutes))
    assert told() == ["firing"]


def test_an_alert_is_read_acknowledged_and_silenced_by_a_token_of_its_environment(
    client: Client, token: Callable[..., Any], operator_actor: Actor, now: datetime
) -> None:
    receiving.receive("production", Via.ALERTMANAGER, webhook(), actor=operator_actor, now=now)
    operate, other = token("operate"), token("operate", "staging")
    (alert,) = client.get("/api/v1/alerts", **operate).json()
    assert alert["name"] == "FastFire"
    assert client.get("/api/v1/alerts", **other).json() == []
    path = f"/api/v1/alerts/{alert['id']}/acknowledge"
    assert post(client, path, {"comment": "Mine."}, other).status_code == 404
    assert post(client, path, {"comment": "Mine."}, operate).json()["comment"] == "Mine."
    silence = {
        "matchers": [{"name": "alertname", "op": "=", "value": "FastFire"}],
        "reason": "Known.",
        "ends_at": "2099-01-01T00:00:00Z",
    }
    assert post(client, "/api/v1/silences", silence, operate).json()["field"] == "ends_at"
    with time_machine.travel(now):
        made = post(client, "/api/v1/silences", silence | {"ends_at": (now + timedelta(hours=1)).isoformat()}, operate)
        assert made.status_code == 201
        ended = client.delete(f"/api/v1/silences/{made.json()['id']}?reason=Done", **operate)
        assert ended.status_code == 200
        assert client.get("/api/v1/silences", **operate).json() == []
    assert client.get("/api/v1/alerts", **token("report")).status_code == 403


@pytest.fixture
def watched(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """The catalogue of the playbook, and triggers."""
    who = {"actor": operator_actor, "reason": "tests", "now": now}
    registry.define(OTHER, name="Pre-flight", description="", bucketing=Bucketing.JS31, **who)
    for position, (key, values) in enumerate(PLAYBOOK["metrics"].items()):
        catalogue.define(key, {**values, "position": position}, **who)
    rules = {"error-rate": ERROR_RATE, "response-time": RESPONSE_TIME | {"percentile": 95}}
    for key, values in {**rules, "drop": THROUGHPUT_DROP, "critical": CRITICAL_ERRORS}.items():
        triggers.define(key, "production", values, **who)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rules", *arguments, stdout=out)
    return out.getvalue()


def test_both_files_of_the_strategy_are_imported_and_written_for_a_prometheus(watched: None, tmp_path: Path) -> None:
    for file in ("monitoring/alerts.yml", "alerts/deployment.yml"):
        assert "are fine" in run("import", str(PLAYBOOKS / file), "--environment", "production", "--check")
        assert "are in production" in run("import", str(PLAYBOOKS / file), "--environment", "production")
    assert AlertRule.objects.count() == 7
    again = run("export", "--environment", "production")
    assert run("export", "--environment", "production") == again
    for words in ("record: error_rate", "alert: MeltOperationErrorRate", "for: 5m", "alert: TriggerErrorRate"):
        assert words in again
    (tmp_path / "rules.yml").write_text(again)
    (tmp_path / "tests.yml").write_text(run("export", "--environment", "production", "--tests", "rules.yml"))
    assert (tmp_path / "tests.yml").read_text().count("alertname:") >= 14
    if PROMTOOL:
        for verb, file in (("check", "rules.yml"), ("test", "tests.yml")):
            done = subprocess.run([PROMTOOL, verb, "rules", file], cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_is_wrong_changes_nothing_and_is_told_with_its_lines(watched: None, tmp_path: Path) -> None:
    file = tmp_path / "bad.yml"
    file.write_text("alerts:\n- {name: A, condition: eror_rate > 1%, severity: critical}\n- {name: B}\n")
    with pytest.raises(CommandError, match=r"bad.yml:2: A: There is no metric eror_rate. Did you mean error_rate"):
        run("import", str(file), "--environment", "production")
    assert not AlertRule.objects.exists()


def test_a_rule_is_tried_on_what_was(watched: None) -> None:
    run("import", str(PLAYBOOKS / "monitoring/alerts.yml"), "--environment", "production")
    said = run("test", "MeltOperationErrorRate", "--environment", "production", "--since", "24h")
    assert "would have fired 0 times in the last 24h" in said
    assert "There is no data of that time." in said
    assert "unknown" in run("list")
