"""Whom a flag is for: set in one environment at a time, with everything that it names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core import environments, events
from core.actors import Actor
from core.asking import ApprovalNeeded
from core.errors import Invalid, StaleVersion
from flags import selectors
from flags.domain.definition import DefinitionChange
from flags.domain.permit import Permit
from flags.models import ApprovalRule, FlagState
from flags.services import archiving, definition, targeting
from tests.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_environments")]
EU = {"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]}


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def keys(who: dict[str, Any]) -> list[str]:
    for key in ("a", "b", "c"):
        definition.create(key, DefinitionChange(name=key.upper()), **who)
    return ["a", "b", "c"]


def needs(*flags: str) -> dict[str, Any]:
    return {"prerequisites": [{"flag": flag, "variants": ["on"]} for flag in flags]}


def test_targeting_is_told_before_and_after_and_raises_both_versions(keys: list[str], who: dict[str, Any]) -> None:
    version = selectors.configuration_versions()["staging"]
    state = targeting.set_targeting("a", "staging", {"rules": [EU], "prerequisites": []}, version=1, **who)
    assert (state.targeting, state.version, state.configuration) == ({"rules": [EU]}, 2, version + 1)
    event = events.about("flag:a", environment_id=state.environment_id).get(kind="flag.targeting_changed")
    assert (event.before["targeting"], event.after["targeting"]) == ({}, {"rules": [EU]})
    assert targeting.set_targeting("a", "staging", '{"rules": [' + _json(EU) + "]}", **who).version == 2
    assert not selectors.state("a", "production").targeting
    with pytest.raises(StaleVersion):
        targeting.set_targeting("a", "staging", {}, version=1, **who)


def test_true_in_the_place_of_1_is_a_change(keys: list[str], who: dict[str, Any]) -> None:
    def rule(value: Any) -> dict[str, Any]:
        return {"rules": [{"name": "x", "when": [{"attribute": "beta", "op": "equals", "values": [value]}]}]}

    targeting.set_targeting("a", "staging", rule(1), **who)
    assert targeting.set_targeting("a", "staging", rule(True), **who).version == 3


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"rules": [{**EU, "serve": "blue"}]}, r"rules\[0\]\.serve: There is no variant 'blue'"),
        ({"rules": [{"name": "x", "when": [{"segment": "beta"}]}]}, r"no segment 'beta' here"),
        (needs("nosuch"), "no other flag 'nosuch'"),
        (needs("a"), "no other flag 'a'"),
        ({"rules": [{"name": "x", "when": [{"attribute": "n", "op": "regex", "values": ["(a+)+$"]}]}]}, "no regular"),
        ('{"rules": "' + "x" * 2**20 + '"}', "are too many"),
        ("[1", "not JSON"),
    ],
)
def test_what_is_named_must_exist_here_and_nothing_is_changed_otherwise(
    keys: list[str], who: dict[str, Any], wanted: object, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        targeting.set_targeting("a", "staging", wanted, **who)
    assert refusal.value.field == "targeting"
    assert selectors.state("a", "staging").version == 1


def test_prerequisites_never_go_round_in_a_circle_and_each_environment_has_its_own(
    keys: list[str], who: dict[str, Any]
) -> None:
    targeting.set_targeting("a", "staging", needs("b"), **who)
    targeting.set_targeting("b", "staging", needs("c"), **who)
    with pytest.raises(Invalid, match="circle: a needs b needs c needs a"):
        targeting.set_targeting("c", "staging", needs("a"), **who)
    targeting.set_targeting("c", "production", needs("a"), **who)


def test_an_archived_flag_is_no_prerequisite(keys: list[str], who: dict[str, Any]) -> None:
    archiving.archive("b", **who)
    with pytest.raises(Invalid, match="no other flag 'b'"):
        targeting.set_targeting("a", "staging", needs("b"), **who)


def test_an_environment_with_a_rule_asks_for_the_change_and_takes_it_with_a_permit(
    keys: list[str], who: dict[str, Any]
) -> None:
    ApprovalRule.objects.create(environment=environments.get("production"), kind="targeting")
    with pytest.raises(ApprovalNeeded) as needed:
        targeting.set_targeting("a", "production", {"rules": [EU]}, **who)
    (change,) = needed.value.changes
    assert (change.kind, change.flag, change.payload) == ("flag.targeting", "a", {"targeting": {"rules": [EU]}})
    targeting.set_targeting("a", "production", change.payload["targeting"], permit=Permit("request", 1), **who)
    assert selectors.state("a", "production").targeting == {"rules": [EU]}


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("all_environments")
def test_two_flags_cannot_come_to_need_each_other_at_once(keys: list[str], who: dict[str, Any]) -> None:
    results = at_once(
        lambda: targeting.set_targeting("a", "staging", needs("b"), **who),
        lambda: targeting.set_targeting("b", "staging", needs("a"), **who),
    )
    assert sum(isinstance(result, Invalid) for result in results) == 1
    assert FlagState.objects.exclude(targeting={}).count() == 1


def _json(value: object) -> str:
    import json

    return json.dumps(value)
