"""`GET /metrics` for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from core import environments
from core.actors import Actor
from flags.domain.usage import Answer
from flags.models import Configuration, Flag
from flags.services import instances, tokens, usage
from flags.services.instances import Process
from flags.services.usage import UsageSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(flag: Flag, operator_actor: Actor) -> Callable[[str, str], str]:
    def make(scope: str, environment: str = "production") -> str:
        return tokens.create("prometheus", environment, [scope], actor=operator_actor, now=timezone.now())[1]

    return make


@pytest.fixture
def read(client: Client, token: Callable[..., str]) -> Callable[..., dict[Any, float]]:
    """All samples by name and labels, these in the order of their names."""

    def read(*, text: str | None = None) -> dict[Any, float]:
        text = text or token("report")
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 200, answer.content
        families = text_string_to_metric_families(answer.content.decode())
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in families
            for sample in family.samples
        }

    return read


def beat(name: str, environment: str, version: int, *, ago: float = 0) -> None:
    now = timezone.now()
    process = Process(name, "web", "", 10, now)
    where = environments.get(environment).pk
    instances.beat(process, {where: version}, {}, now=now - timedelta(seconds=ago))


def test_versions_and_who_lags_are_told_for_the_token_s_environment(
    read: Callable[..., Any], token: Callable[..., str]
) -> None:
    text = token("report")
    version = Configuration.objects.get(environment__key="production").version
    beat("web1", "production", version)
    beat("web2", "production", version - 1)
    beat("web3", "production", version, ago=31)
    beat("web1", "staging", 1)
    told = read(text=text)
    assert told["nctool_rollout_configuration_version", "production"] == version
    assert told["nctool_rollout_acknowledged_version", "production", "web2", "web"] == version - 1
    assert [told[f"nctool_rollout_instances_{state}", "production"] for state in ("live", "lagging", "vanished")] == [
        *(2, 1, 1)
    ]
    assert not [place for place in told if "staging" in place]


def test_evaluations_are_counted_since_midnight(read: Callable[..., Any], flag: Flag) -> None:
    where, now = environments.get("production").pk, timezone.now()
    counts = {Answer(flag.key, "on", "SPLIT"): 5, Answer('ty"po', "", "FLAG_NOT_FOUND"): 2}
    for moment in (now, now - timedelta(days=1)):
        usage.add(where, counts, source=UsageSource.SERVER, now=moment)
    told = read()
    name = "nctool_rollout_evaluations_total"
    assert told[name, "production", flag.key, "SPLIT", "server", "on"] == 5
    assert told[name, "production", 'ty"po', "FLAG_NOT_FOUND", "server", ""] == 2


@pytest.mark.parametrize(("scope", "status"), [("report", 200), ("evaluate", 403), ("operate", 403), (None, 401)])
def test_only_a_token_for_reports_opens_it(
    client: Client, token: Callable[..., str], scope: str | None, status: int
) -> None:
    headers = {} if scope is None else {"Authorization": f"Bearer {token(scope)}"}
    assert client.get("/metrics", headers=headers).status_code == status


def test_public_metrics_show_all_environments(client: Client, flag: Flag, settings: Any) -> None:
    settings.METRICS_PUBLIC = True
    told = client.get("/metrics").content.decode()
    assert 'nctool_rollout_configuration_version{environment="staging"}' in told


def test_the_number_of_queries_does_not_grow(
    client: Client, token: Callable[..., str], django_assert_num_queries: Any
) -> None:
    text = token("report")
    for number in range(20):
        beat(f"web{number}", "production", 1)
    with django_assert_num_queries(9):  # the token twice, as memory does not know it here
        client.get("/metrics", headers={"Authorization": f"Bearer {text}"})
