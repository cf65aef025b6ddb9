"""Many tickers and people at one escalation. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from oncall.models import Escalation
from oncall.services import escalating, ticking
from tests.oncall.conftest import ANNA, Start, called, told
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def test_four_tickers_take_each_step_once(start: Start, now: datetime) -> None:
    for number in range(6):
        start(f"incident:{number}")
    for minute in (0, 15, 30, 45, 60):
        at_once(*[lambda at=now + timedelta(minutes=minute): ticking.tick(now=at)] * 4)
    assert sorted(called()) == ["bob"] * 12 + ["carl"] * 12
    assert len(told("escalation.exhausted")) == 6


def test_of_eight_starts_about_one_subject_one_counts(start: Start) -> None:
    rows = at_once(*[start] * 8)
    assert len({row.pk for row in rows}) == 1
    assert len(told("escalation.started")) == Escalation.objects.count() == 1


@pytest.mark.parametrize("attempt", range(4))
def test_an_acknowledgement_beside_ticks_and_a_raise_leaves_one_state(
    attempt: int, start: Start, now: datetime
) -> None:
    row = start()
    at_once(
        lambda: ticking.tick(now=now),
        lambda: escalating.acknowledge("incident:12", actor=ANNA, now=now),
        lambda: escalating.raise_level("incident:12", 3, actor=ANNA, reason="worse", now=now),
        lambda: ticking.tick(now=now),
        lambda: ticking.audit(now=now + timedelta(minutes=2)),
    )
    row.refresh_from_db()
    assert (row.state, row.level, row.due_at) == ("acknowledged", 3, None)
    assert len(called()) == row.notifications <= 1
    ticking.tick(now=now + timedelta(hours=5))
    assert len(called()) == row.notifications


def test_of_four_auditors_one_tells_that_a_step_is_late(start: Start, now: datetime) -> None:
    start()
    at_once(*[lambda: ticking.audit(now=now + timedelta(minutes=2))] * 4)
    assert len(told("escalation.late")) == 1
