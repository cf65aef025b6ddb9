"""002 through all of its phases: the way back from its cleanup, too."""

from __future__ import annotations

from typing import Any

from migrations_app.domain.states import RunState
from migrations_app.services import driving
from tests.migrations_app.engine import raw, token, wallets, worker


def test_cleanup_takes_the_deprecated_mark_and_the_old_index_away_and_gives_both_back(empty: Any) -> None:
    empty.cashuwallets.insert_many(wallets())
    empty.cashutokens.insert_many([token(number, _id=number) for number in range(20)])
    empty.cashutokens.create_index([("npub", 1)])
    with worker(empty) as work:
        assert driving.drive(work).state is RunState.COMPLETED
    migrated, indexes = raw(empty), sorted(empty.cashutokens.index_information())

    with worker(empty, uid="mr-2", phases=("cleanup",)) as work:
        ending = driving.drive(work)
    assert (ending.state, ending.result["changed"]) == (RunState.COMPLETED, {"cleanup.0": 4})
    assert empty.cashutokens.find_one({"_id": 5})["metadata"]["legacy"] is True
    assert empty.cashutokens.count_documents({"metadata.cleanup_required": {"$exists": True}}) == 0
    assert "npub_1" not in empty.cashutokens.index_information()

    with worker(empty, uid="mr-2", phases=("cleanup",)) as work:
        assert driving.take_back(work, work.phases).state is RunState.ROLLED_BACK
    assert raw(empty) == migrated, "the order of the fields, too"
    assert sorted(empty.cashutokens.index_information()) == indexes
