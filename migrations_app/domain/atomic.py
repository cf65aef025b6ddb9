"""Is an atomic melt whole? What one melt wrote, against what it spent (seed: Atomic Operation Validation).

What a melt must write so that this can be said is in docs/validation.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PATIENCE = timedelta(seconds=30)  # a melt may wait for the mint; seed: transactionTimeout 30000
CHANGE_STATES = ("unspent", "pending", "spent")
MOST_NAMED = 3  # tokens, in one sentence


class Rule(StrEnum):
    RECORD = "one spent record tells what was melted"
    CHANGE = "whatever else was written is change, in a state there is"
    AMOUNTS = "amounts and fee are numbers, none of them negative"
    INPUTS = "every token it spent is there, and is named once"
    ONCE = "every token it spent is spent, and by no other melt"
    OWNER = "all of it belongs to one wallet"
    SUM = "what was melted, the change and the fee are what was spent"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored. `amount` is whatever is there; `spent_by` is the melt that spent it, or empty."""

    id: str
    owner: str
    kind: str
    status: str
    amount: object
    spent_by: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One atomic melt.

    Args:
        id: the melt's own; empty for a token that names no melt.
        at: when the newest of `written` was made.
        written: the tokens that carry its id.
        named: the ids of the tokens that it says it spent, as often as it says so.
        inputs: those of them that are there.
        fee: what the mint kept, as it is stored.
        more: how many tokens with this id were not read, for there are too many.
    """

    id: str
    at: datetime
    written: tuple[Token, ...]
    named: tuple[str, ...] = ()
    inputs: tuple[Token, ...] = ()
    fee: object = 0
    more: int = 0

    @property
    def records(self) -> list[Token]:
        return [token for token in self.written if token.kind == "melted"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that is broken, and how, with the ids. `double`: money is counted twice."""

    rule: Rule
    what: str
    double: bool = False


def is_under_way(operation: Operation, *, now: datetime) -> bool:
    """It waits for the mint, and not for too long yet."""
    return any(record.status == "pending" for record in operation.records) and now - operation.at < PATIENCE


def problems(operation: Operation) -> list[Problem]:
    """What is wrong with it: nothing, when it is whole."""
    if not operation.id:
        return [Problem(Rule.RECORD, "it names no melt (metadata.operation_id)")]
    found = [problem for rule in (_record, _change, _amounts, _inputs, _once, _owner) for problem in rule(operation)]
    return found or list(_sum(operation))


def _record(operation: Operation) -> Iterator[Problem]:
    records = operation.records
    if len(records) != 1:
        those = f": {_few([record.id for record in records])}" if records else ""
        yield Problem(Rule.RECORD, f"it has {len(records)} records of what was melted, not one{those}")
    if operation.more:
        yield Problem(Rule.RECORD, f"{operation.more:,} tokens more carry its id: it is the id of many melts")
    for record in records:
        if record.status != "spent":
            yield Problem(Rule.RECORD, f"its record {record.id} is {record.status or 'without status'}, not spent")


def _change(operation: Operation) -> Iterator[Problem]:
    other = [token.id for token in operation.written if token.kind not in ("melted", "change")]
    if other:
        yield Problem(Rule.CHANGE, f"neither record nor change: {_few(other)}")
    for token in operation.written:
        if token.kind == "change" and token.status not in CHANGE_STATES:
            yield Problem(Rule.CHANGE, f"its change {token.id} is {token.status or 'without status'}")


def _amounts(operation: Operation) -> Iterator[Problem]:
    wrong = [token.id for token in (*operation.written, *operation.inputs) if not _is_amount(token.amount)]
    if wrong:
        yield Problem(Rule.AMOUNTS, f"no amount of money: {_few(wrong)}")
    if not _is_amount(operation.fee):
        yield Problem(Rule.AMOUNTS, f"its fee is no amount of money: {str(operation.fee)[:40]}")


def _inputs(operation: Operation) -> Iterator[Problem]:
    if not operation.named and len(operation.records) == 1:
        yield Problem(Rule.INPUTS, "its record names no token that it spent (metadata.inputs)")
    twice = [token for token, times in Counter(operation.named).items() if times > 1]
    if twice:
        yield Problem(Rule.INPUTS, f"spent twice by itself: {_few(twice)}", double=True)
    there = {token.id for token in operation.inputs}
    gone = [token for token in dict.fromkeys(operation.named) if token not in there]
    if gone:
        yield Problem(Rule.INPUTS, f"it spent what is not there: {_few(gone)}")


def _once(operation: Operation) -> Iterator[Problem]:
    for token in operation.inputs:
        if token.status != "spent":
            what = f"token {token.id}, which it spent, is {token.status or 'without status'}"
            yield Problem(Rule.ONCE, what, double=True)
        elif token.spent_by != operation.id:
            by = f"was spent by melt {token.spent_by} as well" if token.spent_by else "tells of no melt (spent_by)"
            yield Problem(Rule.ONCE, f"token {token.id}, which it spent, {by}", double=bool(token.spent_by))


def _owner(operation: Operation) -> Iterator[Problem]:
    if len({token.owner for token in (*operation.written, *operation.inputs)}) > 1:
        yield Problem(Rule.OWNER, "its tokens belong to several wallets")


def _sum(operation: Operation) -> Iterator[Problem]:
    """Only of what is whole otherwise: the sum of half of it says nothing more."""
    went_in = sum(_money(token.amount) for token in operation.inputs)
    came_out = sum(_money(token.amount) for token in operation.written)
    missing = went_in - _money(operation.fee) - came_out
    if missing:
        told = f"{went_in:,} were spent, but {came_out:,} and a fee of {_money(operation.fee):,} came out: "
        which = f"{missing:,} are lost" if missing > 0 else f"{-missing:,} are counted twice"
        yield Problem(Rule.SUM, told + which, double=missing < 0)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _money(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _few(ids: list[str]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(ids[:MOST_NAMED]) + more
