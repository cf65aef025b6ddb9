"""Taking back: a request as a whole, and any event of the history, under the same rules as every change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying, undo
from core import events
from core.asking import Change
from core.errors import Conflict, Invalid, NotFound
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.services import definition, emergency, lists, rollout, segments
from tests.approvals.conftest import ANNA, BEN, KEY, OLGA, OTHER, Ask, approve, raised

pytestmark = pytest.mark.django_db


def stands(key: str = KEY) -> tuple[bool, float]:
    state = flag_selectors.state(key, "production")
    return state.enabled, float(state.percentage)


def newest() -> int:
    return events.recent().filter(subject__startswith="flag:").latest("id").pk


@pytest.fixture
def applied(ask: Ask, now: datetime) -> ChangeRequest:
    """Two flags raised, npubs and a parameter set."""
    for key in (KEY, OTHER):
        rollout.change(key, "production", StateChange(enabled=True, percentage=10), actor=BEN, reason="r", now=now)
    request = ask(
        raised(50),
        Change("flag.state", KEY, {"patch": {"timeout": 5}}),
        Change("flag.allow_list", KEY, {"add": ["npub1a"]}),
        raised(30, OTHER),
    )
    approve(request, now=now)
    return applying.apply(request.pk, actor=OLGA, now=now)


def test_a_revert_that_no_rule_minds_is_done_at_once_and_whole(applied: ChangeRequest, now: datetime) -> None:
    assert applying.revert(applied.pk, reason="errors", actor=OLGA, now=now) is None
    state = flag_selectors.state(KEY, "production")
    assert (stands(), stands(OTHER)) == ((True, 10), (True, 10))
    assert (state.parameters, state.allow_count) == ({}, 0)
    assert events.about(f"request:{applied.pk}").first().kind == "request.reverted"


def test_a_revert_leaves_what_others_changed_beside_it(applied: ChangeRequest, now: datetime) -> None:
    rollout.change(KEY, "production", StateChange(patch={"other": 1}), actor=BEN, reason="r", now=now)
    lists.edit_allow_list(KEY, "production", add=["npub1b"], actor=BEN, reason="r", now=now)
    applying.revert(applied.pk, reason="errors", actor=OLGA, now=now)
    state = flag_selectors.state(KEY, "production")
    assert (state.percentage, state.parameters) == (10, {"other": 1})
    assert list(flag_selectors.allowed_users(state.pk).values_list("npub", flat=True)) == ["npub1b"]


def test_a_revert_over_somebody_elses_change_is_refused_as_a_whole(applied: ChangeRequest, now: datetime) -> None:
    rollout.change(OTHER, "production", StateChange(percentage=20), actor=BEN, reason="calmer", now=now)
    with pytest.raises(Conflict, match=rf"{OTHER} was changed since: percentage by ben \(flag.rollout_changed, event"):
        applying.revert(applied.pk, reason="errors", actor=OLGA, now=now)
    assert (stands(), stands(OTHER)) == ((True, 50), (True, 20))


def test_a_revert_that_raises_asks_for_approval_like_any_raise(ask: Ask, applied: ChangeRequest, now: datetime) -> None:
    lowered = ask(raised(5), title="Back to five")
    approve(lowered, now=now)
    applying.apply(lowered.pk, actor=OLGA, now=now)
    again = applying.revert(lowered.pk, reason="all is well after all", actor=OLGA, now=now)
    assert again is not None
    assert (again.reverts_id, again.title) == (lowered.pk, f"Revert request {lowered.pk}: Back to five")
    assert stands() == (True, 5)
    approve(again, now=now)
    applying.apply(again.pk, actor=OLGA, now=now)
    assert stands() == (True, 50)


def test_only_an_applied_request_is_reverted_and_only_once(ask: Ask, applied: ChangeRequest, now: datetime) -> None:
    with pytest.raises(Conflict, match="only an applied one"):
        applying.revert(ask(raised(60)).pk, reason="r", actor=OLGA, now=now)
    applying.revert(applied.pk, reason="errors", actor=OLGA, now=now)
    with pytest.raises(Conflict, match=r"was changed since: .* by olga"):
        applying.revert(applied.pk, reason="errors", actor=OLGA, now=now)


def test_a_request_of_a_definition_and_a_segment_is_taken_back(ask: Ask, now: datetime) -> None:
    people = {"name": "EU", "conditions": [{"attribute": "country", "op": "in", "values": ["DE"]}]}
    segments.define("eu", "production", **people, actor=OLGA, reason="r", now=now)
    wider = people | {"key": "eu", "conditions": [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]}
    request = ask(Change("flag.definition", KEY, {"description": "new"}), Change("segment", "", wider))
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    applying.revert(request.pk, reason="r", actor=OLGA, now=now)
    assert flag_selectors.flags().get(key=KEY).description == ""
    assert selectors.ground.segments("production").get().conditions == people["conditions"]


def emergency_of_half(now: datetime) -> None:
    emergency.emergency_disable(KEY, "production", actor=BEN, reason="fire", now=now)


def rolled_back(now: datetime) -> None:
    emergency.roll_back(KEY, "production", actor=BEN, reason="errors", now=now)


@pytest.mark.parametrize("harm", [emergency_of_half, rolled_back])
def test_an_emergency_is_undone_only_with_approval(
    harm: Callable[[datetime], None], applied: ChangeRequest, now: datetime
) -> None:
    harm(now)
    request = undo.undo(newest(), actor=OLGA, reason="fixed", now=now)
    assert request is not None
    assert stands() == (False, 0)
    assert request.reason.endswith("fixed")
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    assert stands() == (True, 50)
    assert flag_selectors.state(KEY, "production").disabled_at is None


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "disabled": lambda told: rollout.disable(KEY, "staging", **told),
    "percentage": lambda told: rollout.set_rollout(KEY, "staging", 70, **told),
    "parameters": lambda told: rollout.change(KEY, "staging", StateChange(parameters={"b": 2}), **told),
    "allow-list": lambda told: lists.edit_allow_list(KEY, "staging", add=["b"], remove=["a"], **told),
    "emergency": lambda told: emergency.emergency_disable(KEY, "staging", **told),
    "definition": lambda told: definition.change(KEY, DefinitionChange(description="other"), **told),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_event_of_a_flag_is_undone(name: str, rules: Any, now: datetime) -> None:
    told = {"actor": OLGA, "reason": "r", "now": now}
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=40, parameters={"a": 1}), **told)
    lists.edit_allow_list(KEY, "staging", add=["a"], **told)

    def picture() -> tuple[Any, ...]:
        state = flag_selectors.state(KEY, "staging")
        npubs = list(flag_selectors.allowed_users(state.pk).values_list("npub", flat=True))
        return state.enabled, state.percentage, state.parameters, npubs, state.flag.description, state.disabled_reason

    before = picture()
    CHANGES[name](told)
    assert picture() != before
    assert undo.undo(newest(), actor=ANNA, reason="it was better before", now=now) is None
    assert picture() == before
    last = events.recent().filter(subject=f"flag:{KEY}").first()
    assert (last.actor, "it was better before" in last.reason) == ("anna", True)


def test_what_cannot_be_undone_says_so(applied: ChangeRequest, now: datetime) -> None:
    created = events.recent().get(kind="flag.created", subject=f"flag:{KEY}")
    request = events.recent().get(kind="request.applied")
    for event in (created, request):
        with pytest.raises(Invalid, match="nothing that can be taken back"):
            undo.undo(event.pk, actor=OLGA, reason="r", now=now)
    with pytest.raises(NotFound):
        undo.undo(10**9, actor=OLGA, reason="r", now=now)
    with pytest.raises(Invalid, match="Say why"):
        undo.undo(newest(), actor=OLGA, reason=" ", now=now)
