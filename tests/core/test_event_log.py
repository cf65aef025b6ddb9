from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from core import environments, events
from core.actors import Actor
from flags.models import Flag
from flags.services import rollout

LIST = "admin:core_event_changelist"


@pytest.fixture
def changed(flag: Flag, operator_actor: Actor, now: datetime) -> Flag:
    later = now + timedelta(days=1)
    rollout.set_rollout(flag.key, "production", 25, actor=operator_actor, reason="week 5", now=later)
    return flag


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "flag.rollout_changed"}, True),
        ({"kind": "flag.rolled_back"}, False),
        ({"actor": "olga"}, True),
        ({"actor": "nobody"}, False),
        ({"subject": "flag:atomicMeltOperations"}, True),
        ({"at_from_0": "2025-08-12", "at_from_1": "00:00:00"}, True),
        ({"at_from_0": "2025-08-13", "at_from_1": "00:00:00"}, False),
        ({"q": "week 5"}, True),
        ({"q": "week 6"}, False),
    ],
)
def test_the_log_is_filtered_and_searched(
    client_as: Callable[[str], Client], changed: Flag, query: dict[str, str], *, found: bool
) -> None:
    page = client_as("viewer").get(reverse(LIST), query)
    assert page.status_code == 200
    assert ("week 5</span>" in page.content.decode()) is found


def test_the_log_is_filtered_by_environment(client_as: Callable[[str], Client], changed: Flag) -> None:
    client = client_as("viewer")
    for key, found in (("production", True), ("staging", False)):
        query = {"environment__id__exact": environments.get(key).pk}
        assert ("week 5</span>" in client.get(reverse(LIST), query).content.decode()) is found


def test_an_event_shows_before_and_after_who_why_and_when(client_as: Callable[[str], Client], changed: Flag) -> None:
    event = events.about("flag:atomicMeltOperations").first()
    assert event is not None
    text = client_as("viewer").get(reverse("admin:core_event_change", args=[event.pk])).content.decode()
    for part in ("<dt>percentage</dt>", "</span>0</del>", "</span>25</ins>", "olga", "week 5", "09:00:00 UTC"):
        assert part in text


def test_nobody_writes_events_by_hand(client_as: Callable[[str], Client], changed: Flag) -> None:
    client = client_as("administrator")
    event = events.recent().first()
    assert event is not None
    assert client.post(reverse("admin:core_event_add")).status_code == 403
    assert client.post(reverse("admin:core_event_delete", args=[event.pk])).status_code == 403
    assert client.post(reverse("admin:core_event_change", args=[event.pk]), {"reason": "x"}).status_code == 405
