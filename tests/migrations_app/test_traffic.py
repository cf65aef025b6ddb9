"""A run beside nctool: what others write meanwhile stays, and all of it is accounted for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from migrations_app.adapters import lease as leases
from migrations_app.adapters.lease import LeaseLost
from migrations_app.domain.migration import Migration, Phase, PhaseName
from migrations_app.domain.operations import UpdateEach
from migrations_app.domain.states import RunState, Traffic
from migrations_app.domain.steps import Point
from migrations_app.services import driving
from tests.migrations_app.engine import Killed, raw, token, wallets, worker

LIVE = Traffic.LIVE


@pytest.fixture
def database(empty: Any) -> Any:
    empty.cashuwallets.insert_many(wallets())
    empty.cashutokens.insert_many([token(number, _id=number) for number in range(60)])
    return empty


def once(point: Point, do: Callable[[], object]) -> Callable[[Point], None]:
    """Do something when the worker comes by a point for the first time."""
    done: list[object] = []

    def at(found: Point) -> None:
        if found is point and not done:
            done.append(True)
            do()

    return at


def test_a_document_that_changes_between_look_and_write_is_not_overwritten_but_looked_at_again(database: Any) -> None:
    tokens = database.cashutokens

    def meddle() -> None:
        tokens.update_one({"_id": 3}, {"$set": {"metadata": {"operation_id": "m1"}, "status": "spent"}})
        tokens.update_one({"_id": 4}, {"$set": {"status": "pending"}})
        tokens.insert_one(token(7, _id=-1))
        tokens.delete_one({"_id": 6})

    with worker(database, traffic=LIVE, at=once(Point.JOURNALED, meddle)) as work:
        ending = driving.drive(work)

    assert ending.state is RunState.COMPLETED, ending.why
    rows = {row["_id"]: row for row in tokens.find()}
    assert rows[3]["metadata"] == {"operation_id": "m1"}, "it had its own by then"
    assert (rows[4]["status"], rows[4]["metadata"]["migrated"]) == ("pending", True)
    assert rows[-1]["metadata"]["migrated"] is True, "it came behind the cursor"
    assert 6 not in rows


def test_the_way_back_takes_only_our_fields_from_what_others_changed_and_leaves_what_they_made_of_ours(
    database: Any,
) -> None:
    tokens, before = database.cashutokens, raw(database)
    with worker(database, traffic=LIVE) as work:
        driving.drive(work)
    tokens.update_one({"_id": 1}, {"$set": {"status": "spent"}})
    tokens.update_one({"_id": 2}, {"$set": {"metadata.operation_id": "m1"}})
    tokens.update_one({"_id": 3}, {"$set": {"metadata.version": "3.0.0"}})
    tokens.update_one({"_id": 4}, {"$unset": {"metadata": ""}})
    tokens.delete_one({"_id": 6})

    with worker(database, traffic=LIVE) as work:
        ending = driving.take_back(work, work.phases)

    rows = {row["_id"]: row for row in tokens.find()}
    assert rows[1] == token(1, _id=1, status="spent")
    assert rows[2] == token(2, _id=2, metadata={"operation_id": "m1"})
    assert rows[3]["metadata"]["version"] == "3.0.0"
    assert rows[4] == token(4, _id=4)
    told = ending.result
    assert told["listed"] == {"merged": ["1", "2"], "conflict": ["3"], "gone": ["6"]}
    assert (told["merged"], told["conflict"], told["gone"], told["untouched"]) == (2, 1, 1, 1)
    untouched = {key: value for key, value in raw(database).items() if value in before.values()}
    assert len(untouched) == 56


def test_a_document_changed_while_it_is_taken_back_is_looked_at_again(database: Any) -> None:
    with worker(database, traffic=LIVE) as work:
        driving.drive(work)

    def meddle() -> None:
        database.cashutokens.update_one({"_id": 2}, {"$set": {"metadata.operation_id": "m1"}})

    with worker(database, traffic=LIVE, at=once(Point.UNDO_READ, meddle)) as work:
        ending = driving.take_back(work, work.phases)

    assert database.cashutokens.find_one({"_id": 2}) == token(2, _id=2, metadata={"operation_id": "m1"})
    assert ending.result["merged"] == 1


@contextmanager
def writing(database: Any) -> Iterator[dict[Any, dict[str, Any]]]:
    """A writer like nctool's new version: it spends tokens, and writes new ones that have their metadata."""
    stop, written = threading.Event(), {}

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            database.cashutokens.update_one({"_id": number % 60}, {"$set": {"seen": number}})
            written[number % 60] = {"seen": number}
            new = token(
                number, _id=f"new {number}", status="spent", transaction_type="change", metadata={"version": "2"}
            )
            database.cashutokens.insert_one(new)
            time.sleep(0.002)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def test_there_and_back_under_writers_leaves_exactly_what_the_writers_wrote(database: Any) -> None:
    before = {row["_id"]: row for row in database.cashutokens.find()}
    with writing(database) as written:
        with worker(database, traffic=LIVE, size=10) as work:
            there = driving.drive(work)
        assert there.state is RunState.COMPLETED, there.why
        assert database.cashutokens.count_documents({"metadata.migrated": True}) == 60
        with worker(database, traffic=LIVE, size=10) as work:
            back = driving.take_back(work, work.phases)

    assert (back.state, back.result.get("conflict", 0)) == (RunState.ROLLED_BACK, 0)
    after = {row["_id"]: row for row in database.cashutokens.find({"_id": {"$type": "number"}})}
    assert after == {key: {**row, **written.get(key, {})} for key, row in before.items()}


