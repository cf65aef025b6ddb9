"""The pages of alerts, rules and silences: who may, what they tell, and their forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerting.domain.states import Via
from alerting.models import Alert, AlertRule, Silence
from alerting.services import alerts, receiving, rules
from core import environments
from core.actors import Actor
from monitoring.models import Metric
from monitoring.services import catalogue, ingest, rollup, sources
from tests.alerting.test_doors import webhook
from tests.prometheus import serving, vector

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
ALERTS, RULES, SILENCES = "/admin/alerting/alert/", "/admin/alerting/alertrule/", "/admin/alerting/silence/"
ROLES = ("viewer", "operator", "approver", "administrator")
WORDS = {
    "expr": "error_rate > 1%",
    "hold": "5m",
    "keep": "0s",
    "severity": "critical",
    "enabled": "on",
    "reason": "Why not",
}


@pytest.fixture
def metric(all_environments: None, operator_actor: Actor, now: datetime) -> Metric:
    row = {"title": "Error rate", "unit": "%", "meaning": "m", "group": "g", "owner": "o"}
    return catalogue.define("error_rate", row, actor=operator_actor, reason="tests", now=now)


@pytest.fixture
def alert(all_environments: None, operator_actor: Actor, now: datetime) -> Alert:
    receiving.receive("production", Via.ALERTMANAGER, webhook(), actor=operator_actor, now=now)
    return Alert.objects.get()


@pytest.fixture
def rule(metric: Metric, operator_actor: Actor, now: datetime) -> AlertRule:
    values = {"expr": "error_rate > 1", "condition": "error_rate > 1%", "severity": "high", "for_seconds": 300}
    return rules.define("production", "alerts", "Errors", values, actor=operator_actor, reason="tests", now=now)


@pytest.fixture
def silence(all_environments: None, operator_actor: Actor) -> Silence:
    now = timezone.now()
    match = [{"name": "alertname", "op": "=", "value": "FastFire"}]
    return alerts.silence(
        "production",
        match,
        reason="Known <b>",
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        actor=operator_actor,
        now=now,
    )


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.parametrize("role", ROLES)
def test_everybody_sees_and_only_who_may_acts(
    role: str, client_as: ClientAs, alert: Alert, rule: AlertRule, silence: Silence
) -> None:
    client = client_as(role)
    operates, defines = role != "viewer", role == "approver"
    for address in (ALERTS, f"{ALERTS}{alert.pk}/change/", RULES, f"{RULES}{rule.pk}/change/", SILENCES):
        assert client.get(address).status_code == 200, address
    for address, may in {
        f"{ALERTS}{alert.pk}/acknowledge/": operates,
        f"{ALERTS}{alert.pk}/silence/": operates,
        f"{ALERTS}{alert.pk}/resolve/": operates,
        f"{SILENCES}{silence.pk}/end/": operates,
        f"{RULES}add/": defines,
        f"{RULES}{rule.pk}/edit/": defines,
        f"{RULES}{rule.pk}/remove/": defines,
    }.items():
        assert client.get(address).status_code == (200 if may else 403), address
        if not may:
            assert client.post(address, {"reason": "no"}).status_code == 403
    assert ("/acknowledge/" in text_of(client, ALERTS)) is operates
    assert ("add_alert" in text_of(client, RULES)) is defines
    assert client.get(f"{ALERTS}999/change/").status_code == client.get(f"{RULES}999/change/").status_code == 404


def test_an_alert_is_acknowledged_and_silenced_from_its_page(client_as: ClientAs, alert: Alert) -> None:
    client = client_as("operator")
    page = f"{ALERTS}{alert.pk}/change/"
    assert "error rate 5.5" in text_of(client, page)
    assert client.post(f"{ALERTS}{alert.pk}/acknowledge/", {"reason": ""}).status_code == 200
    client.post(f"{ALERTS}{alert.pk}/acknowledge/", {"reason": "Looking at the mint"}, follow=True)
    assert "Looking at the mint" in text_of(client, page)
    form = text_of(client, f"{ALERTS}{alert.pk}/silence/")
    assert "alertname=FastFire" in form
    bad = client.post(f"{ALERTS}{alert.pk}/silence/", {"reason": "x", "hours": 4, "matchers": "alertname FastFire"})
    assert "Line 1" in bad.content.decode()
    everything = client.post(f"{ALERTS}{alert.pk}/silence/", {"reason": "x", "hours": 4, "matchers": "a=~.*"})
    assert "would silence everything" in everything.content.decode()
    given = {"reason": "Known", "hours": 4, "matchers": 'alertname="FastFire"\nfeature=~atomic.*'}
    client.post(f"{ALERTS}{alert.pk}/silence/", given)
    made = Silence.objects.get()
    assert made.matchers == [
        {"name": "alertname", "op": "=", "value": "FastFire"},
        {"name": "feature", "op": "=~", "value": "atomic.*"},
    ]
    assert "Silenced" in text_of(client, page)
    client.post(f"{SILENCES}{made.pk}/end/", {"reason": "Done"})
    made.refresh_from_db()
    assert made.ended_by
    refused = client.post(f"{ALERTS}{alert.pk}/resolve/", {"reason": "Enough"})
    assert "followed by its rule" in refused.content.decode()


def test_a_rule_is_made_changed_and_removed_and_its_mistakes_are_told_at_their_field(
    client_as: ClientAs, metric: Metric
) -> None:
    client = client_as("approver")
    given = WORDS | {"environment": "production", "name": "Errors", "group": "alerts", "labels": "team=payments"}
    for change, words in {
        ("expr", "eror_rate >"): "Not PromQL",
        ("expr", "error_rate > 3s"): "not measured in s",
        ("hold", "soon"): "A duration like",
        ("summary", "{{ query }}"): "is not supported",
        ("runbook_url", "javascript:alert(1)"): "http://",
        ("labels", "team"): "Line 1",
        ("reason", ""): "Say why",
    }.items():
        answer = client.post(f"{RULES}add/", given | {change[0]: change[1]})
        assert answer.status_code == 422, change
        assert words in answer.content.decode().replace("&#x27;", "'"), change
    assert not AlertRule.objects.exists()
    client.post(f"{RULES}add/", given | {"summary": "At {{ $value }} %"})
    rule = AlertRule.objects.get()
    assert (rule.expr, rule.condition, rule.for_seconds) == ("error_rate > 1", "error_rate > 1%", 300)
    assert (rule.labels, rule.annotations) == ({"team": "payments"}, {"summary": "At {{ $value }} %"})
    edit = f"{RULES}{rule.pk}/edit/"
    assert "team=payments" in text_of(client, edit)
    client.post(edit, WORDS | {"version": 1, "expr": "error_rate > 2 and error_rate < 50"})
    stale = client.post(edit, WORDS | {"version": 1})
    assert (stale.status_code, "changed by someone else" in stale.content.decode()) == (422, True)
    rule.refresh_from_db()
    assert (rule.version, rule.condition) == (2, "")
    client.post(f"{RULES}{rule.pk}/remove/", {"reason": "Not needed"})
    assert not AlertRule.objects.exists()


def test_the_form_says_what_the_condition_is_now_and_would_have_done(client_as: ClientAs, metric: Metric) -> None:
    now = timezone.now()
    stamp = int(now.timestamp()) // 10 * 10
    gauges = [ingest.Gauge("error_rate", {}, stamp - ago, 7.0 if ago < 900 else 0.0) for ago in range(10, 1800, 10)]
    ingest.store_gauges(environments.get("production").pk, "recorded", gauges, now=now)
    rollup.roll_up(now=now)
    given = WORDS | {"environment": "production", "name": "Errors", "group": "alerts"}
    shown = client_as("approver").get(f"{RULES}add/", given, headers={"HX-Request": "true"}).content.decode()
    assert "it holds" in shown
    assert "would have fired 1 time " in " ".join(shown.split())
    wrong = client_as("approver").get(f"{RULES}add/", given | {"expr": "sum("}, headers={"HX-Request": "true"})
    assert "Not PromQL" in wrong.content.decode()


def test_a_rule_is_given_to_a_prometheus_and_its_page_says_what_that_answers(
    client_as: ClientAs, metric: Metric, operator_actor: Actor, now: datetime
) -> None:
    with serving() as server:
        there = {"kind": "prometheus", "url": server.url, "timeout": 0.5, "name": "Theirs"}
        sources.define("prom", "production", there, actor=operator_actor, reason="tests", now=now)
        client = client_as("approver")
        given = WORDS | {"environment": "production", "name": "Disk", "group": "theirs", "source": "prom"}
        given["expr"] = "predict_linear(disk_free[1h], 3600) < 0"
        server.answer = lambda form, headers: (503, b"{}")
        preview = client.get(f"{RULES}add/", given, headers={"HX-Request": "true"}).content.decode()
        assert "It answers 503" in preview
        server.answer = lambda form, headers: (200, vector(({"disk": "a"}, now.timestamp(), "-5")))
        refused = client.post(f"{RULES}add/", given | {"environment": "staging"})
        assert (refused.status_code, "There is no Prometheus" in refused.content.decode()) == (422, True)
        assert client.post(f"{RULES}add/", given).status_code == 302
        rule = AlertRule.objects.get()
        assert (rule.source, rule.condition) == ("prom", "")
        assert ">Theirs</a>" in text_of(client, f"{RULES}{rule.pk}/change/")
        assert 'value="prom" selected' in client.get(f"{RULES}{rule.pk}/edit/").content.decode()


def test_the_lists_take_the_same_queries_however_long_they_are(
    client_as: ClientAs, alert: Alert, rule: AlertRule, silence: Silence, operator_actor: Actor, now: datetime
) -> None:
    client = client_as("operator")

    def queries(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client.get(address).status_code == 200
        return len(found)

    few = [queries(address) for address in (ALERTS, RULES, SILENCES)]
    for number in range(12):
        receiving.receive("production", Via.ALERTMANAGER, webhook(name=f"A{number}"), actor=operator_actor, now=now)
        rules.define(
            "production",
            "alerts",
            f"R{number}",
            {"expr": "error_rate > 1", "severity": "high"},
            actor=operator_actor,
            reason="t",
            now=now,
        )
    assert [queries(address) for address in (ALERTS, RULES, SILENCES)] == few
    assert "<b>" not in text_of(client, SILENCES).replace("Known &lt;b&gt;", "").partition("ops-soft")[2][:50]


def test_what_a_rule_says_is_shown_as_it_is(client_as: ClientAs, rule: AlertRule) -> None:
    hostile: Any = {"summary": "<script>alert(1)</script>"}
    AlertRule.objects.filter(pk=rule.pk).update(annotations=hostile, error="<i>bad</i>")
    page = client_as("viewer").get(f"{RULES}{rule.pk}/change/").content.decode()
    assert "<script>alert(1)" not in page
    assert "<i>bad</i>" not in page
