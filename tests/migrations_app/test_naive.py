"""The seed's script beside ours, on the same documents: what it would have lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from migrations_app.domain.states import RunState
from migrations_app.services import driving
from tests.migrations_app.engine import raw, token, worker

OWN = {"note": "refunded by hand", "ticket": 4711}


def up(tokens: Any) -> None:
    """migrations/002_atomic_melt_support.js of the seed, line by line; without its transaction, which MongoDB refuses
    for an index on a collection that has documents, and ends after 60 s for all the rest.
    """
    tokens.create_index([("npub", 1), ("status", 1), ("transaction_type", 1)])
    fields = {"migrated": True, "migration_date": datetime.now(UTC), "version": "2.0.0"}
    tokens.update_many({"metadata": {"$exists": False}}, {"$set": {"metadata": fields}})
    legacy = {"legacy": True, "cleanup_required": True, "migration_date": datetime.now(UTC)}
    tokens.update_many({"transaction_type": "melted"}, {"$set": {"metadata": legacy}})


def down(tokens: Any) -> None:
    tokens.update_many({"metadata.migrated": True}, {"$unset": {"metadata": 1}})


@pytest.fixture
def database(empty: Any) -> Any:
    """Fifty tokens; ten of them melted, one of those with metadata of its own."""
    empty.cashutokens.insert_many([token(number, _id=number) for number in range(1, 50)])
    empty.cashutokens.insert_one(token(50, _id=50, metadata=dict(OWN)))
    return empty


def test_the_seeds_script_loses_what_a_token_had_and_its_way_back_leaves_melted_tokens_and_the_index_behind(
    database: Any,
) -> None:
    before, tokens = raw(database), database.cashutokens
    up(tokens)
    assert "note" not in tokens.find_one({"_id": 50})["metadata"], "overwritten"
    assert tokens.count_documents({"metadata.migrated": True}) == 40, "melted tokens do not count as migrated any more"
    down(tokens)
    left = [key for key, value in raw(database).items() if before[key] != value]
    assert len(left) == 10, "all melted tokens"
    assert len(tokens.index_information()) == 2


def test_ours_keeps_what_a_token_had_and_its_way_back_leaves_nothing_behind(database: Any) -> None:
    before, tokens = raw(database), database.cashutokens
    with worker(database) as work:
        assert driving.drive(work).state is RunState.COMPLETED
    assert tokens.find_one({"_id": 50})["metadata"] == {**OWN, "legacy": True, "cleanup_required": True}
    assert tokens.count_documents({"metadata.migrated": True}) == 49
    with worker(database) as work:
        driving.take_back(work, work.phases)
    assert raw(database) == before
    assert list(tokens.index_information()) == ["_id_"]
