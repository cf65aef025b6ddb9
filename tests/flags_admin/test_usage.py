"""The usage tab of a flag: the seed's dashboard, with where each figure comes from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core import environments, events
from core.actors import Actor
from flags.models import Acknowledgement, Asked, FlagState, Instance, Usage
from flags.selectors.usage import SPANS, counted
from flags.services import rollout
from monitoring.models import Bucket, Series

KEY = "atomicMeltOperations"


def tab(client: Client, state: FlagState, **query: str) -> str:
    return client.get(reverse("admin:flags_usage", args=[state.pk]), query).content.decode()


def ask(state: FlagState, at: datetime, count: int, variant: str = "on", reason: str = "SPLIT") -> None:
    Usage.objects.create(
        environment=state.environment, flag_key=KEY, variant=variant, reason=reason, source="client", at=at, count=count
    )


def test_counts_fall_into_the_steps_of_the_chosen_time(state: Callable[..., FlagState], now: datetime) -> None:
    here = state()
    for minutes, count, variant in ((0, 1, "on"), (5, 2, "off"), (50, 4, ""), (70, 8, "on"), (60 * 24 * 3, 16, "on")):
        ask(here, now - timedelta(minutes=minutes), count, variant)

    def steps(key: str) -> dict[str, list[int]]:
        found = counted(here.environment_id, KEY, SPANS[key], now=now + timedelta(minutes=2))
        assert len(found.steps) == len(next(iter(found.variants.values())))
        return {variant: [count for count in counts if count] for variant, counts in found.variants.items()}

    assert steps("3h") == {"on": [8, 1], "off": [2], "no value": [4]}
    assert steps("24h") == {"on": [8, 1], "off": [2], "no value": [4]}
    assert steps("7d") == {"on": [16, 9], "off": [2], "no value": [4]}
    assert counted(here.environment_id, KEY, SPANS["90d"], now=now).total == 31


def test_the_last_step_is_the_one_that_is_not_over(state: Callable[..., FlagState], now: datetime) -> None:
    ask(state(), now, 7)
    for span in SPANS.values():
        assert counted(state().environment_id, KEY, span, now=now).variants["on"][-1] == 7


def test_the_tab_shows_counts_reasons_and_when_it_was_last_asked_for(
    client_as: Callable[[str], Client], state: Callable[..., FlagState]
) -> None:
    here, at = state(), timezone.now()
    ask(here, at - timedelta(minutes=1), 1_250)
    Asked.objects.create(state=here, at=at - timedelta(minutes=1))
    text = tab(client_as("viewer"), here)
    assert "<dd>1,250</dd>" in text
    assert "SPLIT 1,250" in text
    assert "in client libraries 1,250" in text
    assert "just now" in text
    assert "Nobody asked in these 24 hours." in tab(client_as("viewer"), state("staging"))


def measure(state: FlagState, name: str, at: datetime, value: float, kind: str = "counter", **labels: str) -> None:
    series, _ = Series.objects.get_or_create(
        environment=state.environment,
        name=name,
        labels={"flag": KEY, **labels},
        defaults={"kind": kind, "digest": f"{name}{labels}", "created_at": at},
    )
    start = int(at.timestamp()) // 10 * 10
    Bucket.objects.create(series=series, start=start, n=1, sum=value, min=value, max=value)


def test_what_was_measured_of_the_flag_is_told_with_its_source(
    client_as: Callable[[str], Client], state: Callable[..., FlagState]
) -> None:
    here, at = state(), timezone.now()
    measure(here, "discrepancies_found_total", at - timedelta(hours=1), 12, severity="LOW")
    measure(here, "discrepancies_found_total", at - timedelta(hours=2), 3, severity="HIGH")
    measure(here, "operations_blocked_total", at - timedelta(days=3), 3)
    measure(here, "melt_duration_ms", at - timedelta(hours=1), 250, kind="timing")
    text = tab(client_as("viewer"), here)
    assert "<dt>Discrepancies found</dt><dd>15</dd>" in text
    assert "<dt>Operations blocked</dt>" in text
    assert "no data since <time" in text
    assert "<dt>Melt duration, mean</dt><dd>250 ms</dd>" in text
    assert "never been" not in text


def test_a_flag_that_nobody_reports_on_says_so(
    client_as: Callable[[str], Client], state: Callable[..., FlagState]
) -> None:
    assert 'Nothing that carries the label flag="atomicMeltOperations"' in tab(client_as("viewer"), state())


@pytest.fixture
def instances(state: Callable[..., FlagState], operator_actor: Actor) -> FlagState:
    """Of three instances one has taken the change, one lags, one has vanished."""
    at = timezone.now() - timedelta(seconds=30)
    where = environments.get("production")
    rows = [
        Instance(
            environment=where, name=name, kind="client", software="x/1", version=1, started_at=at - timedelta(hours=1),
            seen_at=seen, interval=10,
        )
        for name, seen in (
            ("took-it", timezone.now()), ("lags-behind", timezone.now()), ("went-away", at + timedelta(seconds=1))
        )
    ]  # fmt: skip
    Instance.objects.bulk_create(rows)
    rollout.enable(KEY, "production", actor=operator_actor, reason="x", now=at)
    took = Instance.objects.get(name="took-it")
    done = at + timedelta(seconds=0.21)
    Acknowledgement.objects.create(instance=took, version=state().configuration, at=done)
    Instance.objects.filter(name="went-away").update(seen_at=at - timedelta(seconds=5), interval=2)
    return state()


def test_the_tab_and_the_page_of_the_change_say_who_has_taken_it(
    client_as: Callable[[str], Client], instances: FlagState
) -> None:
    client = client_as("viewer")
    event = events.about(f"flag:{KEY}").first()
    page = client.get(reverse("admin:core_event_change", args=[event.pk])).content.decode()
    for text in (tab(client, instances), page):
        assert "Seen by 1 of 2 in 0.21 s" in text
        assert "lags-behind" in text
        assert "went-away" in text
    assert "hx-trigger" in page


def test_the_tab_takes_a_fixed_number_of_queries(
    client_as: Callable[[str], Client],
    instances: FlagState,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client, address = client_as("viewer"), reverse("admin:flags_usage", args=[instances.pk])
    measure(instances, "first_total", timezone.now(), 3)
    with django_assert_max_num_queries(20) as few:
        client.get(address)
    for number in range(30):
        ask(instances, timezone.now() - timedelta(minutes=5 * number), 3)
        measure(instances, f"m{number}_total", timezone.now(), 3)
    with django_assert_max_num_queries(20) as many:
        client.get(address)
    assert len(few) == len(many)


def test_only_whoever_may_see_flags_sees_usage(client_as: Callable[[str], Client], state: Callable[..., Any]) -> None:
    address = reverse("admin:flags_usage", args=[state().pk])
    assert Client().get(address).status_code == 302
    assert client_as("viewer").get(address).status_code == 200
