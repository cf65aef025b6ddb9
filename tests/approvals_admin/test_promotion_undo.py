"""A promotion is taken back from its event: fields and both lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

import flags.selectors
from approvals.services import undo
from core import events
from core.actors import Actor
from flags.domain.change import StateChange
from flags.models import DeniedUser, Flag
from flags.services import lists, promotion, rollout

KEY = "atomicMeltOperations"


def standing(environment: str) -> tuple[Any, ...]:
    state = flags.selectors.state(KEY, environment)
    allowed = flags.selectors.allowed_users(state.pk).values_list("npub", flat=True)
    denied = DeniedUser.objects.filter(state=state).values_list("npub", flat=True)
    return state.enabled, state.percentage, state.parameters, sorted(allowed), sorted(denied)


@pytest.mark.usefixtures("flag")
def test_undoing_a_promotion_gives_back_what_there_was(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    who: dict[str, Any] = {"actor": operator_actor, "reason": "tests", "now": now}
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=25, parameters={"a": 1}), **who)
    lists.edit_allow_list(KEY, "staging", add=["npub1a", "npub1b"], **who)
    lists.edit_list(lists.DENY, KEY, "staging", add=["npub1x"], remove=[], **who)
    rollout.change(KEY, "pre-production", StateChange(percentage=5, parameters={"b": 2}), **who)
    lists.edit_allow_list(KEY, "pre-production", add=["npub1b", "npub1c"], **who)
    before = standing("pre-production")
    promotion.promote([KEY], "staging", "pre-production", **who)
    assert standing("pre-production") == standing("staging")
    told = events.recent().filter(kind=promotion.PROMOTED).get()
    assert undo.undo(told.pk, **who) is None
    assert standing("pre-production") == before
