"""The atomic melts of a day, read from a real MongoDB and judged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from core import environments
from core.actors import Actor
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout
from migrations_app.adapters.operations import MOST_TOKENS
from monitoring.services import ingest
from rollouts.domain.validation import Result, Subject
from rollouts.services import validation_atomic
from rollouts.services.validation_atomic import EXPECTED, FLAG, MOST_SUSPECTS
from tests.migrations_app.conftest import connected
from tests.monitoring.conftest import counted

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def subject(flag: Flag, now: datetime) -> Subject:
    return Subject("production", environments.get("production").pk, 7, now)


@pytest.fixture
def tokens(mongodb_url: str, mongodb_name: str) -> Iterator[Any]:
    with connected(mongodb_url, mongodb_name) as database:
        database.cashutokens.create_index([("metadata.operation_id", 1)])
        yield database.cashutokens


def melt(name: str, at: datetime, *, spends: ObjectId | None = None, **record: Any) -> list[dict[str, Any]]:
    """100 spent: 70 paid, a fee of 1, and 29 of change."""
    token = {"npub": "npub1ada", "mint_url": "https://mint", "created_at": at}
    mark = {"atomic_operation": True, "operation_id": name}
    spent = spends or ObjectId()
    written = [
        {**token, "transaction_type": "melted", "status": "spent", "amount": 70}
        | {"metadata": {**mark, "inputs": [spent], "fee": 1}}
        | record,
        {**token, "transaction_type": "change", "status": "unspent", "amount": 29, "metadata": mark},
    ]
    if spends:
        return written
    before = {**token, "created_at": at - 9 * HOUR, "transaction_type": "received", "status": "spent", "amount": 100}
    return [{**before, "_id": spent, "spent_by": name}, *written]


def checked(subject: Subject, pause: Any = lambda seconds: None) -> Result:
    return validation_atomic.check(subject, pause=pause)


def told(result: Result) -> dict[str, str]:
    return {each.name: each.value for each in result.evidence}


def wrong(result: Result) -> list[str]:
    return [each.name for each in result.evidence if each.ok is False]


def test_a_day_of_whole_melts_passes_with_the_counts_as_the_strategy_names_them(subject: Subject, tokens: Any) -> None:
    names = [f"m{number:03d}" for number in range(150)]  # more than are read together
    documents = [row for number, name in enumerate(names) for row in melt(name, subject.now - number * HOUR / 7)]
    old = melt("old", subject.now - 25 * HOUR)[:2]  # its change is missing, and it was the day before
    legacy = {**melt("legacy", subject.now)[1], "metadata": {"legacy": True}}
    waiting = melt("waiting", subject.now, status="pending")[1:2]
    tokens.insert_many([*documents, *old, legacy, *waiting])
    rows = [counted("atomic_transaction_failures_total", 4, subject.now - HOUR)]
    ingest.store("production", {"metrics": rows}, now=subject.now)
    result = checked(subject)
    assert result.success, result
    assert told(result) == {
        "atomicOperationsCount": "150 in the last 24 h, in 301 tokens; 1 more wait for the mint",
        "successfulOperations": "150",
        "failedOperations": "0",
        "rollbacksExecuted": "4 (atomic_transaction_failures_total)",
        "dataConsistencyChecks": "1,050: 7 of each operation",
        "doubleCountingPrevented": "yes",
    }


def test_a_token_that_two_melts_spent_is_double_counting_and_both_are_named(subject: Subject, tokens: Any) -> None:
    first = melt("first", subject.now)
    again = melt("again", subject.now, spends=first[0]["_id"])
    tokens.insert_many([*first, *again, *melt("third", subject.now)])
    result = checked(subject)
    assert (result.success, wrong(result)) == (False, ["failedOperations", "doubleCountingPrevented", "Melt again"])
    assert told(result)["Melt again"] == f"token {first[0]['_id']}, which it spent, was spent by melt first as well"
    assert told(result)["successfulOperations"] == "2"
    assert [todo.partition(":")[0] for todo in result.todo] == ["Switch atomicMeltOperations off now"]
    assert "1 of 3 atomic melts" in result.summary


def test_a_melt_caught_in_the_middle_or_while_it_was_deleted_is_not_told_as_broken(
    subject: Subject, tokens: Any
) -> None:
    middle, leaving = melt("middle", subject.now), melt("leaving", subject.now)
    tokens.insert_many([*middle[:2], *leaving[1:], *melt("whole", subject.now)])
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        tokens.delete_many({"metadata.operation_id": "leaving"})
        if len(pauses) == 2:
            tokens.insert_one(middle[2])

    result = checked(subject, pause)
    assert (result.success, told(result)["successfulOperations"], pauses) == (True, "2", [2.0, 2.0])


def test_tokens_of_no_melt_of_too_many_and_of_odd_shapes_are_told_and_read_no_further(
    subject: Subject, tokens: Any
) -> None:
    nobody, odd = melt("x", subject.now)[1:]
    nobody["metadata"] = {"atomic_operation": True, "operation_id": 7}
    odd["metadata"] = [{"atomic_operation": True}]
    same = melt("same", subject.now)[1]
    tokens.insert_many([nobody, odd, *({**same, "_id": ObjectId()} for _ in range(MOST_TOKENS + 5))])
    result = checked(subject)
    assert told(result)["failedOperations"] == "3"
    assert told(result)["Melt same"].startswith("it has 1000 records of what was melted, not one: ")
    assert "5 tokens more carry its id" in told(result)["Melt same"]
    assert told(result)[f"Melt of token {nobody['_id']}"] == "it names no melt (metadata.operation_id)"


def test_all_that_are_broken_are_counted_and_ten_listed(subject: Subject, tokens: Any) -> None:
    tokens.insert_many([melt(f"m{n:03d}", subject.now)[2] for n in range(MOST_SUSPECTS + 20)])
    result = checked(subject)
    assert told(result)["failedOperations"] == "220; the first 10 are listed"
    assert len(wrong(result)) == 11


def switched_on(actor: Actor, now: datetime) -> None:
    rollout.change(FLAG, "production", StateChange(enabled=True), actor=actor, reason="r", now=now)


def melted(count: int, now: datetime, **labels: str) -> None:
    row = counted("melt_operations_total", count, now - HOUR, flag=FLAG, **labels)
    ingest.store("production", {"metrics": [row]}, now=now)


def test_no_atomic_melt_is_nothing_to_validate_and_no_pass(
    subject: Subject, tokens: Any, operator_actor: Actor, now: datetime
) -> None:
    result = checked(subject)
    assert (result.success, "is off here" in result.summary) == (None, True)
    melted(10_000, now, variant="off")
    melted(EXPECTED - 1, now, variant="on")
    switched_on(operator_actor, now)
    result = checked(subject)
    assert (result.success, "Nothing to validate yet" in result.summary) == (None, True)


def test_no_atomic_melt_where_nctool_reports_melts_with_the_flag_on_is_a_failure(
    subject: Subject, tokens: Any, operator_actor: Actor, now: datetime
) -> None:
    melted(EXPECTED, now, variant="on")
    switched_on(operator_actor, now)
    result = checked(subject)
    assert (result.success, "reports 20 melts with atomicMeltOperations on" in result.summary) == (False, True)
