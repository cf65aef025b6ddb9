"""A follower that is killed at any write: the next one goes on, and what happened is in one incident, once."""

from __future__ import annotations

from datetime import datetime

import pytest

from flags.models import Flag
from incidents.models import Followed, Incident
from incidents.services import following
from tests.incidents.conftest import alert, chained, happens, kinds
from tests.rollouts.test_sigkill import killed_at

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def test_a_follower_killed_between_any_two_writes_leaves_nothing_half_done(flag: Flag, now: datetime) -> None:
    chained(now)
    alert("Any", now=now)
    happens("migration.differs", "migration:7", now=now)
    write, killed, before = 0, True, kinds()
    while killed:
        write += 1
        assert write < 60
        killed = killed_at(write, lambda: following.follow(now=now))
        left = (Incident.objects.count(), Followed.objects.count(), kinds())
        assert left == (0, 0, before) or not killed or left[:2] == (1, 2), f"killed at write {write}"
    following.follow(now=now)
    row = Incident.objects.get()
    assert (row.level, row.links.count(), Followed.objects.filter(incident=row).count()) == (3, 2, 2)
    assert kinds().count("opened") == 1
    assert write > 5
