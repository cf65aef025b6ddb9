"""Migration 002 on a real MongoDB protocol: there and back, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.binary import Binary

from migrations_app.adapters import indexes
from migrations_app.domain.states import RunState
from migrations_app.domain.steps import Point
from migrations_app.services import driving
from tests.migrations_app.engine import BEGAN, M002, Notes, raw, token, wallets, worker

OWN = {"note": "refunded by hand", "version": "1.0"}


@pytest.fixture
def database(empty: Any) -> Any:
    """An nctool database of the test's own: twenty wallets, and ninety tokens of the old version."""
    empty.cashuwallets.insert_many(wallets())
    empty.cashutokens.insert_many([token(number, _id=number) for number in range(90)])
    empty.cashutokens.create_index([("npub", 1)])
    return empty


def test_002_gives_metadata_to_those_without_marks_old_melts_and_overwrites_nothing(database: Any) -> None:
    mine = token(5, _id="own", metadata=dict(OWN))
    atomic = token(10, _id="atomic", metadata={"atomic_operation": True, "operation_id": "m1"})
    null = token(7, _id="null", metadata=None)
    database.cashutokens.insert_many([mine, atomic, null])

    with worker(database, desk=(desk := Notes())) as work:
        ending = driving.drive(work)

    assert (ending.state, ending.why) == (RunState.COMPLETED, "")
    rows = {row["_id"]: row for row in database.cashutokens.find()}
    assert rows["own"]["metadata"] == {**OWN, "legacy": True, "cleanup_required": True}
    assert rows["atomic"] == atomic
    assert rows["null"]["metadata"] == {"migrated": True, "migration_date": BEGAN, "version": "2.0.0"}
    rest = [row for key, row in rows.items() if isinstance(key, int)]
    assert {row["metadata"]["migration_date"] for row in rest} == {BEGAN}
    assert sum("legacy" in row["metadata"] for row in rest) == 18, "every fifth of them was melted"
    assert indexes.find(database, "cashutokens", M002.phases[0].operations[0].keys)  # type: ignore[arg-type]
    assert desk.phases == {"schema": "COMPLETED", "data": "COMPLETED"}
    checks = desk.results["after"]["checks"]
    assert checks["migrated tokens"]["told"] == "91, before 0, expected 91"
    assert checks["balance of every wallet"]["told"] == "20 wallets; 0 have become wrong, 0 have moved"


def test_the_way_back_restores_every_document_to_the_byte_and_drops_only_our_indexes(database: Any) -> None:
    ids = [5000, 2.5, Int64(2**40), Decimal128("3.1"), "text", b"bytes", Binary(b"x" * 16, 4), {"a": 1}, True, False]
    ids += [datetime(2025, 1, 1, tzinfo=UTC), None, ObjectId()]
    for place, id_ in enumerate(ids):
        database.cashutokens.insert_one({"_id": id_, **token(place)})
    database.cashutokens.insert_one(token(5, _id="own", metadata=dict(OWN)))
    database.cashutokens.insert_one(token(6, _id="null", metadata=None))
    before, had = raw(database), sorted(database.cashutokens.index_information())

    with worker(database) as work:
        assert driving.drive(work).state is RunState.COMPLETED
    assert raw(database) != before
    with worker(database) as work:
        ending = driving.take_back(work, work.phases)

    assert ending.state is RunState.ROLLED_BACK
    assert raw(database) == before
    assert sorted(database.cashutokens.index_information()) == had
    assert ending.result["restored"] == 104 + 22, "melted ones were changed by both operations"


def test_one_document_less_than_the_run_has_changed_fails_it_where_nobody_else_writes(database: Any) -> None:
    before = raw(database)

    def meddle(point: Point) -> None:
        if point is Point.PHASE_ENDED:
            database.cashutokens.update_one({"_id": 5, "metadata.legacy": True}, {"$unset": {"metadata.migrated": ""}})

    with worker(database, at=meddle) as work:
        ending = driving.drive(work)
        assert ending.why == "The validation failed: migrated tokens: 89, before 0, expected 90"
        assert driving.take_back(work, work.phases).state is RunState.ROLLED_BACK
    assert raw(database) == before
