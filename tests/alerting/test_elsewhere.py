"""Rules that a Prometheus evaluates: what it says, what it does not say, and what it cannot say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting.domain.states import Health
from alerting.models import Alert, AlertRule
from alerting.services import evaluating, past, rules
from alerting.services.rules import definition_of
from core import events
from core.actors import Actor
from core.errors import Invalid
from monitoring.services import sources
from tests.prometheus import Server, serving, vector

pytestmark = pytest.mark.django_db(transaction=True)  # each server is asked by a thread of its own
EXPR = 'predict_linear(queue{job="melt"}[1h], 600) > 100'  # not among what is computed here
Series = dict[str, float]


class Answers:
    """`firing` are the elements of the expression by feature, `there` the features whose series have data."""

    def __init__(self, server: Server) -> None:
        self.firing: Series = {}
        self.there: set[str] = set()
        server.answer = self._answer

    def _answer(self, form: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
        (query,), (time,) = form["query"], form["time"]
        if query.startswith("group by ("):
            assert query == 'group by (feature) (queue{job="melt"})' or not (self.firing or self.there)
            return 200, vector(*(({"feature": one}, float(time), "1") for one in self.there))
        return 200, vector(*(({"feature": one}, float(time), str(n)) for one, n in self.firing.items()))


@pytest.fixture
def server(all_environments: None) -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def answers(server: Server) -> Answers:
    return Answers(server)


@pytest.fixture
def rule(server: Server, operator_actor: Actor, now: datetime) -> Callable[..., AlertRule]:
    said = {"actor": operator_actor, "reason": "tests", "now": now}
    there = {"kind": "prometheus", "url": server.url, "timeout": 0.5, "queries": {}}
    sources.define("prom", "production", there, **said)

    def made(name: str = "Queue", **values: Any) -> AlertRule:
        given = {"expr": EXPR, "severity": "high", "source": "prom", **values}
        return rules.define("production", "theirs", name, given, **said)

    return made


def look(now: datetime, second: int) -> list[str]:
    moment = now + timedelta(seconds=second)
    evaluating.evaluate_elsewhere(now=moment, clock=lambda: moment)
    return list(Alert.objects.order_by("pk").values_list("state", flat=True))


def told() -> list[str]:
    kinds = events.recent().filter(kind__startswith="alert.").order_by("id").values_list("kind", flat=True)
    return [kind.removeprefix("alert.") for kind in kinds]


def test_it_fires_and_is_over_as_that_server_says(
    rule: Callable[..., AlertRule], answers: Answers, now: datetime
) -> None:
    rule(annotations={"summary": "{{ $labels.feature }} will have {{ $value }}"}, for_seconds=15)
    answers.firing, answers.there = {"melt": 120.0}, {"melt"}
    assert look(now, 0) == ["pending"]
    assert look(now, 15) == ["firing"]
    assert Alert.objects.get().annotations == {"summary": "melt will have 120"}
    assert evaluating.evaluate_all(now=now + timedelta(seconds=20)) == 0  # not over what is kept here
    answers.firing = {}
    assert look(now, 30) == ["resolved"]
    assert told() == ["firing", "resolved"]


def test_series_that_are_gone_there_resolve_nothing(
    rule: Callable[..., AlertRule], answers: Answers, now: datetime
) -> None:
    row = rule()
    answers.firing, answers.there = {"a": 120.0, "b": 130.0}, {"a", "b"}
    assert look(now, 0) == ["firing", "firing"]
    answers.firing, answers.there = {}, {"b"}
    assert look(now, 15) == ["firing", "resolved"]
    answers.there = set()
    assert look(now, 30) == ["firing", "resolved"]
    row.refresh_from_db()
    assert (row.health, row.error) == (Health.NO_DATA, "")


def failing(form: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
    if "predict_linear" in form["query"][0]:
        return 422, json.dumps({"status": "error", "error": "query processing would load too many samples"}).encode()
    return 200, vector(({}, float(form["time"][0]), "5"))


def test_a_rule_that_the_server_refuses_says_so_and_the_others_go_on(
    rule: Callable[..., AlertRule], server: Server, now: datetime
) -> None:
    bad, good = rule(), rule("Good", expr="up == 0")
    server.answer = failing
    assert look(now, 0) == ["firing"]
    for row in (bad, good):
        row.refresh_from_db()
    assert (bad.health, good.health) == (Health.ERROR, Health.OK)
    assert "too many samples" in bad.error


def test_a_server_that_does_not_answer_is_asked_once_a_pass_and_its_alerts_stay(
    rule: Callable[..., AlertRule], answers: Answers, server: Server, now: datetime
) -> None:
    rows = [rule(), rule("Second"), rule("Third")]
    answers.firing, answers.there = {"melt": 120.0}, {"melt"}
    assert look(now, 0) == ["firing"] * 3
    server.asked.clear()
    server.slow = 1.0
    assert look(now, 15) == ["firing"] * 3
    assert len(server.asked) == 1
    for row in rows:
        row.refresh_from_db()
        assert row.health == Health.ERROR
        assert "did not answer within 0.5 s" in row.error


def test_people_are_told_once_that_rules_cannot_be_evaluated_and_that_they_can_again(
    rule: Callable[..., AlertRule], answers: Answers, server: Server, now: datetime
) -> None:
    for name in ("First", "Second"):
        rule(name)
    works, server.answer = server.answer, lambda form, headers: (503, b"{}")
    for second in (0, 60, 120, 135):
        look(now, second)
    (event,) = events.recent().filter(kind="alert_rules.failing")
    assert (event.reason.startswith("2 rules: First; Second cannot be evaluated"), "503" in event.reason) == (
        True,
        True,
    )
    server.answer = works
    look(now, 150)
    look(now, 165)
    assert events.recent().filter(kind="alert_rules.recovered").count() == 1
    server.answer = lambda form, headers: (503, b"{}")
    for second in (180, 310):
        look(now, second)
    assert events.recent().filter(kind="alert_rules.failing").count() == 2


def test_the_past_is_asked_of_that_server(rule: Callable[..., AlertRule], server: Server, now: datetime) -> None:
    def answer(form: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
        start, step = float(form["start"][0]), float(form["step"][0])
        values = [[start + step * number, "150"] for number in range(10, 20)]
        found = [{"metric": {"feature": "melt"}, "values": values}]
        return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": found}}).encode()

    server.answer = answer
    now += timedelta(microseconds=123_456)
    found = past.would_have("production", definition_of(rule()), since=now - timedelta(hours=1), now=now)
    (firing,) = found.firings
    assert (firing.labels, firing.value) == ({"feature": "melt"}, 150)
    assert server.asked[-1][0] == "/api/v1/query_range"


@pytest.mark.parametrize(("source", "field"), [("nowhere", "source"), ("probe", "source")])
def test_only_a_prometheus_of_that_environment_evaluates(
    rule: Callable[..., AlertRule], operator_actor: Actor, now: datetime, source: str, field: str
) -> None:
    probe = {"kind": "probe", "url": "http://127.0.0.1:9"}
    sources.define("probe", "production", probe, actor=operator_actor, reason="tests", now=now)
    with pytest.raises(Invalid) as refusal:
        rule(source=source)
    assert refusal.value.field == field
    assert not AlertRule.objects.exists()
