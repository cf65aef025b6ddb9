"""What goes wrong around a run: processes that are killed, servers that go away, documents that are refused."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import bson
import pymongo
import pytest
from django.db import OperationalError

from migrations_app.domain.states import RunState, Traffic, Wish
from migrations_app.domain.steps import Point
from migrations_app.services import driving, work
from migrations_app.services.work import Work
from tests import servers
from tests.migrations_app.engine import Notes, raw, token, wallets, worker

DOCUMENTS = 120


def fill(database: Any, count: int = DOCUMENTS) -> None:
    database.cashuwallets.insert_many(wallets())
    database.cashutokens.insert_many([token(number, _id=number) for number in range(count)])


@pytest.fixture
def database(empty: Any) -> Any:
    fill(empty)
    return empty


def back(held: Work) -> driving.Ending:
    return driving.take_back(held, held.phases)


@pytest.fixture
def own_server(tmp_path: Path) -> tuple[list[str], int]:
    """The command and the port of a MongoDB that a test may kill."""
    port = servers.free_port()
    program = str(Path(sys.executable).with_name("secantusd-py"))
    return [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(tmp_path / "db")], port


@pytest.mark.skipif("TEST_MONGODB_URL" in os.environ, reason="somebody else's server is not killed")
def test_a_run_waits_for_a_mongodb_that_is_killed_and_goes_on_when_it_is_back(
    own_server: tuple[list[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, port = own_server
    monkeypatch.setattr(work, "TRY_EVERY", 0.1)
    options: dict[str, Any] = {"serverSelectionTimeoutMS": 300, "tz_aware": True, "w": "majority", "journal": True}
    client: Any = pymongo.MongoClient(f"mongodb://127.0.0.1:{port}", **options)
    database, came, notes, found = client.nctool, threading.Event(), Notes(), []

    def at(point: Point) -> None:
        if point in (Point.JOURNALED, Point.UNDO_READ):
            came.set()

    def there() -> None:
        with worker(database, size=10, desk=notes, at=at) as held:
            found.append(driving.drive(held))

    def back() -> None:
        with worker(database, size=10, desk=notes, at=at) as held:
            found.append(driving.take_back(held, held.phases))

    with servers.running(command, port=port):
        fill(database, 40)
        before = raw(database)
    for do in (there, back):
        came.clear()
        with servers.running(command, port=port) as server:
            thread = threading.Thread(target=do)
            thread.start()
            assert came.wait(20)
            server.kill()
            server.wait()
        time.sleep(0.7)
        assert thread.is_alive()
        with servers.running(command, port=port):
            thread.join(60)
            assert not thread.is_alive()
            if do is back:
                assert raw(database) == before
    assert [each.state for each in found] == [RunState.COMPLETED, RunState.ROLLED_BACK], found
    assert any("does not answer" in shown.get("waiting", "") for shown in notes.shown)
    client.close()


@pytest.mark.django_db
def test_while_the_control_planes_database_is_away_nothing_is_written_to_nctools(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "TRY_EVERY", 0.05)
    monkeypatch.setattr(work, "LOOK_EVERY", 0.0)
    pictures: list[dict[bytes, bytes]] = []

    class Away(Notes):
        failures = 0

        def look(self) -> tuple[Wish, int]:
            if database.cashutokens.count_documents({"metadata.migrated": True}) >= 40 and self.failures < 5:
                self.failures += 1
                pictures.append(raw(database))
                raise OperationalError("server closed the connection unexpectedly")
            return super().look()

    with worker(database, size=20, desk=Away()) as held:
        ending = driving.drive(held)

    assert ending.state is RunState.COMPLETED
    assert len(pictures) == 5
    assert all(each == pictures[0] for each in pictures)


def test_a_document_that_the_collections_validator_refuses_fails_the_run_and_is_named(database: Any) -> None:
    strict = {"$or": [{"metadata": {"$exists": False}}, {"amount": {"$ne": 7}}]}
    database.command("collMod", "cashutokens", validator=strict)
    before = raw(database)

    with worker(database) as held:
        ending = driving.drive(held)
        assert ending.state is RunState.ROLLING_BACK
        assert "the database refused 1 of" in ending.why
        assert ending.result["refused"][0][0] == "7"
        assert driving.take_back(held, held.phases).state is RunState.ROLLED_BACK
    assert raw(database) == before


def test_a_document_too_large_for_more_fields_fails_the_run_and_one_of_fifteen_megabytes_does_not(
    database: Any,
) -> None:
    database.cashutokens.insert_one(token(200, _id="large", blob="x" * 15_500_000))
    with worker(database, uid="mr-0") as held:
        assert driving.drive(held).state is RunState.COMPLETED
        driving.take_back(held, held.phases)
    empty = len(bson.encode(token(201, _id="full", blob="")))
    full = token(201, _id="full", blob="x" * (16 * 1024 * 1024 - empty))
    database.cashutokens.insert_one(full)
    before = raw(database)

    with worker(database) as held:
        ending = driving.drive(held)
        assert "the database refused 1 of" in ending.why
        assert "full" in ending.result["refused"][0]
        driving.take_back(held, held.phases)
    assert raw(database) == before


def test_a_document_whose_metadata_is_no_object_is_named_and_nothing_of_it_is_changed(database: Any) -> None:
    database.cashutokens.insert_one(token(5, _id="odd", metadata="see the paper file"))
    before = raw(database)

    with worker(database) as held:
        ending = driving.drive(held)
        assert "metadata is str, no object" in ending.why
        driving.take_back(held, held.phases)
    assert raw(database) == before


def test_a_rollback_that_the_database_refuses_says_so_and_can_be_done_again(database: Any) -> None:
    before = raw(database)
    with worker(database) as held:
        driving.drive(held)
    database.command("collMod", "cashutokens", validator={"metadata": {"$exists": True}})
    with worker(database, traffic=Traffic.LIVE) as held:
        ending = driving.take_back(held, held.phases)
    assert ending.state is RunState.ROLLBACK_FAILED
    assert "refused to take" in ending.why
    database.command("collMod", "cashutokens", validator={})
    with worker(database, traffic=Traffic.LIVE) as held:
        assert driving.take_back(held, held.phases).state is RunState.ROLLED_BACK
    assert raw(database) == before


def test_an_error_that_nobody_thought_of_takes_everything_back_and_is_told(database: Any) -> None:
    before, seen = raw(database), []

    def breaks(point: Point) -> None:
        if point in (Point.CHECKPOINTED, Point.UNDO_READ) and point not in seen:
            seen.append(point)
            raise ValueError(f"{point}: who would have thought")

    with worker(database, at=breaks, size=20) as held:
        ending = driving.drive(held)
        assert ending.state is RunState.ROLLING_BACK
        assert ending.why == "ValueError: checkpointed: who would have thought"
        ending = driving.take_back(held, held.phases)
        assert (ending.state, ending.why) == (RunState.ROLLBACK_FAILED, "ValueError: undo read: who would have thought")
        assert driving.take_back(held, held.phases).state is RunState.ROLLED_BACK
    assert raw(database) == before
