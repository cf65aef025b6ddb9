"""Workers that get SIGKILL: at every point that a worker comes by, and at any time, with others writing meanwhile."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bson
import pymongo
import pytest

from migrations_app.adapters import lease as leases
from migrations_app.domain.images import decode
from migrations_app.domain.states import RunState, Traffic
from migrations_app.domain.steps import Point
from migrations_app.services import driving
from migrations_app.services.driving import Ending
from migrations_app.services.work import Work
from tests.migrations_app.engine import BEGAN, raw, token, wallets, worker

DOCUMENTS, MELTED = 120, 24
OFTEN = {Point.READ, Point.JOURNALED, Point.WRITTEN, Point.CHECKPOINTED, Point.UNDO_READ, Point.UNDO_WRITTEN}
KILLS = 50


@pytest.fixture
def database(empty: Any) -> Any:
    empty.cashuwallets.insert_many(wallets())
    empty.cashutokens.insert_many([token(number, _id=number) for number in range(DOCUMENTS)])
    empty.cashutokens.create_index([("npub", 1)])
    return empty


def there(work: Work) -> Ending:
    return driving.drive(work)


def back(work: Work) -> Ending:
    return driving.take_back(work, work.phases)


WAY = ((there, RunState.COMPLETED), (back, RunState.ROLLED_BACK))


def forked(do: Callable[[], object]) -> int:
    """Something in a process of its own."""
    child = os.fork()
    if not child:
        code = 1
        try:
            do()
            code = 0
        finally:
            os._exit(code)
    return child


def was_killed(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the worker failed by itself"
    return False


def bring(url: str, name: str, verb: Callable[[Work], Ending], **more: Any) -> Callable[[], None]:
    def do() -> None:
        with pymongo.MongoClient[Any](url, tz_aware=True, w="majority") as client, worker(client[name], **more) as work:
            verb(work)

    return do


def migrated(before: dict[bytes, bytes]) -> dict[bytes, Any]:
    """What 002 makes of these documents."""
    found = {}
    for key, value in before.items():
        document = decode(value)
        document["metadata"] = {"migrated": True, "migration_date": BEGAN, "version": "2.0.0"}
        if document["transaction_type"] == "melted":
            document["metadata"] |= {"legacy": True, "cleanup_required": True}
        found[key] = document
    return found


@pytest.mark.parametrize(("points", "nth"), [(set(Point), 1), (OFTEN, 3)])
def test_a_worker_that_is_killed_once_at_each_point_leaves_nothing_undone_or_done_twice(
    points: set[Point], nth: int, database: Any, mongodb_url: str
) -> None:
    before, left, size = raw(database), set(points), 4
    told, tell = os.pipe()

    def at(point: Point) -> None:
        seen[point] += 1
        if point in left and seen[point] == nth:
            os.write(tell, f"{point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    for verb, state in WAY:
        seen = Counter[Point]()
        while was_killed(forked(bring(mongodb_url, database.name, verb, at=at, size=size))):
            left.remove(Point(os.read(told, 100).decode().strip()))
            leases.break_open(database)  # in place of the end of its lease
        with worker(database, size=size) as work:
            ending = verb(work)
        assert (ending.state, ending.why) == (state, "")
        if verb is there:
            assert ending.result["changed"] == {"data.0": DOCUMENTS, "data.1": MELTED}
            assert {key: decode(value) for key, value in raw(database).items()} == migrated(before)

    assert raw(database) == before
    assert not left, f"no worker came by {left}"


@contextmanager
def writing(url: str, name: str) -> Iterator[None]:
    """Another process like nctool's new version: it touches every token in turn, and writes new ones."""

    def write() -> None:
        tokens = pymongo.MongoClient[Any](url, tz_aware=True)[name].cashutokens
        number = 0
        while True:
            number += 1
            tokens.update_one({"_id": number % DOCUMENTS}, {"$set": {"seen": number}})
            tokens.insert_one(written(number))
            time.sleep(0.05)

    child = forked(write)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def written(number: int) -> dict[str, Any]:
    more = {"status": "spent", "transaction_type": "change", "metadata": {"version": "2.0.0"}}
    return {"_id": f"new {number}", **token(number, **more)}


def test_fifty_kills_at_random_times_under_writers_miss_nothing_do_nothing_twice_and_lose_nothing_that_others_wrote(
    database: Any, mongodb_url: str
) -> None:
    before, dice = raw(database), random.Random(7)
    killed = number = 0
    with writing(mongodb_url, database.name):
        while killed < KILLS:
            number += 1
            way: dict[str, Any] = {"uid": f"mr-{number}", "size": 5, "traffic": Traffic.LIVE}
            for verb, state in WAY:
                while killed < KILLS:
                    child = forked(bring(mongodb_url, database.name, verb, **way))
                    time.sleep(dice.uniform(0.02, 0.3))
                    os.kill(child, signal.SIGKILL)
                    if not was_killed(child):
                        break
                    killed += 1
                    leases.break_open(database)
                with worker(database, **way) as work:
                    ending = verb(work)
                assert (ending.state, ending.why, ending.result.get("conflict", 0)) == (state, "", 0)
                if verb is there:
                    assert ending.result["changed"] == {"data.0": DOCUMENTS, "data.1": MELTED}

    rows = {key: decode(value) for key, value in raw(database).items()}
    new = {row["_id"]: row for row in rows.values() if isinstance(row["_id"], str)}
    assert new == {f"new {each}": written(each) for each in range(1, len(new) + 1)}
    old = {key: row for key, row in rows.items() if row["_id"] not in new}
    for row in old.values():
        last = max(each for each in range(len(new) + 1) if each % DOCUMENTS == row["_id"])
        assert row.pop("seen", 0) in (last, len(new) + 1), "the newest that was written stayed"
    assert {key: bson.encode(row) for key, row in old.items()} == before, "without what others wrote, to the byte"
