"""Any documents, any deaths of the worker, anything that others write meanwhile: what a run promises holds."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_app.domain.states import RunState, Traffic
from migrations_app.domain.steps import Point
from migrations_app.services import driving
from tests import servers
from tests.migrations_app.engine import M002, Killed, token, wallets, worker

METADATA = st.one_of(
    st.just("none"),
    st.just(None),
    st.fixed_dictionaries({"note": st.text("xy", max_size=3)}),
    st.fixed_dictionaries({"migrated": st.booleans(), "version": st.just("1.0")}),
    st.fixed_dictionaries({"atomic_operation": st.just(True), "operation_id": st.just("m0")}),
    st.fixed_dictionaries({"legacy": st.just(True), "cleanup_required": st.just(True)}),
    st.just({}),
)
DOCUMENTS = st.lists(st.tuples(st.sampled_from(["melted", "received"]), METADATA), min_size=1, max_size=9)
DURING = [Point.READ, Point.JOURNALED, Point.WRITTEN, Point.CHECKPOINTED, Point.PASS_ENDED, Point.PHASE_ENDED]
UNDOING = [Point.UNDO_READ, Point.UNDO_WRITTEN, Point.UNDO_CHECKPOINTED, Point.INDEX_UNDONE]
WHEN = st.tuples(st.sampled_from([*DURING, *UNDOING]), st.integers(1, 4))
ACTIONS = st.tuples(st.sampled_from(["set", "operation", "insert", "delete"]), st.integers(0, 8))
STORY = st.dictionaries(WHEN, st.one_of(st.just("kill"), ACTIONS), max_size=6)


@pytest.fixture(scope="module")
def database(mongodb_url: str) -> Iterator[Any]:
    with pymongo.MongoClient(mongodb_url, tz_aware=True, w="majority") as client:
        database = client[f"{servers.OURS}anything"]
        database.cashuwallets.insert_many(wallets())
        yield database


class World:
    """nctool's tokens, what others do to them, and what should be there when a run was never made."""

    def __init__(self, database: Any, given_: list[tuple[str, Any]], story: dict[tuple[Point, int], Any]) -> None:
        self.tokens, self.story, self.seen = database.cashutokens, dict(story), Counter[Point]()
        self.tokens.delete_many({})
        rows = [
            token(number, _id=number, transaction_type=kind) | ({} if metadata == "none" else {"metadata": metadata})
            for number, (kind, metadata) in enumerate(given_)
        ]
        self.tokens.insert_many(rows)
        self.expected = {row["_id"]: copy.deepcopy(row) for row in rows}

    def __call__(self, point: Point) -> None:
        self.seen[point] += 1
        found = self.story.pop((point, self.seen[point]), None)
        if found == "kill":
            raise Killed
        if found is not None:
            getattr(self, found[0])(found[1])

    def set(self, number: int) -> None:
        if number in self.expected:
            self.tokens.update_one({"_id": number}, {"$set": {"status": "spent", "spent_by": "m9"}})
            self.expected[number] |= {"status": "spent", "spent_by": "m9"}

    def operation(self, number: int) -> None:
        """What nctool's new version writes into a token that it melts; null it would make an object."""
        if number in self.expected and self.expected[number].get("metadata", {}) is not None:
            self.tokens.update_one({"_id": number}, {"$set": {"metadata.operation_id": "m9"}})
            self.expected[number].setdefault("metadata", {})["operation_id"] = "m9"

    def insert(self, number: int) -> None:
        key = f"new {number}"
        if key not in self.expected:
            row = token(number, _id=key, transaction_type="change", metadata={"version": "2.0.0"})
            self.tokens.insert_one(copy.deepcopy(row))
            self.expected[key] = row

    def delete(self, number: int) -> None:
        self.tokens.delete_one({"_id": number})
        self.expected.pop(number, None)

    def now(self) -> dict[Any, Any]:
        return {row["_id"]: row for row in self.tokens.find({})}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents=DOCUMENTS, story=STORY)
def test_a_run_changes_all_it_should_and_its_way_back_leaves_what_others_wrote(
    database: Any, documents: list[tuple[str, Any]], story: dict[tuple[Point, int], Any]
) -> None:
    world, uid = World(database, documents, story), uuid.uuid4().hex

    def work(verb: Any) -> Any:
        while True:
            try:
                with worker(database, uid=uid, traffic=Traffic.LIVE, at=world, size=3) as held:
                    return verb(held)
            except Killed:
                continue

    there = work(driving.drive)
    assert (there.state, there.why) == (RunState.COMPLETED, "")
    for operation in M002.updates():
        if not operation.title.startswith("Remove"):
            assert world.tokens.count_documents(operation.query) == 0
    for key, row in world.now().items():
        expected = world.expected[key]
        assert {**row, "metadata": 0} == {**expected, "metadata": 0}, "nothing but metadata was touched"
        own = {name: value for name, value in (expected.get("metadata") or {}).items() if name not in OURS}
        assert own.items() <= row["metadata"].items(), "what it had is there"

    back = work(lambda held: driving.take_back(held, held.phases))
    assert (back.state, back.result.get("conflict", 0)) == (RunState.ROLLED_BACK, 0)
    assert world.now() == world.expected


OURS = ("migrated", "migration_date", "version", "legacy", "cleanup_required")