def test_documents_that_keep_coming_in_the_old_way_end_the_run_with_advice_and_it_is_taken_back(database: Any) -> None:
    numbers = iter(range(1000, 5000))

    def old_version(point: Point) -> None:
        if point in (Point.PASS_ENDED, Point.CHECKPOINTED):
            database.cashutokens.insert_one(token(next(numbers), _id=-next(numbers)))

    with worker(database, traffic=LIVE, at=old_version) as work:
        ending = driving.drive(work)

    assert ending.state is RunState.ROLLING_BACK
    assert "deploy the version that writes them as they shall be" in ending.why


def test_a_worker_whose_lease_is_taken_while_its_batch_is_written_writes_no_checkpoint_and_stops(database: Any) -> None:
    def steal() -> None:
        leases.break_open(database)
        heir = leases.take(database, run="mr-1", worker="heir")
        assert heir is not None
        database.rollout_migrations_runs.update_one({"_id": "mr-1"}, {"$set": {"fence": heir.fence}})

    with pytest.raises(LeaseLost), worker(database, at=once(Point.WRITTEN, steal), size=20) as work:
        driving.drive(work)

    state = database.rollout_migrations_runs.find_one({"_id": "mr-1"})
    assert "counted" not in state, "what it wrote is for its heir to count"


def test_a_worker_that_slept_through_its_lease_changes_nothing_by_the_servers_clock(database: Any) -> None:
    before = raw(database)

    def sleep() -> None:
        time.sleep(1.2)

    with worker(database, size=5, length=timedelta(seconds=60)) as work:
        work.fenced = True
        work.lease.until = int(time.time() * 1000) + 5_000 + 800  # the server's clock is this machine's
        work.at = once(Point.JOURNALED, sleep)
        work.lease.renew_if_due = lambda: None  # type: ignore[method-assign]  # it believes that it has time
        work.journal.checkpoint(step=4)
        work.at = _then_end(work.at)
        with pytest.raises(Killed):
            driving.drive(work)

    assert raw(database) == before


def _then_end(at: Callable[[Point], None]) -> Callable[[Point], None]:
    def found(point: Point) -> None:
        at(point)
        if point is Point.WRITTEN:
            raise Killed

    return found


def test_a_document_that_a_run_had_to_change_twice_gets_back_what_others_wrote_in_between(database: Any) -> None:
    tokens = database.cashutokens
    tokens.update_many({}, {"$set": {"v": 1}})
    twice = Migration(
        "003",
        "versions",
        "",
        (Phase(PhaseName.DATA, "", timedelta(), (UpdateEach("", "cashutokens", {"v": {"$ne": 2}}, set={"v": 2}),)),),
        (),
    )

    def meddle() -> None:
        tokens.update_many({"_id": {"$in": [5, 50]}}, {"$set": {"v": 0}})

    with worker(database, twice, phases=("data",), traffic=LIVE, at=once(Point.PASS_ENDED, meddle), size=10) as work:
        assert driving.drive(work).state is RunState.COMPLETED
    assert tokens.count_documents({"v": 2}) == 60
    with worker(database, twice, phases=("data",), traffic=LIVE, size=10) as work:
        ending = driving.take_back(work, work.phases)

    assert {row["_id"] for row in tokens.find({"v": 0})} == {5, 50}
    assert tokens.count_documents({"v": 1}) == 58
    assert (ending.result["later"], ending.result.get("conflict", 0)) == (2, 0)
