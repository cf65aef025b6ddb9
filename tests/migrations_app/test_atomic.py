"""What is wrong with an atomic melt: everything that is, and nothing of one that is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.domain.atomic import PATIENCE, Operation, Rule, Token, is_under_way, problems

NOW = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
MELT = "melt-1"


@st.composite
def whole(draw: st.DrawFn) -> Operation:
    """Any melt as nctool writes it: some inputs, a record, a fee, and what is left as some change in any state."""
    amounts = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
    paid = draw(st.integers(1, sum(amounts)))
    fee = draw(st.integers(0, sum(amounts) - paid))
    left = sum(amounts) - paid - fee
    first = draw(st.integers(0, left))
    inputs = tuple(Token(f"in{n}", "ada", "received", "spent", money, MELT) for n, money in enumerate(amounts))
    states = st.sampled_from(["unspent", "pending", "spent"])
    change = [
        Token(f"c{n}", "ada", "change", draw(states), money) for n, money in enumerate((first, left - first)) if money
    ]
    written = draw(st.permutations([Token("record", "ada", "melted", "spent", paid), *change]))
    return Operation(MELT, NOW, tuple(written), tuple(token.id for token in inputs), inputs, fee)


@given(whole())
def test_nothing_is_wrong_with_a_melt_that_is_whole(operation: Operation) -> None:
    assert problems(operation) == []


def _every(operation: Operation, change: Callable[[Token], Token]) -> list[Operation]:
    """One operation for each of its tokens, with only this one changed."""
    found = []
    for at, token in enumerate(operation.written):
        found.append(replace(operation, written=(*operation.written[:at], change(token), *operation.written[at + 1 :])))
    for at, token in enumerate(operation.inputs):
        found.append(replace(operation, inputs=(*operation.inputs[:at], change(token), *operation.inputs[at + 1 :])))
    return found


@given(whole(), st.integers(-(10**9), 10**9).filter(bool), st.sampled_from(["ten", None, True, float("nan"), -1]))
def test_no_token_of_it_can_be_changed_unseen(operation: Operation, more: int, odd: object) -> None:
    def wealthier(token: Token) -> Token:
        return replace(token, amount=int(str(token.amount)) + more)

    spoilt = [
        *_every(operation, wealthier),
        *_every(operation, lambda token: replace(token, amount=odd)),
        *_every(operation, lambda token: replace(token, status="lost")),
        *_every(operation, lambda token: replace(token, owner="bob")),
        replace(operation, fee=int(str(operation.fee)) + more),
        replace(operation, fee=odd),
    ]
    assert all(map(problems, spoilt))


@given(whole(), st.data())
def test_no_token_of_it_can_be_left_out_added_or_spent_elsewhere_unseen(
    operation: Operation, data: st.DataObject
) -> None:
    written = data.draw(st.sampled_from(operation.written))
    spent = data.draw(st.sampled_from(operation.inputs))
    rest = tuple(token for token in operation.inputs if token is not spent)
    spoilt = [
        replace(operation, written=tuple(token for token in operation.written if token is not written)),
        replace(operation, written=(*operation.written, replace(written, id="another"))),
        replace(operation, inputs=rest),
        replace(operation, inputs=rest, named=tuple(token.id for token in rest)),
        replace(operation, named=(*operation.named, spent.id)),
        replace(operation, inputs=(*rest, replace(spent, spent_by="melt-2"))),
        replace(operation, inputs=(*rest, replace(spent, status="unspent"))),
        replace(operation, id="melt-2"),
        replace(operation, more=1),
    ]
    assert all(map(problems, spoilt))


RECORD = Token("r", "ada", "melted", "spent", 70)
CHANGE = Token("c", "ada", "change", "unspent", 29)
SPENT = Token("s", "ada", "received", "spent", 100, MELT)
SOUND = Operation(MELT, NOW, (RECORD, CHANGE), ("s",), (SPENT,), 1)


@pytest.mark.parametrize(
    ("spoilt", "rule", "double", "told"),
    [
        (replace(SOUND, id=""), Rule.RECORD, False, "names no melt"),
        (replace(SOUND, written=(CHANGE,)), Rule.RECORD, False, "0 records"),
        (replace(SOUND, written=(RECORD, RECORD)), Rule.RECORD, False, "2 records of what was melted, not one: r, r"),
        (replace(SOUND, written=(replace(RECORD, status="pending"), CHANGE)), Rule.RECORD, False, "r is pending"),
        (replace(SOUND, more=1_234), Rule.RECORD, False, "1,234 tokens more"),
        (replace(SOUND, written=(RECORD, replace(CHANGE, kind="minted"))), Rule.CHANGE, False, "nor change: c"),
        (replace(SOUND, written=(RECORD, replace(CHANGE, status="lost"))), Rule.CHANGE, False, "c is lost"),
        (replace(SOUND, written=(replace(RECORD, amount="70"), CHANGE)), Rule.AMOUNTS, False, "no amount of money: r"),
        (replace(SOUND, fee=None), Rule.AMOUNTS, False, "fee"),
        (replace(SOUND, named=(), inputs=()), Rule.INPUTS, False, "names no token"),
        (replace(SOUND, named=("s", "s")), Rule.INPUTS, True, "twice by itself: s"),
        (replace(SOUND, inputs=()), Rule.INPUTS, False, "not there: s"),
        (replace(SOUND, inputs=(replace(SPENT, status="unspent"),)), Rule.ONCE, True, "is unspent"),
        (replace(SOUND, inputs=(replace(SPENT, spent_by="m2"),)), Rule.ONCE, True, "by melt m2 as well"),
        (replace(SOUND, inputs=(replace(SPENT, spent_by=""),)), Rule.ONCE, False, "tells of no melt"),
        (replace(SOUND, inputs=(replace(SPENT, owner="bob"),)), Rule.OWNER, False, "several wallets"),
        (replace(SOUND, written=(RECORD,)), Rule.SUM, False, "29 are lost"),
        (replace(SOUND, fee=0), Rule.SUM, False, "1 are lost"),
        (replace(SOUND, inputs=(replace(SPENT, amount=90),)), Rule.SUM, True, "10 are counted twice"),
    ],
)
def test_what_is_wrong_is_told_with_the_ids_and_whether_money_is_there_twice(
    spoilt: Operation, rule: Rule, double: bool, told: str
) -> None:
    (found,) = problems(spoilt)
    assert (found.rule, found.double, told in found.what) == (rule, double, True), found


def test_a_melt_may_wait_for_the_mint_for_half_a_minute() -> None:
    waiting = replace(SOUND, written=(replace(RECORD, status="pending"),))
    assert is_under_way(waiting, now=NOW + PATIENCE - timedelta(seconds=1))
    assert not is_under_way(waiting, now=NOW + PATIENCE)
    assert not is_under_way(SOUND, now=NOW)
