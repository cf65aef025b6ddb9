"""What the dashboard reads: the catalogue, and figures of the last minutes and of the day before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import environments
from core.actors import Actor
from monitoring.domain.metrics import Push
from monitoring.services import catalogue, ingest, rollup
from monitoring.services.ingest import Gauge

Measure = Callable[..., None]
CATALOGUE: dict[str, dict[str, Any]] = {
    "uptime": {"unit": "%", "better": "higher", "warning": 99.9, "critical": 99.0},
    "avg_response_time": {"unit": "ms", "better": "lower", "warning": 3000, "critical": 5000},
    "error_rate": {"unit": "%", "better": "lower", "warning": 1, "critical": 5},
    "adoption_rate": {"unit": "%"},
    "success_rate": {"unit": "%", "better": "higher", "warning": 99, "critical": 95},
    "connection_pool": {"unit": "%", "better": "lower", "warning": 80, "critical": 95},
    "replication_lag": {"unit": "ms", "better": "lower", "warning": 1000, "critical": 10000},
    "query_time": {"unit": "ms", "better": "lower", "warning": 100},
}
GOOD = {
    "uptime": 99.95,
    "avg_response_time": 250.0,
    "error_rate": 0.1,
    "connection_pool": 25.0,
    "replication_lag": 50.0,
    "query_time": 2.0,
}


@pytest.fixture
def measured_catalogue(all_environments: None, operator_actor: Actor, now: datetime) -> None:
    for position, (key, values) in enumerate(CATALOGUE.items()):
        row = {"title": key, "meaning": "m", "group": "g", "owner": "o", "position": position, **values}
        catalogue.define(key, row, actor=operator_actor, reason="tests", now=now)


@pytest.fixture
def measure(measured_catalogue: None) -> Measure:
    """Store what the catalogue's metrics stand at: `measure({"error_rate": 0.1}, at=…, feature="flag")`."""

    def store(values: dict[str, float], *, at: datetime, feature: str = "", where: str = "production") -> None:
        labels = {"feature": feature} if feature else {}
        gauges = [Gauge(name, labels, at.timestamp() - 10, value) for name, value in values.items()]
        ingest.store_gauges(environments.get(where).pk, Push.RECORDED, gauges, now=at)
        rollup.roll_up(now=at + timedelta(minutes=20))

    return store
