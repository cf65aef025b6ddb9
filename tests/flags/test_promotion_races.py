"""Promotions at the same moment. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core import events
from core.actors import Actor
from core.errors import Conflict
from flags import selectors
from flags.domain.change import StateChange
from flags.domain.promotion import digest
from flags.services import promotion, rollout
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flag")]
KEY = "atomicMeltOperations"


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "race", "now": now}


def test_of_two_who_looked_at_the_same_preview_one_promotes(who: dict[str, Any]) -> None:
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=25), **who)
    seen = digest(promotion.preview([KEY], "staging", "pre-production"))
    results = at_once(*[lambda: promotion.promote([KEY], "staging", "pre-production", seen=seen, **who)] * 2)

    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]
    assert events.recent().filter(kind=promotion.PROMOTED).count() == 1
    assert selectors.state(KEY, "pre-production").percentage == 25


def test_promotions_in_both_directions_do_not_wait_for_each_other_for_ever(who: dict[str, Any]) -> None:
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=25), **who)
    results = at_once(
        lambda: promotion.promote([KEY], "staging", "pre-production", **who),
        lambda: promotion.promote([KEY], "pre-production", "staging", **who),
    )

    assert not [result for result in results if isinstance(result, Exception)]
    first, second = (selectors.state(KEY, where) for where in ("staging", "pre-production"))
    assert (first.enabled, first.percentage) == (second.enabled, second.percentage)
