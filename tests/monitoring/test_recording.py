"""The catalogue's metrics are computed from what nctool reports, every ten seconds, and never made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from ruamel.yaml import YAML

from core import environments, events
from core.actors import Actor
from core.errors import Invalid
from monitoring.models import Metric, Series
from monitoring.selectors import store
from monitoring.services import catalogue, ingest, promql, recording
from simulator.metrics import Tally

pytestmark = pytest.mark.usefixtures("all_environments")
PLAYBOOK = YAML(typ="safe").load(Path(__file__).parents[2] / "playbooks" / "nctool-v2.yaml")
COMPUTED_HERE = {"user_complaints", "error_resolution_time", "user_impact_reduction", "system_load"}


@pytest.fixture
def metrics(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    for position, (key, values) in enumerate(PLAYBOOK["metrics"].items()):
        catalogue.define(key, {**values, "position": position}, actor=operator_actor, reason="tests", now=now)
    return PLAYBOOK["metrics"]


def report(now: datetime, *, seconds: int = 360, errors: int = 1, flags: str = "on") -> datetime:
    """What the simulator says in six minutes: 20 melts in ten seconds, `errors` of them fail, critical every minute."""
    tally = Tally()
    for number in range(seconds // 10):
        at = now + timedelta(seconds=10 * number)
        for melt in range(20):
            severity = "CRITICAL" if number % 6 == 0 else "HIGH"
            failed = {"atomicMeltOperations": severity} if melt < errors else {}
            on = ["atomicMeltOperations"] if melt % 4 == 0 or melt < errors else []
            tally.melt(on, milliseconds=3000 if melt >= 18 else 200, errors=failed)
        tally.count("discrepancies_found_total", flag="preFlightReconciliation", severity="HIGH")
        gauges = {"system_load": 40, "replication_lag_ms": 50, "connection_pool_used": 25}
        rows = tally.take(at=int(at.timestamp()), gauges=gauges)
        ingest.store("production", {"metrics": rows}, now=at)
        health = [ingest.Gauge("up", {}, at.timestamp(), 1.0)]
        ingest.store_gauges(environments.get("production").pk, "nctool-health", health, now=at)
    return now + timedelta(seconds=seconds)


def value(key: str, end: datetime, **labels: str) -> float | None:
    wanted = ",".join(f'{name}="{text}"' for name, text in labels.items())
    found = promql.instant("production", f"{key}{{{wanted}}}", at=int(end.timestamp()) // 10 * 10)
    return found[0].value if found else None


def test_every_metric_of_the_playbook_has_its_value(now: datetime, metrics: dict[str, Any]) -> None:
    end = report(now)
    assert recording.record_all(now=end + timedelta(seconds=3)) >= len(metrics) - len(COMPUTED_HERE)
    assert not Metric.objects.exclude(error="").exists()
    for key, expected in {
        "error_rate": 5.0,
        "avg_response_time": 480.0,
        "throughput": 2.0,
        "critical_errors": 5,
        "system_load": 40,
        "uptime": 100,
        "high_severity_discrepancies": 30,
        "operations_checked": 0,
        "total_errors": 30,
        "atomic_transaction_failures": 0,
        "migration_errors": 0,
        "replication_lag": 50,
        "connection_pool": 25,
    }.items():
        assert value(key, end) == pytest.approx(expected), key
    assert value("response_time_p95", end) == pytest.approx(3000, rel=0.25)  # classic buckets are 22 % apart
    atomic = {"feature": "atomicMeltOperations"}
    assert value("adoption_rate", end, **atomic) == pytest.approx(25)
    assert value("success_rate", end, **atomic) == pytest.approx(80)
    assert value("feature_error_rate", end, **atomic) == pytest.approx(20)
    assert value("success_rate", end, feature="preFlightReconciliation") is None  # nobody has it: 0 / 0 is no value
    assert value("errors_by_severity", end, severity="HIGH") == pytest.approx(25)
    assert value("discrepancies", end, severity="LOW") == 0


def test_it_is_recorded_once_for_each_ten_seconds(now: datetime, metrics: dict[str, Any]) -> None:
    end = report(now, seconds=60)
    assert recording.record_all(now=end + timedelta(seconds=3)) > 0
    assert recording.record_all(now=end + timedelta(seconds=4)) == 0
    (read,) = store.read(environments.get("production").pk, "error_rate", start=0, end=int(end.timestamp()))
    assert [row.n for row in read.rows] == [1]


def test_without_data_nothing_is_recorded(now: datetime, metrics: dict[str, Any]) -> None:
    assert recording.record_all(now=now) == 0
    end = report(now, seconds=60)
    later = end + timedelta(minutes=20)
    recording.record_all(now=later)
    assert value("error_rate", later) is None
    assert value("throughput", later) is None
    assert not Series.objects.filter(source="recorded", environment__key="staging").exists()


def test_a_query_that_fails_is_told_on_its_row_and_keeps_no_other_from_being_recorded(
    now: datetime, metrics: dict[str, Any]
) -> None:
    end = report(now, seconds=60)
    Metric.objects.filter(key="throughput").update(query="melt_operations_total + on() melt_errors_total")
    recording.record_all(now=end + timedelta(seconds=3))
    assert "Several series" in Metric.objects.get(key="throughput").error
    assert value("error_rate", end) == pytest.approx(5)
    Metric.objects.filter(key="throughput").update(query="vector(1)")
    recording.record_all(now=end + timedelta(seconds=13))
    assert Metric.objects.get(key="throughput").error == ""


def test_recording_takes_the_same_queries_however_many_metrics_there_are(
    now: datetime,
    metrics: dict[str, Any],
    operator_actor: Actor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    end = report(now, seconds=60)
    for number in range(25):
        more = {**metrics["error_rate"], "position": 100 + number}
        catalogue.define(f"more_{number}", more, actor=operator_actor, reason="tests", now=now)
    with django_assert_max_num_queries(30):
        recording.record_all(now=end + timedelta(seconds=3))


def test_what_two_sources_report_is_read_from_one_of_them(now: datetime) -> None:
    environment = environments.get("production").pk
    for source, reading in (("zeta", 1.0), ("json", 2.0), ("alpha", 3.0)):
        ingest.store_gauges(environment, source, [ingest.Gauge("m", {}, now.timestamp(), reading)], now=now)
    at = now.timestamp() + 10
    assert [one.value for one in promql.instant("production", "m", at=at)] == [2.0]
    assert [one.value for one in promql.instant("production", 'm{source="alpha"}', at=at)] == [3.0]
    assert len(promql.instant("production", 'm{source=~".+"}', at=at)) == 3


def test_a_counter_is_counted_exactly_also_when_it_appears_in_the_middle(now: datetime) -> None:
    for number in range(6):
        rows = [{"name": "c", "kind": "counter", "value": 0, "labels": {"severity": "LOW"}}]
        if number == 4:
            rows.append({"name": "c", "kind": "counter", "value": 3, "labels": {"severity": "HIGH"}})
        at = now + timedelta(seconds=10 * number)
        ingest.store("production", {"metrics": rows}, now=at)
    end = now.timestamp() + 60
    (found,) = promql.instant("production", 'increase(c{severity="HIGH"}[1m])', at=end)
    assert found.value == pytest.approx(3)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query": "sum("}, "query"),
        ({"title": ""}, "title"),
        ({"better": "up"}, "better"),
        ({"warning": "1"}, "warning"),
        ({"warning": 5, "critical": 1, "better": "lower"}, "critical"),
        ({"warning": 1, "critical": 5, "better": "higher"}, "critical"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_row_of_the_catalogue_that_cannot_be_is_refused_by_its_field(
    change: dict[str, Any], field: str, operator_actor: Actor, now: datetime
) -> None:
    row = {"title": "T", "meaning": "M", "group": "G", "owner": "O"}
    with pytest.raises(Invalid) as refusal:
        catalogue.define("a_metric", {**row, **change}, actor=operator_actor, reason="", now=now)
    assert refusal.value.field == field


def test_a_row_that_is_defined_again_as_it_is_writes_nothing(operator_actor: Actor, now: datetime) -> None:
    row = {"title": "T", "meaning": "M", "group": "G", "owner": "O"}
    for _ in range(2):
        catalogue.define("a_metric", row, actor=operator_actor, reason="r", now=now)
    assert events.recent().filter(kind__startswith="metric.").count() == 1
