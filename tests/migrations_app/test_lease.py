"""Who may migrate a database: by the server's clock, one at a time, and never with an old fence."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from migrations_app.adapters import lease
from migrations_app.adapters.journal import Journal
from migrations_app.adapters.lease import LeaseLost
from migrations_app.domain.images import Image
from tests.racing import at_once

SHORT = timedelta(seconds=1)


@pytest.fixture
def database(empty: Any) -> Any:
    return empty


def take(database: Any, worker: str, length: timedelta = lease.LEASE) -> lease.Lease | None:
    return lease.take(database, run="mr-1", worker=worker, length=length)


def test_of_many_workers_at_once_one_gets_the_lock_and_the_others_are_told_who(database: Any) -> None:
    found = at_once(*[lambda name=f"w{number}": take(database, name) for number in range(6)])  # type: ignore[misc]

    (mine,) = [each for each in found if each is not None]
    holder = lease.holder(database)
    assert holder is not None
    assert (holder["fence"], holder["run"]) == (mine.fence, "mr-1")
    assert 58 < holder["seconds"] <= 60
    assert take(database, "late") is None
    mine.release()
    assert lease.holder(database) is None
    again = take(database, "late")
    assert again is not None
    assert again.fence > mine.fence


def test_a_lease_that_has_ended_goes_to_the_next_who_asks_and_is_lost_to_the_first(database: Any) -> None:
    first = take(database, "w1", SHORT)
    assert first is not None
    assert take(database, "w2") is None
    time.sleep(1.1)
    assert first.left() < 0
    second = take(database, "w2")
    assert second is not None

    with pytest.raises(LeaseLost):
        first.renew()
    assert first.left() == 0
    second.renew()


def test_a_lease_that_has_ended_can_be_renewed_while_nobody_else_has_taken_it(database: Any) -> None:
    first = take(database, "w1", SHORT)
    assert first is not None
    time.sleep(1.1)
    first.renew()
    assert first.left() > 0.5
    assert take(database, "w2") is None


def test_who_has_an_older_fence_writes_no_checkpoint_and_takes_no_run_over(database: Any) -> None:
    first = take(database, "w1", SHORT)
    assert first is not None
    old = Journal(database, "mr-1", first)
    old.open({"step": 0})
    old.checkpoint(step=1)
    lease.break_open(database)
    second = take(database, "w2")
    assert second is not None
    new = Journal(database, "mr-1", second)
    assert new.open({"step": 0})["step"] == 1, "it goes on where the other was"

    with pytest.raises(LeaseLost):
        old.checkpoint(step=7)
    with pytest.raises(LeaseLost):
        Journal(database, "mr-1", first).open({"step": 0})
    assert database.rollout_migrations_runs.find_one({"_id": "mr-1"})["step"] == 1


def test_two_workers_that_journal_the_same_number_write_two_entries_or_the_older_one_is_sent_away(
    database: Any,
) -> None:
    first = take(database, "w1", SHORT)
    assert first is not None
    old = Journal(database, "mr-1", first)
    old.open({"step": 0})
    lease.break_open(database)
    second = take(database, "w2")
    assert second is not None
    new = Journal(database, "mr-1", second)
    new.open({"step": 0})

    image = Image(1, b"digest", ())
    new.write("data.0", [image])

    with pytest.raises(LeaseLost):
        old.write("data.0", [image])
    assert database.rollout_migrations_journal.count_documents({"run": "mr-1"}) == 1
