"""A ticker that is killed at any write: the next one goes on, and everybody has been told once, in order."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import events
from oncall.services import ticking
from tests.oncall.conftest import Start
from tests.rollouts.test_sigkill import killed_at

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
LONG_AFTER = timedelta(hours=2)


def test_a_ticker_killed_between_any_two_writes_loses_no_step_and_takes_none_twice(start: Start, now: datetime) -> None:
    write, killed, left = 0, True, set()
    while killed:
        write += 1
        assert write < 30
        row = start(f"incident:{write}", now=now)
        killed = killed_at(write, lambda: ticking.tick(now=now + LONG_AFTER))
        row.refresh_from_db()
        left.add((row.position, row.told_late))
        for minute in range(0, 90, 15):
            ticking.tick(now=now + LONG_AFTER + timedelta(minutes=minute))
        row.refresh_from_db()
        of_it = events.about(f"escalation:{row.pk}").order_by("id")
        where = f"killed at write {write}"
        assert [event.data["step"] for event in of_it.filter(kind="escalation.notified")] == [1, 3, 1, 3], where
        assert of_it.filter(kind="escalation.late").count() == 1, where
        assert (row.state, row.notifications) == ("exhausted", 4), where
    assert {position for position, _ in left} == {0, 2}, "killed before the step, and after it"
