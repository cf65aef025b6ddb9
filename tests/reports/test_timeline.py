"""What happened, laid over the metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core.actors import GUARD, Actor
from flags.models import Flag
from flags.services import emergency, rollout
from reports.domain.lanes import LASTS, NAMES, Happened, lane_of, lanes
from reports.selectors import timeline
from tests.conftest import KEY
from tests.reports.conftest import Measure

PAGE = "/admin/timeline/"


def happened(kind: str, at: float, subject: str = "x:1", tone: str = "info") -> Happened:
    return Happened(kind, subject, at, kind, "olga", "", "/", tone, "circle")


@given(st.lists(st.floats(0, 1000), max_size=60))
def test_marks_that_are_too_near_become_one_and_none_is_lost(times: list[float]) -> None:
    found = lanes([happened("flag.enabled", at) for at in times], start=0, end=1000)
    marks = [mark for lane in found for mark in lane.marks]
    assert sum(mark.count for mark in marks) == len(times)
    assert all(0 <= mark.left <= 100 for mark in marks)
    assert all(later.left >= earlier.left for earlier, later in pairwise(marks))
    assert len(marks) <= 84


def test_the_gravest_of_near_marks_tells() -> None:
    near = [happened("flag.enabled", 10, tone="ok"), happened("flag.disabled", 11, tone="bad")]
    (lane,) = lanes([*near, happened("flag.renamed", 12, tone="mute")], start=0, end=1000)
    assert [(mark.happened.kind, mark.count) for mark in lane.marks] == [("flag.disabled", 3)]


@pytest.mark.parametrize(("begin", "ends"), LASTS.items())
def test_what_lasts_is_a_bar_from_its_beginning_to_its_end(begin: str, ends: frozenset[str]) -> None:
    for end in ends:
        assert lane_of(begin) == lane_of(end) or end == "ramp.rolled_back"
    closing = next(end for end in sorted(ends) if lane_of(end) == lane_of(begin))
    (lane,) = lanes([happened(begin, 250), happened(closing, 500), happened(begin, 750)], start=0, end=1000)
    assert [(bar.left, bar.width, bar.open) for bar in lane.bars] == [(25, 25, False), (75, 25, True)]


def test_every_lane_has_a_kind_that_is_shown() -> None:
    assert {lane_of(kind) for kind in timeline.KINDS} == set(NAMES)


def test_the_page_lays_what_happened_below_the_metric(
    measure: Measure, flag: Flag, operator_actor: Actor, now: datetime, client_as: Callable[[str], Client]
) -> None:
    measure({"error_rate": 0.5, "avg_response_time": 250.0}, at=now - timedelta(minutes=5))
    rollout.enable(KEY, "production", actor=operator_actor, reason="pilot", now=now - timedelta(minutes=20))
    later = now - timedelta(minutes=10)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="11 % errors", now=later, evidence={})
    rollout.enable(KEY, "staging", actor=operator_actor, reason="elsewhere", now=later)
    client = client_as("viewer")
    with time_machine.travel(now, tick=False):
        text = client.get(f"{PAGE}?environment=production&range=1h").text
        assert "11 % errors" in text
        assert "pilot" in text
        assert "elsewhere" not in text
        assert "250 ms to 250 ms" in text
        only = client.get(f"{PAGE}?environment=production&range=1h&lane=rollbacks").text
        assert "11 % errors" in only
        assert "pilot" not in only
        assert "at least a minute after" in client.get(f"{PAGE}?from=2025-08-11T08:00&to=2025-08-11T07:00").text
        assert client.get(f"{PAGE}?environment=moon").status_code == 404


def test_who_may_not_see_measurements_sees_no_timeline(all_environments: None, django_user_model: type) -> None:
    client = Client()
    nobody = django_user_model.objects.create_user("nobody", is_staff=True)  # type: ignore[attr-defined]
    client.force_login(nobody, "django.contrib.auth.backends.ModelBackend")
    assert client.get(PAGE).status_code == 403
